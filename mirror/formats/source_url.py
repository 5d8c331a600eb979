"""Addresses of volumes as manifests and viewers write them: a bucket and a key, in one of many spellings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_DRIVERS = re.compile(r"^(?:(?:n5|zarr[23]?|precomputed)://)+", re.IGNORECASE)
_HOST_WITH_BUCKET = re.compile(r"(?P<bucket>.+)\.s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com", re.IGNORECASE)
_HOST = re.compile(r"s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SourceUrl:
    """Where something lies on S3."""

    bucket: str
    """Its present name."""
    key: str
    """Without a slash at its end."""

    @property
    def bucket_url(self) -> str:
        """The bucket as `s3://<bucket>`."""
        return f"s3://{self.bucket}"

    def __str__(self) -> str:
        return f"{self.bucket_url}/{self.key}"


def parse_source_url(text: str, aliases: Mapping[str, str] | None = None) -> SourceUrl | None:
    """Return bucket and key of an address, or None where it is no address on S3.

    Parameters
    ----------
    aliases
        Old names of buckets, and the present name of each.

    >>> str(parse_source_url("n5://https://janelia-cosem.s3.amazonaws.com/a.n5/em/",
    ...                      {"janelia-cosem": "janelia-cosem-datasets"}))
    's3://janelia-cosem-datasets/a.n5/em'
    """
    try:
        parts = urlsplit(_DRIVERS.sub("", text.strip()))
        host = parts.netloc.rpartition("@")[2].partition(":")[0]
    except ValueError:
        return None
    # On S3 `?` and `#` are letters like others, where an `s3://` address has them.
    path = text.strip().partition("://" + parts.netloc)[2] if parts.scheme == "s3" else unquote(parts.path)
    found = _bucket_and_key(parts.scheme, host, path.strip("/"))
    if found is None or not all(found):
        return None
    bucket, key = found
    return SourceUrl((aliases or {}).get(bucket, bucket), key)


def _bucket_and_key(scheme: str, host: str, path: str) -> tuple[str, str] | None:
    if scheme == "s3":
        return host, path
    if scheme not in ("http", "https"):
        return None
    named = _HOST_WITH_BUCKET.fullmatch(host)
    if named is not None:
        return named["bucket"], path
    if _HOST.fullmatch(host) is None:
        return None
    bucket, _, key = path.partition("/")
    return bucket, key.strip("/")
