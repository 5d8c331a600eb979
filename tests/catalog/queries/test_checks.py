"""What is to be looked at, when it was looked at, and what was found damaged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event

from catalog import queries
from catalog.records import HOW_MD5, HOW_SIZE_ONLY, CheckedPart, Count, DamagedRecord
from tests.catalog import builders
from tests.catalog.builders import CONTAINER, DATASET

PREFIX = f"heinrich-2021a/{DATASET}/"
ETAG = b"e" * 16


@pytest.fixture
def run(connection: Connection, bucket: int) -> int:
    """Return the id of a run."""
    return builders.start_run(connection, bucket)


@pytest.fixture
def array(connection: Connection, bucket: int, run: int) -> int:
    """Return the id of an array with blocks in two slabs, one of them in doubt."""
    array_id = queries.put_array(connection, builders.array_record(bucket))
    rows = [(array_id, x, y, z, 10, ETAG, bytes(16), HOW_MD5, run) for x in (2, 10) for y in (0, 1) for z in (3, 20)]
    queries.put_mirrored_blocks(connection, rows)
    queries.doubt_mirrored_blocks(connection, array_id, [(2, 0, 3)])
    return array_id


def test_slabs_come_by_number_with_what_they_hold(connection: Connection, array: int) -> None:
    """Slabs in the order of the grid, with sums; a row in doubt does not count, but its row of blocks does."""
    assert queries.slab_sums(connection, array) == ((2, Count(3, 30)), (10, Count(4, 40)))
    assert queries.slab_rows(connection, array, 2) == {0, 1}


def test_blocks_come_page_by_page(connection: Connection, array: int) -> None:
    """Pages in the order of the grid, each behind the last place of the one before, none in doubt."""
    pages, after = [], None
    while page := queries.blocks_to_check(connection, array, 2, after=after, limit=2):
        pages.append([row[:2] for row in page])
        after = page[-1][0], page[-1][1]
    assert pages == [[(0, 20), (1, 3)], [(1, 20)]]


def test_a_page_is_found_without_passing_over_those_before(connection: Connection, bucket: int, run: int) -> None:
    """Asked for what lies behind a key, SQLite begins there: a million losses cost one price a page."""
    statements: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        """Keep what is asked."""
        statements.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    queries.damaged_objects(connection, bucket, PREFIX, after=f"{PREFIX}5", limit=1)
    queries.objects_to_check(connection, bucket, (PREFIX, "z"), after=f"{PREFIX}5", limit=1)
    event.remove(connection, "before_cursor_execute", note)
    assert [statement.partition("WHERE")[2].count(">") for statement in statements] == [1, 1]


def test_objects_come_page_by_page_without_those_of_arrays(connection: Connection, bucket: int, run: int) -> None:
    """Between the folders of arrays keys come in the order of their bytes."""
    keys = ["README.json", "a/0", "a/1", "a0", "b/2", "c", "é"]
    rows = [(bucket, PREFIX + key, 100, ETAG, None, HOW_MD5, run) for key in keys]
    queries.put_mirrored_objects(connection, rows)
    ranges = queries.ranges_without(PREFIX, [f"{PREFIX}a/", f"{PREFIX}b/", f"{PREFIX}a/x/"])
    assert queries.count_objects(connection, bucket, ranges) == Count(4, 400)
    found, after = [], None
    for one in ranges:
        while page := queries.objects_to_check(connection, bucket, one, after=after, limit=1):
            found += [row[0].removeprefix(PREFIX) for row in page]
            after = page[-1][0]
    assert found == ["README.json", "a0", "c", "é"]


_KEY = st.sampled_from(["", "a", "a/", "a/a", "a/b", "a0", "ab", "b", "b/", "b/a", "b/a/b", "b0", "bb"])


@given(st.lists(_KEY.map(lambda text: f"p/{text}/"), max_size=3), st.lists(_KEY, max_size=8))
@settings(max_examples=30)
def test_ranges_leave_out_what_is_inside_others(inside: list[str], keys: list[str]) -> None:
    """A key is in exactly one range if it has the prefix and none of the others, and else in none."""
    ranges = queries.ranges_without("p/", inside)
    for key in [f"p/{key}" for key in keys] + keys:
        n_in = sum(start <= key and (stop is None or key < stop) for start, stop in ranges)
        assert n_in == (key.startswith("p/") and not key.startswith(tuple(inside) or ("\0",)))


def test_the_newest_look_that_was_deep_enough_counts(connection: Connection, bucket: int, run: int) -> None:
    """A full look counts for a quick one, not the other way round; where to go on is each depth's own."""
    quick = CheckedPart(bucket, PREFIX, 1, builders.at(1), "key", None, run, Count(3, 300))
    full = CheckedPart(bucket, PREFIX, 3, builders.at(2), None, 7, run, Count(3, 300))
    queries.put_checked_parts(connection, [quick, full])
    assert queries.checked_parts(connection, bucket, PREFIX, depth=1) == {
        PREFIX: replace(quick, checked_at=builders.at(2))
    }
    assert queries.checked_parts(connection, bucket, PREFIX, depth=2) == {PREFIX: full}
    stopped = replace(full, prefix=f"{PREFIX}1/", resume_after="0/3")
    queries.put_checked_parts(connection, [stopped])
    assert queries.checked_parts(connection, bucket, stopped.prefix, depth=2)[stopped.prefix].resume_after is None
    queries.put_checked_parts(connection, [replace(full, checked_at=builders.at(5))])
    again = queries.checked_parts(connection, bucket, "", depth=3)[PREFIX]
    assert again.checked_at == builders.at(5)


def test_a_proof_is_kept_where_the_row_is_as_it_was_seen(
    connection: Connection, bucket: int, array: int, run: int
) -> None:
    """A row of another run, and one in doubt, stay as they are."""
    later = builders.start_run(connection, bucket)
    queries.put_mirrored_objects(connection, [(bucket, "key", 5, ETAG, None, HOW_SIZE_ONLY, run)])
    queries.prove_objects(connection, [((bucket, "key"), run, b"h" * 16, HOW_MD5)])
    places = [((array, 2, 1, 3), run), ((array, 2, 1, 20), later), ((array, 2, 0, 3), run)]
    queries.prove_blocks(connection, [(place, of_run, b"h" * 16, HOW_MD5) for place, of_run in places])
    found = queries.recorded(connection, bucket, "key")
    assert found is not None
    assert (found.hash, found.how) == (b"h" * 16, HOW_MD5)
    rows = [queries.recorded(connection, bucket, "", array_id=array, block_xyz=place[1:]) for place, _ in places]
    assert [row.hash for row in rows if row] == [b"h" * 16, bytes(16), None]


def test_damage_is_kept_page_by_page_until_it_is_dropped(connection: Connection, bucket: int, run: int) -> None:
    """What was found is kept once a key, in their order, with the row as it was."""
    one = DamagedRecord(bucket, f"{PREFIX}b", "content", "why", True, 5, ETAG, None, HOW_MD5, run, run, builders.at(1))
    queries.put_damaged(connection, [one, replace(one, key=f"{PREFIX}a"), replace(one, key="elsewhere")])
    queries.put_damaged(connection, [replace(one, kind="lost", hash=b"h" * 16)])
    first = queries.damaged_objects(connection, bucket, PREFIX, limit=1)
    assert [record.key for record in first] == [f"{PREFIX}a"]
    assert queries.damaged_objects(connection, bucket, PREFIX, after=first[-1].key) == (
        replace(one, kind="lost", hash=b"h" * 16),
    )
    queries.drop_damaged(connection, bucket, [f"{PREFIX}a", "unknown"])
    assert len(queries.damaged_objects(connection, bucket, PREFIX)) == 1


def test_what_a_listing_has_is_told_for_many_keys_at_once(
    connection: Connection, bucket: int, array: int, run: int
) -> None:
    """Blocks by their row of the grid, other objects by their keys, of the snapshots that are asked."""
    snapshot = builders.start_snapshot(connection, bucket, run)
    folder = f"{CONTAINER}volumes/raw/s0/"
    queries.add_shard(
        connection,
        snapshot,
        bucket_id=bucket,
        array_id=array,
        prefix=f"{folder}2/",
        digest=b"d" * 16,
        blocks=[(2, 1, 5, 10, ETAG), (2, 1, 6, 10, ETAG), (2, 2, 7, 10, ETAG)],
        objects=[(f"{folder}2/notes", 1, ETAG, 0)],
    )
    assert queries.listed_in_row(connection, snapshot, array, 2, 1) == {5, 6}
    keys = [f"{folder}2/notes", f"{folder}2/other"]
    assert queries.listed_among(connection, bucket, [snapshot], keys) == {keys[0]}
    assert queries.listed_among(connection, bucket, [], keys) == set()
