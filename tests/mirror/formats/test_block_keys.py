"""Which keys are blocks, against all keys that a grid can have."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.block_keys import BoxKeys, GridKeys, ShardKeys
from mirror.formats.n5.grid import Grid

_counts = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@given(_counts, st.sampled_from("./"), st.sampled_from([None, "c"]))
def test_each_position_of_a_grid_has_one_key(counts: tuple[int, ...], separator: str, leading: str | None) -> None:
    """All positions inside are blocks, as many as `n_blocks`, and none with one axis more or one step beyond."""
    keys = GridKeys(counts, (separator,), leading)
    head = [] if leading is None else [leading]
    inside = list(itertools.product(*map(range, counts)))
    spelled = {separator.join(head + [str(number) for number in index]) or "0" for index in inside}
    assert all(map(keys.is_block, spelled))
    assert len(spelled) == keys.n_blocks
    assert not any(keys.is_block(f"{key}{separator}0") for key in spelled)
    if counts:
        assert not keys.is_block(separator.join(head + [str(count) for count in counts]))


@pytest.mark.parametrize("key", ["c", "0", "", "c/0", "c.0", "x/0/0/0", "c/0/0/x", "c/0/0/00", "c/0/0/-1", "c//0/0"])
def test_other_keys_are_no_chunks_of_zarr_3(key: str) -> None:
    """Neither other numbers of axes, nor other words, nor padded or negative numbers."""
    assert not GridKeys((2, 2, 2), leading="c").is_block(key)


def test_a_single_value_of_zarr_has_one_chunk() -> None:
    """Without axes the key is `0`, or `c` alone."""
    assert [GridKeys(()).is_block(key) for key in ("0", "", "1", "0/0")] == [True, False, False, False]
    assert [GridKeys((), leading="c").is_block(key) for key in ("c", "c/0", "0")] == [True, False, False]
    assert GridKeys(()).n_blocks == 1


_axis = st.tuples(st.integers(1, 7), st.integers(1, 4), st.integers(-3, 3))


@given(st.tuples(_axis, _axis, _axis))
def test_each_chunk_of_precomputed_is_a_box(axes: tuple[tuple[int, int, int], ...]) -> None:
    """Boxes begin at the offset and are cut at the end; a step aside, or to before the offset, there is none."""
    shape, chunk, offset = zip(*axes, strict=True)
    keys = BoxKeys((Grid(shape, chunk),), offset)
    spans = [
        [(start + at, min(start + size, n) + at) for start in range(0, n, size)]
        for n, size, at in zip(shape, chunk, offset, strict=True)
    ]
    boxes = ["_".join(f"{start}-{stop}" for start, stop in box) for box in itertools.product(*spans)]
    assert all(map(keys.is_block, boxes))
    assert keys.n_blocks == len(boxes)
    (start, stop), *others = [span[0] for span in spans]
    tail = "".join(f"_{low}-{high}" for low, high in others)
    assert not keys.is_block(f"{start - chunk[0]}-{start}{tail}")
    assert not keys.is_block(f"{start}-{stop + 1}{tail}")


@pytest.mark.parametrize("key", ["0-4_0-4", "0-4_0-4_0-4_0-4", "00-4_0-4_0-4", "0-4_0-4_0-4.tif", "info", "0/0/0"])
def test_other_keys_are_no_boxes(key: str) -> None:
    """Neither other numbers of axes, nor padded numbers, nor other endings."""
    assert not BoxKeys((Grid((4, 4, 4), (4, 4, 4)),), (0, 0, 0)).is_block(key)


def test_a_volume_may_have_chunks_of_several_sizes() -> None:
    """Each of the sizes that a document offers has its own grid; the first one counts."""
    keys = BoxKeys((Grid((4, 4, 4), (4, 4, 4)), Grid((4, 4, 4), (4, 4, 2))), (0, 0, 0))
    assert [keys.is_block(key) for key in ("0-4_0-4_0-4", "0-4_0-4_2-4", "0-4_0-2_0-4")] == [True, True, False]
    assert keys.n_blocks == 1


@pytest.mark.parametrize(("bits", "digits"), [(0, 1), (1, 1), (4, 1), (5, 2), (9, 3)])
def test_shards_are_numbered_in_as_many_digits_as_they_need(bits: int, digits: int) -> None:
    """Lower-case hexadecimal, padded, up to the last number."""
    keys, last = ShardKeys(bits, None), (1 << bits) - 1
    assert keys.is_block(f"{last:0{digits}x}.shard")
    assert keys.is_block(f"{0:0{digits}x}.index")
    assert not keys.is_block(f"{last + 1:0{digits}x}.shard")
    assert not keys.is_block(f"{0:0{digits + 1}x}.shard")
