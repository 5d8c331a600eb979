"""An array of the share as tensorstore opens it; what tensorstore does not read is decoded here, block by block."""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts

from mirror.app.extras import check_extra
from mirror.errors import DamagedBlockError, MirrorError
from mirror.formats.data_type import element_bytes
from mirror.formats.folder import Format
from mirror.formats.layout import Array
from mirror.formats.n5.compression import OtherCompression
from mirror.formats.n5.grid import block_key
from mirror.view.described import Described

_CACHE_BYTES = 100_000_000
"""Of decoded blocks that all views of a process keep: neighbours of a voxel are asked for next."""
_NOT_FOUND = "NOT_FOUND"


class NoBlockFileError(LookupError):
    """The file of a block is not there."""


class Stores:
    """One array, opened twice: a missing block is an error to the one, and reads as the fill value to the other.

    Axes of both are slowest first, z,y,x.

    Raises
    ------
    MirrorError
        Neither tensorstore nor the decoder of N5 blocks opens it.
    """

    def __init__(self, array: Array, described: Described) -> None:
        self._array = array
        self._described = described
        self.folder = _folder(array, described)
        self.strict = self._open(is_strict=True)

    @cached_property
    def filled(self) -> Any:
        """The store to which a missing block is full of the fill value."""
        return self._open(is_strict=False)

    def _open(self, *, is_strict: bool) -> Any:
        spec = _spec(self._array, self._described)
        try:
            store = ts.open({**spec, "fill_missing_data_reads": not is_strict}, read=True, context=_context()).result()
        except ValueError as error:
            if self._array.format is not Format.N5:
                raise _cannot_open(self.folder, error) from error
            # lz4, for one, and attributes of before N5 2.0.
            store = _decoded(self._described, self.folder, is_strict=is_strict)
        return _slowest_first(store, len(self._described.facts.shape_xyz))


def is_missing(error: Exception) -> bool:
    """Return whether a read of a strict store ended because the file of a block is not there."""
    return isinstance(error, NoBlockFileError) or str(error).startswith(_NOT_FOUND)


def damaged(error: ValueError, thing: str) -> DamagedBlockError:
    """Return what tensorstore says of a block that it cannot decode."""
    said = str(error).partition("[")[0].strip()
    return DamagedBlockError("cannot read a block", thing, part="payload", found=said)


@cache
def _context() -> Any:
    return ts.Context({"cache_pool": {"total_bytes_limit": _CACHE_BYTES}})


def _folder(array: Array, described: Described) -> Path:
    """Return the array's folder on the share."""
    parent = described.document.parent
    return parent / (array.level_name or "") if array.format is Format.PRECOMPUTED else parent


def _spec(array: Array, described: Described) -> dict[str, Any]:
    kvstore = {"driver": "file", "path": f"{described.document.parent}/"}
    match array.format:
        case Format.N5:
            return {"driver": "n5", "kvstore": kvstore}
        case Format.ZARR:
            return {"driver": "zarr" if described.document.name == ".zarray" else "zarr3", "kvstore": kvstore}
        case _:
            scale = {"key": array.level_name}
            return {"driver": "neuroglancer_precomputed", "kvstore": kvstore, "scale_metadata": scale}


def _slowest_first(store: Any, ndim: int) -> Any:
    order = list(store.chunk_layout.inner_order or range(store.ndim))
    store = store.transpose(order)
    if store.ndim == ndim + 1:
        store = store[0]  # precomputed has an axis of channels, if of one
    return store[ts.d[:].translate_to[0]]


def _cannot_open(folder: Path, error: ValueError) -> MirrorError:
    return MirrorError("cannot open the array", str(folder), found=str(error).partition("[")[0].strip())


def _decoded(described: Described, folder: Path, *, is_strict: bool) -> Any:
    """Return a store that decodes the blocks of N5 with what compares voxels of the buckets."""
    check_extra("explain", {"numcodecs": "numcodecs"}, what="cannot decode these blocks", thing=str(folder))
    from mirror.explain.sample.decode import Storage, Undecodable, codec_of, decode_stored

    facts = described.facts
    if element_bytes(facts.data_type) is None:
        raise MirrorError("cannot open the array", str(folder), expected="numbers", found=facts.data_type)
    storage = Storage(Format.N5, facts.data_type, facts.compression, facts.block_size_xyz)
    codec = codec_of(storage)
    if isinstance(codec, Undecodable | OtherCompression):
        reason = codec.reason if isinstance(codec, Undecodable) else f"the compression {codec.type}, which is not known"
        raise MirrorError("cannot open the array", str(folder), found=reason)

    def read(domain: Any, chunk: Any, _parameters: Any) -> None:
        """Fill one chunk, whose axes are x first."""
        index = tuple(start // size for start, size in zip(domain.inclusive_min, facts.block_size_xyz, strict=True))
        path = folder / block_key(index)
        filled = np.zeros(domain.shape, facts.data_type)
        try:
            voxels = decode_stored(path.read_bytes(), storage)
        except FileNotFoundError:
            if is_strict:
                raise NoBlockFileError(str(path)) from None
        else:
            if isinstance(voxels, Undecodable):
                raise DamagedBlockError("cannot read a block", str(path), part="payload", found=voxels.reason)
            starts = [a - i * n for a, i, n in zip(domain.inclusive_min, index, facts.block_size_xyz, strict=True)]
            box = tuple(slice(a, a + n) for a, n in zip(starts, domain.shape, strict=True))
            part = voxels.T[box]
            filled[tuple(slice(n) for n in part.shape)] = part
        chunk[...] = filled

    return ts.virtual_chunked(
        read_function=read,
        domain=ts.IndexDomain(shape=facts.shape_xyz),
        dtype=ts.dtype(facts.data_type),
        chunk_layout=ts.ChunkLayout(
            read_chunk_shape=facts.block_size_xyz, inner_order=tuple(reversed(range(facts.ndim)))
        ),
        context=_context(),
    )
