"""A certificate: what one dataset on a share is, object by object, as a file that can be cited and checked anywhere.

The first line is the header, a JSON object; then one JSON object a line, in the order of the keys' UTF-8 bytes. Packed
by gzip where the file's name ends in `.gz`. `tail -n +2 FILE | sha256sum` gives the header's `body_sha256`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mirror.errors import MirrorError
from mirror.formats.foreign import first_fault
from mirror.keys import S3Url, key_refusal
from mirror.objects import Tally

SCHEMA = 1


class CertifiedObject(BaseModel):
    """One object, as it lies on the share."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    key: str
    """Full key in the bucket; the file is `<share>/<bucket>/<key>`."""
    size: int = Field(ge=0)
    etag: str
    """Of the object in the bucket when it was mirrored."""
    xxh3: str | None = Field(pattern="^[0-9a-f]{32}$")
    """xxh3-128 of the bytes, in hex; None where nobody knows it."""
    verified_by: str
    """How the bytes were compared with the bucket's: md5, multipart_etag, checksum, size_only."""


class Header(BaseModel):
    """The first line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    oomirror_certificate: int = SCHEMA
    dataset: str
    url: str
    """Of the bucket, or of the folder in it."""
    prefix: str
    """Full key prefix of the dataset."""
    made_at: str
    """ISO 8601, UTC."""
    version: str
    """Of oomirror."""
    selection: dict[str, Any]
    """What the newest sync chose of it."""
    objects: int
    bytes: int
    without_hash: int
    size_only: int
    damaged: int
    """Objects that are known to be damaged or lost; they are left out."""
    checked_in_full_since: str | None
    """When that was read to its end and compared which was so longest ago; None where some never was."""
    body_sha256: str
    """Of all lines behind the first."""
    sha256: str = ""
    """Of the first line without this field."""

    def sealed(self) -> Header:
        """Return the header with its own digest."""
        return self.model_copy(update={"sha256": self.digest()})

    def digest(self) -> str:
        """Return the digest of all other fields."""
        return hashlib.sha256(_line(self.model_dump(exclude={"sha256"}))).hexdigest()


def write_certificate(file: Path, header: Header, body: IO[bytes], *, is_packed: bool) -> None:
    """Write a certificate, where it stands until it is whole. Raises OSError.

    Parameters
    ----------
    body
        The lines behind the first, read from where it stands.
    """
    with _opened(file, "wb", is_packed=is_packed) as stream:
        stream.write(_line(header.model_dump()))
        while chunk := body.read(1 << 20):
            stream.write(chunk)


def line_of(one: CertifiedObject) -> bytes:
    """Return the line of an object."""
    return _line(one.model_dump())


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"


class Certificate:
    """A certificate that is whole: it was read to its end and compared with its own digests.

    Raises
    ------
    MirrorError
        There is none, it is damaged, broken off or was changed, or a newer oomirror wrote it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            with self._lines() as lines:
                self.header = self._header(next(lines, b""))
                self._check_body(lines)
        except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
            found = first_fault(error) if isinstance(error, ValidationError) else str(error)
            raise self._refused(getattr(error, "strerror", None) or found) from error

    def objects(self) -> Iterator[CertifiedObject]:
        """Yield the objects in the order of their keys."""
        with self._lines() as lines:
            next(lines)
            yield from map(CertifiedObject.model_validate_json, lines)

    @contextmanager
    def _lines(self) -> Iterator[Iterator[bytes]]:
        with self.file.open("rb") as stream:
            is_packed = stream.read(2) == b"\x1f\x8b"
        with _opened(self.file, "rb", is_packed=is_packed) as stream:
            yield iter(stream)

    def _header(self, line: bytes) -> Header:
        document = json.loads(line)
        if not isinstance(document, dict) or "oomirror_certificate" not in document:
            raise self._refused("no certificate of oomirror")
        if document["oomirror_certificate"] != SCHEMA:
            raise self._refused(f"schema {document['oomirror_certificate']}", "Upgrade oomirror.")
        header = Header.model_validate(document)
        if header.digest() != header.sha256:
            raise self._refused("a header that was changed")
        return header

    def _check_body(self, lines: Iterable[bytes]) -> None:
        digest, tally, last = hashlib.sha256(), Tally(), b""
        for line in lines:
            digest.update(line)
            one = CertifiedObject.model_validate_json(line)
            spelled = one.key.encode("utf-8", "surrogateescape")
            if spelled <= last or not one.key.startswith(self.header.prefix) or key_refusal(one.key) is not None:
                raise self._refused(f"a key that cannot be there: {one.key!r}")
            last, tally = spelled, tally.plus(one.size)
        if digest.hexdigest() != self.header.body_sha256:
            raise self._refused("lines that were changed, or that are missing")
        if tally != Tally(self.header.objects, self.header.bytes):
            raise self._refused(f"{tally.objects} objects of {tally.bytes} B where the header says others")
        S3Url.parse(self.header.url)

    def _refused(self, found: str, hint: str = "Take a copy that is whole.") -> MirrorError:
        return MirrorError("cannot use the certificate", str(self.file), found=found, hint=hint)


@contextmanager
def _opened(file: Path, mode: str, *, is_packed: bool) -> Iterator[IO[bytes]]:
    with file.open(mode) as plain:
        if not is_packed:
            yield cast("IO[bytes]", plain)
            return
        # Without name and time: the same certificate is the same bytes.
        with gzip.GzipFile(filename="", fileobj=cast("IO[bytes]", plain), mode=mode, mtime=0) as packed:
            yield cast("IO[bytes]", packed)
