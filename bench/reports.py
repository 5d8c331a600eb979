"""Files in bench/results/, which git ignores: every single run, for whoever doubts a median."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.results import Comparison

FOLDER = Path(__file__).parent / "results"


def keep(comparisons: Sequence[Comparison]) -> Path:
    """Write all figures to a new file of JSON, say its name on stderr, and return it."""
    path = new_path("json")
    path.write_text(json.dumps([comparison.as_json() for comparison in comparisons], indent=1))
    print(f"Each run: {path}", file=sys.stderr)
    return path


def new_path(suffix: str, name: str = "runs") -> Path:
    """Return a path in the folder, which is made, named for this second."""
    FOLDER.mkdir(exist_ok=True)
    return FOLDER / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{name}.{suffix}"
