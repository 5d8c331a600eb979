"""Facts, manifests and annotations."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from catalog import queries
from catalog.records import AnnotationRecord, FactRecord, ManifestRecord
from tests.catalog.builders import BUCKET_B, DATASET, at

README = f"{BUCKET_B}/{DATASET}/README.json"
TITLE = FactRecord(DATASET, "title", README, "Interphase HeLa cell")


def test_facts_are_kept_by_source(connection: Connection) -> None:
    """Two sources may say the same thing differently; each is kept, and neither speaks for the other."""
    other = replace(TITLE, source="manifest jrc_hela-2.json", value="HeLa")
    voxel = FactRecord(DATASET, "voxel_size_nm_xyz", README, [4.0, 4.0, 5.24])
    queries.put_facts(connection, DATASET, BUCKET_B, [TITLE, voxel])
    queries.put_facts(connection, DATASET, "manifest", [other])
    assert queries.facts(connection, DATASET) == (other, TITLE, voxel)
    assert queries.facts(connection, "jrc_hela-3") == ()


def test_what_a_source_says_no_more_is_forgotten(connection: Connection) -> None:
    """What is read again replaces what the same place said before."""
    queries.put_facts(connection, DATASET, BUCKET_B, [TITLE])
    queries.put_facts(connection, DATASET, BUCKET_B, [])
    assert queries.facts(connection) == ()


def test_a_manifest_comes_back_byte_for_byte(connection: Connection) -> None:
    """Its bytes are kept as they were; a newer one of the dataset replaces it with all that it said."""
    record = ManifestRecord(DATASET, "a.json", at(1), b'{"name": "jrc_hela-2", "\xc2\xb5": 1}', b"h")
    note = AnnotationRecord(0, BUCKET_B, "x/labels/er_pred/", "er_pred", "n5", "prediction", is_mirrored_y=True)
    for hour in (1, 2):
        record = replace(record, imported_at=at(hour))
        manifest_id = queries.put_manifest(connection, record, [note])
    assert queries.manifests(connection) == (replace(record, id=manifest_id),)
    (found,) = queries.annotations_below(connection, BUCKET_B, "x/")
    assert replace(found, id=None) == replace(note, manifest_id=manifest_id)
    assert queries.annotations_below(connection, BUCKET_B, "y/") == ()
