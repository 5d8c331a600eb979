"""Sums of what is on the share."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.records import HOW_ADOPTED, HOW_MD5, HOW_SIZE_ONLY, Count, MirrorState
from tests.catalog import builders
from tests.catalog.builders import CONTAINER, DATASET

PREFIX = f"heinrich-2021a/{DATASET}/"
FOLDER = f"{CONTAINER}volumes/raw/s0/"


@pytest.fixture
def run(connection: Connection, bucket: int) -> int:
    """Return the id of a run."""
    return builders.start_run(connection, bucket)


@pytest.fixture
def array(connection: Connection, bucket: int) -> int:
    """Return the id of raw's s0."""
    return queries.put_array(connection, builders.array_record(bucket))


def put_blocks(connection: Connection, array: int, run: int, n: int, *, how: int = HOW_MD5, x: int = 0) -> None:
    """Keep that n blocks of 7 bytes are on the share."""
    queries.put_mirrored_blocks(connection, [(array, x, 0, z, 7, b"e", None, how, run) for z in range(n)])


def put_files(connection: Connection, bucket: int, run: int, *keys: str) -> None:
    """Keep that objects of 100 bytes are on the share."""
    queries.put_mirrored_objects(connection, [(bucket, key, 100, b"e", None, HOW_MD5, run) for key in keys])


def states(connection: Connection, bucket: int) -> dict[str, MirrorState]:
    """Return the sums of the dataset."""
    return queries.mirror_states(connection, bucket, PREFIX, queries.arrays(connection, bucket, PREFIX))


def test_a_sum_that_was_never_made_is_counted(connection: Connection, bucket: int, run: int, array: int) -> None:
    """The rows are counted where no sum is kept: by how they were verified, and with the runs that did it."""
    put_blocks(connection, array, run, 3)
    later = builders.start_run(connection, bucket)
    put_blocks(connection, array, later, 2, how=HOW_SIZE_ONLY + HOW_ADOPTED, x=1)
    put_files(connection, bucket, run, f"{FOLDER}attributes.json", f"{PREFIX}README.json", f"{CONTAINER}x/s00")
    found = states(connection, bucket)
    assert found[FOLDER] == MirrorState(
        bucket,
        FOLDER,
        Count(6, 135),
        is_published=True,
        by_md5=4,
        by_size_only=2,
        adopted=2,
        first_run_id=run,
        last_run_id=later,
    )
    assert found[PREFIX].mirrored == Count(2, 200)


def test_kept_sums_are_what_counting_says(connection: Connection, bucket: int, run: int, array: int) -> None:
    """After the end of a run the sums are read, and say the same."""
    put_blocks(connection, array, run, 3)
    put_files(connection, bucket, run, f"{PREFIX}README.json")
    counted = states(connection, bucket)
    assert queries.count_sums(connection, bucket, DATASET) == 2
    assert states(connection, bucket) == counted
    assert queries.count_sums(connection, bucket, DATASET) == 0


def test_a_stale_sum_is_not_believed(connection: Connection, bucket: int, run: int, array: int) -> None:
    """Between a row and the end of its run the rows are counted; a sum that nobody doubts is read as it is."""
    queries.count_sums(connection, bucket, DATASET)
    put_blocks(connection, array, run, 3)
    assert states(connection, bucket)[FOLDER].mirrored == Count()
    queries.doubt_sums(connection, bucket, [FOLDER])
    assert states(connection, bucket)[FOLDER].mirrored == Count(3, 21)
    queries.count_sums(connection, bucket, DATASET)
    assert states(connection, bucket)[FOLDER].mirrored == Count(3, 21)


def test_what_lies_between_arrays_is_the_datasets(connection: Connection, bucket: int, run: int) -> None:
    """Keys before, between and after arrays count as the dataset's own; those of arrays inside arrays do not."""
    for path in ("b", "b/inner", "d"):
        queries.put_array(connection, builders.array_record(bucket, path))
    inside = [f"{CONTAINER}{key}" for key in ("b/1", "b/inner/1", "d/1")]
    outside = [f"{CONTAINER}{key}" for key in ("a", "b-", "b0", "c/1", "d.x", "e")]
    put_files(connection, bucket, run, *inside, *outside, f"{PREFIX}README.json", f"{PREFIX}~", "elsewhere/x")
    assert states(connection, bucket)[PREFIX].mirrored.objects == len(outside) + 2


def test_another_share_begins_with_nothing(connection: Connection, bucket: int, run: int, array: int) -> None:
    """Sums of the old share go with its rows."""
    put_blocks(connection, array, run, 3)
    queries.count_sums(connection, bucket, DATASET)
    queries.replace_share(connection, "u", "/share", now=builders.START)
    assert states(connection, bucket)[FOLDER].mirrored == Count()


def test_sums_that_do_not_fit_the_rows_are_named(connection: Connection, bucket: int, run: int, array: int) -> None:
    """Kept sums are right until rows change behind their back; both are returned then."""
    put_blocks(connection, array, run, 3)
    queries.count_sums(connection, bucket, DATASET)
    assert queries.wrong_sums(connection, bucket, DATASET) == ()
    put_blocks(connection, array, run, 1, x=5)
    put_files(connection, bucket, run, f"{PREFIX}README.json")
    wrong = queries.wrong_sums(connection, bucket, DATASET)
    found = [(kept.prefix, kept.mirrored, counted.mirrored) for kept, counted in wrong]
    assert found == [(PREFIX, Count(0, 0), Count(1, 100)), (FOLDER, Count(3, 21), Count(4, 28))]


def test_a_stale_sum_is_not_wrong(connection: Connection, bucket: int, run: int, array: int) -> None:
    """A sum that says itself that it does not hold is no fault."""
    put_blocks(connection, array, run, 3)
    queries.count_sums(connection, bucket, DATASET)
    queries.doubt_sums(connection, bucket, [FOLDER])
    put_blocks(connection, array, run, 1, x=5)
    assert queries.wrong_sums(connection, bucket, DATASET) == ()


def test_an_array_inside_another_counts_once(connection: Connection, bucket: int, run: int) -> None:
    """What was an array and is a group now has what lies outside its new arrays."""
    for path in ("x", "x/s0", "x/s0/y", "x0"):
        queries.put_array(connection, builders.array_record(bucket, path))
    keys = ["x/a", "x/s0/1", "x/s0/2", "x/s0/y/1", "x/s00", "x/z", "x0/1"]
    put_files(connection, bucket, run, *(f"{CONTAINER}{key}" for key in keys))
    found = {prefix.removeprefix(CONTAINER): one.mirrored.objects for prefix, one in states(connection, bucket).items()}
    assert found == {"x/": 3, "x/s0/": 2, "x/s0/y/": 1, "x0/": 1, PREFIX: 0}


def test_a_new_array_makes_the_sums_around_it_stale(connection: Connection, bucket: int, run: int) -> None:
    """Its rows were counted with what lies around it until then, and are counted once."""
    queries.put_array(connection, builders.array_record(bucket, "x"))
    put_files(connection, bucket, run, f"{CONTAINER}x/s0/1", f"{CONTAINER}y/1", f"{PREFIX}README.json")
    queries.count_sums(connection, bucket, DATASET)
    for path in ("x/s0", "y"):
        queries.put_array(connection, builders.array_record(bucket, path))
    queries.doubt_sums_around(connection, bucket, [f"{CONTAINER}x/s0/", f"{CONTAINER}y/"])
    assert queries.count_sums(connection, bucket, DATASET) == 4
    assert sum(one.mirrored.objects for one in states(connection, bucket).values()) == 3


def test_what_is_in_doubt_does_not_count(connection: Connection, bucket: int, run: int, array: int) -> None:
    """A run that was killed while it replaced what changed leaves no level that is said to be whole."""
    put_blocks(connection, array, run, 3)
    put_files(connection, bucket, run, f"{FOLDER}attributes.json", f"{PREFIX}README.json")
    queries.doubt_mirrored_blocks(connection, array, [(0, 0, 1)])
    queries.doubt_mirrored_objects(connection, bucket, [f"{PREFIX}README.json"])
    found = states(connection, bucket)
    assert found[FOLDER].mirrored == Count(3, 114)
    assert found[PREFIX].mirrored == Count()
