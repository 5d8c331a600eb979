"""Sources and documents of imports."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from catalog import queries
from catalog.records import CropRecord, ImportKind, ImportSource, SourceDocument
from tests.catalog.builders import DATASET, START, at

SOURCE = ImportSource(ImportKind.CROPS, "mongodb://db", "crops/v0003", "0003", 1, None, START, None, 0)


def put_documents(connection: Connection, n: int, *, pass_number: int = 1) -> tuple[int, list[SourceDocument]]:
    """Put a source with documents."""
    source_id = queries.put_import_source(connection, SOURCE)
    records = [
        SourceDocument(source_id, f"k{one}", bytes([one]), b"{}", pass_number, START, START, one)
        for one in range(1, n + 1)
    ]
    queries.put_source_documents(connection, records)
    return source_id, records


def test_a_source_is_found_by_kind_place_and_collection(connection: Connection) -> None:
    """And keeps its id when it is put again."""
    source_id = queries.put_import_source(connection, SOURCE)
    again = replace(SOURCE, pass_number=2, finished_at=at(1))
    assert queries.put_import_source(connection, again) == source_id
    queries.put_import_source(connection, replace(SOURCE, kind=ImportKind.EVALUATIONS))
    found = queries.find_import_source(connection, ImportKind.CROPS, "mongodb://db", "crops/v0003")
    assert found == replace(again, id=source_id)
    assert queries.find_import_source(connection, ImportKind.CROPS, "mongodb://db", "other") is None
    assert len(queries.import_sources(connection)) == 2


def test_progress_is_kept_until_the_end(connection: Connection) -> None:
    """How far a pass came, and when it ended."""
    source_id = queries.put_import_source(connection, SOURCE)
    queries.put_import_progress(connection, source_id, resume_after="k5", documents=5)
    (source,) = queries.import_sources(connection)
    assert (source.resume_after, source.documents, source.finished_at) == ("k5", 5, None)
    queries.end_import(connection, source_id, now=at(1))
    (source,) = queries.import_sources(connection)
    assert (source.resume_after, source.documents, source.finished_at) == (None, 5, at(1))


def test_documents_are_known_by_their_keys(connection: Connection) -> None:
    """Of any number of keys, and of one source alone."""
    source_id, _ = put_documents(connection, 3)
    keys = [f"k{one}" for one in range(2, 2000)]
    known = queries.known_documents(connection, source_id, keys)
    assert {key: (one.id, one.hash) for key, one in known.items()} == {"k2": (2, b"\x02"), "k3": (3, b"\x03")}
    assert queries.known_documents(connection, source_id + 1, keys) == {}
    assert queries.next_document_id(connection) == 4


def test_documents_that_were_not_seen_have_vanished(connection: Connection) -> None:
    """Those of an older pass."""
    source_id, _ = put_documents(connection, 5)
    queries.see_documents(connection, [1, 3], 2)
    assert queries.count_vanished(connection, source_id, 2) == 3
    assert queries.vanished_documents(connection, source_id, 2, limit=2) == (2, 4)


def test_a_dropped_document_leaves_nothing_but_how_it_was(connection: Connection) -> None:
    """Its link to a crop and its issues go with it."""
    source_id, records = put_documents(connection, 2)
    crop_id = queries.put_crop(connection, CropRecord("1", "0003", DATASET))
    queries.link_crop_document(connection, crop_id, 1)
    assert queries.crop_documents(connection, crop_id) == (records[0],)
    queries.keep_earlier(connection, [1], reason="dropped", now=at(2))
    queries.drop_documents(connection, [1])
    assert queries.crop_documents(connection, crop_id) == ()
    (earlier,) = queries.earlier_documents(connection, source_id, "k1")
    assert (earlier.hash, earlier.reason, earlier.replaced_at) == (b"\x01", "dropped", at(2))
    assert queries.source_documents(connection, [1, 2]) == (records[1],)


def test_datasets_are_counted_by_source(connection: Connection) -> None:
    """As crops tell of them."""
    source_id, _ = put_documents(connection, 3)
    for number in (1, 2):
        crop_id = queries.put_crop(connection, CropRecord(str(number), "0003", DATASET))
        queries.link_crop_document(connection, crop_id, number)
    assert queries.imported_datasets(connection) == ((source_id, "dataset_id", DATASET, 2),)
