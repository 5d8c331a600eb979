"""The colour of each label: the same in every picture, and told apart by lightness where hues are hard to tell."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

_GOLDEN = 0.6180339887498949
_PALE, _DARK = 0.5, 0.35

# Okabe and Ito's palette for what is met most often, which people with any colour vision tell apart
# (https://jfly.uni-koeln.de/color/); Tol's for the rest. Membrane and lumen share a hue, the lumen is the paler.
_VERMILION, _BLUE, _GREEN, _YELLOW = (213, 94, 0), (0, 114, 178), (0, 158, 115), (240, 228, 66)
_PURPLE, _SKY, _ORANGE, _GREY = (204, 121, 167), (86, 180, 233), (230, 159, 0), (150, 150, 150)
_WINE, _INDIGO, _OLIVE, _CYAN, _RED = (136, 34, 85), (51, 34, 136), (120, 125, 20), (0, 190, 215), (238, 51, 119)
_BROWN = (140, 86, 75)


def _paler(colour: Colour, part: float = _PALE) -> Colour:
    """Return the colour mixed with white."""
    red, green, blue = (round(value + (255 - value) * part) for value in colour)
    return red, green, blue


def _darker(colour: Colour, part: float = _DARK) -> Colour:
    """Return the colour mixed with black."""
    red, green, blue = (round(value * (1 - part)) for value in colour)
    return red, green, blue


LABEL_COLOURS: Mapping[int, Colour] = {
    1: _darker(_GREY, 0.6),
    2: _SKY,
    3: _VERMILION,
    4: _paler(_VERMILION),
    5: _darker(_VERMILION, 0.5),
    6: _PURPLE,
    7: _paler(_PURPLE, 0.6),
    8: _YELLOW,
    9: _paler(_YELLOW, 0.65),
    10: _ORANGE,
    11: _paler(_ORANGE),
    12: _WINE,
    13: _paler(_WINE, 0.35),
    14: _OLIVE,
    15: _paler(_OLIVE),
    16: _BLUE,
    17: _paler(_BLUE),
    18: _darker(_BLUE, 0.4),
    19: _paler(_BLUE, 0.75),
    20: _GREEN,
    21: _paler(_GREEN),
    22: _darker(_GREEN, 0.45),
    23: _paler(_GREEN, 0.75),
    24: _darker(_INDIGO, 0.25),
    25: _INDIGO,
    26: _paler(_INDIGO, 0.25),
    27: _paler(_INDIGO, 0.45),
    28: _paler(_INDIGO, 0.7),
    29: _RED,
    30: _BROWN,
    31: _darker(_CYAN, 0.65),
    32: _darker(_CYAN, 0.3),
    33: _CYAN,
    34: _darker(_RED, 0.5),
    35: _paler(_GREY, 0.5),
    36: _paler(_BROWN),
    37: _paler(_CYAN, 0.7),
}
"""Of the paper's 37 labels."""


def colour_of(label_id: int) -> Colour:
    """Return the colour of a label; of one that the paper has not, a hue and a lightness far from its neighbours'.

    >>> colour_of(3), colour_of(1000) == colour_of(1001)
    ((213, 94, 0), False)
    """
    known = LABEL_COLOURS.get(label_id)
    if known is not None:
        return known
    hue, lightness = (label_id * _GOLDEN) % 1.0, (0.4, 0.6, 0.78)[label_id % 3]
    red, green, blue = (round(255 * value) for value in colorsys.hls_to_rgb(hue, lightness, 0.75))
    return red, green, blue


def paint(labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return red, green and blue of each voxel, as a last axis of three; label 0 is black."""
    ids, places = np.unique(labels, return_inverse=True)
    table = np.array([(0, 0, 0) if one == 0 else colour_of(int(one)) for one in ids], "uint8")
    coloured: NDArray[np.uint8] = table[places.reshape(labels.shape)]
    return coloured
