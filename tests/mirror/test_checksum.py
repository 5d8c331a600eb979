"""Proofs of content, against second implementations by hashlib and zlib."""

from __future__ import annotations

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.checksum import (
    MIB,
    Proof,
    Source,
    are_parts_equal,
    candidate_part_sizes,
    multipart_digest,
    proof_of_checksums,
    proof_of_etag,
    xxh3,
    xxh3_of,
)
from mirror.objects import Verification


def source_of(body: bytes, chunk: int = 7) -> Source:
    """Return a source that gives the bytes in small chunks."""
    return lambda: [body[start : start + chunk] for start in range(0, len(body), chunk)]


def etag_of(body: bytes, part_size: int) -> str:
    """Return the ETag that S3 gives to an upload in such parts."""
    parts = [body[start : start + part_size] for start in range(0, len(body), part_size)] or [b""]
    digest = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts))
    return f"{digest.hexdigest()}-{len(parts)}"


@given(st.binary(max_size=300), st.integers(1, 100), st.integers(1, 50))
def test_multipart_digest(body: bytes, part_size: int, chunk: int) -> None:
    """Parts and chunks need not meet: the digest is that of the parts."""
    digest, n_parts = multipart_digest(source_of(body, chunk), part_size)
    assert f"{digest.hex()}-{n_parts}" == etag_of(body, part_size)
    assert are_parts_equal(len(body), n_parts, part_size)


@given(st.binary(max_size=300), st.integers(1, 100), st.binary(min_size=1, max_size=1))
def test_a_known_part_size_proves_or_refutes(body: bytes, part_size: int, other: bytes) -> None:
    """The right bytes agree, other bytes of the same number of parts differ."""
    etag = etag_of(body, part_size)
    agrees = (Proof.AGREES, Verification.MULTIPART_ETAG)
    assert proof_of_etag(source_of(body), len(body), etag, part_size=part_size) == agrees
    if body and body[:1] != other:
        proof, _ = proof_of_etag(source_of(other + body[1:]), len(body), etag, part_size=part_size)
        assert proof is Proof.DIFFERS


@given(st.integers(0, 1 << 44), st.integers(1, 10_000))
def test_candidates_cut_into_that_many_parts(size: int, n_parts: int) -> None:
    """Each candidate gives the right number of parts, none comes twice, and there are few."""
    candidates = candidate_part_sizes(size, n_parts)
    assert all(are_parts_equal(size, n_parts, one) for one in candidates)
    assert len(set(candidates)) == len(candidates) <= 12


@given(st.sampled_from([5, 8, 15, 16, 64, 100, 512]), st.integers(2, 500), st.integers(1, MIB))
def test_common_part_sizes_are_found(part_mib: int, n_parts: int, rest: int) -> None:
    """What the usual programs upload with is among the candidates."""
    assert part_mib * MIB in candidate_part_sizes((n_parts - 1) * part_mib * MIB + rest, n_parts)


ETAGS: dict[str, tuple[str, int | None, Proof, Verification]] = {
    "MD5": (hashlib.md5(b"hello").hexdigest(), None, Proof.AGREES, Verification.MD5),
    "another MD5": ("0" * 32, None, Proof.DIFFERS, Verification.MD5),
    "one part": (etag_of(b"hello", 5), None, Proof.AGREES, Verification.MULTIPART_ETAG),
    "unknown parts": (etag_of(b"hello", 2), None, Proof.SILENT, Verification.MULTIPART_ETAG),
    "known parts": (etag_of(b"hello", 2), 2, Proof.AGREES, Verification.MULTIPART_ETAG),
    "known parts, damaged": (etag_of(b"jello", 2), 2, Proof.DIFFERS, Verification.MULTIPART_ETAG),
    "unequal parts": (etag_of(b"hello", 2), 1, Proof.SILENT, Verification.MULTIPART_ETAG),
    "upper case": ("0" * 31 + "A", None, Proof.SILENT, Verification.SIZE_ONLY),
    "empty": ("", None, Proof.SILENT, Verification.SIZE_ONLY),
    "no parts": ("0" * 32 + "-0", None, Proof.SILENT, Verification.SIZE_ONLY),
}


@pytest.mark.parametrize(("etag", "part_size", "proof", "how"), ETAGS.values(), ids=ETAGS.keys())
def test_etag(etag: str, part_size: int | None, proof: Proof, how: Verification) -> None:
    """What an ETag says of the five bytes `hello`."""
    assert proof_of_etag(source_of(b"hello", 3), 5, etag, part_size=part_size) == (proof, how)


def _crc(number: int) -> str:
    return base64.b64encode(number.to_bytes(4, "big")).decode()


def _sha(name: str, body: bytes) -> str:
    return base64.b64encode(hashlib.new(name, body).digest()).decode()


PARTS_CRC = _crc(zlib.crc32(b"".join(zlib.crc32(part).to_bytes(4, "big") for part in (b"he", b"ll", b"o"))))
# CRC-32C and CRC-64/NVME of "123456789" are the check values of their definitions.
CHECKSUMS: dict[str, tuple[bytes, dict[str, str], int | None, Proof]] = {
    "none": (b"hello", {}, None, Proof.SILENT),
    "crc32": (b"hello", {"crc32": _crc(zlib.crc32(b"hello"))}, None, Proof.AGREES),
    "crc32 differs": (b"hello", {"crc32": _crc(0)}, None, Proof.DIFFERS),
    "crc32c": (b"123456789", {"crc32c": _crc(0xE3069283)}, None, Proof.AGREES),
    "crc64nvme": (
        b"123456789",
        {"crc64nvme": base64.b64encode((0xAE8B14860A799888).to_bytes(8, "big")).decode()},
        None,
        Proof.AGREES,
    ),
    "sha1": (b"hello", {"sha1": _sha("sha1", b"hello")}, None, Proof.AGREES),
    "sha256": (b"hello", {"sha256": _sha("sha256", b"hello")}, None, Proof.AGREES),
    "of parts": (b"hello", {"crc32": f"{PARTS_CRC}-3"}, 2, Proof.AGREES),
    "of parts, damaged": (b"jello", {"crc32": f"{PARTS_CRC}-3"}, 2, Proof.DIFFERS),
    "of parts of unknown size": (b"hello", {"crc32": f"{PARTS_CRC}-3"}, None, Proof.SILENT),
    "of unequal parts": (b"hello", {"crc32": f"{PARTS_CRC}-3"}, 1, Proof.SILENT),
    "of parts, and one of all": (
        b"hello",
        {"crc32": f"{PARTS_CRC}-3", "sha256": _sha("sha256", b"hello")},
        None,
        Proof.AGREES,
    ),
    "unknown kind": (b"hello", {"md17": "AAAA"}, None, Proof.SILENT),
}


@pytest.mark.parametrize(("body", "checksums", "part_size", "proof"), CHECKSUMS.values(), ids=CHECKSUMS.keys())
def test_additional_checksums(body: bytes, checksums: dict[str, str], part_size: int | None, proof: Proof) -> None:
    """The cheapest checksum that can be compared decides, however the bytes are cut into chunks."""
    for chunk in (1, 3, 100):
        assert proof_of_checksums(source_of(body, chunk), len(body), checksums, part_size=part_size) is proof


@given(st.binary(max_size=100), st.integers(1, 20))
def test_xxh3_of_a_source(body: bytes, chunk: int) -> None:
    """Chunks make no difference; the digest has 16 bytes."""
    assert xxh3_of(source_of(body, chunk)) == xxh3(body)
    assert len(xxh3(body)) == 16
