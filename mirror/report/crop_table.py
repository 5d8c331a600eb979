"""What `oomirror crops import-manifest` answers, as a model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CropTableFault(_Report):
    """A row that was not taken."""

    line: int
    """In the file, from 1."""
    field: str
    """Column; empty for the row as a whole."""
    expected: str
    found: str


class CropTableLine(_Report):
    """What became of one table."""

    source: str
    """File or address."""
    state: Literal["new", "changed", "unchanged", "failed"]
    datasets: tuple[str, ...]
    crops: int
    rows: int
    """That were taken."""
    new: int
    changed: int
    dropped: int
    """Rows that the table had when it was imported before; how they were is kept."""
    findings: int
    """Of the datasets' crops, by all sources together."""
    faults: tuple[CropTableFault, ...]
    reason: str = ""
    """Why it failed as a whole."""
