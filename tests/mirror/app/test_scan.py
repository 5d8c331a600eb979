"""`scan` on the sample buckets."""

from __future__ import annotations

import asyncio

import pytest

from catalog import queries
from catalog.records import SnapshotScope
from catalog.session import open_catalog
from mirror.app.scan import scan
from mirror.app.sync import SyncRequest, sync
from mirror.config import Settings
from mirror.errors import UnknownNameError
from mirror.selection import SelectionSpec, parse_formats, parse_scales, parse_volumes
from tests.servers import Bucket

DATASET = "jrc_hela-2"


def keys_of(bucket: Bucket, prefix: str) -> dict[str, int]:
    """Return key to bytes of all objects below a prefix, by another client than ours."""
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix=prefix)
    return {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", ())}


def test_scan_keeps_every_object_of_the_dataset(lab: Settings, sample_buckets: dict[str, Bucket]) -> None:
    """A scan's snapshot has each key of the dataset once, with its size, blocks and all else."""
    (report,) = asyncio.run(scan(lab, (DATASET,), bucket="a"))
    expected = keys_of(sample_buckets["a"], f"{DATASET}/")
    found: dict[str, int] = {}
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        bucket_id = queries.bucket_id(connection, "s3://janelia-cosem-datasets")
        snapshot = queries.newest_snapshot(connection, bucket_id, DATASET, SnapshotScope.ALL)
        assert snapshot is not None
        arrays = {one.id: one.key_prefix for one in queries.arrays(connection, bucket_id, f"{DATASET}/")}
        for shard in queries.snapshot_shards(connection, snapshot.id):
            found |= {key: size for key, size, _, _ in queries.listed_objects(connection, shard.id)}
            for x, y, z, size, _ in queries.listed_blocks(connection, shard.id):
                found[f"{arrays[shard.array_id]}{x}/{y}/{z}"] = size
    markers = {key for key in expected if key.endswith("/")}
    assert {key: size for key, size in found.items() if key not in markers} == {
        key: size for key, size in expected.items() if key not in markers
    }
    assert report.listed.objects == len(set(found) - markers)


def test_metadata_only_lists_no_block(lab: Settings) -> None:
    """`--metadata-only` finds volumes and arrays, and keeps no snapshot."""
    (report,) = asyncio.run(scan(lab, (DATASET,), bucket="b", metadata_only=True))
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        bucket_id = queries.bucket_id(connection, "s3://janelia-cosem-publications/heinrich-2021a")
        assert queries.newest_snapshot(connection, bucket_id, DATASET) is None
        assert len(queries.arrays(connection, bucket_id, "")) == report.arrays > 0
    assert report.listed.objects == 0


def test_a_second_scan_writes_no_rows(lab: Settings) -> None:
    """An unchanged dataset's second snapshot refers to the shards of the first."""
    asyncio.run(scan(lab, (DATASET,), bucket="b"))
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        before = connection.exec_driver_sql("select count(*) from listed_block").scalar()
    asyncio.run(scan(lab, (DATASET,), bucket="b"))
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        assert connection.exec_driver_sql("select count(*) from listed_block").scalar() == before
        assert connection.exec_driver_sql("select count(*) from snapshot where is_complete").scalar() == 2


@pytest.mark.parametrize("bucket", ["a", "b"])
@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(SelectionSpec(scales=parse_scales("s1")), id="one level"),
        pytest.param(SelectionSpec(volumes=parse_volumes(["raw"])), id="raw"),
        pytest.param(SelectionSpec(formats=parse_formats("n5,zarr,precomputed,mesh")), id="all formats"),
    ],
)
def test_a_snapshot_serves_as_listing(lab: Settings, bucket: str, spec: SelectionSpec) -> None:
    """A plan from a snapshot that is young enough equals the plan from a new listing."""
    asyncio.run(scan(lab, (DATASET,), bucket=bucket))
    listed = SyncRequest((DATASET,), bucket, spec, dry_run=True)
    remembered = SyncRequest((DATASET,), bucket, spec, dry_run=True, max_age_seconds=3600)
    new, old = asyncio.run(sync(lab, listed)), asyncio.run(sync(lab, remembered))
    assert old.planned == new.planned
    assert old.planned.objects > 0


def test_an_unknown_dataset_names_the_near_ones(lab: Settings) -> None:
    """A dataset that no bucket has is a usage error with what is near."""
    with pytest.raises(UnknownNameError, match="jrc_hela-2"):
        asyncio.run(scan(lab, ("jrc_hela-22",), bucket="a"))
