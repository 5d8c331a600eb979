"""What was listed, and how much of it the share has."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, delete

from catalog import queries
from catalog.records import HOW_MD5, MirroredBlockRow, MirroredObjectRow
from catalog.tables import mirrored_block, mirrored_object, snapshot_shard
from tests.catalog import builders
from tests.catalog.builders import CONTAINER

PREFIX = f"{CONTAINER}volumes/raw/s0/0/"
DIGEST = b"d" * 16
BLOCKS = builders.listed_block_rows(150)
NOTE = (f"{PREFIX}note", 17, b"e" * 16, 1_600_000_000)


class Shard:
    """A shard of 150 blocks and a note, all of it on the share."""

    def __init__(self, connection: Connection, bucket: int) -> None:
        self.connection = connection
        self.bucket = bucket
        self.run = builders.start_run(connection, bucket)
        self.array = queries.put_array(connection, builders.array_record(bucket))
        self.other_array = queries.put_array(connection, builders.array_record(bucket, "volumes/raw/s1"))
        self.snapshot = builders.start_snapshot(connection, bucket, self.run)
        self.add(NOTE)
        queries.put_mirrored_blocks(connection, [self.block(row) for row in BLOCKS])
        queries.put_mirrored_objects(connection, [self.object()])

    def add(self, *objects: tuple[str, int, bytes, int], digest: bytes = DIGEST) -> None:
        """Store a listing of the blocks and the objects."""
        queries.add_shard(
            self.connection,
            self.snapshot,
            bucket_id=self.bucket,
            array_id=self.array,
            prefix=PREFIX,
            digest=digest,
            blocks=BLOCKS,
            objects=objects,
        )

    def block(self, row: tuple[int, int, int, int, bytes]) -> MirroredBlockRow:
        """Return a listed block as the share has it."""
        return (self.array, *row, b"h" * 16, HOW_MD5, self.run)

    def object(self, size: int = NOTE[1], etag: bytes = NOTE[2]) -> MirroredObjectRow:
        """Return the note as the share has it."""
        return (self.bucket, NOTE[0], size, etag, b"h" * 16, HOW_MD5, self.run)

    def agreement(self) -> queries.Agreement | None:
        """Return what is asked for."""
        return queries.agreement(self.connection, self.bucket, self.array, PREFIX, DIGEST)


@pytest.fixture
def shard(connection: Connection, bucket: int) -> Shard:
    """Return a shard that is wholly on the share."""
    return Shard(connection, bucket)


def test_all_is_there(shard: Shard) -> None:
    """Where all is on the share, all blocks are counted and the other objects are named."""
    assert shard.agreement() == queries.Agreement(150, (NOTE[0],))


def _change_block(shard: Shard, *, size: int = 0, etag: bytes = b"") -> None:
    x, y, z, old_size, old_etag = BLOCKS[7]
    row = (x, y, z, old_size + size, etag or old_etag)
    queries.put_mirrored_blocks(shard.connection, [shard.block(row)])


BLOCK_GONE: dict[str, Callable[[Shard], None]] = {
    "gone": lambda shard: queries.forget_mirrored_blocks(shard.connection, shard.array, [BLOCKS[7][:3]]),
    "of another size": lambda shard: _change_block(shard, size=1),
    "of another ETag": lambda shard: _change_block(shard, etag=b"x" * 16),
}


@pytest.mark.parametrize("change", BLOCK_GONE.values(), ids=BLOCK_GONE.keys())
def test_a_block_that_differs_is_not_counted(shard: Shard, change: Callable[[Shard], None]) -> None:
    """A block counts only if the share has it in size and ETag."""
    change(shard)
    assert shard.agreement() == queries.Agreement(149, (NOTE[0],))


def _move_blocks(shard: Shard) -> None:
    """Say that the share has the blocks of another array."""
    shard.connection.execute(delete(mirrored_block))
    rows = [(shard.other_array, *shard.block(row)[1:]) for row in BLOCKS]
    queries.put_mirrored_blocks(shard.connection, rows)


def test_blocks_of_another_array_do_not_count(shard: Shard) -> None:
    """The same places in another array are other blocks."""
    _move_blocks(shard)
    assert shard.agreement() == queries.Agreement(0, (NOTE[0],))


NO_ANSWER: dict[str, Callable[[Shard], object]] = {
    "an object that is no block is gone": lambda shard: shard.connection.execute(delete(mirrored_object)),
    "one of another size": lambda shard: queries.put_mirrored_objects(shard.connection, [shard.object(size=18)]),
    "one of another ETag": lambda shard: queries.put_mirrored_objects(shard.connection, [shard.object(etag=b"x")]),
    "no snapshot links the shard": lambda shard: shard.connection.execute(delete(snapshot_shard)),
}


@pytest.mark.parametrize("change", NO_ANSWER.values(), ids=NO_ANSWER.keys())
def test_none_where_rows_must_be_looked_at(shard: Shard, change: Callable[[Shard], object]) -> None:
    """What is not certain by counting alone has no answer."""
    change(shard)
    assert shard.agreement() is None


@pytest.mark.parametrize(
    ("array", "prefix", "digest"),
    [
        pytest.param("array", PREFIX, b"x" * 16, id="other content"),
        pytest.param("array", PREFIX[:-2] + "1/", DIGEST, id="another slab"),
        pytest.param("other_array", PREFIX, DIGEST, id="stored for another array"),
    ],
)
def test_another_shard_is_not_answered_for(shard: Shard, array: str, prefix: str, digest: bytes) -> None:
    """Only the very shard that was stored is answered for."""
    assert queries.agreement(shard.connection, shard.bucket, getattr(shard, array), prefix, digest) is None


def test_too_many_strays_are_not_named(shard: Shard, connection: Connection) -> None:
    """A folder full of other objects is looked at one by one."""
    strays = [(f"{PREFIX}stray{number}", 1, b"e" * 16, 0) for number in range(17)]
    shard.add(*strays, digest=b"s" * 16)
    rows: list[MirroredObjectRow] = [
        (shard.bucket, key, size, etag, None, HOW_MD5, shard.run) for key, size, etag, _ in strays
    ]
    queries.put_mirrored_objects(connection, rows)
    assert queries.agreement(connection, shard.bucket, shard.array, PREFIX, b"s" * 16) is None
