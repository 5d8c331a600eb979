"""What the long tests did, added up over all of them in one file: its figures go to docs/reliability.md."""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from pathlib import Path

VARIABLE = "OOMIRROR_TEST_FIGURES"


def add_figures(ours: Counter[str]) -> None:
    """Add figures to those of the others, in the file of JSON that the environment names; without one do nothing."""
    if not (place := os.environ.get(VARIABLE)):
        return
    with Path(place).open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        total = Counter(json.loads(file.read() or "{}")) + ours
        file.truncate(0)
        file.write(json.dumps(total, indent=1, sort_keys=True))
