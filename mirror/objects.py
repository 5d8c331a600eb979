"""The values that travel through the engine: objects as a bucket lists them, their ETags, counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Self

_MULTIPART = re.compile(r"^([0-9a-f]{32})-([1-9][0-9]{0,4})\Z")
_MD5 = re.compile(r"^[0-9a-f]{32}\Z")
_OPAQUE = b"\xff"
"""Marks a packed ETag that is neither an MD5 nor a multipart ETag, so that 16 bytes always mean an MD5 form."""


class RemoteObject(NamedTuple):
    """One object as LIST shows it. A NamedTuple: millions are made, at a third of a frozen dataclass's cost."""

    key: str
    """Full key in the bucket."""
    size: int
    """Bytes."""
    etag: str
    """Without quotes."""
    last_modified: int
    """Seconds since 1970, UTC."""


def etag_md5(etag: str) -> bytes | None:
    """Return the digest if the ETag has the form of an MD5, else None.

    The form alone does not prove it: SSE-KMS and SSE-C objects have such an ETag that is no MD5.

    >>> etag_md5("d41d8cd98f00b204e9800998ecf8427e").hex()
    'd41d8cd98f00b204e9800998ecf8427e'
    >>> etag_md5("d41d8cd98f00b204e9800998ecf8427e-3") is None
    True
    """
    return bytes.fromhex(etag) if _MD5.match(etag) else None


def etag_parts(etag: str) -> tuple[bytes, int] | None:
    """Return (digest of the part digests, number of parts) of a multipart ETag, else None."""
    match = _MULTIPART.match(etag)
    return (bytes.fromhex(match[1]), int(match[2])) if match else None


def pack_etag(etag: str) -> bytes:
    """Return the ETag in the few bytes that the catalog keeps: 16 for an MD5, 20 for a multipart ETag.

    >>> len(pack_etag("d41d8cd98f00b204e9800998ecf8427e")), len(pack_etag("d41d8cd98f00b204e9800998ecf8427e-12"))
    (16, 20)
    """
    if (digest := etag_md5(etag)) is not None:
        return digest
    if (parts := etag_parts(etag)) is not None:
        return parts[0] + parts[1].to_bytes(4, "big")
    opaque = _OPAQUE + etag.encode("utf-8", "surrogateescape")
    # An ETag holds no NUL, so one NUL moves the length off 16 and 20 without ambiguity.
    return opaque.replace(_OPAQUE, _OPAQUE + b"\0", 1) if len(opaque) in (16, 20) else opaque


def unpack_etag(packed: bytes) -> str:
    """Return the ETag that `pack_etag` packed.

    >>> unpack_etag(pack_etag("odd, but an ETag"))
    'odd, but an ETag'
    """
    match len(packed):
        case 16:
            return packed.hex()
        case 20:
            return f"{packed[:16].hex()}-{int.from_bytes(packed[16:], 'big')}"
        case _:
            return packed[1:].lstrip(b"\0").decode("utf-8", "surrogateescape")


class Verification(IntEnum):
    """How the bytes on the share were compared with the bucket's. Stored as a small integer in the catalog."""

    MD5 = 1
    MULTIPART_ETAG = 2
    CHECKSUM = 3
    SIZE_ONLY = 4

    @property
    def word(self) -> str:
        """The name in JSON and in tables: md5, multipart_etag, checksum, size_only."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Tally:
    """A count of objects and their bytes; adds up."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, other: Tally) -> Self:
        return type(self)(self.objects + other.objects, self.bytes + other.bytes)

    def plus(self, size: int) -> Self:
        """Return the tally with one more object of `size` bytes."""
        return type(self)(self.objects + 1, self.bytes + size)
