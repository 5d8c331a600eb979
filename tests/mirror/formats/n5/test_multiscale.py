"""Which children are levels, and which level each is."""

from __future__ import annotations

import pytest

from mirror.formats.n5.multiscale import level_indices, multiscale_paths, parse_level_name, positions


@pytest.mark.parametrize(
    ("name", "level"),
    [("s0", 0), ("s12", 12), ("s00", None), ("s", None), ("S1", None), ("s1 ", None), ("ss1", None), ("s٣", None)],
)
def test_a_level_is_named_s_and_a_plain_number(name: str, level: int | None) -> None:
    """Only `sN` with a canonical number names a level."""
    assert parse_level_name(name) == level


def test_n5_counts_by_name_and_else_by_place() -> None:
    """`sN` is level N even where multiscales names others first; other names count by their place."""
    assert level_indices(["s2", "half", "other"], ["full", "half", "s2"]) == {"half": 1, "s2": 2}


def test_zarr_counts_by_place_and_else_by_name() -> None:
    """With a multiscales document only its places count; without one, `sN` is level N."""
    assert positions(["s1", "s2", "other"], ["s1", "s2"]) == {"s1": 0, "s2": 1}
    assert positions(["s1", "other"], []) == {"s1": 1}


@pytest.mark.parametrize(
    "odd", [None, 7, {}, [], [7], [{"datasets": 7}], [{"datasets": [7, {"path": 7}, {}]}]], ids=repr
)
def test_an_odd_multiscales_document_names_nothing(odd: object) -> None:
    """A document of another shape names no level, and does not fail."""
    assert multiscale_paths(odd) == ()


def test_a_path_named_twice_counts_once() -> None:
    """Two pyramids that name the same level give it one place."""
    pyramid = {"datasets": [{"path": "s0"}, {"path": "s1/"}]}
    assert multiscale_paths([pyramid, pyramid]) == ("s0", "s1")
