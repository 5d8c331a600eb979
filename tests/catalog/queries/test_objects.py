"""Every object of both sides, streamed."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.queries import ObjectSide
from catalog.records import HOW_MD5, HOW_SIZE_ONLY, Count, SnapshotScope
from tests.catalog import builders
from tests.catalog.builders import CONTAINER, DATASET, at

ROOT = f"heinrich-2021a/{DATASET}/"
LEVEL = f"{CONTAINER}volumes/raw/s0/"


@pytest.fixture
def run(connection: Connection, bucket: int) -> int:
    """Return the id of a run."""
    return builders.start_run(connection, bucket)


@pytest.fixture
def array(connection: Connection, bucket: int) -> int:
    """Return the id of raw's s0."""
    return queries.put_array(connection, builders.array_record(bucket))


@pytest.fixture
def listing(connection: Connection, bucket: int, run: int, array: int) -> int:
    """List slabs 2 and 10 of one block each, the level's attributes, and a README; return the snapshot."""
    taken = builders.start_snapshot(connection, bucket, run)
    for x in (10, 2):
        queries.add_shard(
            connection,
            taken,
            bucket_id=bucket,
            array_id=array,
            prefix=f"{LEVEL}{x}/",
            digest=bytes([x]),
            blocks=[(x, 0, 0, 7, b"e")],
        )
    for array_id, key in ((array, f"{LEVEL}attributes.json"), (None, f"{ROOT}README.json")):
        folder = key.rpartition("/")[0] + "/"
        queries.add_shard(
            connection,
            taken,
            bucket_id=bucket,
            array_id=array_id,
            prefix=folder,
            digest=b"f",
            objects=[(key, 9, b"e", 0)],
        )
    queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(1))
    return taken


def objects(connection: Connection, bucket: int, prefix: str = ROOT) -> dict[str, queries.ObjectRow]:
    """Return the objects by key below the dataset's folder, none of them twice."""
    rows = list(queries.objects_below(connection, bucket, DATASET, prefix))
    found = {row.key.removeprefix(ROOT): row for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.usefixtures("listing")
def test_slabs_come_in_the_order_of_the_grid(connection: Connection, bucket: int) -> None:
    """Parts are sorted by number, 2 before 10, and what is on neither share has no proof."""
    found = objects(connection, bucket)
    below = LEVEL.removeprefix(ROOT)
    assert [key for key in found if key.startswith(below)] == [
        f"{below}attributes.json",
        f"{below}2/0/0",
        f"{below}10/0/0",
    ]
    assert found["README.json"] == (f"{ROOT}README.json", ObjectSide(9, b"e"), None, True, None, None)


@pytest.mark.usefixtures("listing")
def test_both_sides_meet_in_one_row(connection: Connection, bucket: int, run: int, array: int) -> None:
    """What is on the share is told beside what was listed, though it differs."""
    queries.put_mirrored_blocks(connection, [(array, 2, 0, 0, 8, b"o", None, HOW_SIZE_ONLY, run)])
    queries.put_mirrored_objects(connection, [(bucket, f"{ROOT}README.json", 9, b"e", None, HOW_MD5, run)])
    found = objects(connection, bucket)
    block = found[f"{LEVEL.removeprefix(ROOT)}2/0/0"]
    assert (block.listed, block.mirrored, block.how, block.run_id) == (
        ObjectSide(7, b"e"),
        ObjectSide(8, b"o"),
        HOW_SIZE_ONLY,
        run,
    )
    assert found["README.json"].listed == found["README.json"].mirrored


@pytest.mark.usefixtures("listing")
def test_what_the_bucket_has_no_more_comes_last(connection: Connection, bucket: int, run: int, array: int) -> None:
    """What is on the share alone is told; of a place that was listed, that the bucket lacks it."""
    queries.put_mirrored_blocks(connection, [(array, 2, 9, 9, 8, b"o", None, HOW_MD5, run)])
    queries.put_mirrored_objects(connection, [(bucket, f"{LEVEL}stray", 1, b"e", None, HOW_MD5, run)])
    queries.put_mirrored_objects(connection, [(bucket, f"{ROOT}LICENCE", 1, b"e", None, HOW_MD5, run)])
    gone = [row for row in objects(connection, bucket).values() if row.listed is None]
    assert {row.key: row.in_bucket for row in gone} == {
        f"{LEVEL}2/9/9": False,
        f"{LEVEL}stray": False,
        f"{ROOT}LICENCE": False,
    }


def test_of_what_was_never_listed_nothing_is_claimed(connection: Connection, bucket: int, run: int, array: int) -> None:
    """Without a listing of its place, an object on the share may be in the bucket or not."""
    queries.put_mirrored_blocks(connection, [(array, 2, 9, 9, 8, b"o", None, HOW_MD5, run)])
    queries.put_mirrored_objects(connection, [(bucket, f"{ROOT}LICENCE", 1, b"e", None, HOW_MD5, run)])
    taken = builders.start_snapshot(connection, bucket, run, scope=SnapshotScope.SELECTION)
    queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(1))
    assert {row.in_bucket for row in objects(connection, bucket).values()} == {None}


@pytest.mark.usefixtures("listing")
@pytest.mark.parametrize(
    ("prefix", "n"),
    [
        pytest.param(ROOT, 4, id="dataset"),
        pytest.param(LEVEL, 3, id="level"),
        pytest.param(f"{LEVEL}1", 1, id="part of a name"),
        pytest.param(f"{LEVEL}2/0/", 1, id="inside a slab"),
        pytest.param(f"{ROOT}READ", 1, id="loose file"),
        pytest.param(f"{ROOT}nothing", 0, id="nowhere"),
    ],
)
def test_a_prefix_is_text(connection: Connection, bucket: int, prefix: str, n: int) -> None:
    """All keys that begin with the prefix, and no others."""
    assert len(objects(connection, bucket, prefix)) == n


def test_the_newest_listing_of_each_place_counts(connection: Connection, bucket: int, listing: int, run: int) -> None:
    """A newer listing of a selection replaces the older one of its array, and leaves loose files to that of all."""
    array = queries.arrays(connection, bucket, ROOT)[0].id
    taken = builders.start_snapshot(connection, bucket, run, scope=SnapshotScope.SELECTION)
    new = [(3, 0, 0, 7, b"e")]
    queries.add_shard(connection, taken, bucket_id=bucket, array_id=array, prefix=LEVEL, digest=b"n", blocks=new)
    queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(2))
    below = LEVEL.removeprefix(ROOT)
    assert list(objects(connection, bucket)) == ["README.json", f"{below}3/0/0"]
    assert taken != listing


def test_objects_of_arrays_without_block_rows(connection: Connection, bucket: int, run: int) -> None:
    """Chunks of zarr are rows by key, and are found as such."""
    record = replace(builders.array_record(bucket, "em/s0"), format="zarr", prefix=f"{ROOT}x.zarr/")
    queries.put_array(connection, record)
    key = f"{ROOT}x.zarr/em/s0/0.0.0"
    queries.put_mirrored_objects(connection, [(bucket, key, 1, b"e", None, HOW_MD5, run)])
    assert [row.key for row in objects(connection, bucket).values()] == [key]


@pytest.mark.usefixtures("listing")
def test_rows_stream(connection: Connection, bucket: int) -> None:
    """The first rows can be taken without the rest."""
    assert len(list(islice(queries.objects_below(connection, bucket, DATASET, ROOT), 2))) == 2


def test_chunks_that_were_listed_are_not_told_again(connection: Connection, bucket: int, run: int) -> None:
    """Blocks of other formats are rows by key, counted as blocks: each comes once, from the listing."""
    record = replace(builders.array_record(bucket, "em/s0"), format="zarr", prefix=f"{ROOT}x.zarr/")
    array = queries.put_array(connection, record)
    key, taken = f"{ROOT}x.zarr/em/s0/0.0.0", builders.start_snapshot(connection, bucket, run)
    rows = [(key, 1, b"e", 0)]
    queries.add_shard(
        connection, taken, bucket_id=bucket, array_id=array, prefix=record.key_prefix, digest=b"z", objects=rows
    )
    shard = queries.find_shard(connection, bucket, record.key_prefix, b"z")
    assert shard is not None
    queries.count_blocks(connection, shard.id, Count(1, 1))
    queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(1))
    queries.put_mirrored_objects(connection, [(bucket, key, 1, b"e", None, HOW_MD5, run)])
    (row,) = objects(connection, bucket).values()
    assert (row.listed, row.mirrored, row.in_bucket) == (ObjectSide(1, b"e"), ObjectSide(1, b"e"), True)
