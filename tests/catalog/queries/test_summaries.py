"""What listings show of many datasets at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Connection, event

from catalog import queries
from catalog.records import (
    HOW_MD5,
    AnnotationRecord,
    ContainerRecord,
    Count,
    DatasetRecord,
    FindingRecord,
    ManifestRecord,
    SnapshotScope,
    VolumeRecord,
)
from tests.catalog import builders
from tests.catalog.builders import BUCKET_B, START, at

ROOT = "heinrich-2021a/"


@pytest.fixture
def run(connection: Connection, bucket: int) -> int:
    """Return the id of a run."""
    return builders.start_run(connection, bucket)


def describe(connection: Connection, bucket: int, name: str, *, is_present: bool = True) -> int:
    """Keep a dataset with one volume of one level; return the level's id."""
    prefix = f"{ROOT}{name}/"
    dataset = queries.put_dataset(connection, DatasetRecord(bucket, name, prefix, START))
    container = queries.put_container(connection, ContainerRecord(dataset, f"{prefix}{name}.n5/", "n5"))
    path = "volumes/raw"
    record = VolumeRecord(container, path, f"{prefix}{name}.n5/{path}/", is_present=is_present)
    volume = queries.put_volume(connection, record)
    array = replace(builders.array_record(bucket), prefix=f"{prefix}{name}.n5/", volume_id=volume)
    return queries.put_array(connection, replace(array, is_present=is_present))


def mirror(connection: Connection, bucket: int, run: int, array: int, n: int) -> None:
    """Keep that n blocks of 7 bytes are on the share."""
    queries.put_mirrored_blocks(connection, [(array, x, 0, 0, 7, b"e", None, HOW_MD5, run) for x in range(n)])


@contextmanager
def counted(connection: Connection) -> Iterator[list[str]]:
    """Yield a list that the statements of the body come into."""
    statements: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        """Keep one statement."""
        statements.append(statement)

    event.listen(connection, "before_cursor_execute", keep)
    yield statements
    event.remove(connection, "before_cursor_execute", keep)


def test_a_dataset_that_was_only_described(connection: Connection, bucket: int) -> None:
    """Its volumes and levels are counted, and nothing is claimed of bucket and share."""
    describe(connection, bucket, "jrc_hela-2")
    (found,) = queries.dataset_summaries(connection, bucket)
    assert (found.name, found.prefix, found.discovered_at) == ("jrc_hela-2", f"{ROOT}jrc_hela-2/", START)
    assert (found.listed, found.listed_at, found.mirrored) == (None, None, Count())
    assert (found.n_volumes, found.n_levels, found.n_findings) == (1, 1, 0)


def test_what_the_bucket_has_no_more_is_not_counted(connection: Connection, bucket: int) -> None:
    """Volumes and levels that vanished are no part of the numbers."""
    describe(connection, bucket, "jrc_hela-2", is_present=False)
    (found,) = queries.dataset_summaries(connection, bucket)
    assert (found.n_volumes, found.n_levels) == (0, 0)


def test_only_a_whole_listing_says_how_large_a_dataset_is(connection: Connection, bucket: int, run: int) -> None:
    """A newer listing of a part does not hide that of the whole, and open findings alone are counted."""
    describe(connection, bucket, "jrc_hela-2")
    for hour, scope in ((1, SnapshotScope.ALL), (2, SnapshotScope.SELECTION)):
        taken = builders.start_snapshot(connection, bucket, run, scope=scope)
        objects = [(f"{ROOT}jrc_hela-2/{i}", 10, b"e", 0) for i in range(hour)]
        queries.add_shard(
            connection, taken, bucket_id=bucket, array_id=None, prefix="p", digest=bytes([hour]), objects=objects
        )
        queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(hour))
    odd = FindingRecord(bucket, "jrc_hela-2", "metadata", "warning", "c", "place")
    queries.put_findings(connection, bucket, "jrc_hela-2", "metadata", [odd, replace(odd, code="d")], now=START)
    queries.put_findings(connection, bucket, "jrc_hela-2", "metadata", [odd], now=START)
    (found,) = queries.dataset_summaries(connection, bucket)
    assert (found.listed, found.listed_at, found.n_findings) == (Count(1, 10), at(1), 1)


def test_what_is_on_the_share_is_right_with_kept_sums_and_without(
    connection: Connection, bucket: int, run: int
) -> None:
    """Sums that hold are taken; where one is stale or was never made, the rows are counted."""
    one, other = (describe(connection, bucket, name) for name in ("jrc_hela-2", "jrc_hela-22"))
    mirror(connection, bucket, run, one, 3)
    mirror(connection, bucket, run, other, 5)
    expected = [Count(3, 21), Count(5, 35)]
    assert [summary.mirrored for summary in queries.dataset_summaries(connection, bucket)] == expected
    queries.count_sums(connection, bucket, "jrc_hela-2")
    assert [summary.mirrored for summary in queries.dataset_summaries(connection, bucket)] == expected


def test_more_datasets_take_no_more_queries(connection: Connection, bucket: int) -> None:
    """With kept sums the number of queries does not grow with the datasets, and no row of a block is read."""

    def queries_for(names: list[str]) -> list[str]:
        """Return the statements of one look, after these datasets were described too."""
        for name in names:
            describe(connection, bucket, name)
            queries.count_sums(connection, bucket, name)
        with counted(connection) as statements:
            queries.dataset_summaries(connection, bucket)
        return statements

    few = queries_for(["a"])
    many = queries_for([f"b{number}" for number in range(20)])
    assert len(many) == len(few)
    assert not any("_block" in statement for statement in many)


def test_notes_of_manifests_come_with_their_source(connection: Connection) -> None:
    """What a manifest says of a volume is found by the volume's prefix, in that bucket only."""
    manifest = ManifestRecord("jrc_hela-2", "manifest.json", START, b"{}", b"h")
    note = AnnotationRecord(
        0, BUCKET_B, f"{ROOT}jrc_hela-2/x.n5/er_pred/", "er_pred", description="ER", is_mirrored_y=True
    )
    queries.put_manifest(connection, manifest, [note, replace(note, bucket_url="s3://other")])
    found = queries.volume_notes(connection, BUCKET_B, f"{ROOT}jrc_hela-2/")
    assert found == {note.prefix: queries.VolumeNote(is_mirrored_y=True, description="ER", source="manifest.json")}
    assert queries.volume_notes(connection, BUCKET_B, f"{ROOT}jrc_hela-22/") == {}


def test_buckets_by_id(connection: Connection, bucket: int) -> None:
    """Each bucket that the catalog knows has its URL."""
    assert queries.buckets(connection) == {bucket: BUCKET_B}
