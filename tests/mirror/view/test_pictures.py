"""Pictures: raw and labels where they belong, words that do not overlap, and nothing too large."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mirror.errors import UnknownNameError, UsageError
from mirror.view import CropView, VolumeView, open_crop, open_volume
from mirror.view.planes import grey
from mirror.view.sheet import LINE, MARGIN, Sheet, draw, text_width
from tests.labs import HELA, Lab

TOP = MARGIN + 2 * LINE
"""Of the panels, where the title has one line."""
TIMES = 7
"""Pixels of a voxel of the tiny crop, 70 voxels wide."""


def pixels(image: Image.Image) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Return red, green and blue."""
    return np.asarray(image).astype("int16")


def panels(crop: CropView, **knobs: Any) -> tuple[Any, Any]:
    """Return both panels of a picture of the tiny crop, a pixel a voxel."""
    image = pixels(crop.picture(**knobs))
    rows = slice(TOP + TIMES // 2, TOP + TIMES * 70, TIMES)
    lefts = (MARGIN, 2 * MARGIN + TIMES * 70)
    left, right = (image[rows, slice(at + TIMES // 2, at + TIMES * 70, TIMES)] for at in lefts)
    return left, right


@pytest.fixture
def crop(mirrored: Lab) -> CropView:
    """Crop 1 of the sample."""
    return open_crop(1, config=mirrored.config)


def test_the_left_panel_is_raw(crop: CropView) -> None:
    """The slice that is asked for, in the contrast that is asked for."""
    left, _ = panels(crop, z=7, contrast="full")
    np.testing.assert_array_equal(left, np.repeat(crop.raw[7][..., np.newaxis], 3, axis=2))


def test_labels_are_drawn_over_their_structure(crop: CropView) -> None:
    """Membranes are coloured where raw is dark: moved by two voxels along any axis, they fit clearly less."""
    raw, over = panels(crop, z=25, labels=["mito_membrane", "er_membrane"], opacity=1)
    is_painted = (raw != over).any(axis=2)
    assert 300 < is_painted.sum() < 2500

    def darkness(z: int, dy: int, dx: int) -> float:
        plane = grey(crop.raw[z])
        inner = is_painted[2:-2, 2:-2]
        moved = plane[2 + dy : 68 + dy, 2 + dx : 68 + dx].astype(float)
        return float(moved[~inner].mean() - moved[inner].mean())

    best = darkness(25, 0, 0)
    for z, dy, dx in [(23, 0, 0), (27, 0, 0), (25, -2, 0), (25, 2, 0), (25, 0, -2), (25, 0, 2)]:
        assert darkness(z, dy, dx) < 0.85 * best, (z, dy, dx)


def test_the_chosen_labels_alone_are_drawn(crop: CropView) -> None:
    """In the colours of the legend, which names them and no others."""
    raw, over = panels(crop, labels=[4], opacity=1)
    is_lumen = crop.labels_on_raw_grid()[25] == 4
    np.testing.assert_array_equal((raw != over).any(axis=2), is_lumen)
    assert len({tuple(one) for one in over[is_lumen]}) == 1
    bare, _ = panels(crop, labels=[4], opacity=0)
    np.testing.assert_array_equal(bare, raw)


def test_padding_is_drawn_without_labels(mirrored: Lab) -> None:
    """Raw goes on around the crop."""
    crop = open_crop(1, config=mirrored.config, padding=2)
    image = pixels(crop.picture(contrast="full"))
    times, across = 7, 74
    left = image[TOP : TOP + times * across, MARGIN : MARGIN + times * across]
    right = image[TOP : TOP + times * across, 2 * MARGIN + times * across : 2 * MARGIN + 2 * times * across]
    np.testing.assert_array_equal(left[: 2 * times], right[: 2 * times])
    assert (left != right).any()


@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_slices_along_any_axis_are_drawn_to_scale(mirrored: Lab, axis: str) -> None:
    """Where z is coarser, it is stretched: pixels are square in the world."""
    view = open_volume(f"{HELA}/raw", "s0", config=mirrored.config)
    height, width = (np.array(view.shape) * (5.24, 4.0, 4.0))[[i for i in range(3) if "zyx"[i] != axis]]
    image = view.picture(axis=axis)
    drawn = (image.height - TOP - 2 * MARGIN - LINE) / (image.width - 2 * MARGIN)
    assert drawn == pytest.approx(height / width, rel=0.02)
    crop = open_crop(1, config=mirrored.config)
    assert crop.picture(axis=axis, z="25%").width > 900


def test_a_volume_is_drawn_as_it_is(mirrored: Lab) -> None:
    """Grey for the EM, colours for labels, and a part of it where one is asked for."""
    raw = open_volume(f"{HELA}/raw", "s0", config=mirrored.config)
    image = pixels(raw.picture(z=10, box="20:80,30:110", contrast="full"))
    times = 6
    shown = image[TOP : TOP + 60 * times : times, MARGIN : MARGIN + 80 * times : times]
    np.testing.assert_array_equal(shown, np.repeat(raw[10, 20:80, 30:110][..., np.newaxis], 3, axis=2))
    seen = pixels(open_volume(f"{HELA}/volumes/labels/mito_seg", "s1", config=mirrored.config).picture())
    assert (seen[TOP:-60, :, 0] != seen[TOP:-60, :, 2]).any()


@pytest.mark.parametrize(
    ("knobs", "error", "words"),
    [
        ({"z": "70"}, UsageError, "a number up to 49"),
        ({"axis": "t"}, UsageError, "z, y or x"),
        ({"labels": ["mitto"]}, UnknownNameError, "mito"),
        ({"opacity": 2}, UsageError, "opacity"),
        ({"contrast": "loud"}, UsageError, "contrast"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    crop: CropView, knobs: dict[str, Any], error: type[UsageError], words: str
) -> None:
    """Each with exit code 2."""
    with pytest.raises(error, match=words) as caught:
        crop.picture(**knobs)
    assert caught.value.exit_code == 2


def test_a_picture_that_is_too_large_names_the_levels(spoilt: Lab) -> None:
    """No voxel is read for it: of this level of 400 megapixels a slice, the share has next to no block."""
    document = spoilt.folder(f"heinrich-2021a/{HELA}/{HELA}.n5/volumes/raw/s2/attributes.json")
    document.write_text(json.dumps(json.loads(document.read_text()) | {"dimensions": [20_000, 20_000, 25]}))
    view: VolumeView = open_volume(f"{HELA}/raw", "s2", config=spoilt.config)
    with pytest.raises(UsageError, match="coarser level: s3, s4"):
        view.picture()


def test_nothing_overlaps_on_a_sheet() -> None:
    """Long words wrap, many labels flow into lines, and each line stands alone."""
    panel = np.zeros((60, 50, 3), "uint8")
    legend = [(f"a label of some length, number {n}", (200, n, 0)) for n in range(12)]
    words = "a title that is far longer than both panels together are wide, so that it takes more than one line"
    image = draw(Sheet(words, (panel, panel), ("a caption that is too wide", "short"), (words,), 1.5, legend))
    shown = pixels(image)
    is_ink = (shown != 255).any(axis=2)
    assert not is_ink[:, -MARGIN:].any()
    assert not is_ink[:, : MARGIN - 1].any()
    assert text_width(words) > image.width
    # Each line of words has a row of pixels without ink above it.
    is_blank = ~is_ink.any(axis=1)
    n_bands = sum(1 for blank, _ in itertools.groupby(is_blank) if not blank)
    assert n_bands >= 12
    swatches = {tuple(shown[y, x]) for y, x in np.argwhere(is_ink)}
    assert {(200, n, 0) for n in range(12)} <= swatches
