"""A sample dataset in the layout of bucket B: 8-bit inverted raw, truncated edges, ground truth, skeletons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mirror.demo import n5_writer
from mirror.demo.n5_writer import Dialect, KeyedBody
from mirror.demo.pyramid import Halver, levels, mean_of_cubes, middle_of_cubes
from mirror.demo.specimen import RIBOSOME_ID, Crop, Specimen

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKET = "janelia-cosem-publications"
PREFIX = "heinrich-2021a/"
_RAW_LEVELS = 5
_LABEL_LEVELS = 3
_GROUND_TRUTH_BLOCK_XYZ = (128, 128, 128)
_GROUND_TRUTH_NM = 2.0
_NOMINAL_NM = 4.0
"""What ground truth takes a raw voxel to be, on every axis, whatever the true z spacing."""
_ANNOTATION = "volumes/groundtruth/0003/"


def bucket_objects() -> Iterator[KeyedBody]:
    """Yield what lies beside the datasets."""
    yield f"{PREFIX}README.md", b"# Whole-cell organelle segmentation\n\nA sample made by `oomirror demo`.\n"
    columns = "path,dataset,setup,iteration,label,crop,threshold,metric,metric_params,value,raw_dataset"
    rows = [
        f"/setup{setup}/jrc_hela-2.n5,jrc_hela-2,setup{setup},{iteration},mito,23,127,dice,{{}},0.{setup}{i},volumes/raw"
        for setup in (1, 3)
        for i, iteration in enumerate((250_000, 500_000))
    ]
    yield f"{PREFIX}evaluations/results.csv", "\n".join([columns, *rows, ""]).encode()


def objects(specimen: Specimen) -> Iterator[KeyedBody]:
    """Yield the keys and bodies of one dataset."""
    name = specimen.breed.name
    dataset = f"{PREFIX}{name}/"
    root = f"{dataset}{name}.n5/"
    yield dataset, b""
    yield n5_writer.group(root, {"n5": "2.0.0"})
    yield f"{dataset}skeletons/mt/block_1.nml", _skeleton(name)
    yield from _images(f"{root}volumes/", specimen)
    yield from _labels(f"{root}volumes/labels/", specimen)
    foreground = specimen.cell.foreground.astype("uint8")
    yield from _level(f"{root}volumes/masks/foreground/", specimen, foreground, 0, {})
    if specimen.crop is not None:
        yield from _ground_truth(root, specimen, specimen.crop)


def _images(prefix: str, specimen: Specimen) -> Iterator[KeyedBody]:
    raw = specimen.raw_uint8()
    yield from _pyramid(f"{prefix}raw/", specimen, raw, mean_of_cubes, _RAW_LEVELS)
    (*_finer, subsampled) = levels(raw, 2, mean_of_cubes)
    yield from _level(f"{prefix}subsampled/raw/8nm/", specimen, subsampled, 1, {})


def _labels(prefix: str, specimen: Specimen) -> Iterator[KeyedBody]:
    for organelle in ("er", "mito", "nucleus"):
        at = f"{prefix}{organelle}_pred/"
        yield from _pyramid(at, specimen, specimen.prediction(organelle), mean_of_cubes, _LABEL_LEVELS)
    for organelle in ("er", "mito", "nucleus", "vesicle"):
        labels = specimen.cell.instances[organelle]
        parts = _pyramid(f"{prefix}{organelle}_seg/", specimen, labels, middle_of_cubes, _LABEL_LEVELS)
        group = next(parts)
        # A group without attributes.json is still a group.
        if organelle != "nucleus":
            yield group
        yield from parts
    yield from _pyramid(f"{prefix}er_mito_contacts/", specimen, specimen.contacts(), middle_of_cubes, 1)


def _pyramid(
    prefix: str, specimen: Specimen, array_zyx: NDArray[Any], halve: Halver, n_levels: int
) -> Iterator[KeyedBody]:
    yield n5_writer.pyramid_group(prefix, specimen.breed.spacing, n_levels)
    volume = prefix[prefix.index("volumes/") :].rstrip("/")
    for level, coarser_zyx in enumerate(levels(array_zyx, n_levels, halve)):
        yield from _level(f"{prefix}s{level}/", specimen, coarser_zyx, level, {"name": volume})


def _level(
    prefix: str, specimen: Specimen, array_zyx: NDArray[Any], level: int, more: Mapping[str, Any]
) -> Iterator[KeyedBody]:
    spacing = specimen.breed.spacing
    placed = {"pixelResolution": spacing.resolution(level), "transform": spacing.transform(level)}
    return n5_writer.array(prefix, array_zyx, Dialect.JAVA, {**placed, **more})


def _ground_truth(root: str, specimen: Specimen, crop: Crop) -> Iterator[KeyedBody]:
    labels = specimen.ground_truth()
    attributes = _crop_attributes(crop)
    prefix = f"{root}{_ANNOTATION}crop{crop.number}/"
    parts = {"labels/all": labels, "labels/ribosomes": (labels == RIBOSOME_ID) * labels}
    parts["masks/ribosomes"] = (labels > 0).astype("uint64")
    for path, array_zyx in parts.items():
        at = f"{prefix}{path}/"
        yield from n5_writer.array(at, array_zyx, Dialect.JAVA, attributes, block_size_xyz=_GROUND_TRUTH_BLOCK_XYZ)
    yield from _level(f"{root}volumes/masks/groundtruth/0003/", specimen, _crop_mask(specimen, crop), 0, {})


def _crop_attributes(crop: Crop) -> dict[str, Any]:
    return {
        "name": crop.name,
        "type": "training",
        "offset": [start * _NOMINAL_NM for start in reversed(crop.start_zyx)],
        "offset_unit": "nm",
        "resolution": [_GROUND_TRUTH_NM] * 3,
        "resolution_unit": "nm",
    }


def _crop_mask(specimen: Specimen, crop: Crop) -> NDArray[Any]:
    import numpy as np

    mask = np.zeros(specimen.cell.shape_zyx, "uint8")
    mask[tuple(slice(a, a + n) for a, n in zip(crop.start_zyx, crop.shape_zyx, strict=True))] = 1
    return mask


def _skeleton(name: str) -> bytes:
    nodes = "".join(f'<node id="{i}" radius="1.0" x="{40 + 8 * i}" y="60" z="50"/>' for i in range(1, 6))
    edges = "".join(f'<edge source="{i}" target="{i + 1}"/>' for i in range(1, 5))
    thing = f'<thing id="1" name="microtubule"><nodes>{nodes}</nodes><edges>{edges}</edges></thing>'
    return f'<things><parameters><experiment name="{name}"/></parameters>{thing}</things>\n'.encode()
