"""What a few headers tell of all blocks of a level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.explain.headers import UNREAD, EdgeStyle, HeaderEvidence, judge_headers, wanted_headers
from mirror.formats.n5.block import BlockHeader, BlockMode
from mirror.formats.n5.grid import BlockIndex, Grid

GRID = Grid((9, 8, 7), (4, 4, 4))
EDGE, INSIDE = (2, 0, 0), (0, 0, 0)
PADDED, TRUNCATED = BlockHeader.plain((4, 4, 4)), BlockHeader.plain((1, 4, 4))
COUNTED = BlockHeader(BlockMode.COUNTED, (4, 4, 4), 64)

CASES: dict[str, tuple[list[tuple[BlockIndex, BlockHeader]], HeaderEvidence]] = {
    "none read": ([], UNREAD),
    "padded": ([(INSIDE, PADDED), (EDGE, PADDED)], HeaderEvidence(BlockMode.PLAIN, EdgeStyle.PADDED, 2)),
    "truncated": ([(EDGE, TRUNCATED)], HeaderEvidence(BlockMode.PLAIN, EdgeStyle.TRUNCATED, 1)),
    "only the interior": ([(INSIDE, PADDED)], HeaderEvidence(BlockMode.PLAIN, EdgeStyle.UNKNOWN, 1)),
    "both styles": (
        [(EDGE, TRUNCATED), ((2, 1, 0), PADDED)],
        HeaderEvidence(BlockMode.PLAIN, EdgeStyle.MIXED, 2),
    ),
    "a size that no writer makes": (
        [(EDGE, BlockHeader.plain((3, 3, 3)))],
        HeaderEvidence(BlockMode.PLAIN, EdgeStyle.UNKNOWN, 1),
    ),
    "with a count": ([(INSIDE, COUNTED)], HeaderEvidence(BlockMode.COUNTED, EdgeStyle.UNKNOWN, 1)),
    "of several modes": (
        [(INSIDE, COUNTED), ((0, 1, 0), COUNTED), ((1, 0, 0), PADDED)],
        HeaderEvidence(BlockMode.COUNTED, EdgeStyle.UNKNOWN, 3, is_mixed=True),
    ),
    "outside the grid": ([((9, 9, 9), COUNTED)], UNREAD),
}


@pytest.mark.parametrize(("reads", "evidence"), CASES.values(), ids=CASES.keys())
def test_headers_are_judged(reads: list[tuple[BlockIndex, BlockHeader]], evidence: HeaderEvidence) -> None:
    """The mode of most, and how the edge is stored, as far as headers of edge blocks were read."""
    assert judge_headers(GRID, reads) == evidence


def test_blocks_that_fit_have_no_edge() -> None:
    """Where blocks fit the array nothing is padded or truncated."""
    assert judge_headers(Grid((8, 8, 8), (4, 4, 4)), []).edge_style is EdgeStyle.NONE


@pytest.mark.parametrize("mode", BlockMode)
@pytest.mark.parametrize("ndim", [1, 3, 5])
def test_a_header_is_as_long_as_the_format_says(mode: BlockMode, ndim: int) -> None:
    """The bytes of a header agree with those that are written."""
    sizes = () if mode is BlockMode.OBJECT else (1,) * ndim
    assert HeaderEvidence(mode).n_bytes(ndim) == len(BlockHeader(mode, sizes, 1).encode())


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=3))
def test_wanted_blocks_are_in_the_grid_and_show_an_edge(axes: list[tuple[int, int]]) -> None:
    """The blocks to read are different, inside the grid, few, and one is at the edge where there is one."""
    grid = Grid(tuple(n for n, _ in axes), tuple(block for _, block in axes))
    wanted = wanted_headers(grid)
    assert len(set(wanted)) == len(wanted) <= grid.ndim + 2
    assert all(map(grid.is_inside, wanted))
    assert any(map(grid.is_edge, wanted)) == any(map(grid.is_edge, grid.indices()))


def test_an_empty_array_has_no_block_to_read() -> None:
    """No voxels, no headers."""
    assert wanted_headers(Grid((0, 8, 8), (4, 4, 4))) == ()


@pytest.mark.parametrize(
    ("evidence", "words"), [(UNREAD, "not read"), (HeaderEvidence(n_read=2, is_mixed=True), "not all alike")]
)
def test_evidence_has_words(evidence: HeaderEvidence, words: str) -> None:
    """What is assumed is told apart from what was read."""
    assert words in evidence.words
