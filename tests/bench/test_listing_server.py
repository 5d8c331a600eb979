"""The listing server's keys, against a list of them all; and its pages, read by the mirror's own parser."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from bench.listing_server import HELA2_BLOCKS, Dataset, Pages
from mirror.store.list_answer import parse_any_page, parse_page

SMALL = Dataset(400, (12, 3, 11), n_loose=25)
"""Volumes raw and er_seg, the last level cut within a slab, and some files."""


def all_keys(dataset: Dataset) -> list[str]:
    """Return every key, by the words of the N5 format."""
    keys = [*dataset.documents, *(f"{dataset.prefix}loose/{number}" for number in range(25))]
    for level in dataset.levels.values():
        nx, ny, nz = level.grid_xyz
        blocks = [f"{level.prefix}{x}/{y}/{z}" for x in range(nx) for y in range(ny) for z in range(nz)]
        keys += blocks[: level.n_stored]
    return sorted(keys, key=str.encode)


def walk(dataset: Dataset, prefix: str, *, delimiter: str = "", max_keys: int = 7) -> list[str]:
    """Return what a client sees that follows the tokens."""
    pages = Pages(dataset)
    found: list[str] = []
    query = f"list-type=2&encoding-type=url&prefix={quote(prefix)}&delimiter={delimiter}&max-keys={max_keys}"
    token = ""
    while True:
        body = pages.page(query + (f"&continuation-token={quote(token)}" if token else ""))
        page = parse_page(body, prefix)
        assert page == parse_any_page(body, prefix)
        found += sorted([*(one.key for one in page.objects), *page.folders])
        if page.next_token is None:
            return found
        token = page.next_token


@pytest.mark.parametrize(
    "choose",
    [
        pytest.param(lambda _: "", id="all"),
        pytest.param(lambda one: one.prefix, id="the dataset"),
        pytest.param(lambda one: f"{next(iter(one.levels))}1", id="a number that others begin with"),
        pytest.param(lambda one: f"{next(iter(one.levels))}1/", id="a slab"),
        pytest.param(lambda one: f"{next(iter(one.levels))}1/2/", id="a row"),
        pytest.param(lambda one: f"{list(one.levels)[-1]}0/", id="a slab that is cut"),
        pytest.param(lambda one: f"{one.prefix}loose/1", id="files side by side"),
        pytest.param(lambda one: f"{one.prefix}nothing/", id="nothing"),
    ],
)
def test_pages_hold_every_key_once_in_order(choose: Callable[[Dataset], str]) -> None:
    """With and without a delimiter, whatever the prefix, in the order of the keys' bytes."""
    prefix = choose(SMALL)
    keys = [key for key in all_keys(SMALL) if key.startswith(prefix)]
    assert walk(SMALL, prefix) == keys
    first = {key[len(prefix) :].partition("/")[:2] for key in keys}
    assert walk(SMALL, prefix, delimiter="/") == sorted(prefix + name + slash for name, slash in first)


def test_there_are_as_many_blocks_as_asked_for() -> None:
    """Blocks are counted without the metadata, and each key has a body of the size and MD5 that LIST says."""
    assert sum(level.n_stored for level in SMALL.levels.values()) == 400
    assert all(SMALL.body(key) is not None for key in all_keys(SMALL))
    assert SMALL.body(f"{next(iter(SMALL.levels))}99/0/0") is None


@pytest.mark.parametrize(("n_keys", "n_volumes"), [(3_000, 4), (12_000, 7), (700_000, 80)])
def test_volumes_share_the_blocks(n_keys: int, n_volumes: int) -> None:
    """The first volume is whole, the others are smaller and alike; all together have nearly as many blocks as asked."""
    grid = (40, 5, 10) if n_keys < 100_000 else HELA2_BLOCKS
    dataset = Dataset(n_keys, grid, n_volumes=n_volumes)
    levels = list(dataset.levels.values())
    assert len({level.prefix.rpartition("/s")[0] for level in levels}) == n_volumes
    assert levels[0].grid_xyz == grid
    assert all(level.n_stored == level.grid_xyz[0] * level.grid_xyz[1] * level.grid_xyz[2] for level in levels)
    assert 0.8 * n_keys < sum(level.n_stored for level in levels) <= n_keys


def test_another_edition_has_other_bytes_under_the_same_keys() -> None:
    """So that a listing of it differs in every ETag of a block."""
    first, second = (Dataset(500, edition=edition) for edition in (0, 1))
    keys = list(first.keys(first.prefix))
    assert keys == list(second.keys(second.prefix))
    assert [key for key in keys if first.body(key) == second.body(key)] == sorted(first.documents)
