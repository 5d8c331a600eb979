"""Spool and shards: what was listed comes back as it was, with counts and a digest of its content."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.engine.listing import (
    ListedShard,
    Shard,
    ShardLister,
    are_few_and_large,
    shards_of_array,
    shards_of_slab,
)
from mirror.engine.lists_in_flight import ListPolicy, ListSlots
from mirror.engine.retry import Retrier, RetryPolicy
from mirror.engine.spool import Row, Spool
from mirror.errors import SlowDownError
from mirror.formats.block_keys import GridKeys
from mirror.formats.folder import Format
from mirror.formats.layout import Array, ArrayFacts
from mirror.objects import RemoteObject, Tally
from mirror.store.base import ListPage

_rows = st.tuples(st.text(), st.integers(0, 1 << 50), st.text(max_size=40), st.integers(0, 1 << 33))


@given(st.lists(st.lists(_rows, max_size=5), max_size=6))
def test_spool_gives_back_what_it_got(pages: list[list[Row]]) -> None:
    """Rows come back equal and in order, page by page in any order, any number of times."""
    with Spool() as spool:
        kept = [spool.add(page) for page in pages]
        for places, rows in ((kept, pages), (kept[::-1], pages[::-1])):
            assert list(spool.rows(places)) == [row for page in rows for row in page]


class FakeLister:
    """Lists a dict, two keys a page; asks to slow down before each page if it is told to."""

    def __init__(self, sizes: Mapping[str, int], *, refuses_once: bool = False) -> None:
        self.sizes = sizes
        self.refuses_once = refuses_once
        self.n_asked = 0
        self.refused: set[tuple[str, str | None]] = set()
        self.in_flight = self.peak = 0

    async def list_page(
        self, prefix: str, *, delimiter: str = "", token: str | None = None, max_keys: int = 1000
    ) -> ListPage:
        """Return one page."""
        assert not delimiter
        self.n_asked += 1
        if self.refuses_once and (prefix, token) not in self.refused:
            self.refused.add((prefix, token))
            raise SlowDownError("slow", prefix)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        await asyncio.sleep(0)
        self.in_flight -= 1
        keys = [key for key in sorted(self.sizes) if key.startswith(prefix) and key > (token or "")]
        page = keys[: min(2, max_keys)]
        objects = tuple(RemoteObject(key, self.sizes[key], f"e{self.sizes[key]}", 7) for key in page)
        return ListPage(objects, (), page[-1] if len(keys) > len(page) else None)


async def _list(
    sizes: Mapping[str, int], *prefixes: str, **knobs: bool
) -> tuple[tuple[ListedShard, ...], list[Row], FakeLister]:
    lister = FakeLister(sizes, **knobs)

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    with Spool() as spool:
        slots = ListSlots(ListPolicy(first=3, most=3))
        shard_lister = ShardLister(lister, spool, Retrier(sleep, RetryPolicy()), slots=slots)
        shards = await shard_lister.list_all([Shard(prefix) for prefix in prefixes])
        return shards, [row for shard in shards for row in spool.rows(shard.pages)], lister


SIZES = {f"{folder}/{n}": 10 * n for folder in "abcde" for n in range(5)}


@pytest.mark.parametrize("refuses_once", [False, True], ids=["at once", "each page is refused once"])
async def test_shards_are_listed_whole_and_in_order(refuses_once: bool) -> None:
    """Every key once, below its shard's prefix; no more at a time than the server bears."""
    prefixes = [f"{folder}/" for folder in "abcde"]
    shards, rows, lister = await _list(SIZES, *prefixes, refuses_once=refuses_once)
    assert [shard.shard.prefix for shard in shards] == ["a/", "b/", "c/", "d/", "e/"]
    assert rows == [(str(n), 10 * n, f"e{10 * n}", 7) for _ in "abcde" for n in range(5)]
    assert {shard.listed for shard in shards} == {Tally(5, 100)}
    assert lister.peak == (1 if refuses_once else 3)


async def test_equal_content_has_equal_digests() -> None:
    """A key, a size or an ETag that differs makes another digest; where it lies does not."""
    (a, b), _, _ = await _list(SIZES, "a/", "b/")
    (changed,), _, _ = await _list(SIZES | {"a/3": 31}, "a/")
    (longer,), _, _ = await _list(SIZES | {"a/9": 0}, "a/")
    assert a.digest == b.digest
    assert len({a.digest, changed.digest, longer.digest}) == 3


async def test_what_discovery_saw_is_not_listed_again() -> None:
    """A shard that comes with its objects costs no request."""
    lister = FakeLister({})
    objects = (RemoteObject("a/x", 3, "e", 7),)
    with Spool() as spool:
        (shard,) = await ShardLister(lister, spool, Retrier(asyncio.sleep)).list_all([Shard("a/", objects=objects)])
        assert list(spool.rows(shard.pages)) == [("x", 3, "e", 7)]
    assert lister.n_asked == 0


class OddLister:
    """Gives its pages as they are, whatever is asked for."""

    def __init__(self, pages: Sequence[Sequence[RemoteObject]]) -> None:
        self.pages = pages

    async def list_page(self, prefix: str, *, token: str | None = None, **_: object) -> ListPage:
        """Return one page; its token is its number."""
        assert prefix == "d/"
        number = int(token or 0)
        return ListPage(tuple(self.pages[number]), (), str(number + 1) if number + 1 < len(self.pages) else None)


@given(st.lists(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), max_size=5), min_size=1, max_size=5))
def test_each_key_comes_once(pages: list[list[tuple[int, int]]]) -> None:
    """In whatever order keys come, and however often, each is one row, as it was told first, and counted once."""
    objects = [[RemoteObject(f"d/{key:02}", size, f"e{size}", 7) for key, size in page] for page in pages]
    expected: dict[str, int] = {}
    for one in itertools.chain(*objects):
        expected.setdefault(one.key, one.size)
    with Spool() as spool:
        lister = ShardLister(OddLister(objects), spool, Retrier(asyncio.sleep))
        (shard,) = asyncio.run(lister.list_all([Shard("d/")]))
        rows = list(spool.rows(shard.pages))
    assert len(rows) == len(expected)
    assert {f"d/{suffix}": size for suffix, size, _, _ in rows} == expected
    assert shard.listed == Tally(len(expected), sum(expected.values()))


def _array(shape_xyz: tuple[int, ...]) -> Array:
    """Return an array of blocks of one voxel."""
    facts = ArrayFacts(shape_xyz, (1,) * len(shape_xyz), "uint8", {"type": "raw"})
    return Array(Format.N5, "s0", "d/s0/", facts=facts, block_keys=GridKeys(shape_xyz))


CUTS: dict[str, tuple[tuple[int, ...], int, str]] = {
    "small": ((30, 10, 10), 30, "one"),
    "slabs of jrc_hela-2": ((188, 25, 100), 188, "slabs"),
    "slabs that hold little": ((3000, 2, 2), 3000, "one"),
    "few large slabs": ((3, 300, 300), 3, "rows"),
    "many large slabs": ((64, 300, 300), 64, "slabs"),
    "few large slabs of short rows": ((3, 3000, 30), 3, "slabs"),
    "four axes": ((3, 30, 30, 30), 3, "slabs"),
    "no folder": ((188, 25, 100), 0, "files"),
}


@pytest.mark.parametrize(("shape_xyz", "n_folders", "cut"), CUTS.values(), ids=CUTS.keys())
def test_how_an_array_is_cut(shape_xyz: tuple[int, ...], n_folders: int, cut: str) -> None:
    """By the grid: neither a request for a handful of blocks, nor a hundred pages one after the other."""
    files = (RemoteObject("d/s0/attributes.json", 3, "e", 7),)
    shards = shards_of_array(_array(shape_xyz), [str(number) for number in range(n_folders)], files)
    slabs = [shard for shard in shards if shard.slab is not None]
    found = (
        "rows" if are_few_and_large(slabs) else "slabs" if slabs else "one" if shards[0].objects is None else "files"
    )
    assert found == cut


def test_strays_of_a_slab_are_shards_too() -> None:
    """Rows have their place in the grid; folders that are no rows have none, and files are there as they were seen."""
    slab = Shard("d/s0/7/", _array((9, 300, 300)), slab=7)
    files = (RemoteObject("d/s0/7/note", 3, "e", 7),)
    inside, row, stray = shards_of_slab(slab, ["10", "010"], files)
    assert inside == Shard("d/s0/7/", slab.array, objects=files, folders=("10", "010"))
    assert row == Shard("d/s0/7/10/", slab.array, slab=7, row=10)
    assert stray == Shard("d/s0/7/010/", slab.array)


_marker_keys = st.sampled_from(["", "a/", "a", "a/b", "\0", "a\0/", "/", "a\n", "\n"])


@given(st.lists(st.tuples(_marker_keys, _marker_keys), min_size=1, max_size=5, unique_by=lambda one: one[0]))
def test_folder_markers_are_not_counted(keys_and_etags: list[tuple[str, str]]) -> None:
    """Whatever the keys and ETags are, those that end with a slash, or are the folder itself, are no files."""
    objects = tuple(RemoteObject(f"d/{key}", 3, etag, 7) for key, etag in keys_and_etags)
    with Spool() as spool:
        lister = ShardLister(FakeLister({}), spool, Retrier(asyncio.sleep))
        (shard,) = asyncio.run(lister.list_all([Shard("d/", objects=objects)]))
    n_files = sum(1 for one in objects if not one.key.endswith("/"))
    assert shard.listed == Tally(n_files, 3 * len(objects))
