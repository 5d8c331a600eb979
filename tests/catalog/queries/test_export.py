"""The rows of whole tables, as they are stored, on each database."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.mongo.bodies import body_of
from catalog.mongo.documents import Document
from catalog.mongo.labels import LABELS, class_members
from catalog.mongo.mapping import map_document
from catalog.mongo.plan import BatchPlan, Incoming
from catalog.mongo.writing import Batch, write_batch
from catalog.records import CropRecord, FactRecord, ImportKind, ImportSource
from catalog.tables import metadata
from tests.catalog.builders import (
    DATASET,
    START,
    array_record,
    listed_block_rows,
    mirrored_block_rows,
    start_run,
    start_snapshot,
)
from tests.catalog.mongo.sources import MemorySource, crop_fields, document, evaluation_fields

OTHER = "jrc_hela-3"


@pytest.fixture
def filled(connection: Connection, bucket: int) -> Connection:
    """Return a connection to a catalog with two datasets, one of them with blocks."""
    run = start_run(connection, bucket)
    array = queries.put_array(connection, array_record(bucket))
    queries.put_mirrored_blocks(connection, mirrored_block_rows(10, array, run))
    snapshot = start_snapshot(connection, bucket, run)
    prefix = f"{array_record(bucket).key_prefix}0/"
    queries.add_shard(
        connection, snapshot, bucket_id=bucket, array_id=array, prefix=prefix, digest=b"d", blocks=listed_block_rows(7)
    )
    keys = [f"heinrich-2021a/{name}/README.md" for name in (DATASET, OTHER)]
    queries.put_mirrored_objects(connection, [(bucket, key, 3, b"e", None, 4, run) for key in keys])
    queries.put_facts(connection, OTHER, "x", [FactRecord(OTHER, "title", "x", {"b": 1, "a": [None]})])
    _put_papers(connection)
    return connection


def _put_papers(connection: Connection) -> None:
    """Put a crop and an evaluation of each dataset: the second's evaluation tells the dataset by its crop alone."""
    queries.put_labels(connection, LABELS)
    queries.put_label_classes(connection, class_members())
    for number, (name, own) in enumerate(((DATASET, DATASET), (OTHER, None)), 1):
        fields = crop_fields(str(number), dataset_id=name, parent=f"{name}/{name}.n5", alias=5)
        result = evaluation_fields(crop=str(number), parent_dataset_id=own, setup=7)
        crops = MemorySource([document(fields)], place=name)
        results = MemorySource([document(result, "r")], kind=ImportKind.EVALUATIONS, place=name)
        for source in (crops, results):
            _import(connection, source)


def _import(connection: Connection, source: MemorySource) -> None:
    """Import one document inside the test's own transaction."""
    record = ImportSource(source.kind, source.place, "", "0003", 1, None, START, None, 1)
    source_id = queries.put_import_source(connection, record)
    (one,) = source.items
    assert isinstance(one, Document)
    coming = Incoming(one, one.key, b"h")
    plan = BatchPlan(new=[coming], bodies={one.key: body_of(one.fields)})
    mapped = {one.key: map_document(source.kind, one, "0003")}
    write_batch(connection, Batch(source_id, source.kind, 1, plan, mapped, START))
    ids = [known.id for known in queries.known_documents(connection, source_id, [one.key]).values()]
    queries.keep_earlier(connection, ids, reason="changed", now=START)


def n_rows(connection: Connection, table: str, *datasets: str) -> int:
    """Return how many rows an export of these datasets has."""
    return sum(1 for _ in queries.table_rows(connection, table, datasets))


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_every_table_can_be_read_whole_and_for_a_dataset(filled: Connection, table: str) -> None:
    """All rows come without a choice, and each dataset's own with one."""
    every = len(filled.execute(metadata.tables[table].select()).all())
    assert n_rows(filled, table) == every
    assert n_rows(filled, table, DATASET, OTHER) == every
    is_common = table in ("bucket", "share", "import_source", "label", "label_class")
    assert n_rows(filled, table, "none") == (every if is_common else 0)


def test_rows_belong_to_their_dataset(filled: Connection) -> None:
    """Blocks follow their array and their listing, other objects their key, facts their name, runs what they did."""
    wanted = {"mirrored_block": 10, "listed_block": 7, "mirrored_object": 1, "fact": 0, "run": 1, "snapshot_shard": 1}
    assert {table: n_rows(filled, table, DATASET) for table in wanted} == wanted
    assert n_rows(filled, "fact", OTHER) == n_rows(filled, "mirrored_object", OTHER) == 1
    assert n_rows(filled, "run", OTHER) == 0


@pytest.mark.parametrize(
    ("table", "n"),
    [
        ("crop", 1),
        ("crop_label", 37),
        ("crop_document", 1),
        ("source_document", 2),
        ("earlier_document", 2),
        ("import_issue", 2),
        ("evaluation", 1),
    ],
)
def test_documents_belong_to_the_dataset_that_they_are_about(filled: Connection, table: str, n: int) -> None:
    """Crops by their dataset, evaluations by the cell's name or else by that of their crop; labels to all."""
    assert n_rows(filled, table, DATASET) == n_rows(filled, table, OTHER) == n


def test_json_and_times_are_the_stored_texts(filled: Connection) -> None:
    """What is JSON comes as text with sorted keys, a time as ISO 8601, on each database."""
    ((*_, value),) = queries.table_rows(filled, "fact")
    assert value == '{"a":[null],"b":1}'
    (run,) = queries.table_rows(filled, "run")
    row = dict(zip(metadata.tables["run"].columns.keys(), run, strict=True))
    assert json.loads(row["datasets"]) == [DATASET]
    assert row["started_at"] == "2026-11-24T03:00:00.000000+00:00"


def test_the_datasets_are_all_that_anything_is_known_of(filled: Connection) -> None:
    """Those that were mirrored, and those of which only a manifest or a document speaks."""
    queries.put_facts(filled, "jrc_said", "x", [FactRecord("jrc_said", "title", "x", "A cell")])
    queries.put_crop(filled, CropRecord("9", "0003", "jrc_annotated"))
    assert queries.all_dataset_names(filled) == {DATASET, OTHER, "jrc_said", "jrc_annotated"}
