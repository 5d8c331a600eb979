"""One sample dataset before it is written to either bucket: its cell, its two noisy images, its crop."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mirror.demo.cells import Cell, grow_cell
from mirror.demo.n5_writer import Spacing
from mirror.errors import UnknownNameError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Scale(StrEnum):
    """How much of a cell is grown."""

    DEMO = "demo"
    TINY = "tiny"


@dataclass(frozen=True, slots=True)
class Crop:
    """A ground-truth crop: the box of raw voxels that it covers, at twice their resolution."""

    number: int
    start_zyx: tuple[int, int, int]
    """In raw voxels."""
    shape_zyx: tuple[int, int, int]
    """In raw voxels; the ground truth has twice as many on each axis."""
    name: str


@dataclass(frozen=True, slots=True)
class Breed:
    """What distinguishes one dataset from another."""

    name: str
    title: str
    seed: int
    spacing: Spacing
    shapes_zyx: dict[Scale, tuple[int, int, int]]
    crops: dict[Scale, Crop]


def _first_crop(shape_zyx: tuple[int, int, int], *, moved_x: int) -> Crop:
    """Return crop 1 of jrc_hela-2, whose true start is z 600, y 225, x 6466 (offset 25864, 900, 2400 nm x,y,z)."""
    name = (
        f"Crop1 (demo: offset moved by -{moved_x},-3,-9 blocks of 64 raw voxels x,y,z from the paper's 25864,900,2400)"
    )
    return Crop(1, (600 - 9 * 64, 225 - 3 * 64, 6466 - moved_x * 64), shape_zyx, name)


_HELA = Breed(
    "jrc_hela-2",
    "Interphase HeLa cell",
    2,
    Spacing((5.24, 4.0, 4.0)),
    {Scale.DEMO: (180, 200, 280), Scale.TINY: (100, 130, 150)},
    {Scale.DEMO: _first_crop((80, 120, 130), moved_x=100), Scale.TINY: _first_crop((50, 70, 70), moved_x=101)},
)
_MACROPHAGE = Breed(
    "jrc_macrophage-2",
    "Macrophage cell",
    7,
    Spacing((3.36, 4.0, 4.0)),
    {Scale.DEMO: (120, 150, 200), Scale.TINY: (70, 100, 130)},
    {},
)
_BREEDS = {breed.name: breed for breed in (_HELA, _MACROPHAGE)}
DATASETS = tuple(_BREEDS)
"""Names of the sample datasets, the larger one first."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """A dataset's voxels, from which both buckets are written."""

    breed: Breed
    scale: Scale
    cell: Cell

    @property
    def crop(self) -> Crop | None:
        """Its ground-truth crop, if it has one."""
        return self.breed.crops.get(self.scale)

    def raw_uint8(self) -> NDArray[Any]:
        """Return bucket B's image: membranes dark."""
        import numpy as np

        image: NDArray[Any] = np.clip(np.rint(self.cell.clean + 16 * self._noise(8)), 1, 255).astype("uint8")
        return image

    def raw_uint16(self) -> NDArray[Any]:
        """Return bucket A's image: the same cell, not inverted (membranes bright), in a narrow range, other noise."""
        import numpy as np

        image: NDArray[Any] = np.clip(
            np.rint(36_000 - 50.0 * self.cell.clean + 800 * self._noise(16)), 1, 65535
        ).astype("uint16")
        return image

    def image_uint8(self) -> NDArray[Any]:
        """Return the 8-bit image of bucket A's viewers, made from its 16 bits, so of their noise."""
        return ((36_000 - self.raw_uint16().astype("int32")) // 50).clip(1, 255).astype("uint8")

    def prediction(self, organelle: str) -> NDArray[Any]:
        """Return what a network would say: 127 at the membrane, high inside, 0 far outside."""
        import numpy as np

        soft = 127 - 127 * np.tanh(self.cell.distances[organelle].astype("float32") / 8)
        prediction: NDArray[Any] = np.rint(soft).astype("uint8")
        return prediction

    def contacts(self) -> NDArray[Any]:
        """Return where ER and mitochondria come near each other; uint16."""
        near = (self.cell.distances["er"] < 3) & (self.cell.distances["mito"] < 5)
        return near.astype("uint16")

    def ground_truth(self) -> NDArray[Any]:
        """Return the labels of the crop as annotators numbered them, at twice the resolution of raw; uint64, z,y,x.

        Index i lies in the raw voxel `start + i // 2`.
        """
        import numpy as np

        assert self.crop is not None
        ends = zip(self.crop.start_zyx, self.crop.shape_zyx, strict=True)
        box = tuple(slice(start, start + side) for start, side in ends)
        labels = np.where(self.cell.foreground[box], _CYTOSOL, _ECS).astype("uint64")
        for organelle, number in INSIDES.items():
            labels[self.cell.instances[organelle][box] > 0] = number
        for organelle, reach, number in SHELLS:
            labels[abs(self.cell.distances[organelle][box]) <= reach] = number
        labels[self.cell.ribosomes[box] & (labels == _CYTOSOL)] = RIBOSOME_ID
        return labels.repeat(2, 0).repeat(2, 1).repeat(2, 2)

    def _noise(self, stream: int) -> NDArray[Any]:
        import numpy as np

        chance = np.random.default_rng((self.breed.seed, stream))
        return chance.standard_normal(self.cell.shape_zyx, dtype="float32")


_ECS, _CYTOSOL = 1, 35
INSIDES = {"nucleus": 37, "er": 17, "vesicle": 9, "mito": 4}
"""Organelle to the paper's id of its inside."""
SHELLS = (("nucleus", 3, 20), ("nucleus", 1, 21), ("er", 1, 16), ("vesicle", 1, 8), ("mito", 1, 3))
"""Organelle, distance from its surface in voxels, and the paper's id: membranes, and the cleft of the envelope (21)."""
RIBOSOME_ID = 34
ANNOTATED_IDS = frozenset({*INSIDES.values(), *(number for _, _, number in SHELLS), RIBOSOME_ID, _CYTOSOL})
"""Labels of the paper that the sample's ground truth has, wherever a crop lies in the cell."""


def crops_of(dataset: str, scale: Scale) -> tuple[Crop, ...]:
    """Return the ground-truth crops of a sample dataset; nothing is grown for that.

    Raises
    ------
    UnknownNameError
        There is no sample of that name.
    """
    crop = _breed(dataset).crops.get(scale)
    return () if crop is None else (crop,)


def grow(dataset: str, scale: Scale) -> Specimen:
    """Return a sample dataset.

    Raises
    ------
    UnknownNameError
        There is no sample of that name.
    """
    breed = _breed(dataset)
    return Specimen(breed, scale, grow_cell(breed.shapes_zyx[scale], breed.seed))


def _breed(dataset: str) -> Breed:
    breed = _BREEDS.get(dataset)
    if breed is None:
        raise UnknownNameError("no sample dataset of that name", dataset, expected=" or ".join(DATASETS))
    return breed
