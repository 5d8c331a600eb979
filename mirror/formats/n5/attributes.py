"""attributes.json as frozen models: every variant that writers left in the buckets, unknown fields kept."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, model_validator

from mirror.formats.data_type import element_bytes
from mirror.formats.document import is_n5_array, parse_json_object
from mirror.formats.foreign import Foreign, ForeignDocument, Tolerated
from mirror.formats.layout import ArrayFacts
from mirror.formats.n5.compression import Compression
from mirror.formats.n5.grid import Grid

ATTRIBUTES_NAME = "attributes.json"


class DataType(StrEnum):
    """Element types of N5."""

    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    STRING = "string"
    OBJECT = "object"

    @property
    def n_bytes(self) -> int | None:
        """Bytes of one element, or None where elements have no fixed size."""
        return element_bytes(self.value)


class PixelResolution(Foreign):
    """Size of a voxel: an object with `unit`, one with `units`, or a bare list; all become this."""

    resolution_xyz: tuple[float, ...] = Field(alias="dimensions")
    unit: str | None = None
    units: str | tuple[str, ...] | None = None


def _as_object(value: Any) -> Any:
    return {"dimensions": value} if isinstance(value, (list, tuple)) else value


class Transform(Foreign):
    """Where voxels lie in the world. In the order of `axes`, which is z,y,x but for faulty documents."""

    axes: tuple[str, ...] = ()
    scale: tuple[float, ...] = ()
    translate: tuple[float, ...] = ()
    units: tuple[str, ...] = ()


class MultiscaleDataset(Foreign):
    """One level, as a multiscales document names it."""

    path: str
    transform: Tolerated[Transform] = None


class Multiscale(Foreign):
    """One pyramid, as a multiscales document describes it; the finest level first."""

    datasets: tuple[MultiscaleDataset, ...]
    name: str | None = None


class _Attributes(ForeignDocument):
    n5: Tolerated[str] = None
    """Version of the format; at the container's root only."""
    pixel_resolution: Annotated[Tolerated[PixelResolution], BeforeValidator(_as_object)] = Field(
        default=None, alias="pixelResolution"
    )
    transform: Tolerated[Transform] = None
    multiscales: Tolerated[tuple[Multiscale, ...]] = None
    axes_xyz: Tolerated[tuple[str, ...]] = Field(default=None, alias="axes")
    units_xyz: Tolerated[tuple[str, ...]] = Field(default=None, alias="units")
    scales_xyz: Tolerated[tuple[tuple[float, ...], ...]] = Field(default=None, alias="scales")
    """Downsampling factors of each level."""
    downsampling_factors_xyz: Tolerated[tuple[float, ...] | tuple[tuple[float, ...], ...]] = Field(
        default=None, alias="downsamplingFactors"
    )
    """Of an array, against the finest level; of a group, those of each level."""
    resolution_xyz: Tolerated[tuple[float, ...]] = Field(default=None, alias="resolution")
    resolution_unit: Tolerated[str] = None
    offset_xyz: Tolerated[tuple[float, ...]] = Field(default=None, alias="offset")
    offset_unit: Tolerated[str] = None


class GroupAttributes(_Attributes):
    """What attributes.json says of a group. Fields without a place here are in `model_extra`."""


class ArrayAttributes(_Attributes):
    """What attributes.json says of an array.

    The names say x,y,z as N5 orders its axes; arrays of any number of dimensions are allowed. Fields without a place
    here are in `model_extra`.
    """

    shape_xyz: tuple[NonNegativeInt, ...] = Field(alias="dimensions", min_length=1)
    block_size_xyz: tuple[PositiveInt, ...] = Field(alias="blockSize", min_length=1)
    data_type: DataType = Field(alias="dataType")
    compression: Compression

    @model_validator(mode="before")
    @classmethod
    def _modernise(cls, document: Any) -> Any:
        """N5 before 2.0 had one word, `compressionType`, where there is an object now."""
        if isinstance(document, dict) and "compression" not in document and "compressionType" in document:
            return {**document, "compression": {"type": document["compressionType"]}}
        return document

    @model_validator(mode="after")
    def _same_axes(self) -> ArrayAttributes:
        if len(self.shape_xyz) != len(self.block_size_xyz):
            raise ValueError(f"{len(self.shape_xyz)} dimensions, but block sizes for {len(self.block_size_xyz)}")
        return self

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape_xyz)

    @property
    def grid(self) -> Grid:
        """The array cut into blocks."""
        return Grid(self.shape_xyz, self.block_size_xyz)

    @property
    def n_bytes(self) -> int | None:
        """Bytes of all voxels before compression, without padding; None for elements of no fixed size."""
        return self.facts.raw_bytes

    @property
    def facts(self) -> ArrayFacts:
        """What is said here as it is said of arrays of every format; without the names of the axes."""
        compression = self.compression.model_dump(mode="json", by_alias=True)
        return ArrayFacts(self.shape_xyz, self.block_size_xyz, self.data_type.value, compression)


Attributes: TypeAlias = ArrayAttributes | GroupAttributes


def parse_attributes(body: bytes, place: str) -> Attributes:
    """Return what an attributes.json says.

    Parts that nothing depends on (`transform`, `axes`, ...) never fail: an odd one is None and named in `faults`.

    Parameters
    ----------
    place
        The document's full address, for the error.

    Raises
    ------
    MalformedDocumentError
        Not a JSON object, or an array whose shape, block size, type or compression cannot be read.

    >>> parse_attributes(b'{"n5": "2.0.0"}', "s3://b/x.n5/attributes.json").n5
    '2.0.0'
    """
    document = parse_json_object(body, place)
    model: type[Attributes] = ArrayAttributes if is_n5_array(document) else GroupAttributes
    expected = "the attributes of an N5 array" if model is ArrayAttributes else "the attributes of an N5 group"
    return model.read(document, place, expected)
