"""Blocks as electron microscopes and networks make them: membranes under noise, soft maps, labels, and odd ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Voxels = NDArray[Any]
Texture = Callable[[np.random.Generator, tuple[int, ...]], Voxels]


def cloud(chance: np.random.Generator, shape_zyx: tuple[int, ...], length: float) -> Voxels:
    """Return smooth noise of mean 0 and deviation 1, whose structures are about `length` voxels; not periodic."""
    room = tuple(n + int(6 * length) + 1 for n in shape_zyx)
    frequencies = np.meshgrid(*(np.fft.fftfreq(n) for n in room), indexing="ij", sparse=True)
    square = sum(one * one for one in frequencies)
    smooth = np.fft.ifftn(np.fft.fftn(chance.standard_normal(room)) * np.exp(-2 * (np.pi * length) ** 2 * square)).real
    cut = smooth[tuple(slice(0, n) for n in shape_zyx)]
    return np.asarray(cut / smooth.std())


def cell(chance: np.random.Generator, shape_zyx: tuple[int, ...], length: float = 3.0) -> Voxels:
    """Return what a microscope would see without noise: thin dark membranes around shaded rooms; 0 to 255."""
    membranes = np.exp(-((2.5 * cloud(chance, shape_zyx, length)) ** 2))
    shades: Voxels = np.clip(165 + 15 * cloud(chance, shape_zyx, 3 * length) - 95 * membranes, 1, 255)
    return shades


def em_uint8(chance: np.random.Generator, shape_zyx: tuple[int, ...]) -> Voxels:
    """Return a block of bucket B's raw."""
    image = cell(chance, shape_zyx) + 16 * chance.standard_normal(shape_zyx)
    return np.clip(np.rint(image), 1, 255).astype("uint8")


def em_uint16(chance: np.random.Generator, shape_zyx: tuple[int, ...]) -> Voxels:
    """Return a block of bucket A's raw: not inverted, in a narrow range."""
    image = 36_000 - 50 * cell(chance, shape_zyx) + 800 * chance.standard_normal(shape_zyx)
    return np.clip(np.rint(image), 1, 65_535).astype("uint16")


def noise(chance: np.random.Generator, shape_zyx: tuple[int, ...]) -> Voxels:
    """Return voxels that know nothing of each other."""
    return chance.integers(0, 256, shape_zyx, "uint8")


def soft_map(chance: np.random.Generator, shape_zyx: tuple[int, ...]) -> Voxels:
    """Return a block of a prediction: 0 or 255 nearly everywhere."""
    return np.asarray(np.rint(127.5 + 127.5 * np.tanh(3 * cloud(chance, shape_zyx, 4))), "uint8")


def labels(chance: np.random.Generator, shape_zyx: tuple[int, ...]) -> Voxels:
    """Return a block of a segmentation: two instances and what is neither."""
    shapes = cloud(chance, shape_zyx, 4)
    return np.asarray((shapes > 0.5) * np.uint64(17) + (shapes < -0.5) * np.uint64(2**40), "uint64")


def shade(chance: np.random.Generator, shape_zyx: tuple[int, ...]) -> Voxels:
    """Return a block so smooth that it has next to no structure."""
    return np.asarray(np.rint(128 + 30 * cloud(chance, shape_zyx, 12)).clip(0, 255), "uint8")


def wall(chance: np.random.Generator, shape_zyx: tuple[int, ...]) -> Voxels:
    """Return resin behind a plane face, anywhere in y, under noise."""
    image = np.full(shape_zyx, 120.0)
    image[..., int(chance.integers(2, shape_zyx[-2] - 2)) :, :] = 205
    return np.rint(image + 5 * chance.standard_normal(shape_zyx)).astype("uint8")


def clean_wall(chance: np.random.Generator, shape_zyx: tuple[int, ...]) -> Voxels:
    """Return a mask's face, without noise."""
    mask = np.zeros(shape_zyx, "uint8")
    mask[..., int(chance.integers(2, shape_zyx[-2] - 2)) :, :] = 1
    return mask


def dots(chance: np.random.Generator, shape_zyx: tuple[int, ...]) -> Voxels:
    """Return a few single voxels in an empty block."""
    mask = np.zeros(shape_zyx, "uint8")
    mask[tuple(chance.integers(0, n, 5) for n in shape_zyx)] = 255
    return mask


TEXTURES: tuple[Texture, ...] = (
    em_uint8,
    em_uint16,
    noise,
    soft_map,
    labels,
    shade,
    wall,
    clean_wall,
    dots,
)
