"""A cell that never lived: smooth structures with membranes, so that pictures show something. Axes are z,y,x."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"
_FAR = 100.0
"""Distance, in voxels, of what was not drawn."""

_RESIN, _CYTOPLASM, _NUCLEOPLASM, _NUCLEOLUS = 205.0, 165.0, 150.0, 95.0
_MEMBRANE, _MATRIX, _LUMEN, _RIBOSOME = 65.0, 120.0, 185.0, 85.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: how it looks without noise, and what lies where."""

    clean: Array
    """uint8; membranes are dark, as in bucket B."""
    instances: Mapping[str, Array]
    """Organelle to uint16 labels; 0 is everything else."""
    distances: Mapping[str, Array]
    """Organelle to signed distance in voxels (int8), negative inside."""
    foreground: Array
    """bool; the sample, as against the resin."""
    ribosomes: Array
    """bool."""

    @property
    def shape_zyx(self) -> tuple[int, int, int]:
        """Voxels."""
        depth, height, width = self.clean.shape
        return depth, height, width


def grow_cell(shape_zyx: tuple[int, int, int], seed: int) -> Cell:
    """Return the cell of that seed; the same on every machine."""
    import numpy as np

    chance = np.random.default_rng(seed)
    body = _ellipsoid(shape_zyx, (0.5, 0.5, 0.5), (0.85, 0.49, 0.48)) + 5 * _cloud(shape_zyx, 40, chance)
    nucleus = _ellipsoid(shape_zyx, (0.45, 0.55, 0.68), (0.55, 0.33, 0.25)) + 3 * _cloud(shape_zyx, 35, chance)
    nucleolus = _ellipsoid(shape_zyx, (0.4, 0.58, 0.7), (0.2, 0.12, 0.09)) + 2 * _cloud(shape_zyx, 15, chance)
    room = np.maximum(body, -nucleus)
    mito, cristae, mito_labels = _mitochondria(room, chance)
    vesicle, vesicle_labels = _vesicles(np.maximum(room, 2 - mito), chance)
    er = np.maximum.reduce([np.abs(_cloud(shape_zyx, 26, chance)) * 26 - 2.5, room + 5, 3 - mito, 3 - vesicle])
    ribosomes = _dots(np.maximum.reduce([room + 4, 2 - mito, 2 - vesicle, 2 - np.abs(er)]), chance)
    distances = {"mito": mito, "er": er, "nucleus": nucleus, "vesicle": vesicle}
    organs = {**distances, "body": body, "nucleolus": nucleolus}
    clean = _paint(organs, cristae, ribosomes, _cloud(shape_zyx, 9, chance))
    return Cell(
        clean,
        {
            "mito": mito_labels,
            "vesicle": vesicle_labels,
            "er": (er < 0).astype("uint16"),
            "nucleus": (nucleus < 0).astype("uint16"),
        },
        {name: np.clip(np.rint(distance), -_FAR, _FAR).astype("int8") for name, distance in distances.items()},
        body < 0,
        ribosomes,
    )


def _paint(distances: Mapping[str, Array], cristae: Array, ribosomes: Array, texture: Array) -> Array:
    import numpy as np

    body, nucleus, mito = distances["body"], distances["nucleus"], distances["mito"]
    shade = np.where(body < 0, _CYTOPLASM + 12 * texture, _RESIN).astype("float32")
    shade = np.where(distances["er"] < 0, _LUMEN, shade)
    shade[ribosomes] = _RIBOSOME
    shade = np.where(nucleus < 0, _NUCLEOPLASM + 28 * texture, shade)
    shade = np.where(np.maximum(distances["nucleolus"], nucleus + 4) < 0, _NUCLEOLUS + 14 * texture, shade)
    shade = np.where(mito < 0, _MATRIX + 6 * texture, shade)
    shade[cristae & (mito < -2.5)] = _MEMBRANE + 15
    shade = np.where(distances["vesicle"] < 0, _LUMEN - 10, shade)
    for distance, width in ((distances["er"], 0.9), (mito, 1.4), (distances["vesicle"], 1.1), (body, 1.6)):
        shade[np.abs(distance) < width] = _MEMBRANE
    # The nuclear envelope is two membranes with a bright cleft between.
    shade[np.abs(nucleus) < 3.2] = _MEMBRANE
    shade[np.abs(nucleus) < 1.2] = _LUMEN
    clean: Array = np.clip(shade, 1, 255).astype("uint8")
    return clean


def _mitochondria(room: Array, chance: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return distances, cristae and labels of capsules that lie where `room` is negative."""
    import numpy as np

    distance = np.full(room.shape, _FAR, "float32")
    cristae = np.zeros(room.shape, bool)
    labels = np.zeros(room.shape, "uint16")
    label = 0
    for start, stop, radius in _capsules(room, chance):
        box = _box(np.minimum(start, stop), np.maximum(start, stop), radius + 12, room.shape)
        own, along = _capsule(box, start, stop, radius)
        if (distance[box][own < 0] < 4).any():
            continue
        label += 1
        inside = own < 0
        labels[box][inside] = label
        cristae[box] |= inside & (np.sin(along * (2 * np.pi / 8)) > 0.45)
        np.minimum(distance[box], own, out=distance[box])
    return distance, cristae, labels


def _capsules(room: Array, chance: np.random.Generator) -> Iterator[tuple[Array, Array, float]]:
    """Yield (start, stop, radius) of tubes whose axis keeps its distance from every wall."""
    import numpy as np

    shape = np.array(room.shape)
    for _ in range(max(400, room.size // 8_000)):
        middle, radius = chance.uniform(0, shape), chance.uniform(8, 13)
        half = chance.normal(size=3) * (0.4, 1.0, 1.0)
        half *= chance.uniform(8, 30) / np.linalg.norm(half)
        ends = [middle - half, middle, middle + half]
        if all(_fits(room, point, radius + 1) for point in ends):
            yield ends[0], ends[2], radius


def _vesicles(room: Array, chance: np.random.Generator) -> tuple[Array, Array]:
    import numpy as np

    distance = np.full(room.shape, _FAR, "float32")
    labels = np.zeros(room.shape, "uint16")
    label = 0
    for _ in range(max(120, room.size // 12_000)):
        middle, radius = chance.uniform(0, room.shape), chance.uniform(3, 8)
        box = _box(middle, middle, radius + 12, room.shape)
        if not _fits(room, middle, radius + 1):
            continue
        own, _along = _capsule(box, middle, middle, radius)
        if (distance[box][own < 0] < 3).any():
            continue
        label += 1
        labels[box][own < 0] = label
        np.minimum(distance[box], own, out=distance[box])
    return distance, labels


def _dots(room: Array, chance: np.random.Generator) -> Array:
    """Return cubes of two voxels, strewn where `room` is negative."""
    import numpy as np

    seeds = np.zeros(room.shape, bool)
    places = chance.integers(0, room.size, room.size // 150)
    seeds.flat[places] = True
    seeds &= room < 0
    dots = seeds.copy()
    for axis in range(3):
        dots |= np.roll(dots, 1, axis)
    return dots & (room < 0)


def _fits(room: Array, point: Array, clearance: float) -> bool:
    index = tuple(int(place) for place in point)
    if any(not 0 <= place < side for place, side in zip(index, room.shape, strict=True)):
        return False
    return bool(room[index] < -clearance)


def _box(low: Array, high: Array, margin: float, shape: tuple[int, ...]) -> tuple[slice, ...]:
    sides = zip(low, high, shape, strict=True)
    return tuple(slice(max(0, int(a - margin)), min(side, int(b + margin) + 1)) for a, b, side in sides)


def _capsule(box: tuple[slice, ...], start: Array, stop: Array, radius: float) -> tuple[Array, Array]:
    """Return the distance from a capsule's surface, and the place along its axis, over a box of voxels."""
    import numpy as np

    grid = np.stack(np.meshgrid(*(np.arange(side.start, side.stop, dtype="float32") for side in box), indexing="ij"))
    axis = (stop - start).astype("float32")
    length = max(float(np.linalg.norm(axis)), 1e-6)
    offset = grid - np.asarray(start, "float32")[:, None, None, None]
    along = np.tensordot(axis / length, offset, 1)
    nearest = np.clip(along, 0, length)[None] * (axis / length)[:, None, None, None]
    return np.linalg.norm(offset - nearest, axis=0) - radius, along


def _ellipsoid(
    shape: tuple[int, int, int], middle: tuple[float, float, float], radii: tuple[float, float, float]
) -> Array:
    """Return about the distance from an ellipsoid; middle and radii are fractions of the shape."""
    import numpy as np

    parts = [
        ((np.arange(side, dtype="float32") / side - at) / radius) ** 2
        for side, at, radius in zip(shape, middle, radii, strict=True)
    ]
    distance = np.sqrt(parts[0][:, None, None] + parts[1][None, :, None] + parts[2][None, None, :]) - 1
    return distance * np.float32(min(side * radius for side, radius in zip(shape, radii, strict=True)))


def _cloud(shape: tuple[int, int, int], period: int, chance: np.random.Generator) -> Array:
    """Return smooth noise around 0, of about unit size, whose hills are `period` voxels apart."""
    import numpy as np

    cloud: Array = chance.standard_normal([side // period + 4 for side in shape]).astype("float32") * np.float32(1.7)
    for axis, side in enumerate(shape):
        cloud = np.moveaxis(np.tensordot(_bumps(side, period, cloud.shape[axis]), cloud, (1, axis)), 0, axis)
    return cloud


def _bumps(side: int, period: int, n_knots: int) -> Array:
    """Return the weights (side, n_knots) of quadratic B-splines."""
    import numpy as np

    place = np.abs(np.arange(side)[:, None] / period + 1 - np.arange(n_knots)[None, :])
    return np.where(place < 0.5, 0.75 - place**2, np.where(place < 1.5, (1.5 - place) ** 2 / 2, 0)).astype("float32")
