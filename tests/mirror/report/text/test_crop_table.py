"""`crops import-manifest` as a person reads it."""

from __future__ import annotations

from mirror.report.crop_table import CropTableLine
from mirror.report.text.crop_table import render_crop_tables


def test_tables_are_named_as_files() -> None:
    """Without the folders before them, which would take the room of the names; a failure has them."""
    counts = dict.fromkeys(("crops", "rows", "new", "changed", "dropped", "findings"), 0)
    line = CropTableLine(
        source="/lab/a/folder/that/is/deep/train_crop_manifest.csv",
        state="failed",
        datasets=(),
        faults=(),
        reason="no table",
        **counts,
    )
    _, row, *failure = render_crop_tables((line,), width=80).splitlines()
    assert row.split()[:2] == ["train_crop_manifest.csv", "failed"]
    assert " ".join(failure) == f"{line.source}: no table"
