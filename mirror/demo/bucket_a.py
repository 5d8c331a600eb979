"""A sample dataset in the layout of bucket A: 16-bit raw, padded edges, predictions mirrored in y, viewer formats."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mirror.demo import n5_writer, viewer_formats
from mirror.demo.n5_writer import Dialect, KeyedBody
from mirror.demo.pyramid import Halver, levels, mean_of_cubes, middle_of_cubes
from mirror.demo.specimen import Specimen
from mirror.report.png import encode_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUCKET = "janelia-cosem-datasets"
_RAW_LEVELS = 5
_LABEL_LEVELS = 3
_LARGE_BLOCK_XYZ = (96, 96, 96)
_PREDICTED = ("er", "mito", "nucleus")
_SEGMENTED = ("er", "mito", "nucleus", "vesicle")


def objects(specimen: Specimen) -> Iterator[KeyedBody]:
    """Yield the keys and bodies of one dataset."""
    name = specimen.breed.name
    root = f"{name}/{name}.n5/"
    yield f"{name}/", b""
    yield from _loose_files(specimen)
    yield n5_writer.group(root, {"n5": "2.0.0"})
    yield n5_writer.group(f"{root}em/", {})
    yield from _pyramid(f"{root}em/fibsem-uint16/", specimen, specimen.raw_uint16(), mean_of_cubes, _RAW_LEVELS)
    yield f"{root}labels/", b""
    yield from _labels(f"{root}labels/", specimen)
    yield from _viewer(name, specimen)


def _labels(prefix: str, specimen: Specimen) -> Iterator[KeyedBody]:
    for organelle in _PREDICTED:
        # As in the real bucket: mirrored in y against the raw, which only the manifests tell.
        mirrored = specimen.prediction(organelle)[:, ::-1, :]
        yield from _pyramid(f"{prefix}{organelle}_pred/", specimen, mirrored, mean_of_cubes, _LABEL_LEVELS)
    for organelle in _SEGMENTED:
        labels = specimen.cell.instances[organelle]
        parts = _pyramid(f"{prefix}{organelle}_seg/", specimen, labels, middle_of_cubes, _LABEL_LEVELS)
        group = next(parts)
        # A group without attributes.json is still a group.
        if organelle != "er":
            yield group
        yield from parts
    yield from _pyramid(f"{prefix}er_mito_contacts/", specimen, specimen.contacts(), middle_of_cubes, 1)
    foreground = specimen.cell.foreground.astype("uint8")
    yield from _pyramid(f"{prefix}masks/foreground/", specimen, foreground, middle_of_cubes, 2)


def _pyramid(
    prefix: str, specimen: Specimen, array_zyx: NDArray[Any], halve: Halver, n_levels: int
) -> Iterator[KeyedBody]:
    spacing = specimen.breed.spacing
    yield n5_writer.pyramid_group(prefix, spacing, n_levels)
    for level, coarser_zyx in enumerate(levels(array_zyx, n_levels, halve)):
        attributes = {"pixelResolution": spacing.resolution(level), "transform": spacing.transform(level)}
        is_odd_one = prefix.endswith("mito_pred/") and level == 2
        size = _LARGE_BLOCK_XYZ if is_odd_one else (64, 64, 64)
        at = f"{prefix}s{level}/"
        yield from n5_writer.array(at, coarser_zyx, Dialect.ZARR, attributes, block_size_xyz=size)


def _viewer(name: str, specimen: Specimen) -> Iterator[KeyedBody]:
    spacing = specimen.breed.spacing
    image = list(levels(specimen.image_uint8(), _LABEL_LEVELS, mean_of_cubes))
    mirrored = [level[:, ::-1, :] for level in image]
    yield from viewer_formats.precomputed(f"{name}/neuroglancer/em/fibsem-uint8.precomputed/", mirrored, spacing)
    mesh_prefix = f"{name}/neuroglancer/mesh/mito_seg/"
    coarse = list(levels(specimen.cell.instances["mito"], _LABEL_LEVELS, middle_of_cubes))[-1]
    yield from viewer_formats.meshes(mesh_prefix, coarse, spacing, level=_LABEL_LEVELS - 1)
    state = {"layers": [{"type": "image", "source": _url(name, "em/fibsem-uint16"), "name": "fibsem-uint16"}]}
    yield f"{name}/neuroglancer/viewer_states/default.json", _indented(state)
    for folder in ("", "recon-1/", "recon-1/em/"):
        yield viewer_formats.zarr_group(f"{name}/{name}.zarr/{folder}")
    pyramid = f"{name}/{name}.zarr/recon-1/em/fibsem-uint8/"
    yield from viewer_formats.zarr_pyramid(pyramid, image[1:], spacing, first_level=1)


def _loose_files(specimen: Specimen) -> Iterator[KeyedBody]:
    breed = specimen.breed
    metadata = {"title": breed.title, "id": breed.name, "institution": ["a demo: this cell never lived"]}
    yield f"{breed.name}/README.json", _indented(metadata)
    yield f"{breed.name}/README.md", f"# {breed.title}\n\nA sample made by `oomirror demo`.\n".encode()
    yield (
        f"{breed.name}/index.json",
        _indented({"name": breed.name, "metadata": metadata, "sources": _sources(specimen)}),
    )
    middle_yx = specimen.cell.clean[specimen.cell.shape_zyx[0] // 2]
    # PNG behind a name of JPEG: browsers do not mind, and nothing here writes JPEG.
    yield f"{breed.name}/thumbnail.jpg", encode_png(middle_yx)


def _sources(specimen: Specimen) -> dict[str, Any]:
    """Return the manifest's volumes; the only place that tells which of them are mirrored."""
    name = specimen.breed.name
    upright = specimen.breed.spacing.transform(0)
    mirrored = _mirrored(upright, specimen.cell.shape_zyx[1])
    precomputed_url = f"s3://{BUCKET}/{name}/neuroglancer/em/fibsem-uint8.precomputed"
    sources = {
        "fibsem-uint16": _source("fibsem-uint16", _url(name, "em/fibsem-uint16"), upright, "em"),
        "fibsem-uint8": {
            **_source("fibsem-uint8", precomputed_url, mirrored, "em"),
            "format": "precomputed",
        },
    }
    for organelle in _PREDICTED:
        volume = f"{organelle}_pred"
        sources[volume] = _source(volume, _url(name, f"labels/{volume}"), mirrored, "prediction")
    for organelle in _SEGMENTED:
        volume = f"{organelle}_seg"
        sources[volume] = _source(volume, _url(name, f"labels/{volume}"), upright, "segmentation")
    return sources


def _mirrored(transform: dict[str, Any], height: int) -> dict[str, Any]:
    depth_nm, height_nm, width_nm = transform["scale"]
    return {**transform, "scale": [depth_nm, -height_nm, width_nm], "translate": [0.0, height * height_nm, 0.0]}


def _source(volume: str, url: str, transform: dict[str, Any], content: str) -> dict[str, Any]:
    return {"name": volume, "url": url, "format": "n5", "transform": transform, "contentType": content}


def _url(name: str, volume: str) -> str:
    return f"s3://{BUCKET}/{name}/{name}.n5/{volume}"


def _indented(document: object) -> bytes:
    return json.dumps(document, indent=2).encode()
