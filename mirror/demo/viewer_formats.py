"""What bucket A holds beside N5: zarr 2, Neuroglancer's precomputed volumes, and its meshes."""

from __future__ import annotations

import gzip
import itertools
import json
import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mirror.demo.n5_writer import KeyedBody, Spacing

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 64
_GZIP_LEVEL = 5


def _document(document: object) -> bytes:
    return json.dumps(document, indent=2).encode()


def zarr_group(prefix: str) -> KeyedBody:
    """Return what makes a prefix (ending with a slash) a zarr 2 group."""
    return f"{prefix}.zgroup", _document({"zarr_format": 2})


def zarr_pyramid(
    prefix: str, levels_zyx: Sequence[NDArray[Any]], spacing: Spacing, *, first_level: int
) -> Iterator[KeyedBody]:
    """Yield a pyramid as zarr 2 with OME-NGFF's multiscales; its s0 is the spacing's `first_level`."""
    yield zarr_group(prefix)
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    datasets = []
    for level in range(len(levels_zyx)):
        transform = spacing.transform(first_level + level)
        scale = {"type": "scale", "scale": transform["scale"]}
        steps = [scale, {"type": "translation", "translation": transform["translate"]}]
        datasets.append({"path": f"s{level}", "coordinateTransformations": steps})
    multiscales = [{"version": "0.4", "name": "fibsem-uint8", "axes": axes, "datasets": datasets}]
    yield f"{prefix}.zattrs", _document({"multiscales": multiscales})
    for level, array_zyx in enumerate(levels_zyx):
        yield from _zarr_array(f"{prefix}s{level}/", array_zyx)


def _zarr_array(prefix: str, array_zyx: NDArray[Any]) -> Iterator[KeyedBody]:
    metadata = {
        "zarr_format": 2,
        "shape": list(array_zyx.shape),
        "chunks": [_CHUNK] * 3,
        "dtype": array_zyx.dtype.str,
        "compressor": {"id": "gzip", "level": _GZIP_LEVEL},
        "fill_value": 0,
        "filters": None,
        "order": "C",
        "dimension_separator": "/",
    }
    yield f"{prefix}.zarray", _document(metadata)
    import numpy as np

    for index, chunk_zyx in _chunks(array_zyx):
        missing = [(0, _CHUNK - side) for side in chunk_zyx.shape]
        body = np.pad(chunk_zyx, missing).tobytes()
        yield prefix + "/".join(map(str, index)), gzip.compress(body, _GZIP_LEVEL, mtime=0)


def _chunks(array_zyx: NDArray[Any]) -> Iterator[tuple[tuple[int, ...], NDArray[Any]]]:
    for index in itertools.product(*(range(-(-side // _CHUNK)) for side in array_zyx.shape)):
        yield index, array_zyx[tuple(slice(i * _CHUNK, (i + 1) * _CHUNK) for i in index)]


def precomputed(prefix: str, levels_zyx: Sequence[NDArray[Any]], spacing: Spacing) -> Iterator[KeyedBody]:
    """Yield a pyramid of images as a precomputed volume, uncompressed; one scale a level."""
    scales = []
    for level, array_zyx in enumerate(levels_zyx):
        scale = {
            "key": f"s{level}",
            "size": list(reversed(array_zyx.shape)),
            "resolution": spacing.resolution(level)["dimensions"],
            "voxel_offset": [0, 0, 0],
            "chunk_sizes": [[_CHUNK] * 3],
            "encoding": "raw",
        }
        scales.append(scale)
    info = {
        "@type": "neuroglancer_multiscale_volume",
        "type": "image",
        "data_type": str(levels_zyx[0].dtype),
        "num_channels": 1,
        "scales": scales,
    }
    yield f"{prefix}info", _document(info)
    for level, array_zyx in enumerate(levels_zyx):
        for index, chunk_zyx in _chunks(array_zyx):
            yield f"{prefix}s{level}/{_chunk_name(index, chunk_zyx.shape)}", chunk_zyx.tobytes()


def _chunk_name(index_zyx: Sequence[int], shape_zyx: Sequence[int]) -> str:
    spans = [f"{i * _CHUNK}-{i * _CHUNK + side}" for i, side in zip(index_zyx, shape_zyx, strict=True)]
    return "_".join(reversed(spans))


def meshes(prefix: str, labels_zyx: NDArray[Any], spacing: Spacing, *, level: int) -> Iterator[KeyedBody]:
    """Yield a legacy mesh of each label: the box around it, in nanometres x,y,z; the labels are of that level."""
    import numpy as np

    yield f"{prefix}info", _document({"@type": "neuroglancer_legacy_mesh"})
    for label in range(1, int(labels_zyx.max()) + 1):
        places = np.argwhere(labels_zyx == label)
        if not places.size:
            continue
        nm = np.array(spacing.transform(level)["scale"])
        corners = list(itertools.product(*zip(places.min(0) * nm, (places.max(0) + 1) * nm, strict=True)))
        vertices_xyz = np.array(corners, "<f4")[:, ::-1]
        fragment = f"{label}:0:0"
        yield f"{prefix}{label}:0", _document({"fragments": [fragment]})
        body = struct.pack("<I", 8) + vertices_xyz.tobytes() + np.array(_TRIANGLES, "<u4").tobytes()
        yield prefix + fragment, body


_TRIANGLES = (
    (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
    (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
)  # fmt: skip
"""Of a box whose corner i has the bits of i as its z, y, x ends."""
