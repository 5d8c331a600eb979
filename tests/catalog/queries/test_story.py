"""What the catalog knows of one object."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import Connection, delete

from catalog import queries
from catalog.records import HOW_MD5, Count, Recorded, SnapshotScope
from catalog.tables import listed_block, mirrored_block
from tests.catalog.builders import CONTAINER, DATASET, array_record, at, mirrored_block_rows, start_run, start_snapshot

LEVEL = f"{CONTAINER}volumes/raw/s0/"
LOOSE = "heinrich-2021a/jrc_hela-2/README.md"
ETAG = b"\x05" * 16


@dataclass(frozen=True)
class Lab:
    """A catalog with one array, and a run."""

    connection: Connection
    bucket: int
    array: int
    run: int

    def keep(self, hours: int, *, scope: SnapshotScope, with_array: bool = True, block: int | None = 0) -> None:
        """Keep a listing that ends at a time: with one block of the array, or none, and a loose file if it is whole."""
        snapshot = start_snapshot(self.connection, self.bucket, self.run, scope=scope)
        if with_array:
            blocks = () if block is None else ((block, 2, 3, 100 + hours, ETAG),)
            digest, rows = bytes([hours]) * 16, ((f"{LEVEL}attributes.json", 7, ETAG, 1_700_000_000),)
            queries.add_shard(
                self.connection,
                snapshot,
                array_id=self.array,
                prefix=LEVEL,
                digest=digest,
                objects=rows,
                bucket_id=self.bucket,
            )
            queries.add_shard(
                self.connection,
                snapshot,
                array_id=self.array,
                prefix=f"{LEVEL}0/",
                digest=digest,
                blocks=blocks,
                bucket_id=self.bucket,
            )
        if scope is SnapshotScope.ALL:
            rows = ((LOOSE, 8, ETAG, 1_700_000_001),)
            prefix = "heinrich-2021a/jrc_hela-2/"
            queries.add_shard(
                self.connection,
                snapshot,
                array_id=None,
                prefix=prefix,
                digest=ETAG,
                objects=rows,
                bucket_id=self.bucket,
            )
        queries.finish_snapshot(self.connection, snapshot, is_complete=True, finished_at=at(hours))

    def sizes(self, key: str, block: tuple[int, int, int] | None = None, *, in_array: bool = True) -> list[int | None]:
        """Return the sizes that the listings that cover a key say, the newest first."""
        array = self.array if in_array else None
        found = queries.sightings(self.connection, self.bucket, DATASET, key, array_id=array, block_xyz=block)
        return [one.size for one in found]


@pytest.fixture
def lab(connection: Connection, bucket: int) -> Lab:
    """Return a catalog with one array that was never listed."""
    array = queries.put_array(connection, array_record(bucket))
    return Lab(connection, bucket, array, start_run(connection, bucket))


def test_a_block_is_seen_in_each_listing_that_covers_it(lab: Lab) -> None:
    """The newest listing comes first; one that has the array and not the block says that it is absent."""
    lab.keep(1, scope=SnapshotScope.ALL)
    lab.keep(2, scope=SnapshotScope.SELECTION, block=None)
    assert lab.sizes(f"{LEVEL}0/2/3", (0, 2, 3)) == [None, 101]
    assert lab.sizes(f"{LEVEL}0/2/4", (0, 2, 4)) == [None, None]
    assert lab.sizes(f"{LEVEL}9/2/4", (9, 2, 4)) == [None, None]


def test_a_listing_of_something_else_says_nothing(lab: Lab) -> None:
    """A selection without the array covers none of its blocks, and no loose file that it has not."""
    lab.keep(1, scope=SnapshotScope.SELECTION, with_array=False)
    assert lab.sizes(f"{LEVEL}0/2/3", (0, 2, 3)) == []
    assert lab.sizes(LOOSE, in_array=False) == []
    lab.keep(2, scope=SnapshotScope.ALL)
    assert lab.sizes(LOOSE, in_array=False) == [8]
    assert lab.sizes("heinrich-2021a/jrc_hela-2/nope", in_array=False) == [None]


def test_an_object_by_its_key_has_its_date(lab: Lab) -> None:
    """What is no block has LastModified, and an ETag as it was listed."""
    lab.keep(1, scope=SnapshotScope.ALL)
    (one,) = queries.sightings(lab.connection, lab.bucket, DATASET, f"{LEVEL}attributes.json", array_id=lab.array)
    assert (one.size, one.etag, one.last_modified) == (7, ETAG, 1_700_000_000)
    assert (one.run_id, one.scope, one.listed_at) == (lab.run, SnapshotScope.ALL, at(1))


def test_the_row_on_the_share(lab: Lab) -> None:
    """A block has its row by its place, or by its key where its array was not understood then."""
    queries.put_mirrored_blocks(lab.connection, [(lab.array, 0, 2, 3, 9, ETAG, b"h" * 16, HOW_MD5, lab.run)])
    rows = [(lab.bucket, key, 5, ETAG, None, HOW_MD5, lab.run) for key in (f"{LEVEL}0/2/9", LOOSE)]
    queries.put_mirrored_objects(lab.connection, rows)
    ask = queries.recorded
    by_place = ask(lab.connection, lab.bucket, f"{LEVEL}0/2/3", array_id=lab.array, block_xyz=(0, 2, 3))
    assert by_place == Recorded(9, ETAG, b"h" * 16, HOW_MD5, lab.run)
    by_key = ask(lab.connection, lab.bucket, f"{LEVEL}0/2/9", array_id=lab.array, block_xyz=(0, 2, 9))
    assert by_key == ask(lab.connection, lab.bucket, LOOSE) == Recorded(5, ETAG, None, HOW_MD5, lab.run)
    assert ask(lab.connection, lab.bucket, f"{LEVEL}0/2/8", array_id=lab.array, block_xyz=(0, 2, 8)) is None
    places = {f"{LEVEL}0/2/{z}": (lab.array, (0, 2, z)) for z in (3, 8, 9)}
    among = queries.recorded_among(lab.connection, lab.bucket, {**places, LOOSE: None, "unknown": None})
    assert among == {f"{LEVEL}0/2/3": by_place, f"{LEVEL}0/2/9": by_key, LOOSE: by_key}


def test_a_catalog_without_block_rows_is_told(lab: Lab) -> None:
    """Sums without rows are those of a published catalog; no sums, or some rows, are not."""
    lacks = queries.lacks_block_rows
    assert not lacks(lab.connection, lab.array, lab.bucket, LEVEL)
    lab.keep(1, scope=SnapshotScope.ALL)
    queries.put_mirrored_blocks(lab.connection, mirrored_block_rows(3, lab.array, lab.run))
    queries.count_sums(lab.connection, lab.bucket, DATASET)
    assert not lacks(lab.connection, lab.array, lab.bucket, LEVEL)
    lab.connection.execute(delete(mirrored_block))
    assert not lacks(lab.connection, lab.array, lab.bucket, LEVEL)
    lab.connection.execute(delete(listed_block))
    assert lacks(lab.connection, lab.array, lab.bucket, LEVEL)


def test_what_lies_below_a_folder(lab: Lab) -> None:
    """Objects that are no blocks are counted below any prefix, in the bucket and on the share."""
    below = queries.counts_below
    assert below(lab.connection, lab.bucket, DATASET, CONTAINER) == (None, Count(0, 0))
    lab.keep(1, scope=SnapshotScope.ALL)
    queries.put_mirrored_objects(lab.connection, [(lab.bucket, LOOSE, 5, ETAG, None, HOW_MD5, lab.run)])
    assert below(lab.connection, lab.bucket, DATASET, "heinrich-2021a/jrc_hela-2/") == (Count(2, 15), Count(1, 5))
    assert below(lab.connection, lab.bucket, DATASET, LEVEL) == (Count(1, 7), Count(0, 0))
    assert below(lab.connection, lab.bucket, DATASET, "heinrich-2021a/jrc_hela-2/none/") == (Count(), Count())
