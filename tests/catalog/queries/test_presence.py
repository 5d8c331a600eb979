"""Which of some blocks a listing has and which the share: no more and no fewer than were asked for."""

from __future__ import annotations

from sqlalchemy import Connection

from catalog import queries
from catalog.records import HOW_MD5
from tests.catalog import builders
from tests.catalog.builders import CONTAINER, at

PLACES = [(x, y, z) for x in range(3) for y in range(2) for z in range(4)]
SLAB = f"{CONTAINER}volumes/raw/s0/"


def test_only_what_was_asked_for_is_told(connection: Connection, bucket: int) -> None:
    """Of blocks in several shards of one listing, of keys, and of rows of the share; other listings do not count."""
    run = builders.start_run(connection, bucket)
    array = queries.put_array(connection, builders.array_record(bucket))
    other = queries.put_array(connection, builders.array_record(bucket, "volumes/raw/s1"))
    taken, older = (builders.start_snapshot(connection, bucket, run) for _ in range(2))
    listed = set(PLACES[::2])
    for x in range(3):
        rows = [(*place, 7, b"e" * 16) for place in sorted(listed) if place[0] == x]
        keys = [(f"{SLAB}{x}/stray", 1, b"e" * 16, 0)]
        queries.add_shard(
            connection,
            taken,
            bucket_id=bucket,
            array_id=array,
            prefix=f"{SLAB}{x}/",
            digest=bytes([x]) * 16,
            blocks=rows,
            objects=keys,
        )
    every = [(*place, 7, b"e" * 16) for place in PLACES]
    queries.add_shard(
        connection, older, bucket_id=bucket, array_id=array, prefix=SLAB, digest=b"o" * 16, blocks=every, objects=()
    )
    queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(1))
    asked = [(0, 0, 0), (0, 0, 1), (2, 1, 2), (9, 9, 9)]
    assert queries.listed_places(connection, taken, array, asked) == listed & set(asked)
    assert queries.listed_places(connection, taken, other, asked) == set()
    assert queries.listed_places(connection, taken, array, []) == set()
    wanted = [f"{SLAB}1/stray", f"{SLAB}7/stray"]
    assert queries.listed_keys(connection, taken, array, wanted) == {f"{SLAB}1/stray"}
    queries.put_mirrored_blocks(connection, [(array, *place, 7, b"e" * 16, None, HOW_MD5, run) for place in PLACES[:5]])
    assert queries.mirrored_places(connection, array, asked) == {(0, 0, 0), (0, 0, 1)}
    assert queries.mirrored_places(connection, array, []) == set()
