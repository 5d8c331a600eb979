"""How the wanted blocks of an array are listed: none is missed, none comes twice, in few requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.crops.blocks import BlockBox, BlockUnion
from mirror.engine.cut import shards_of_wanted
from mirror.engine.listing import Shard
from mirror.formats.block_keys import GridKeys
from mirror.formats.folder import Format
from mirror.formats.layout import Array, ArrayFacts
from mirror.objects import RemoteObject
from mirror.selection import Wanted

PREFIX = "d/d.n5/raw/s0/"
HELA = (188, 25, 100)
"""Blocks of jrc_hela-2 at full scale, x first."""
CROP_1 = BlockBox((101, 3, 9), (109, 12, 11))


def array_of(counts: tuple[int, ...], kind: Format = Format.N5, **knobs: object) -> Array:
    """Return an array with that many blocks, in the order of the numbers of its keys."""
    shape_xyz = tuple(64 * n for n in (counts if kind is Format.N5 else counts[::-1]))
    facts = ArrayFacts(shape_xyz, (64, 64, 64), "uint8", {"type": "raw"})
    return Array(kind, "raw/s0", PREFIX, 0, "s0", facts, block_keys=GridKeys(counts, **knobs))  # type: ignore[arg-type]


def wanted_of(array: Array, *boxes: BlockBox, with_mirrored: bool = False) -> Wanted:
    """Return the blocks of boxes as wanted."""
    assert isinstance(array.block_keys, GridKeys)
    return Wanted(array.block_keys, BlockUnion.of(boxes), array.format is Format.ZARR, with_mirrored)


def shown(keys: Iterable[str]) -> tuple[tuple[str, ...], tuple[RemoteObject, ...]]:
    """Return the folders and the files that a LIST with a delimiter shows in the array's folder."""
    folders = {key.split("/")[0] for key in keys if "/" in key}
    return tuple(sorted(folders)), tuple(RemoteObject(PREFIX + key, 1, "x", 0) for key in keys if "/" not in key)


def listed(shard: Shard, keys: Iterable[str]) -> list[str]:
    """Return what a shard has of these keys."""
    if shard.objects is not None:
        return [one.key for one in shard.objects]
    return [PREFIX + key for key in keys if f"{PREFIX}{key}".startswith(shard.prefix)]


_span = st.tuples(st.integers(0, 4), st.integers(1, 4))
_box = st.tuples(_span, _span, _span).map(
    lambda sides: BlockBox(tuple(a for a, _ in sides), tuple(min(a + n, 5) for a, n in sides))
)


@given(
    boxes=st.lists(_box, min_size=1, max_size=3),
    stored=st.sets(st.tuples(*[st.integers(0, 4)] * 3)),
    form=st.sampled_from([{}, {"separators": (".",)}, {"leading": "c"}, {"separators": (".", "/")}]),
    known=st.sets(st.sampled_from([PREFIX, f"{PREFIX}0/", f"{PREFIX}1/2/", f"{PREFIX}3/"])),
)
def test_each_wanted_block_that_is_there_is_listed_once(
    boxes: list[BlockBox], stored: set[tuple[int, ...]], form: dict[str, object], known: set[str]
) -> None:
    """The shards together show each stored block of the boxes once, and the metadata; all else is told as not meant."""
    array = array_of((5, 5, 5), Format.ZARR if form else Format.N5, **form)
    wanted = wanted_of(array, *boxes)
    lead, separator = "c/" if "leading" in form else "", "." if form.get("separators") == (".",) else "/"
    keys = ["attributes.json", "stray.txt", "9/9/9", *(lead + separator.join(map(str, one)) for one in sorted(stored))]
    shards = shards_of_wanted(array, wanted, *shown(keys), is_known=known.__contains__)
    found = [key for shard in shards for key in listed(shard, keys) if shard.takes(key.removeprefix(shard.prefix))]
    blocks = {lead + separator.join(map(str, one)) for one in stored if one in wanted.blocks}
    assert sorted(found) == sorted(PREFIX + key for key in {"attributes.json", *blocks})


@pytest.mark.parametrize(
    ("box", "is_known", "n_shards", "first"),
    [
        pytest.param(CROP_1, {}, 8, "101/", id="three pages a slab are less than nine rows"),
        pytest.param(BlockBox((101, 3, 9), (109, 5, 11)), {}, 16, "101/3/", id="two rows are less than three pages"),
        pytest.param(
            CROP_1, {f"{PREFIX}{x}/{y}/" for x in range(188) for y in range(25)}, 72, "101/3/", id="known rows"
        ),
        pytest.param(CROP_1, {PREFIX}, 1, "", id="a listing of all is remembered"),
    ],
)
def test_the_cut_takes_the_fewest_requests(box: BlockBox, is_known: set[str], n_shards: int, first: str) -> None:
    """Of 470,000 blocks only slabs, or rows where these are fewer requests, are listed; what is known costs none."""
    array = array_of(HELA)
    folders = tuple(map(str, range(188)))
    shards = shards_of_wanted(array, wanted_of(array, box), folders, (), is_known=is_known.__contains__)
    asked = [shard for shard in shards if shard.objects is None]
    assert (len(asked), asked[0].prefix) == (n_shards, PREFIX + first)
    places = {(shard.slab, shard.row) for shard in asked if shard.prefix != PREFIX}
    assert all(x is not None and x in range(101, 109) for x, _ in places)


def test_a_small_array_is_listed_as_one() -> None:
    """One page for all of an array costs no more than one for a slab of it."""
    array = array_of((3, 3, 3))
    (shard,) = shards_of_wanted(array, wanted_of(array, BlockBox((0, 0, 0), (1, 1, 1))), ("0", "1", "2"), ())
    assert (shard.prefix, shard.is_whole_array) == (PREFIX, True)
    assert [shard.takes(key) for key in ("0/0/0", "0/0/1", "attributes.json")] == [True, False, True]


def test_slabs_that_the_bucket_lacks_are_not_asked_for() -> None:
    """Where discovery has seen no folder of a slab, there is nothing to list."""
    array = array_of(HELA)
    shards = shards_of_wanted(array, wanted_of(array, CROP_1), ("0", "105"), ())
    assert [shard.prefix for shard in shards if shard.objects is None] == [f"{PREFIX}105/"]


def _unknown(_: str) -> bool:
    return False


@pytest.mark.parametrize("is_known", [_unknown, lambda prefix: prefix == f"{PREFIX}7/"])
def test_rows_of_blocks_on_the_share_are_listed_too(is_known: Callable[[str], bool]) -> None:
    """Where the share's blocks are to be compared, their rows come with those of the boxes."""
    array = array_of(HELA)
    wanted = wanted_of(array, BlockBox((101, 3, 9), (102, 4, 11)), with_mirrored=True)
    folders = tuple(map(str, range(188)))
    shards = shards_of_wanted(array, wanted, folders, (), also={(7, 1), (101, 3)}, is_known=is_known)
    slab = f"{PREFIX}7/" if is_known(f"{PREFIX}7/") else f"{PREFIX}7/1/"
    assert [shard.prefix for shard in shards if shard.objects is None] == [slab, f"{PREFIX}101/3/"]
