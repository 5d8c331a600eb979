"""Spool and shards: what was listed comes back as it was, with counts and a digest of its content."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from mirror.engine.listing import ListedShard, Shard, ShardLister
from mirror.engine.retry import Retrier, RetryPolicy
from mirror.engine.spool import Row, Spool
from mirror.errors import SlowDownError
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
    """Lists a dict, two keys a page, and asks to slow down before each page."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes
        self.n_asked = 0
        self.refused: set[tuple[str, str | None]] = set()
        self.in_flight = self.peak = 0

    async def list_page(
        self, prefix: str, *, delimiter: str = "", token: str | None = None, max_keys: int = 1000
    ) -> ListPage:
        """Return one page."""
        assert not delimiter
        self.n_asked += 1
        if (prefix, token) not in self.refused:
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


async def _list(sizes: Mapping[str, int], *prefixes: str) -> tuple[tuple[ListedShard, ...], list[Row], FakeLister]:
    lister = FakeLister(sizes)

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    with Spool() as spool:
        shard_lister = ShardLister(lister, spool, Retrier(sleep, RetryPolicy()), max_lists=3)
        shards = await shard_lister.list_all([Shard(prefix) for prefix in prefixes])
        return shards, [row for shard in shards for row in spool.rows(shard.pages)], lister


SIZES = {f"{folder}/{n}": 10 * n for folder in "abcde" for n in range(5)}


async def test_shards_are_listed_whole_and_in_order() -> None:
    """Every key once, below its shard's prefix, though each page is refused once."""
    shards, rows, lister = await _list(SIZES, *(f"{folder}/" for folder in "abcde"))
    assert [shard.shard.prefix for shard in shards] == ["a/", "b/", "c/", "d/", "e/"]
    assert rows == [(str(n), 10 * n, f"e{10 * n}", 7) for _ in "abcde" for n in range(5)]
    assert {shard.listed for shard in shards} == {Tally(5, 100)}
    assert 2 <= lister.peak <= 3


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
        (shard,) = await ShardLister(lister, spool, Retrier(asyncio.sleep), max_lists=1).list_all(
            [Shard("a/", objects=objects)]
        )
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
        lister = ShardLister(OddLister(objects), spool, Retrier(asyncio.sleep), max_lists=1)
        (shard,) = asyncio.run(lister.list_all([Shard("d/")]))
        rows = list(spool.rows(shard.pages))
    assert len(rows) == len(expected)
    assert {f"d/{suffix}": size for suffix, size, _, _ in rows} == expected
    assert shard.listed == Tally(len(expected), sum(expected.values()))
