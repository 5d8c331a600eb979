"""A shard that is as it was is passed over without a look at its rows, and the plan is what a look would have made."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog import queries
from catalog.config import sqlite_url
from catalog.records import RunKind, SnapshotScope
from catalog.session import Catalog, open_catalog
from mirror.app.comparison import Comparer, Comparison
from mirror.app.snapshot import write_snapshots
from mirror.app.state import BucketState
from mirror.app.survey import Survey, Surveyor
from mirror.app.workplace import utc_now
from mirror.diff import FETCHES, Kind, Known
from mirror.engine.events import ignore
from mirror.engine.fetch import Done, Item
from mirror.engine.listing import ListedShard, Shard
from mirror.engine.retry import Retrier
from mirror.engine.spool import Spool
from mirror.formats.n5.grid import parse_block_key
from mirror.keys import LINUX, S3Url
from mirror.objects import RemoteObject, Tally, Verification
from mirror.selection import SelectionSpec
from mirror.store.base import Body, ListPage
from mirror.store.bucket import Bucket
from mirror.store.share import Share

ROOT = "jrc_x/jrc_x.n5/"
LEVEL = f"{ROOT}raw/s0/"
ETAGS = ("0" * 32, "1" * 32, f"{'2' * 32}-3", "odd")
SHAPES_XYZ = {"one shard": (4, 4, 4), "slabs": (4, 40, 40), "rows": (4, 200, 150)}
"""Grids in blocks of one voxel, of which few are stored, by how they are cut into shards."""
Contents = Mapping[str, tuple[int, str]]
"""Key to bytes and ETag."""


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


class DictBucket:
    """A bucket that is a dict, three keys a page, with an array."""

    url = S3Url("b", "")

    def __init__(self, contents: Contents, shape_xyz: tuple[int, int, int]) -> None:
        documents = {f"{ROOT}attributes.json": b'{"n5": "2.0.0"}', f"{LEVEL}attributes.json": _attributes(shape_xyz)}
        self.documents = documents
        self.contents = {**contents, **{key: (len(body), _md5(body)) for key, body in documents.items()}}

    async def lister(self) -> DictBucket:
        """Return what lists it."""
        return self

    def bulk(self) -> DictBucket:
        """Return what reads it."""
        return self

    async def careful(self) -> DictBucket:
        """Return what nobody needs: the documents have the ETags that prove them."""
        return self

    def get(self, key: str) -> Body:
        """Return a document."""
        body = self.documents[key]
        return Body(body, len(body), _md5(body), 0)

    async def list_page(self, prefix: str, *, delimiter: str = "", token: str | None = None, **_: object) -> ListPage:
        """Return one page."""
        keys = sorted(key for key in self.contents if key.startswith(prefix))
        if delimiter:
            names = {key[len(prefix) :].partition("/") for key in keys}
            folders = tuple(sorted({f"{prefix}{name}/" for name, slash, _ in names if slash}))
            files = [key for key in keys if "/" not in key[len(prefix) :]]
            return ListPage(tuple(map(self._object, files)), folders, None)
        left = [key for key in keys if key > (token or "")]
        return ListPage(tuple(map(self._object, left[:3])), (), left[2] if len(left) > 3 else None)

    def _object(self, key: str) -> RemoteObject:
        return RemoteObject(key, *self.contents[key], 7)


class BlindState(BucketState):
    """A state that never agrees, so that every row is looked at."""

    def agreement(self, listed: ListedShard) -> None:
        """Return None."""


@dataclass(frozen=True)
class World:
    """A catalog, a share without files, and the numbers of an earlier run."""

    catalog: Catalog
    share: Share
    spool: Spool
    cut: str = "slabs"
    """How the array is cut: a name of `SHAPES_XYZ`."""

    def survey(self, contents: Contents, state: BucketState, max_age_seconds: float | None = None) -> Survey:
        """Return the bucket as it is listed, or as it was."""
        bucket = cast("Bucket", DictBucket(contents, SHAPES_XYZ[self.cut]))
        surveyor = Surveyor(bucket, state, self.spool, Retrier(asyncio.sleep), ignore)
        return asyncio.run(surveyor.survey(("jrc_x",), SelectionSpec(), max_age_seconds=max_age_seconds))

    def rows(self, survey: Survey) -> list[tuple[str, int, str]]:
        """Return full keys, sizes and ETags of all that was listed, sorted."""
        shards = survey.datasets[0].shards
        rows = [(one.shard.prefix + row[0], *row[1:3]) for one in shards for row in self.spool.rows(one.pages)]
        return sorted(rows)

    def state(self, kind: type[BucketState] = BucketState) -> BucketState:
        """Return what the catalog knows."""
        return kind.of(self.catalog, "s3://b", "")

    def remember(self, contents: Contents, on_share: Contents, scope: SnapshotScope = SnapshotScope.SELECTION) -> None:
        """Leave in the catalog what a run leaves that listed the first and mirrored the second."""
        state = self.state()
        survey = self.survey(contents, state)
        bucket_id = state.put_metadata("s3://b", survey.by_name, survey.documents)
        with self.catalog.begin() as connection:
            run_id = queries.start_run(
                connection,
                kind=RunKind.SYNC,
                bucket_id=bucket_id,
                datasets=["jrc_x"],
                selection={},
                started_at=utc_now(),
                host="here",
                pid=1,
                version="0",
            )
        list(write_snapshots(state, survey, self.spool, run_id, scope))
        state.commit(run_id, [_done(key, *facts, state.array_ids[LEVEL]) for key, facts in on_share.items()])

    def compare(self, contents: Contents, kind: type[BucketState], **knobs: Any) -> tuple[Comparison, list[Any]]:
        """Return the comparison, and the steps that it left in the spool."""
        state = self.state(kind)
        rules = replace(LINUX, is_case_blind=knobs.pop("is_case_blind", False))
        comparer = Comparer(state, self.share, "b", rules, self.spool, kinds=FETCHES | {Kind.ADOPT}, **knobs)
        comparison = comparer.compare(self.survey(contents, state), name="b", datasets=("jrc_x",))
        return comparison, [row for shard in comparison.shards for row in self.spool.rows(shard.pages)]


def _attributes(shape_xyz: tuple[int, int, int]) -> bytes:
    form = {"blockSize": [1, 1, 1], "dataType": "uint8", "compression": {"type": "raw"}}
    return json.dumps({"dimensions": shape_xyz, **form}).encode()


def _done(key: str, size: int, etag: str, array_id: int) -> Done:
    block = parse_block_key(key.removeprefix(LEVEL), 3)
    place = None if block is None else (block[0], block[1], block[2])
    item = Item(Kind.NEW, key, f"b/{key}", size, etag, 7, None if block is None else array_id, place)
    return Done(item, size, etag, bytes(16), Verification.MD5, is_adopted=False, replaced=False)


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a catalog without rows, to be copied."""
    file = tmp_path_factory.mktemp("blank") / "c.db"
    open_catalog(sqlite_url(file)).close()
    return file


@contextmanager
def make_world(blank: Path, cut: str = "slabs") -> Iterator[World]:
    """Yield a world of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(shutil.copy(blank, folder))
        with open_catalog(sqlite_url(file)) as catalog, Spool() as spool:
            yield World(catalog, Share(Path(folder)), spool, cut)


BLOCKS: dict[str, tuple[int, str]] = {
    f"{LEVEL}{x}/{y}/{z}": (x + y, ETAGS[z % 3]) for x in (0, 1) for y in range(2) for z in (0, 9, 10)
}
"""Both slabs of the level, as they are before anything changes."""

_suffixes = st.sampled_from(
    ["", "0/0/0", "0/0/9", "1/1/10", "0/0/note", "0/attributes.json", "1/0/0/x", "0/0", "0/", "0/00/1"]
)
_facts = st.tuples(st.integers(0, 2), st.sampled_from(ETAGS))
_changes = st.dictionaries(_suffixes.map(LEVEL.__add__), st.none() | _facts, max_size=3)


_knobs = st.fixed_dictionaries({"looks_at_share": st.booleans(), "is_case_blind": st.booleans()})


def _changed(contents: Contents, changes: Mapping[str, tuple[int, str] | None]) -> dict[str, tuple[int, str]]:
    return {key: facts for key, facts in {**contents, **changes}.items() if facts is not None}


_cuts = st.sampled_from(sorted(SHAPES_XYZ))


@given(_cuts, st.tuples(_changes, _changes, _changes), _knobs)
@example("slabs", ({}, {}, {}), {})
@example("rows", ({}, {}, {}), {})
@example("slabs", ({f"{LEVEL}0/attributes.json": (1, "odd")}, {}, {}), {})
@example("slabs", ({f"{LEVEL}0/": (0, "odd")}, {}, {}), {})
@settings(max_examples=30, deadline=None)
def test_passing_over_changes_no_plan(blank: Path, cut: str, changes: Any, knobs: Any) -> None:
    """Whatever was listed before, is on the share and is listed now: the plan and its steps are the same either way."""
    with make_world(blank, cut) as world:
        listed, on_share, later = changes
        contents = _changed(BLOCKS, listed)
        world.remember(contents, _changed(contents, on_share))
        now = _changed(contents, later)
        (quick, quick_steps), (slow, slow_steps) = (
            world.compare(now, kind, **knobs) for kind in (BucketState, BlindState)
        )
        assert quick.plan == slow.plan
        assert quick_steps == slow_steps
        assert quick.broken == slow.broken


@given(_cuts, _changes)
@settings(max_examples=25, deadline=None)
def test_however_it_is_cut_every_key_is_listed_once(blank: Path, cut: str, changes: Any) -> None:
    """Small arrays, slabs and rows of slabs: all keys, and as a snapshot they come back the same."""
    with make_world(blank, cut) as world:
        contents = _changed(BLOCKS, changes)
        expected = sorted((key, *facts) for key, facts in DictBucket(contents, SHAPES_XYZ[cut]).contents.items())
        assert world.rows(world.survey(contents, world.state())) == expected
        world.remember(contents, {}, SnapshotScope.ALL)
        assert world.rows(world.survey({}, world.state(), max_age_seconds=60)) == expected


class NoRowsState(BucketState):
    """A state that knows of no row of a slab; only that it agrees can make it up to date."""

    @contextmanager
    def known(self, shard: Shard) -> Iterator[Known]:
        """Yield what is known of single objects, and of none of a slab."""
        with super().known(shard) as known:
            yield {} if shard.objects is None else known


PASSED_OVER: dict[str, tuple[Callable[[dict[str, tuple[int, str]]], object], int]] = {
    "nothing changed": (lambda _: None, 12),
    "a block has another ETag": (lambda now: now.update({f"{LEVEL}0/0/0": (0, ETAGS[1])}), 6),
    "a block is new": (lambda now: now.update({f"{LEVEL}0/0/1": (0, ETAGS[1])}), 6),
    "a block is gone": (lambda now: now.pop(f"{LEVEL}1/0/0"), 6),
    "a folder marker is new": (lambda now: now.update({f"{LEVEL}1/": (0, ETAGS[1])}), 6),
}


@pytest.mark.parametrize(("change", "n_passed_over"), PASSED_OVER.values(), ids=PASSED_OVER.keys())
def test_slabs_that_are_as_they_were_are_passed_over(
    blank: Path, change: Callable[[dict[str, tuple[int, str]]], object], n_passed_over: int
) -> None:
    """A slab with the old content that the share has whole is up to date without its rows being read."""
    with make_world(blank) as world:
        world.remember(BLOCKS, BLOCKS)
        now = dict(BLOCKS)
        change(now)
        comparison, _ = world.compare(now, NoRowsState)
        assert comparison.plan.up_to_date.objects == n_passed_over
        assert sum(comparison.plan.by_kind.values(), Tally()).objects >= 12
