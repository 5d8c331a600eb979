"""A catalog with crops: three of jrc_hela-2, one of them with ground truth on the share, and one of nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from catalog import queries
from catalog.mongo.importer import import_source
from catalog.records import HOW_MD5, ArrayRecord, ImportKind, SnapshotScope
from catalog.session import open_catalog
from mirror.app.crops.words import put_crop_entries
from mirror.config import Settings
from tests.catalog.mongo.sources import Clock, MemorySource, crop_fields, document, evaluation_fields, training_fields
from tests.mirror.app.catalogs import HELA, N5, write_catalog

GROUND_TRUTH = f"{N5}volumes/groundtruth/0003/crop113/"


def write_crops(folder: Path) -> Settings:
    """Write the catalog of `write_catalog`, crops and evaluations into it, and return settings that lead to it."""
    settings = write_catalog(folder)
    absent = {"absent_annotated": [[3, "Mito membrane"]]}
    items = [
        document(crop_fields("113")),
        document(training_fields("23", labels=absent)),
        document(training_fields("4", alias=7)),
        document(crop_fields("9", dataset_id="jrc_none-1", parent="jrc_none-1/x.n5")),
    ]
    results: Sequence[dict[str, Any]] = [
        {"setup": "setup01", "value": 0.5},
        {"setup": "setup02", "value": 0.7},
        {"setup": "setup03", "value": float("nan"), "metric": "jaccard"},
        {"setup": "setup03", "metric": "mood"},
    ]
    evaluations = [document(evaluation_fields(**changes), str(number)) for number, changes in enumerate(results)]
    with open_catalog(settings.catalog) as catalog:
        import_source(catalog, MemorySource(items), clock=Clock())
        source = MemorySource(evaluations, kind=ImportKind.EVALUATIONS, place="/dumps/evaluation.bson")
        import_source(catalog, source, clock=Clock())
        with catalog.begin() as connection:
            bucket = queries.find_bucket(connection, str(settings.bucket("b").url))
            assert bucket is not None
            raw = next(one for one in queries.arrays(connection, bucket, N5) if one.path.endswith("raw/s0"))
            _put_ground_truth(connection, raw)
            put_crop_entries(connection)
    return settings


def _put_ground_truth(connection: Any, raw: ArrayRecord) -> None:
    """Put an array of two blocks that is listed, and on the share, as a whole."""
    bucket = raw.bucket_id
    array = queries.put_array(
        connection, replace(raw, id=None, volume_id=None, path="volumes/groundtruth/0003/crop113/labels/all")
    )
    (run,) = [one for one in queries.runs(connection) if one.kind == "sync"]
    assert run.id is not None
    snapshot = queries.start_snapshot(
        connection,
        bucket_id=bucket,
        dataset=HELA,
        run_id=run.id,
        scope=SnapshotScope.SELECTION,
        started_at=run.started_at,
    )
    blocks = [(0, 0, number, 7, b"e" * 16) for number in range(2)]
    queries.add_shard(
        connection,
        snapshot,
        bucket_id=bucket,
        array_id=array,
        prefix=f"{GROUND_TRUTH}labels/all/",
        digest=b"g",
        blocks=blocks,
    )
    queries.finish_snapshot(connection, snapshot, is_complete=True, finished_at=run.started_at)
    rows = [(array, *block[:4], block[4], None, HOW_MD5, run.id) for block in blocks]
    queries.put_mirrored_blocks(connection, rows)
