"""Colours of labels: each its own, and told apart by people who see less of them."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from catalog.mongo.labels import LABEL_IDS
from mirror.view.colours import LABEL_COLOURS, Colour, colour_of, paint

_DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
"""In linear light: Machado, Oliveira and Fernandes 2009, severity 1."""


def lab_of(colour: Colour, *, is_colour_blind: bool = False) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a colour in CIELAB, in which distances are those that people see."""
    scaled = np.array(colour) / 255
    linear = np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)
    if is_colour_blind:
        linear = np.clip(_DEUTERANOPIA @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ linear / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_label_of_the_paper_has_a_colour_of_its_own() -> None:
    """That no other comes near: a difference of 10 is plain to see."""
    assert set(LABEL_COLOURS) == LABEL_IDS
    for one, other in itertools.combinations(sorted(LABEL_COLOURS), 2):
        distance = np.linalg.norm(lab_of(LABEL_COLOURS[one]) - lab_of(LABEL_COLOURS[other]))
        assert distance > 10, (one, other)


def test_what_is_met_most_is_told_apart_without_red_and_green() -> None:
    """Membranes and lumina of the organelles in most crops, ribosomes and cytosol."""
    common = (2, 3, 4, 6, 8, 9, 16, 17, 20, 34, 35)
    for one, other in itertools.combinations(common, 2):
        here, there = (lab_of(LABEL_COLOURS[label], is_colour_blind=True) for label in (one, other))
        assert np.linalg.norm(here - there) > 10, (one, other)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6))
def test_labels_are_painted_in_their_colours(ids: list[int]) -> None:
    """Whatever their numbers; 0 is black, and the same number the same colour in any picture."""
    labels = np.array([ids, ids[::-1]], "uint64")
    painted = paint(labels)
    assert painted.shape == (2, len(ids), 3)
    for place, one in np.ndenumerate(labels):
        assert tuple(painted[place]) == ((0, 0, 0) if one == 0 else colour_of(int(one)))
