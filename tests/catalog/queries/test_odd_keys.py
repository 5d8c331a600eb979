"""Keys that no file can have are kept all the same: a listing says what the bucket has."""

from __future__ import annotations

from sqlalchemy import Connection

from catalog import queries
from catalog.records import HOW_MD5
from tests.catalog import builders

ODD = [
    "d/\0",
    "d/\0\0/x",
    "d/\x01",
    "d/\x01\x01",
    "d/\x01\x02y",
    "d/\x02",
    "d/\t\r\n",
    "d/a\0b",
    "d/\ufffd",
    "d/\U0010ffff",
]


def test_odd_keys_are_listed_as_they_are_and_in_their_order(connection: Connection, bucket: int) -> None:
    """Control characters, NUL and the last character of all come back, sorted by their bytes."""
    run = builders.start_run(connection, bucket)
    taken = builders.start_snapshot(connection, bucket, run)
    rows = [(key, 1, b"e" * 16, 0) for key in ODD]
    queries.add_shard(
        connection, taken, bucket_id=bucket, array_id=None, prefix="d/", digest=b"d" * 16, objects=reversed(rows)
    )
    (shard,) = queries.snapshot_shards(connection, taken)
    assert list(queries.listed_objects(connection, shard.id)) == sorted(rows, key=lambda row: row[0].encode())


def test_odd_keys_are_found_by_name_and_by_prefix(connection: Connection, bucket: int) -> None:
    """Each is found, doubted and forgotten by itself, and a prefix with NUL in it is a prefix."""
    run = builders.start_run(connection, bucket)
    queries.put_mirrored_objects(connection, [(bucket, key, 1, b"e", None, HOW_MD5, run) for key in ODD])
    assert sorted(row[0] for row in queries.mirrored_objects_of(connection, bucket, ODD)) == sorted(ODD)
    assert [row[0] for row in queries.mirrored_objects(connection, bucket, "d/\0")] == ["d/\0", "d/\0\0/x"]
    queries.doubt_mirrored_objects(connection, bucket, ["d/\0"])
    queries.forget_mirrored_objects(connection, bucket, ["d/\x01"])
    rows = {row[0]: row[2] for row in queries.mirrored_objects(connection, bucket, "")}
    assert sorted(rows) == sorted(set(ODD) - {"d/\x01"})
    assert [key for key, etag in rows.items() if etag == b""] == ["d/\0"]


def test_of_two_rows_with_one_key_the_later_one_stays(connection: Connection, bucket: int) -> None:
    """Also within one batch."""
    run = builders.start_run(connection, bucket)
    queries.put_mirrored_objects(connection, [(bucket, "k", size, b"e", None, HOW_MD5, run) for size in (1, 2, 3)])
    assert list(queries.mirrored_objects(connection, bucket, "")) == [("k", 3, b"e", HOW_MD5)]


def test_datasets_are_found_beside_loose_files(connection: Connection, bucket: int) -> None:
    """The leap from one folder to the next gets past a file that lies between them."""
    run = builders.start_run(connection, bucket)
    keys = [f"heinrich-2021a/{name}" for name in ("a/x", "b", "b\0/y", "c/z")]
    queries.put_mirrored_objects(connection, [(bucket, key, 1, b"e", None, HOW_MD5, run) for key in keys])
    assert queries.dataset_names(connection, bucket) == ("a", "b\0", "c")
