"""What `oomirror ls` counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.records import HOW_MD5, Count, LevelState, LooseState, MirrorState
from tests.catalog import builders
from tests.catalog.builders import CONTAINER, DATASET, at

ROOT = "heinrich-2021a/"


@pytest.fixture
def run(connection: Connection, bucket: int) -> int:
    """Return the id of a run."""
    return builders.start_run(connection, bucket)


@pytest.fixture
def array(connection: Connection, bucket: int) -> int:
    """Return the id of raw's s0."""
    return queries.put_array(connection, builders.array_record(bucket))


def list_shards(connection: Connection, bucket: int, run: int, shards: dict[int | None, int], hour: int) -> None:
    """Take a complete snapshot with so many objects of 10 bytes for each array, or for none."""
    taken = builders.start_snapshot(connection, bucket, run)
    for array_id, n in shards.items():
        objects = [(f"{array_id}/{i}", 10, b"e", 0) for i in range(n)]
        digest = f"{array_id} {n}".encode()
        queries.add_shard(
            connection, taken, bucket_id=bucket, array_id=array_id, prefix="p/", digest=digest, objects=objects
        )
    queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(hour))


def mirror(connection: Connection, bucket: int, run: int, *keys: str) -> None:
    """Keep that objects of 100 bytes are on the share."""
    queries.put_mirrored_objects(connection, [(bucket, key, 100, b"e", None, HOW_MD5, run) for key in keys])


def test_a_level_that_was_only_described_has_no_counts(connection: Connection, bucket: int, array: int) -> None:
    """Without a complete listing nothing is claimed of the bucket, and nothing is on the share."""
    record = replace(builders.array_record(bucket), id=array)
    nothing = MirrorState(bucket, record.key_prefix)
    assert queries.level_states(connection, bucket, DATASET) == (LevelState(record, None, None, nothing),)
    loose = MirrorState(bucket, f"{ROOT}{DATASET}/")
    assert queries.loose_state(connection, bucket, DATASET) == LooseState(None, None, loose)


def test_a_level_counts_what_lies_in_its_folder(connection: Connection, bucket: int, run: int, array: int) -> None:
    """Blocks, attributes.json and strays of a level are the level's; all else of the dataset is loose."""
    list_shards(connection, bucket, run, {array: 4, None: 2}, hour=1)
    blocks = [(array, x, 0, 0, 7, b"e", None, HOW_MD5, run) for x in range(3)]
    queries.put_mirrored_blocks(connection, blocks)
    folder = f"{CONTAINER}volumes/raw/s0/"
    mirror(connection, bucket, run, f"{folder}attributes.json", f"{CONTAINER}volumes/raw/s00", f"{ROOT}{DATASET}/x")
    mirror(connection, bucket, run, f"{ROOT}jrc_hela-22/x")
    (level,) = queries.level_states(connection, bucket, DATASET)
    assert (level.listed, level.listed_at, level.mirrored) == (Count(4, 40), at(1), Count(4, 121))
    loose = queries.loose_state(connection, bucket, DATASET)
    assert (loose.listed, loose.listed_at, loose.mirrored) == (Count(2, 20), at(1), Count(2, 200))


def test_a_level_is_counted_in_the_newest_snapshot_that_has_it(
    connection: Connection, bucket: int, run: int, array: int
) -> None:
    """A newer listing of another part of the dataset does not hide what an older one says of a level."""
    other = queries.put_array(connection, builders.array_record(bucket, "volumes/labels/er_seg/s0"))
    list_shards(connection, bucket, run, {array: 1, other: 5}, hour=1)
    list_shards(connection, bucket, run, {array: 2}, hour=2)
    states = {level.array.id: level for level in queries.level_states(connection, bucket, DATASET)}
    assert (states[array].listed, states[array].listed_at) == (Count(2, 20), at(2))
    assert (states[other].listed, states[other].listed_at) == (Count(5, 50), at(1))


def test_levels_are_sorted_and_of_one_dataset(connection: Connection, bucket: int, array: int) -> None:
    """Levels come by container and path, those of other datasets stay out."""
    queries.put_array(connection, builders.array_record(bucket, "volumes/labels/er_seg/s0"))
    queries.put_array(connection, replace(builders.array_record(bucket), prefix=f"{ROOT}jrc_hela-22/x.n5/"))
    found = [level.array.path for level in queries.level_states(connection, bucket, DATASET)]
    assert found == ["volumes/labels/er_seg/s0", "volumes/raw/s0"]


def test_datasets_are_those_listed_described_or_mirrored(connection: Connection, bucket: int, run: int) -> None:
    """A dataset's name is known from any of the three; files at the bucket's root are none."""
    builders.start_snapshot(connection, bucket, run)
    queries.put_array(connection, replace(builders.array_record(bucket), prefix=f"{ROOT}jrc_jurkat-1/j.n5/"))
    mirror(connection, bucket, run, f"{ROOT}README.md", f"{ROOT}zz", "elsewhere/x")
    mirror(connection, bucket, run, *(f"{ROOT}jrc_sum159-1/{i}" for i in range(5)), f"{ROOT}jrc_hela-3/a/b")
    expected = (DATASET, "jrc_hela-3", "jrc_jurkat-1", "jrc_sum159-1")
    assert queries.dataset_names(connection, bucket) == expected


def test_datasets_of_a_bucket_without_a_prefix(connection: Connection, run: int) -> None:
    """In a bucket that is mirrored from its root, the first folder of a key is the dataset."""
    bucket = queries.bucket_id(connection, "s3://janelia-cosem-datasets")
    mirror(connection, bucket, run, "jrc_hela-2/README.json", "jrc_hela-2/jrc_hela-2.n5/attributes.json")
    assert queries.dataset_names(connection, bucket) == ("jrc_hela-2",)
    assert queries.loose_state(connection, bucket, "jrc_hela-2").mirrored == Count(2, 200)
