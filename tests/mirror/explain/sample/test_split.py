"""The parts of `compression` sum to it, fall to what differs, and hold the truth of the level."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.explain.sample.decode import Storage, Voxels
from mirror.explain.sample.places import Place
from mirror.explain.sample.plan import SamplePlan, plan_sample
from mirror.explain.sample.recode import Recoded, Step, encoded_bytes, recode
from mirror.explain.sample.relation import Fit
from mirror.explain.sample.split import Known, Part, PartShare, split_compression
from mirror.formats.folder import Format
from tests.mirror.explain.sample.levels import make_level
from tests.mirror.explain.sample.textures import em_uint8, em_uint16

GZIP, FAST, RAW = ({"type": "gzip", "level": 6}, {"type": "gzip", "level": 1}, {"type": "raw"})
BLOCK = (16, 16, 16)
LINE = Fit(-0.02, 720.0, 0.3, -0.99, 1, 1)


def to_sum(terms: Mapping[str, Decimal], total: int) -> dict[str, int]:
    """Return whole numbers that sum to the total: what is cut off goes to the first that lost most."""
    cut = {name: int(term) for name, term in terms.items()}
    missing = total - sum(cut.values())
    step = 1 if missing > 0 else -1
    for name in sorted(cut, key=lambda name: (-step * (terms[name] - cut[name]), name))[: abs(missing)]:
        cut[name] += step
    return cut


def _split(
    a: Storage, b: Storage, voxels: list[tuple[Voxels, Voxels]], fit: Fit | None
) -> tuple[dict[Part, PartShare], int]:
    recoded = [one for one in (recode(*pair, a, b, fit) for pair in voxels) if isinstance(one, Recoded)]
    sizes = [(encoded_bytes(x, a), encoded_bytes(y, b)) for x, y in voxels]
    places = [Place((i, 0, 0), *one, is_edge=False) for i, one in enumerate(sizes)]
    plan: SamplePlan = plan_sample(lambda: places, None, seed=1)
    by_index = [recoded[place.index_xyz[0]] for place in plan.places]
    a_bytes, b_bytes = (sum(one) for one in zip(*sizes, strict=True))
    ratio = a.dtype.itemsize / b.dtype.itemsize
    mean = a_bytes if a_bytes == b_bytes else (a_bytes - b_bytes) / math.log(a_bytes / b_bytes)
    total = round(mean * (math.log(a_bytes / b_bytes) - math.log(ratio)))
    return split_compression(plan, by_index, Known(a_bytes, b_bytes, ratio, total), to_sum, seed=1), total


def _blocks(n: int = 4) -> list[Voxels]:
    return [em_uint16(np.random.default_rng(i), (32, 32, 32)) for i in range(n)]


@pytest.mark.parametrize(
    ("a", "b", "part"),
    [
        pytest.param(
            Storage(Format.N5, "uint16", GZIP, BLOCK), Storage(Format.N5, "uint16", FAST, BLOCK), Part.CODEC, id="codec"
        ),
        pytest.param(
            Storage(Format.N5, "uint16", GZIP, BLOCK),
            Storage(Format.N5, "uint16", GZIP, (32, 32, 32)),
            Part.BLOCK_SIZE,
            id="block size",
        ),
    ],
)
def test_what_alone_differs_gets_all(a: Storage, b: Storage, part: Part) -> None:
    """The same voxels stored in one other way: that part is all of it, the others are 0."""
    parts, total = _split(a, b, [(one, one) for one in _blocks()], None)
    assert total != 0
    assert {name: share.bytes for name, share in parts.items() if share.bytes} == {part: total}


def test_type_alone_gets_all() -> None:
    """B is A along the line: all is the type's, and nothing content's."""
    a, b = Storage(Format.N5, "uint16", GZIP, BLOCK), Storage(Format.N5, "uint8", GZIP, BLOCK)
    pairs = [(one, np.rint(-0.02 * one + 720.0).clip(0, 255).astype("uint8")) for one in _blocks()]
    parts, total = _split(a, b, pairs, LINE)
    assert {name: share.bytes for name, share in parts.items() if share.bytes} == {Part.TYPE: total}


def test_other_content_is_content() -> None:
    """Other voxels stored in the same way: all is content's."""
    one = Storage(Format.N5, "uint8", GZIP, BLOCK)
    pairs = [(em_uint8(np.random.default_rng(i), (32,) * 3), np.zeros((32,) * 3, "uint8") + i) for i in range(4)]
    parts, total = _split(one, one, pairs, None)
    assert {name: share.bytes for name, share in parts.items() if share.bytes} == {Part.CONTENT: total}


def test_without_a_line_type_and_content_are_one() -> None:
    """Types differ and no line leads from one to the other: one part for both, none for either."""
    a, b = Storage(Format.N5, "uint16", GZIP, BLOCK), Storage(Format.N5, "uint8", FAST, BLOCK)
    pairs = [(one, em_uint8(np.random.default_rng(50 + i), (32,) * 3)) for i, one in enumerate(_blocks())]
    parts, total = _split(a, b, pairs, None)
    assert set(parts) == {Part.CODEC, Part.TYPE_AND_CONTENT}
    assert sum(share.bytes for share in parts.values()) == total


@given(st.integers(0, 50), st.sampled_from([20, 60, None]), st.integers(-(2**40), 2**40))
def test_parts_sum_to_compression(seed: int, n_places: int | None, total: int) -> None:
    """Whatever the accounting gives to compression, the parts sum to it to the byte."""
    level = make_level(seed, (4, 4, 6))
    plan = plan_sample(lambda: level.places, n_places, seed=seed)
    known = Known(level.a_bytes, level.b_bytes, 2.0, total)
    parts = split_compression(plan, [level.recoded[one.index_xyz] for one in plan.places], known, to_sum, seed=seed)
    assert sum(share.bytes for share in parts.values()) == total
    assert all(share.estimate.low <= share.estimate.value <= share.estimate.high for share in parts.values())
    assert not plan.is_complete or all(share.estimate.width == 0 for share in parts.values())


def test_the_order_of_steps_is_nothing() -> None:
    """Shapley's shares by hand, of two steps that help each other."""
    both = frozenset({Step.CODEC, Step.BLOCK_SIZE})
    sizes = {frozenset(): 800, frozenset({Step.CODEC}): 400, frozenset({Step.BLOCK_SIZE}): 800, both: 100}
    plan = plan_sample(lambda: [Place((0, 0, 0), 800, 100, is_edge=False)], None, seed=1)
    total = 700
    parts = split_compression(plan, [Recoded(sizes, 100)], Known(800, 100, 1.0, total), to_sum, seed=1)
    # In ln 2: the codec saves 1 alone and 3 with blocks; blocks 0 alone and 2 with the codec; 3 in all is ln 8.
    assert parts[Part.CODEC].estimate.value == pytest.approx(total * 2 / 3)
    assert parts[Part.BLOCK_SIZE].estimate.value == pytest.approx(total / 3)


def test_without_places_all_is_content() -> None:
    """Nothing measured, or nothing stored: no part is claimed."""
    parts = split_compression(SamplePlan(()), [], Known(10, 5, 1.0, 5), to_sum, seed=1)
    assert {name: share.bytes for name, share in parts.items()} == {Part.CONTENT: 5}
