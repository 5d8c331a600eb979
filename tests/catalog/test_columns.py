"""The notes on columns cover the catalog."""

from __future__ import annotations

from catalog.columns import column_notes
from catalog.tables import metadata


def test_every_column_has_its_meaning() -> None:
    """Who reads an export or writes a query finds what each column means."""
    notes = column_notes()
    assert [f"{note.table}.{note.name}" for note in notes if not note.meaning] == []
    assert len(notes) == sum(len(table.columns) for table in metadata.tables.values())


def test_types_and_units_are_told() -> None:
    """A type is a word that users know, and what has a unit says it."""
    notes = {f"{note.table}.{note.name}": note for note in column_notes()}
    assert notes["array.shape_xyz"].type == "json"
    assert notes["array.shape_xyz"].unit == "voxels"
    assert notes["run.started_at"].type == "time"
    assert notes["mirrored_block.etag"].type == "bytes"
    assert notes["snapshot.is_complete"].type == "boolean"
    assert notes["listed_block.size"].unit == "bytes"
