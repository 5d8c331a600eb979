"""Sample volumes as N5 objects, in the two ways that the real buckets were written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from mirror.formats.n5.attributes import ATTRIBUTES_NAME
from mirror.formats.n5.block import encode_block
from mirror.formats.n5.compression import GzipCompression
from mirror.formats.n5.grid import BlockIndex, Grid, block_key

if TYPE_CHECKING:
    from numpy.typing import NDArray

KeyedBody: TypeAlias = tuple[str, bytes]
_CODEC = GzipCompression(level=-1)
_BLOCK_SIZE_XYZ = (64, 64, 64)


class Dialect(Enum):
    """How a library writes what the format leaves open."""

    ZARR = "edge blocks whole, padded with 0; blocks of zeros stored"
    JAVA = "edge blocks truncated; blocks of zeros left out"


@dataclass(frozen=True, slots=True)
class Spacing:
    """Where the voxels of a pyramid lie."""

    voxel_nm_zyx: tuple[float, float, float]

    def transform(self, level: int) -> dict[str, Any]:
        """Return the `transform` of a level of mean-downsampled voxels; z,y,x."""
        factor = 2**level
        return {
            "axes": ["z", "y", "x"],
            "scale": [_rounded(side * factor) for side in self.voxel_nm_zyx],
            "translate": [_rounded(side * (factor - 1) / 2) for side in self.voxel_nm_zyx],
            "units": ["nm", "nm", "nm"],
        }

    def resolution(self, level: int) -> dict[str, Any]:
        """Return the `pixelResolution` of a level; x,y,z."""
        return {"dimensions": [_rounded(side * 2**level) for side in reversed(self.voxel_nm_zyx)], "unit": "nm"}


def _rounded(number: float) -> float:
    return round(number, 6)


def json_body(document: object) -> bytes:
    """Return a document as the writers of the buckets put it: one line."""
    return json.dumps(document, separators=(",", ":")).encode()


def group(prefix: str, attributes: Mapping[str, Any]) -> KeyedBody:
    """Return the attributes.json of a group. A prefix ends with a slash."""
    return prefix + ATTRIBUTES_NAME, json_body(attributes)


def pyramid_group(prefix: str, spacing: Spacing, n_levels: int) -> KeyedBody:
    """Return the attributes.json of a group of levels."""
    datasets = [{"path": f"s{level}", "transform": spacing.transform(level)} for level in range(n_levels)]
    document = {
        "axes": ["x", "y", "z"],
        "units": ["nm", "nm", "nm"],
        "scales": [[2**level] * 3 for level in range(n_levels)],
        "pixelResolution": spacing.resolution(0),
        "multiscales": [{"datasets": datasets}],
    }
    return group(prefix, document)


def array(
    prefix: str,
    array_zyx: NDArray[Any],
    dialect: Dialect,
    attributes: Mapping[str, Any],
    *,
    block_size_xyz: Sequence[int] = _BLOCK_SIZE_XYZ,
) -> Iterator[KeyedBody]:
    """Yield an array's attributes.json, then its blocks one by one."""
    grid = Grid(tuple(reversed(array_zyx.shape)), tuple(block_size_xyz))
    document = {
        "dataType": str(array_zyx.dtype),
        "dimensions": list(grid.shape_xyz),
        "blockSize": list(grid.block_size_xyz),
        "compression": _CODEC.model_dump(by_alias=True),
    }
    yield group(prefix, {**document, **attributes})
    # zlib lets go of Python's lock, and is what takes the time.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        bodies = threads.map(lambda index: _encode(array_zyx, grid, index, dialect), grid.indices())
        for index, body in zip(grid.indices(), bodies, strict=True):
            if body is not None:
                yield prefix + block_key(index), body


def _encode(array_zyx: NDArray[Any], grid: Grid, index: BlockIndex, dialect: Dialect) -> bytes | None:
    """Return the block, or None where the dialect leaves it out."""
    block_zyx = _block(array_zyx, grid, index)
    match dialect:
        case Dialect.JAVA:
            return encode_block(block_zyx, codec=_CODEC) if block_zyx.any() else None
        case Dialect.ZARR:
            return encode_block(_padded(block_zyx, grid.block_size_xyz), codec=_CODEC)
        case _:
            assert_never(dialect)


def _block(array_zyx: NDArray[Any], grid: Grid, index: BlockIndex) -> NDArray[Any]:
    cut_xyz = [slice(i * side, (i + 1) * side) for i, side in zip(index, grid.block_size_xyz, strict=True)]
    return array_zyx[tuple(reversed(cut_xyz))]


def _padded(block_zyx: NDArray[Any], block_size_xyz: tuple[int, ...]) -> NDArray[Any]:
    import numpy as np

    missing = [(0, whole - side) for whole, side in zip(reversed(block_size_xyz), block_zyx.shape, strict=True)]
    return np.pad(block_zyx, missing)
