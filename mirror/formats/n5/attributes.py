"""attributes.json as frozen models: every variant that writers left in the buckets, unknown fields kept."""

from __future__ import annotations

import string
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from mirror.errors import MalformedDocumentError
from mirror.formats.document import is_n5_array, parse_json_object
from mirror.formats.n5.compression import Compression
from mirror.formats.n5.grid import Grid

ATTRIBUTES_NAME = "attributes.json"


class _Foreign(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


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
        bits = self.value.lstrip(string.ascii_lowercase)
        return int(bits) // 8 if bits else None


def _note_fault(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Leave a part that nothing depends on empty where it is odd: an odd `units` must not hide an array."""
    try:
        return handler(value)
    except ValidationError as error:
        if isinstance(info.context, list):
            info.context.append(f"{info.field_name}: {_first_fault(error)}")
        return None


_T = TypeVar("_T")
Tolerated = Annotated[_T | None, WrapValidator(_note_fault)]
"""Read if it can be, else None with a line in `faults`."""


class PixelResolution(_Foreign):
    """Size of a voxel: an object with `unit`, one with `units`, or a bare list; all become this."""

    resolution_xyz: tuple[float, ...] = Field(alias="dimensions")
    unit: str | None = None
    units: str | tuple[str, ...] | None = None


def _as_object(value: Any) -> Any:
    return {"dimensions": value} if isinstance(value, (list, tuple)) else value


class Transform(_Foreign):
    """Where voxels lie in the world. In the order of `axes`, which is z,y,x but for faulty documents."""

    axes: tuple[str, ...] = ()
    scale: tuple[float, ...] = ()
    translate: tuple[float, ...] = ()
    units: tuple[str, ...] = ()


class MultiscaleDataset(_Foreign):
    """One level, as a multiscales document names it."""

    path: str
    transform: Tolerated[Transform] = None


class Multiscale(_Foreign):
    """One pyramid, as a multiscales document describes it; the finest level first."""

    datasets: tuple[MultiscaleDataset, ...]
    name: str | None = None


class _Attributes(_Foreign):
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
    faults: tuple[str, ...] = Field(default=(), exclude=True, alias="\0faults")
    """Parts that were left empty because they could not be read. Not in the document."""


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
        element_bytes = self.data_type.n_bytes
        return None if element_bytes is None else self.grid.n_voxels * element_bytes


def parse_attributes(body: bytes, place: str) -> ArrayAttributes | GroupAttributes:
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
    model: type[ArrayAttributes | GroupAttributes] = ArrayAttributes if is_n5_array(document) else GroupAttributes
    faults: list[str] = []
    try:
        attributes = model.model_validate(document, context=faults)
    except ValidationError as error:
        expected = "the attributes of an N5 array" if model is ArrayAttributes else "the attributes of an N5 group"
        raise MalformedDocumentError(
            "cannot read the metadata", place, expected=expected, found=_first_fault(error)
        ) from error
    return attributes.model_copy(update={"faults": tuple(faults)}) if faults else attributes


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in fault["loc"])
    value = repr(fault["input"])
    shown = value if len(value) <= 60 else value[:57] + "..."
    return f"{field + ': ' if field else ''}{fault['msg']} ({shown})"
