"""What the catalog says of the share: one row a file, also where an array is not always known as one."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import queries
from catalog.errors import CatalogError
from catalog.records import ArrayRecord, MirroredObject
from catalog.session import open_catalog
from mirror.app.state import BucketState, KnownInOrder
from mirror.crops.blocks import BlockBox, BlockUnion
from mirror.diff import Kind
from mirror.engine.fetch import Done, Item
from mirror.engine.listing import Shard
from mirror.errors import ExitCode
from mirror.formats.block_keys import GridKeys
from mirror.formats.folder import Format
from mirror.formats.layout import Array, ArrayFacts
from mirror.objects import Verification
from mirror.selection import Wanted
from tests.catalog import builders
from tests.faults import BUCKET, Ask, OddServer, Refuse, no_fault, run_odd_server
from tests.system.invariants import catalog_rows, row_of
from tests.system.oddlab import LEVEL, ODD, QUICK, OddLab, make_oddlab, small_dataset

METADATA = f"{LEVEL}attributes.json"
BLOCK = f"{LEVEL}0/1/0"


@pytest.fixture
def server() -> Iterator[OddServer]:
    """A server that obeys, with the small dataset in its bucket."""
    with run_odd_server() as running:
        for key, body in small_dataset().items():
            running.put(key, body)
        yield running


@pytest.fixture
def lab(server: OddServer, tmp_path: Path) -> OddLab:
    """A lab that mirrors from it."""
    open_catalog(f"sqlite:///{tmp_path}/blank.db").close()
    return make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, (tmp_path / "blank.db").read_bytes())


def test_of_a_shard_that_means_some_blocks_no_other_is_known(lab: OddLab) -> None:
    """Blocks outside of the boxes are not among what is compared: none can look as if it had vanished from the bucket.

    Where all that the share has is to be compared, it is.
    """
    lab.mirror()
    grid, box = GridKeys((2, 2, 2)), BlockUnion((BlockBox((0, 1, 0), (1, 2, 1)),))
    array = Array(
        Format.N5, "volumes/raw/s0", LEVEL, 0, "s0", ArrayFacts((4, 4, 4), (2, 2, 2), "uint8", {}), None, grid
    )
    with open_catalog(f"sqlite:///{lab.catalog}") as catalog:
        state = BucketState.of(catalog, f"s3://{BUCKET}", "")
        for prefix, wanted, keys in (
            (LEVEL, Wanted(grid, box), {"attributes.json", "0/1/0"}),
            (f"{LEVEL}0/", Wanted(grid, box), {"1/0"}),
            (f"{LEVEL}0/", Wanted(grid, box, with_mirrored=True), {"0/0", "0/1", "1/0", "1/1"}),
        ):
            shard = Shard(prefix, array, wanted=wanted, slab=None if prefix == LEVEL else 0)
            with state.known(shard) as known:
                assert isinstance(known, dict)
                assert set(known) == keys


def denied(server: OddServer) -> None:
    """Let the level's metadata be refused."""
    server.fault = lambda ask: Refuse(403, "AccessDenied") if ask.key == METADATA else None


def removed(server: OddServer) -> None:
    """Remove the level's metadata."""
    server.objects.pop(METADATA)


def no_array(server: OddServer) -> None:
    """Let the level be a group, and its grid groups in it."""
    server.put(METADATA, b"{}")


def known(server: OddServer) -> None:
    """Let the level be a level."""
    server.fault = no_fault
    server.put(METADATA, small_dataset()[METADATA])


@pytest.mark.parametrize("unknown", [denied, removed, no_array])
def test_an_array_that_is_unknown_for_a_while(
    server: OddServer, lab: OddLab, unknown: Callable[[OddServer], None]
) -> None:
    """Its blocks are up to date as before, each has one row, and what came meanwhile is not taken for what was there.

    A block is replaced while nobody knows that it is one, and is what it was when the array is known again.
    """
    unknown(server) if unknown is no_array else None
    lab.mirror(policy=QUICK)
    known(server)
    lab.mirror(policy=QUICK)
    blocks = {f"{BUCKET}/{key}" for key in small_dataset() if key.startswith(LEVEL)} - {f"{BUCKET}/{METADATA}"}
    assert blocks <= set(catalog_rows(lab.catalog))

    unknown(server)
    server.put(BLOCK, b"meanwhile")
    outcome = lab.mirror(policy=QUICK)
    assert outcome.report.adopted.objects == 0
    assert (lab.mirrored / BLOCK).read_bytes() == b"meanwhile"
    assert blocks <= set(catalog_rows(lab.catalog))

    known(server)
    server.put(BLOCK, small_dataset()[BLOCK])
    assert lab.mirror(policy=QUICK).exit_code is ExitCode.DONE
    assert lab.files() == small_dataset()
    assert set(catalog_rows(lab.catalog)) == {f"{BUCKET}/{key}" for key in small_dataset()}


@pytest.mark.parametrize("unknown", [denied, removed, no_array])
def test_a_lost_block_of_an_array_that_is_unknown(
    server: OddServer, lab: OddLab, unknown: Callable[[OddServer], None]
) -> None:
    """`--verify-share` sees that it is gone, and no row claims it when it cannot be fetched."""
    lab.mirror(policy=QUICK)
    unknown(server)
    (lab.mirrored / BLOCK).unlink()
    before = server.fault
    server.fault = lambda ask: Refuse(403, "AccessDenied") if ask.key == BLOCK else before(ask)
    assert BLOCK in lab.mirror(policy=QUICK, verify_share=True).failed
    assert f"{BUCKET}/{BLOCK}" not in catalog_rows(lab.catalog)
    known(server)
    lab.mirror(policy=QUICK)
    assert lab.files() == small_dataset()


def test_killed_between_a_new_content_and_its_row(server: OddServer, lab: OddLab) -> None:
    """The old row does not speak for the new file: not even when the bucket has its old content again."""
    lab.mirror()
    old = server.objects[BLOCK]
    server.put(BLOCK, b"x" * len(old.body))
    locked: list[sqlite3.Connection] = []

    def lock(ask: Ask) -> None:
        """Let no row be committed from now on."""
        if ask.key == BLOCK and not locked:
            locked.append(sqlite3.connect(lab.catalog, isolation_level=None, check_same_thread=False))
            locked[0].execute("BEGIN IMMEDIATE")

    server.on_ask = lock
    with lab.start("sync", ODD) as process:
        deadline = time.monotonic() + 30
        while (lab.mirrored / BLOCK).read_bytes() == old.body and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    with closing(locked[0]):
        locked[0].execute("ROLLBACK")
    assert (lab.mirrored / BLOCK).read_bytes() == b"x" * len(old.body)
    server.objects[BLOCK] = old
    assert lab.mirror().report.transferred.objects == 1
    assert lab.files() == small_dataset()
    assert catalog_rows(lab.catalog)[f"{BUCKET}/{BLOCK}"] == row_of(old.body)


def test_half_a_character_ends_no_run(server: OddServer, lab: OddLab) -> None:
    """Documents may spell what neither UTF-8 nor a database can; the dataset is mirrored, each file as it is."""
    array = json.loads(small_dataset()[METADATA]) | {"units": ["\ud800"] * 3, "\udfff": "\ud800"}
    server.put(METADATA, json.dumps(array).encode())
    server.put(f"{ODD}/{ODD}.n5/attributes.json", b'{"n5": "2.0.0\\ud800"}')
    server.put(f"{ODD}/README.json", b'{"title": "half of \\ud83d"}')
    assert lab.mirror(policy=QUICK).exit_code is ExitCode.DONE
    assert lab.files() == {key: one.body for key, one in server.objects.items()}
    with open_catalog(f"sqlite:///{lab.catalog}") as catalog, catalog.read() as connection:
        assert [fact.value for fact in queries.facts(connection) if fact.name == "title"] == ["half of \ufffd"]


def done(kind: Kind, key: str) -> Done:
    """Return an object of 7 bytes that came to the share."""
    return Done(Item(kind, key, key, 7, "e" * 32, 0, None, None), 7, "e" * 32, b"", Verification.MD5, False, False)


@pytest.fixture
def mirrored(tmp_path: Path) -> Iterator[tuple[BucketState, int]]:
    """A bucket in a catalog with a scale of a precomputed volume, and a run."""
    with open_catalog(f"sqlite:///{tmp_path}/catalog.db") as catalog:
        with catalog.begin() as connection:
            bucket = queries.bucket_id(connection, "s3://bucket")
            queries.put_array(
                connection, ArrayRecord(bucket, "d/v/", "4_4_4", "precomputed", (1,), (1,), "uint8", {"type": "raw"})
            )
            run = builders.start_run(connection, bucket)
        yield BucketState.of(catalog, "s3://bucket", ""), run


def sums(state: BucketState) -> dict[str, tuple[int, bool]]:
    """Return how many objects are counted below each prefix, and whether its document is said to be there."""
    assert state.catalog is not None
    assert state.bucket_id is not None
    with state.catalog.read() as connection:
        records = queries.arrays(connection, state.bucket_id, "d/")
        states = queries.mirror_states(connection, state.bucket_id, "d/", records)
    return {prefix: (one.mirrored.objects, one.is_published) for prefix, one in states.items()}


def test_a_scan_counts_while_a_sync_goes_on(mirrored: tuple[BucketState, int]) -> None:
    """What the sync writes after the scan has counted is counted, too: at once, and after its end."""
    state, run = mirrored
    scan = BucketState.of(state.catalog, "s3://bucket", "")
    state.commit(run, [done(Kind.NEW, "d/v/4_4_4/0"), done(Kind.NEW, "d/README.md")])
    scan.count_sums(["d"])
    state.commit(run, [done(Kind.NEW, "d/v/4_4_4/1"), done(Kind.NEW, "d/LICENSE")])
    assert sums(state) == {"d/": (2, False), "d/v/4_4_4/": (2, False)}
    state.count_sums(["d"])
    assert sums(state) == {"d/": (2, False), "d/v/4_4_4/": (2, False)}


def test_sums_after_a_transaction_that_failed(mirrored: tuple[BucketState, int]) -> None:
    """The next transaction doubts them again."""
    state, run = mirrored
    state.count_sums(["d"])
    with pytest.raises(CatalogError):
        state.commit(run + 1, [done(Kind.NEW, "d/v/4_4_4/0")])
    state.commit(run, [done(Kind.NEW, "d/v/4_4_4/0")])
    assert sums(state)["d/v/4_4_4/"] == (1, False)


def test_the_document_of_a_precomputed_volume_publishes_its_scales(mirrored: tuple[BucketState, int]) -> None:
    """Also where it comes in a run of its own, and where it is gone again."""
    state, run = mirrored
    state.commit(run, [done(Kind.NEW, "d/v/4_4_4/0")])
    state.count_sums(["d"])
    state.commit(run, [done(Kind.NEW, "d/v/info")])
    state.count_sums(["d"])
    assert sums(state) == {"d/": (1, False), "d/v/4_4_4/": (1, True)}
    state.forget([done(Kind.LOST, "d/v/info").item])
    assert sums(state) == {"d/": (0, False), "d/v/4_4_4/": (1, False)}


_keys = st.text(st.sampled_from("ab/0\u00e9\U0001f600"), max_size=4)


@given(st.dictionaries(_keys, st.integers(0, 9)), st.lists(_keys, max_size=12), st.booleans())
def test_rows_in_order_are_a_dict(sizes: dict[str, int], asked: list[str], in_order: bool) -> None:
    """Whatever is asked for, in whatever order, also twice: the answer is that of a dict."""
    rows: list[MirroredObject] = sorted(
        (("p/" + key, size, b"e", 1) for key, size in sizes.items()), key=lambda row: row[0].encode()
    )
    looked_up: list[str] = []

    def look_up(keys: Sequence[str]) -> list[MirroredObject]:
        """Return the rows of these keys."""
        looked_up.extend(keys)
        return [row for row in rows if row[0] in keys]

    if in_order:
        asked.sort(key=str.encode)
    known = KnownInOrder("p/", iter(rows), look_up)
    assert [known.get(key) for key in asked] == [(sizes[key], b"e") if key in sizes else None for key in asked]
    assert not (in_order and looked_up)
