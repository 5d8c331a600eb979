"""The grids of raw and labels: each voxel against its own place, in words of nanometres."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mirror.crops.box import Box
from mirror.view.grids import Grids


@given(
    st.tuples(st.integers(0, 9), st.integers(1, 12)),
    st.tuples(st.integers(0, 6), st.integers(0, 6)),
    st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 2, 3]),
)
def test_labels_lie_where_they_are_said_to(
    crop: tuple[int, int], padding: tuple[int, int], factor: int, per_raw: int
) -> None:
    """Label i lies in finest raw voxel start + i // 2, here for any fineness, and so in that voxel's of a level."""
    (start, n), (before, after) = crop, padding
    first = max(start - before, 0) // factor
    stop = -(-(start + n + after) // factor)
    grids = Grids(Box((first,), (stop - first,)), Box((start,), (n,)), (float(factor),), (n * per_raw,))
    expected = [(start + i // per_raw) // factor - first for i in range(n * per_raw)]
    assert grids.raw_of_labels(0).tolist() == expected
    for at, label in enumerate(grids.labels_of_raw(0).tolist()):
        centre = (first + at + 0.5) * factor - start
        assert label == (int(centre * per_raw) if 0 <= centre < n else -1)


def test_rows_that_are_stored_backwards_count_from_their_other_end() -> None:
    """Raw of ten rows, of which the crop has the stored rows 2 to 4: upright they are 5 to 7."""
    outer, inner = Box((0, 1, 0), (1, 6, 1)), Box((0, 2, 0), (1, 3, 1))
    grids = Grids(outer, inner, (1.0, 1.0, 1.0), (2, 6, 2), is_mirrored_y=True)
    # Stored rows 1 to 6 are upright rows 8 to 3: the box begins upright at 3, the crop at 5.
    assert grids.raw_of_labels(1).tolist() == [2, 2, 3, 3, 4, 4]
    assert grids.labels_of_raw(1).tolist() == [-1, -1, 1, 3, 5, -1]
