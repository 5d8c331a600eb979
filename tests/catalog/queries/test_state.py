"""Mirror state: what the share has."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.records import HOW_ADOPTED, HOW_MD5, HOW_SIZE_ONLY
from catalog.session import Catalog, open_catalog
from tests.catalog import builders

MAX_ROW_BYTES = 64


@pytest.fixture
def run(connection: Connection, bucket: int) -> int:
    """Return the id of a run."""
    return builders.start_run(connection, bucket)


@pytest.fixture
def array(connection: Connection, bucket: int) -> int:
    """Return the id of raw's s0."""
    return queries.put_array(connection, builders.array_record(bucket))


def test_blocks_come_back_in_the_grids_order(connection: Connection, array: int, run: int) -> None:
    """Blocks are read by x, y, z as integers: 2 comes before 10, whatever the order of their transfer."""
    rows = list(builders.mirrored_block_rows(3000, array, run))
    queries.put_mirrored_blocks(connection, random.Random(0).sample(rows, len(rows)))
    assert list(queries.mirrored_blocks(connection, array)) == [(*row[1:6], row[7]) for row in rows]


def test_a_slab_is_a_half_open_range_of_x(connection: Connection, array: int, run: int) -> None:
    """`x_from` is in the slab, `x_to` is not; either may be left out."""
    queries.put_mirrored_blocks(connection, [(array, x, 0, 0, 1, b"e", None, HOW_MD5, run) for x in range(5)])

    def x_of(x_from: int | None, x_to: int | None) -> list[int]:
        return [row[0] for row in queries.mirrored_blocks(connection, array, x_from=x_from, x_to=x_to)]

    assert (x_of(1, 3), x_of(3, None), x_of(None, 1)) == ([1, 2], [3, 4], [0])


def test_a_row_of_a_slab_is_read_alone(connection: Connection, array: int, run: int) -> None:
    """With `y` given, blocks of other rows are left out."""
    rows = [(array, x, y, z, 1, b"e", None, HOW_MD5, run) for x in range(2) for y in range(3) for z in range(2)]
    queries.put_mirrored_blocks(connection, rows)
    found = [row[:3] for row in queries.mirrored_blocks(connection, array, x_from=1, x_to=2, y=2)]
    assert found == [(1, 2, 0), (1, 2, 1)]


def test_putting_rows_twice_changes_nothing(connection: Connection, bucket: int, array: int, run: int) -> None:
    """A batch that is written again after an interruption leaves the same rows."""
    blocks = list(builders.mirrored_block_rows(100, array, run))
    objects = [(bucket, "k", 5, b"e", b"h" * 16, HOW_MD5, run)]
    for _ in range(2):
        queries.put_mirrored_blocks(connection, blocks)
        queries.put_mirrored_objects(connection, objects)
    assert len(list(queries.mirrored_blocks(connection, array))) == 100
    assert list(queries.mirrored_objects(connection, bucket, "")) == [("k", 5, b"e", HOW_MD5)]


def test_a_changed_block_replaces_what_was_known(connection: Connection, array: int, run: int) -> None:
    """The last row of a block is what counts."""
    queries.put_mirrored_blocks(connection, [(array, 0, 0, 0, 5, b"old", None, HOW_SIZE_ONLY | HOW_ADOPTED, run)])
    queries.put_mirrored_blocks(connection, [(array, 0, 0, 0, 6, b"new", b"h", HOW_MD5, run)])
    assert list(queries.mirrored_blocks(connection, array)) == [(0, 0, 0, 6, b"new", HOW_MD5)]


def test_objects_are_those_under_the_prefix_in_the_keys_order(connection: Connection, bucket: int, run: int) -> None:
    """A prefix is a range of keys; other buckets and prefixes stay out."""
    other = queries.bucket_id(connection, "s3://other")
    keys = ["a/2", "a/10", "a", "a0", "b/1", "a/é"]
    rows = [(bucket, key, len(key), b"e", None, HOW_MD5, run) for key in keys]
    queries.put_mirrored_objects(connection, [*rows, (other, "a/9", 1, b"e", None, HOW_MD5, run)])
    assert [row[0] for row in queries.mirrored_objects(connection, bucket, "a/")] == ["a/10", "a/2", "a/é"]


def test_forgotten_rows_are_gone_and_the_others_stay(connection: Connection, bucket: int, array: int, run: int) -> None:
    """Forgetting takes away just the named blocks and objects; unknown ones are no error."""
    queries.put_mirrored_blocks(connection, builders.mirrored_block_rows(4, array, run))
    queries.put_mirrored_objects(connection, [(bucket, key, 1, b"e", None, HOW_MD5, run) for key in "abc"])
    queries.forget_mirrored_blocks(connection, array, [(0, 0, 1), (0, 0, 3), (7, 7, 7)])
    queries.forget_mirrored_objects(connection, bucket, ["b", "unknown"])
    queries.forget_mirrored_objects(connection, bucket, [])
    assert [row[:3] for row in queries.mirrored_blocks(connection, array)] == [(0, 0, 0), (0, 0, 2)]
    assert [row[0] for row in queries.mirrored_objects(connection, bucket, "")] == ["a", "c"]


@pytest.mark.parametrize("is_shuffled", [False, True], ids=["grid order", "random order"])
def test_a_block_row_takes_at_most_64_bytes(sqlite_url: str, is_shuffled: bool) -> None:
    """A mirrored block with MD5 and xxh3 takes at most 64 bytes of the file, in whatever order blocks arrive."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    n = 120_000
    with open_catalog(sqlite_url) as catalog:
        array, run = array_and_run(catalog)
        before = os.path.getsize(file)
        rows = list(builders.mirrored_block_rows(n, array, run))
        if is_shuffled:
            random.Random(0).shuffle(rows)
        for start in range(0, n, 5000):
            with catalog.begin() as connection:
                queries.put_mirrored_blocks(connection, rows[start : start + 5000])
    assert (os.path.getsize(file) - before) / n <= MAX_ROW_BYTES


def array_and_run(catalog: Catalog) -> tuple[int, int]:
    """Return the ids of an array and a run, kept in a catalog."""
    with catalog.begin() as connection:
        bucket = queries.bucket_id(connection, builders.BUCKET_B)
        return queries.put_array(connection, builders.array_record(bucket)), builders.start_run(connection, bucket)


def test_what_is_in_doubt_differs_from_whatever_the_bucket_has(
    connection: Connection, bucket: int, array: int, run: int
) -> None:
    """Its row stays, with no ETag that an object can have; others keep theirs, and unknown ones are no error."""
    queries.put_mirrored_blocks(connection, [(array, x, 0, 0, 1, b"e", b"h", HOW_MD5, run) for x in range(3)])
    queries.put_mirrored_objects(connection, [(bucket, key, 5, b"e", b"h", HOW_MD5, run) for key in "kl"])
    queries.doubt_mirrored_blocks(connection, array, [(1, 0, 0), (7, 7, 7)])
    queries.doubt_mirrored_objects(connection, bucket, ["l", "unknown"])
    assert [row[4] for row in queries.mirrored_blocks(connection, array)] == [b"e", b"", b"e"]
    rows = list(queries.mirrored_objects(connection, bucket, ""))
    assert rows == [("k", 5, b"e", HOW_MD5), ("l", 5, b"", HOW_MD5)]
    # What was there stays known, to be compared with what comes; of the file that is there nothing is said.
    assert queries.contents_of_blocks(connection, array, [(1, 0, 0), (7, 7, 7)]) == {(1, 0, 0): (1, b"h")}
    assert queries.contents_of_objects(connection, bucket, ["l", "unknown"]) == {"l": (5, b"h")}
    row = queries.recorded(connection, bucket, "l")
    assert row is not None
    assert row.hash is None
    queries.put_mirrored_objects(connection, [(bucket, "l", 6, b"f", b"h", HOW_MD5, run)])
    assert list(queries.mirrored_objects(connection, bucket, "l")) == [("l", 6, b"f", HOW_MD5)]
