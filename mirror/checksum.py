"""What proves that bytes are the bucket's: MD5, multipart ETags, S3's additional checksums; and xxh3-128 for scrubs.

Everything takes a `Source`, so that one code serves a body in memory and a file of 300 MB. MD5 and multipart ETags:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import partial
from typing import Protocol

import xxhash

from mirror.objects import Verification, etag_md5, etag_parts

Bytes = bytes | bytearray | memoryview
Source = Callable[[], Iterable[Bytes]]
"""Gives the bytes from their beginning, in chunks, each time it is called."""

MIB = 1 << 20
_COMMON_PART_MIB = (8, 16, 5, 64, 32, 15, 10, 20, 25, 50, 100, 128, 256, 512, 1024)
_MAX_CANDIDATES = 12
_CHEAPEST_FIRST = ("crc64nvme", "crc32c", "crc32", "sha1", "sha256")


class Proof(Enum):
    """What an ETag says of some bytes."""

    AGREES = "agrees"
    DIFFERS = "differs"
    """The ETag has the form of an MD5 and the bytes have another: damage, or an encryption that makes its own ETags."""
    SILENT = "silent"
    """The ETag proves nothing either way: an unknown part size, or a form of its own."""


class _Hash(Protocol):
    def update(self, data: Bytes, /) -> object: ...
    def digest(self) -> bytes: ...


def xxh3(data: Bytes) -> bytes:
    """Return the xxh3-128 digest (16 bytes) that the catalog keeps for later scrubs."""
    return xxhash.xxh3_128_digest(data)


def xxh3_of(source: Source) -> bytes:
    """Return the xxh3-128 digest of a source."""
    digest = xxhash.xxh3_128()
    for chunk in source():
        digest.update(chunk)
    return digest.digest()


def proof_of_etag(source: Source, size: int, etag: str, *, part_size: int | None = None) -> tuple[Proof, Verification]:
    """Return what `etag` says of the bytes, and by which comparison.

    Parameters
    ----------
    size
        Bytes that `source` gives; already compared with the bucket's.
    part_size
        Of a multipart object, where it is known; else the likely ones are tried.

    Examples
    --------
    >>> proof_of_etag(lambda: [b"hello"], 5, "5d41402abc4b2a76b9719d911017c592")
    (<Proof.AGREES: 'agrees'>, <Verification.MD5: 1>)
    >>> proof_of_etag(lambda: [b"hello"], 5, "an ETag of its own")
    (<Proof.SILENT: 'silent'>, <Verification.SIZE_ONLY: 4>)
    """
    if (digest := etag_md5(etag)) is not None:
        return (Proof.AGREES if _fold(_new_md5(), source()) == digest else Proof.DIFFERS), Verification.MD5
    if (parts := etag_parts(etag)) is None:
        return Proof.SILENT, Verification.SIZE_ONLY
    if part_size and not are_parts_equal(size, parts[1], part_size):
        return Proof.SILENT, Verification.MULTIPART_ETAG
    for candidate in [part_size] if part_size else candidate_part_sizes(size, parts[1]):
        if multipart_digest(source, candidate) == parts:
            return Proof.AGREES, Verification.MULTIPART_ETAG
    return (Proof.DIFFERS if part_size else Proof.SILENT), Verification.MULTIPART_ETAG


def proof_of_checksums(
    source: Source, size: int, checksums: Mapping[str, str], *, part_size: int | None = None
) -> Proof:
    """Return what S3's additional checksums say of the bytes; the cheapest one that can be compared decides.

    Parameters
    ----------
    checksums
        Algorithm to base64 as HEAD gives them; a `-N` behind the value marks a checksum of N part checksums.
    """
    for algorithm in _CHEAPEST_FIRST:
        if (expected := checksums.get(algorithm)) is None:
            continue
        value, _, n_parts = expected.partition("-")
        new = partial(_new_hash, algorithm)
        if not n_parts:
            found = _fold(new(), source())
        elif part_size and n_parts.isdecimal() and are_parts_equal(size, int(n_parts), part_size):
            found = _fold(new(), _part_digests(source(), part_size, new))
        else:
            continue
        return Proof.AGREES if base64.b64encode(found).decode() == value else Proof.DIFFERS
    return Proof.SILENT


def are_parts_equal(size: int, n_parts: int, part_size: int) -> bool:
    """Return whether an object whose first part has `part_size` bytes can be cut into `n_parts` such parts.

    S3 takes parts of unequal sizes, too; of those one size proves nothing.

    >>> are_parts_equal(25, 3, 10), are_parts_equal(25, 3, 15)
    (True, False)
    """
    return n_parts == max(1, -(-size // part_size))


def candidate_part_sizes(size: int, n_parts: int) -> tuple[int, ...]:
    """Return the part sizes that cut `size` bytes into `n_parts`, likely ones first: whole MiB, then whole MB.

    >>> [size // MIB for size in candidate_part_sizes(100 * MIB, 13)]
    [8]
    """
    if n_parts == 1:
        return (max(size, 1),)
    low, high = -(-size // n_parts), (size - 1) // (n_parts - 1)
    whole_mib = range(-(-low // MIB) * MIB, high + 1, MIB)
    common = [mib * MIB for mib in _COMMON_PART_MIB if mib * MIB in whole_mib]
    whole_mb = range(-(-low // 10**6) * 10**6, high + 1, 10**6)
    likely = [*common, *whole_mib[:_MAX_CANDIDATES], *whole_mb[:_MAX_CANDIDATES]]
    return tuple(dict.fromkeys(likely))[:_MAX_CANDIDATES]


def multipart_digest(source: Source, part_size: int) -> tuple[bytes, int]:
    """Return the MD5 of the MD5s of the parts, and the number of parts: what a multipart ETag says."""
    digests = _part_digests(source(), part_size, _new_md5)
    return hashlib.md5(b"".join(digests), usedforsecurity=False).digest(), len(digests)


def _fold(digest: _Hash, chunks: Iterable[Bytes]) -> bytes:
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


def _part_digests(chunks: Iterable[Bytes], part_size: int, new: Callable[[], _Hash]) -> list[bytes]:
    """Return the digest of each part; no bytes at all are one empty part, as in S3. Holds one chunk in memory."""
    digests: list[bytes] = []
    current, room = new(), part_size
    for chunk in chunks:
        rest = memoryview(chunk)
        while len(rest) >= room:
            current.update(rest[:room])
            digests.append(current.digest())
            rest, current, room = rest[room:], new(), part_size
        if len(rest):
            current.update(rest)
            room -= len(rest)
    if room < part_size or not digests:
        digests.append(current.digest())
    return digests


def _new_md5() -> _Hash:
    return hashlib.md5(usedforsecurity=False)


class _Crc:
    """One of AWS's CRCs with the two methods of a hashlib object."""

    def __init__(self, algorithm: str) -> None:
        from awscrt import checksums

        self._update = getattr(checksums, algorithm)
        self._n_bytes = 8 if algorithm == "crc64nvme" else 4
        self._value = 0

    def update(self, data: Bytes, /) -> None:
        self._value = self._update(bytes(data), self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._n_bytes, "big")


def _new_hash(algorithm: str) -> _Hash:
    if algorithm in ("sha1", "sha256"):
        return hashlib.new(algorithm, usedforsecurity=False)
    return _Crc(algorithm)
