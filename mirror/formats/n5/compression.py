"""The compressions that N5 writers name, with their parameters; those we do not know are kept as they are."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag


class _Codec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class RawCompression(_Codec):
    """No compression."""

    type: Literal["raw"] = "raw"


class GzipCompression(_Codec):
    """Deflate, in gzip's wrapper or in zlib's."""

    type: Literal["gzip"] = "gzip"
    level: int = -1
    """-1 is the library's default, 6."""
    use_zlib: bool = Field(default=False, alias="useZlib")


class Bzip2Compression(_Codec):
    """The block size is in units of 100 kB."""

    type: Literal["bzip2"] = "bzip2"
    block_size: int = Field(default=9, alias="blockSize")


class JavaLz4Compression(_Codec):
    """lz4-java's own block framing, which is neither an LZ4 frame nor what zarr writes."""

    type: Literal["lz4"] = "lz4"
    block_size_bytes: int = Field(default=65536, alias="blockSize")


class ZarrLz4Compression(_Codec):
    """numcodecs' lz4 (size, then one block), as zarr's N5 store writes it under the same name `lz4`."""

    type: Literal["lz4"] = "lz4"
    id: Literal["lz4"] = "lz4"
    acceleration: int = 1


class XzCompression(_Codec):
    """LZMA in xz's container."""

    type: Literal["xz"] = "xz"
    preset: int | None = 6


class BloscCompression(_Codec):
    """Blosc with one of its inner codecs."""

    type: Literal["blosc"] = "blosc"
    cname: str = "blosclz"
    clevel: int = 6
    shuffle: int = 0
    block_size_bytes: int = Field(default=0, alias="blocksize")


class ZstdCompression(_Codec):
    """Zstandard."""

    type: Literal["zstd"] = "zstd"
    level: int = 3


class OtherCompression(_Codec):
    """A codec that we do not know: its blocks can be mirrored, though not decoded."""

    type: str


def _tag_of(value: Any) -> str:
    if isinstance(value, _Codec):
        return type(value).__name__
    if not isinstance(value, dict):
        return "OtherCompression"
    if value.get("type") == "lz4":
        return "ZarrLz4Compression" if "id" in value or "acceleration" in value else "JavaLz4Compression"
    return _TAGS.get(str(value.get("type")), "OtherCompression")


_TAGS = {
    "raw": "RawCompression",
    "gzip": "GzipCompression",
    "bzip2": "Bzip2Compression",
    "xz": "XzCompression",
    "blosc": "BloscCompression",
    "zstd": "ZstdCompression",
}

Compression: TypeAlias = Annotated[
    Annotated[RawCompression, Tag("RawCompression")]
    | Annotated[GzipCompression, Tag("GzipCompression")]
    | Annotated[Bzip2Compression, Tag("Bzip2Compression")]
    | Annotated[JavaLz4Compression, Tag("JavaLz4Compression")]
    | Annotated[ZarrLz4Compression, Tag("ZarrLz4Compression")]
    | Annotated[XzCompression, Tag("XzCompression")]
    | Annotated[BloscCompression, Tag("BloscCompression")]
    | Annotated[ZstdCompression, Tag("ZstdCompression")]
    | Annotated[OtherCompression, Tag("OtherCompression")],
    Discriminator(_tag_of),
]
