"""The metadata of zarr arrays, versions 2 and 3, as frozen models, and what they say in the words of every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, ValidationError, model_validator

from mirror.errors import MalformedDocumentError
from mirror.formats.block_keys import GridKeys
from mirror.formats.data_type import as_written, name_of_v2
from mirror.formats.foreign import Foreign, ForeignDocument, Tolerated, first_fault
from mirror.formats.layout import ArrayFacts

_EXPECTED = "the metadata of a zarr array"
_SHARDING = "sharding_indexed"
_TRANSPOSE = "transpose"
_NO_COMPRESSORS = frozenset({"bytes", "crc32c", _SHARDING, _TRANSPOSE, "cast_value", "scale_offset", "vlen-utf8"})
_T = TypeVar("_T")


def reversed_to_fastest_first(values_zyx: Sequence[_T], stored_axes: Sequence[int]) -> tuple[_T, ...]:
    """Return values of each axis in N5's order, x first, given them in zarr's order, z first.

    Parameters
    ----------
    stored_axes
        The document's axes as chunks are laid out, slowest first: 0, 1, 2 in C order, 2, 1, 0 in Fortran's, where
        the document has x first already.

    >>> reversed_to_fastest_first((30, 70, 100), (0, 1, 2)), reversed_to_fastest_first((100, 70, 30), (2, 1, 0))
    ((100, 70, 30), (100, 70, 30))
    """
    return tuple(values_zyx[axis] for axis in reversed(stored_axes))


@dataclass(frozen=True, slots=True)
class ZarrArray:
    """What the metadata of an array say, of either version."""

    facts: ArrayFacts
    block_keys: GridKeys
    stored_axes: tuple[int, ...]
    """As in `reversed_to_fastest_first`."""
    dimension_names: tuple[str, ...] | None
    """In the document's order."""
    attributes: Mapping[str, Any]
    """Version 3 keeps them in the same document; empty in version 2."""


class ZarrV2Array(ForeignDocument):
    """A `.zarray`. Its axes are in the order of the document, z first as a rule."""

    zarr_format: Tolerated[int] = None
    shape: tuple[NonNegativeInt, ...]
    chunks: tuple[PositiveInt, ...]
    dtype: str | list[Any]
    compressor: Tolerated[dict[str, Any]] = None
    filters: Tolerated[tuple[dict[str, Any], ...]] = None
    order: Literal["C", "F"] = "C"
    dimension_separator: Tolerated[Literal[".", "/"]] = None
    """None where the document does not say: stores of old wrote either."""

    @model_validator(mode="after")
    def _same_axes(self) -> ZarrV2Array:
        return _checked(self, self.shape, self.chunks)

    def as_zarr_array(self) -> ZarrArray:
        """Return what the document says."""
        ndim = len(self.shape)
        stored_axes = tuple(range(ndim)) if self.order == "C" else tuple(reversed(range(ndim)))
        facts = ArrayFacts(
            shape_xyz=reversed_to_fastest_first(self.shape, stored_axes),
            block_size_xyz=reversed_to_fastest_first(self.chunks, stored_axes),
            data_type=name_of_v2(self.dtype),
            compression=_v2_compression(self.compressor, self.filters or ()),
        )
        separators = (self.dimension_separator,) if self.dimension_separator is not None else (".", "/")
        keys = GridKeys(_chunk_counts(self.shape, self.chunks), separators)
        return ZarrArray(facts, keys, stored_axes, None, {})


class Extension(Foreign):
    """A part of version 3 that others may add to: a name and its configuration; a bare name stands for no more."""

    name: str
    configuration: dict[str, Any] = Field(default_factory=dict)


def _as_extension(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


_Named = Annotated[Extension, BeforeValidator(_as_extension)]


class _ChunkShape(Foreign):
    chunk_shape: tuple[PositiveInt, ...]


class _Shard(_ChunkShape):
    codecs: tuple[_Named, ...] = ()


class _Transpose(Foreign):
    order: tuple[int, ...] | Literal["C", "F"]
    """A word in drafts of version 3."""


class RegularGrid(Foreign):
    """Chunks of one size; no other grid is understood."""

    name: Literal["regular"] = "regular"
    configuration: _ChunkShape


class ZarrV3Array(ForeignDocument):
    """The `zarr.json` of an array. Its axes are in the order of the document, z first as a rule."""

    zarr_format: Tolerated[int] = None
    node_type: Literal["array"] = "array"
    shape: tuple[NonNegativeInt, ...]
    data_type: str | dict[str, Any]
    chunk_grid: RegularGrid
    chunk_key_encoding: _Named = Extension(name="default")
    codecs: tuple[_Named, ...] = ()
    dimension_names: Tolerated[tuple[str | None, ...]] = None
    attributes: Tolerated[dict[str, Any]] = Field(default=None)

    @model_validator(mode="after")
    def _same_axes(self) -> ZarrV3Array:
        return _checked(self, self.shape, self.chunk_grid.configuration.chunk_shape)

    def as_zarr_array(self) -> ZarrArray:
        """Return what the document says.

        Raises
        ------
        ValueError
            The keys of chunks follow a rule that is not known here, or a codec's axes do not fit the array's.
        """
        chunk = self.chunk_grid.configuration.chunk_shape
        chain = _unfold(self.codecs, tuple(range(len(self.shape))))
        facts = ArrayFacts(
            shape_xyz=reversed_to_fastest_first(self.shape, chain.stored_axes),
            block_size_xyz=reversed_to_fastest_first(chunk, chain.stored_axes),
            data_type=as_written(self.data_type),
            compression=_v3_compression(chain.codecs),
            inner_block_size_xyz=chain.inner and reversed_to_fastest_first(chain.inner, chain.stored_axes),
        )
        names = tuple(name for name in self.dimension_names or () if name is not None)
        keys = _v3_keys(_chunk_counts(self.shape, chunk), self.chunk_key_encoding)
        has_names = bool(names) and len(names) == len(self.shape)
        return ZarrArray(facts, keys, chain.stored_axes, names if has_names else None, self.attributes or {})


@dataclass(frozen=True, slots=True)
class _Chain:
    """The codecs of an array without what shards and transposes among them do."""

    codecs: tuple[Extension, ...]
    stored_axes: tuple[int, ...]
    inner: tuple[int, ...] | None = None
    """What is compressed by itself inside a shard, in the document's order."""


def _unfold(codecs: Sequence[Extension], axes: tuple[int, ...]) -> _Chain:
    passed: list[Extension] = []
    for codec in codecs:
        if codec.name == _TRANSPOSE:
            axes = _transposed(axes, _Transpose.model_validate(codec.configuration).order)
        elif codec.name == _SHARDING:
            shard = _Shard.model_validate(codec.configuration)
            chain = _unfold(shard.codecs, axes)
            inner = tuple(length for _, length in sorted(zip(axes, shard.chunk_shape, strict=True)))
            return _Chain((*passed, *chain.codecs), chain.stored_axes, chain.inner or inner)
        else:
            passed.append(codec)
    return _Chain(tuple(passed), axes)


def _transposed(axes: tuple[int, ...], order: tuple[int, ...] | str) -> tuple[int, ...]:
    if isinstance(order, str):
        return axes if order == "C" else axes[::-1]
    if sorted(order) != list(range(len(axes))):
        raise ValueError(f"{_TRANSPOSE}: order {list(order)} of {len(axes)} axes")
    return tuple(axes[at] for at in order)


def read_v2_array(document: Mapping[str, Any], place: str) -> tuple[ZarrArray, ZarrV2Array]:
    """Return what a `.zarray` says, and the document.

    Raises
    ------
    MalformedDocumentError
        Its shape, chunks or type cannot be read.
    """
    parsed = ZarrV2Array.read(document, place, _EXPECTED)
    return parsed.as_zarr_array(), parsed


def read_v3_array(document: Mapping[str, Any], place: str) -> tuple[ZarrArray, ZarrV3Array]:
    """Return what the `zarr.json` of an array says, and the document.

    Raises
    ------
    MalformedDocumentError
        Its shape, chunks, codecs or type cannot be read.
    """
    parsed = ZarrV3Array.read(document, place, _EXPECTED)
    try:
        return parsed.as_zarr_array(), parsed
    except ValueError as error:
        found = first_fault(error) if isinstance(error, ValidationError) else str(error)
        raise MalformedDocumentError("cannot read the metadata", place, expected=_EXPECTED, found=found) from error


def _checked(document: _T, shape: Sequence[int], chunks: Sequence[int]) -> _T:
    if len(shape) != len(chunks):
        raise ValueError(f"shape {list(shape)}, but chunks {list(chunks)}")
    return document


def _chunk_counts(shape: Sequence[int], chunks: Sequence[int]) -> tuple[int, ...]:
    return tuple(-(-n // size) for n, size in zip(shape, chunks, strict=True))


def _v2_compression(compressor: Mapping[str, Any] | None, filters: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    parameters = dict(compressor or {})
    compression: dict[str, object] = {"type": str(parameters.pop("id", "raw")), **parameters}
    return compression | ({"filters": [dict(one) for one in filters]} if filters else {})


def _v3_compression(codecs: Sequence[Extension]) -> dict[str, object]:
    """Return the codec that makes it smaller, and as `filters` the others that change more than the byte order."""
    compressor = next((codec for codec in codecs if codec.name not in _NO_COMPRESSORS), Extension(name="raw"))
    filters = [
        codec.model_dump(exclude_unset=True) for codec in codecs if codec is not compressor and codec.name != "bytes"
    ]
    compression: dict[str, object] = {"type": compressor.name, **compressor.configuration}
    return compression | ({"filters": filters} if filters else {})


def _v3_keys(chunk_counts: tuple[int, ...], encoding: Extension) -> GridKeys:
    match encoding.name:
        case "default":
            return GridKeys(chunk_counts, (str(encoding.configuration.get("separator", "/")),), leading="c")
        case "v2":
            return GridKeys(chunk_counts, (str(encoding.configuration.get("separator", ".")),))
        case _:
            raise ValueError(f"chunk_key_encoding {encoding.name}")
