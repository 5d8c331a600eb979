"""What changed upstream."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from catalog import queries
from catalog.records import ChangeKind, ChangeRecord, Count, ListedBlockRow, RunKind, SnapshotScope
from tests.catalog import builders
from tests.catalog.builders import BUCKET_B, CONTAINER, DATASET, START, at

LOOSE = "heinrich-2021a/jrc_hela-2/"
RAW = f"{CONTAINER}volumes/raw/s0/"
SEG = f"{CONTAINER}volumes/er_seg/s0/"
CUTS = ("whole", "slabs", "rows")
Contents = Mapping[str, tuple[int, bytes]]
"""Full key to size and packed ETag."""


@dataclass(frozen=True)
class Listing:
    """What is listed, and how each array is cut."""

    contents: Contents
    cut: str = "slabs"
    arrays: tuple[str, ...] = (RAW, SEG)
    """Those that were chosen."""


def shard_of(key: str, listing: Listing) -> str:
    """Return the prefix of the shard that holds a key."""
    folder = next((one for one in listing.arrays if key.startswith(one)), None)
    if folder is None:
        return LOOSE
    names = key.removeprefix(folder).split("/")[:-1]
    return folder + "".join(f"{name}/" for name in names[: CUTS.index(listing.cut)])


def all_shards(listing: Listing) -> Iterator[tuple[str, dict[str, tuple[int, bytes]]]]:
    """Yield prefix and content of each shard; arrays and the dataset have theirs, empty or not."""
    found: dict[str, dict[str, tuple[int, bytes]]] = {LOOSE: {}, **{folder: {} for folder in listing.arrays}}
    for key, facts in listing.contents.items():
        found.setdefault(shard_of(key, listing), {})[key] = facts
    yield from found.items()


def take_listing(
    connection: Connection,
    listing: Listing,
    *,
    asked: str = "all",
    exclude: str = "",
    scope: SnapshotScope = SnapshotScope.ALL,
    blocks_of: frozenset[str] = frozenset((RAW, SEG)),
) -> tuple[ChangeRecord, ...]:
    """Keep a listing as a snapshot, as a run does; return what it found changed."""
    bucket = queries.bucket_id(connection, BUCKET_B)
    ids = {
        folder: queries.put_array(connection, builders.array_record(bucket, folder.removeprefix(CONTAINER)[:-1]))
        for folder in (RAW, SEG)
    }
    excluded = {"exclude": [exclude]} if exclude else {}
    selection = {DATASET: {"scales": asked, "chosen": list(listing.arrays), **excluded}}
    run = start_run(connection, bucket, selection)
    taken = builders.start_snapshot(connection, bucket, run, scope=scope)
    for prefix, contents in all_shards(listing):
        folder = next((one for one in listing.arrays if prefix.startswith(one)), None)
        blocks = [row for row in map(block_of, contents.items()) if row is not None and folder in blocks_of]
        others = [(k, *v, 0) for k, v in contents.items() if folder not in blocks_of or block_of((k, v)) is None]
        queries.add_shard(
            connection,
            taken,
            bucket_id=bucket,
            array_id=None if folder is None else ids[folder],
            prefix=prefix,
            digest=hashlib.md5(repr((prefix, sorted(contents.items()), folder in blocks_of)).encode()).digest(),
            blocks=blocks,
            objects=others,
        )
    found: queries.Changes = {}
    comparison = queries.compare_listings(connection, taken)
    for part in comparison.parts if comparison else ():
        queries.add_changes(connection, part, found)
    queries.put_changes(connection, queries.change_records(found, run, bucket, DATASET))
    queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(run))
    return queries.changes(connection, run_id=run)


def start_run(connection: Connection, bucket: int, selection: Mapping[str, object]) -> int:
    """Start a run of a selection."""
    return queries.start_run(
        connection,
        kind=RunKind.SYNC,
        bucket_id=bucket,
        datasets=[DATASET],
        selection=selection,
        started_at=START,
        host="here",
        pid=1,
        version="0",
    )


def block_of(item: tuple[str, tuple[int, bytes]]) -> ListedBlockRow | None:
    """Return the row of an object of an array that is a block."""
    names = item[0].rsplit("/", 3)[1:]
    return (int(names[0]), int(names[1]), int(names[2]), *item[1]) if all(one.isdigit() for one in names) else None


def naive(before: Contents, after: Contents) -> dict[tuple[str, ChangeKind], tuple[int, int, str]]:
    """Return objects, bytes and first key by folder and kind, from two dicts."""
    sums: dict[tuple[str, ChangeKind], list[str]] = {}
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key) and not key.endswith("/"):
            kind = ChangeKind.NEW if key not in before else ChangeKind.CHANGED
            kind = ChangeKind.VANISHED if key not in after else kind
            folder = next((one for one in (RAW, SEG) if key.startswith(one)), LOOSE)
            sums.setdefault((folder, kind), []).append(key)
    facts = {**before, **after}
    return {place: (len(keys), sum(facts[key][0] for key in keys), keys[0]) for place, keys in sums.items()}


def told(records: tuple[ChangeRecord, ...]) -> dict[tuple[str, ChangeKind], tuple[int, int, str]]:
    """Return records as `naive` does."""
    return {(one.prefix, one.kind): (*one.changed, one.example) for one in records}


KEYS = st.one_of(
    st.builds(
        "{}{}/{}/{}".format,
        st.sampled_from((RAW, SEG)),
        st.sampled_from((0, 1, 10)),
        st.integers(0, 1),
        st.integers(0, 11),
    ),
    st.sampled_from(
        [f"{RAW}attributes.json", f"{RAW}0/stray", f"{RAW}1/", f"{LOOSE}README.json", f"{LOOSE}\U0001f52c"]
    ),
)
CONTENTS = st.dictionaries(KEYS, st.tuples(st.integers(0, 2), st.sampled_from((b"a", b"b"))), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=CONTENTS,
    after=CONTENTS,
    cuts=st.tuples(st.sampled_from(CUTS), st.sampled_from(CUTS)),
    described=st.tuples(*[st.sampled_from([frozenset({RAW, SEG}), frozenset({SEG})])] * 2),
)
def test_changes_are_those_of_two_dicts(
    connection: Connection,
    before: Contents,
    after: Contents,
    cuts: tuple[str, str],
    described: tuple[frozenset[str], frozenset[str]],
) -> None:
    """However two listings are cut, and whether or not rows are blocks, what differs by key is found, and no more."""
    with connection.begin_nested() as savepoint:
        for contents, cut, blocks_of in zip((before, after), cuts, described, strict=True):
            found = take_listing(connection, Listing(contents, cut), blocks_of=blocks_of)
        savepoint.rollback()
    assert told(found) == naive(before, after)


ONE = {f"{RAW}0/0/0": (5, b"a"), f"{SEG}0/0/0": (7, b"a"), f"{LOOSE}README.json": (1, b"a")}
OTHER = {f"{RAW}0/0/0": (5, b"b"), f"{RAW}0/0/1": (6, b"a")}


def test_a_first_listing_changes_nothing(connection: Connection) -> None:
    """Where there is nothing to compare with, nothing is new."""
    assert take_listing(connection, Listing(ONE)) == ()


def test_an_object_of_equal_size_with_another_etag_has_changed(connection: Connection) -> None:
    """Size alone does not make two objects equal."""
    take_listing(connection, Listing(ONE))
    (found,) = take_listing(connection, Listing({**ONE, f"{RAW}0/0/0": (5, b"b")}))
    assert (found.prefix, found.kind, found.changed, found.example) == (
        RAW,
        ChangeKind.CHANGED,
        Count(1, 5),
        f"{RAW}0/0/0",
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(
            ("s0", "s0"),
            {(RAW, "changed"): 1, (RAW, "new"): 1, (SEG, "vanished"): 1, (LOOSE, "vanished"): 1},
            id="the same was asked for: what is missing is gone",
        ),
        pytest.param(
            ("s0", "s0-s1"),
            {(RAW, "changed"): 1, (RAW, "new"): 1},
            id="something else was asked for: what is missing was not chosen",
        ),
    ],
)
def test_selections(connection: Connection, asked: tuple[str, str], expected: dict[tuple[str, str], int]) -> None:
    """Of listings of selections only what both cover is compared."""
    take_listing(connection, Listing(ONE), asked=asked[0], scope=SnapshotScope.SELECTION)
    listing = Listing(OTHER, arrays=(RAW,))
    found = take_listing(connection, listing, asked=asked[1], scope=SnapshotScope.SELECTION)
    assert {(one.prefix, one.kind.value): one.changed.objects for one in found} == expected


def test_what_is_excluded_is_listed_all_the_same(connection: Connection) -> None:
    """A run that fetches less asked for the same listing: what is missing in it is gone."""
    take_listing(connection, Listing(ONE), scope=SnapshotScope.SELECTION)
    listing = Listing(OTHER, arrays=(RAW,))
    found = take_listing(connection, listing, exclude=f"{SEG}**", scope=SnapshotScope.SELECTION)
    assert (SEG, ChangeKind.VANISHED) in {(one.prefix, one.kind) for one in found}


def test_scopes_are_not_compared_with_each_other(connection: Connection) -> None:
    """A selection's listing is no successor of a whole one."""
    take_listing(connection, Listing(ONE))
    assert take_listing(connection, Listing(OTHER), scope=SnapshotScope.SELECTION) == ()


def test_changes_come_back_by_run_and_dataset(connection: Connection, bucket: int) -> None:
    """Sums by folder and kind are read back as they were put; putting them again changes nothing."""
    run = builders.start_run(connection, bucket)
    new = ChangeRecord(run, bucket, DATASET, CONTAINER, ChangeKind.NEW, Count(3, 30), f"{CONTAINER}1/2/3")
    gone = replace(new, kind=ChangeKind.VANISHED, changed=Count(1, 5))
    for _ in range(2):
        queries.put_changes(connection, [gone, new])
    assert queries.changes(connection) == (new, gone)
    assert queries.changes(connection, run_id=run, dataset=DATASET) == (new, gone)
    assert queries.changes(connection, run_id=run + 1) == ()
