"""Keys, buckets and the paths on the share: parsed and refused here, once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from mirror.errors import UsageError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BUCKET = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}\Z")
_WINDOWS_DEVICE = re.compile(r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)

OWN_FOLDER = ".oomirror"
"""The one folder of ours under the share; everything else there is `<bucket>/<key>`."""


@dataclass(frozen=True, slots=True)
class S3Url:
    """A bucket and a prefix in it: `s3://<bucket>/<prefix>`.

    >>> S3Url.parse("s3://janelia-cosem-publications/heinrich-2021a/").prefix
    'heinrich-2021a/'
    >>> str(S3Url.parse("s3://janelia-cosem-datasets"))
    's3://janelia-cosem-datasets'
    """

    bucket: str
    prefix: str
    """Empty, or ending with a slash."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the URL that `text` spells.

        Raises
        ------
        UsageError
            No `s3://<bucket>` at its start, a bucket name that S3 does not allow, or a prefix that is no folder.
        """
        scheme, separator, rest = text.partition("://")
        bucket, _, prefix = rest.partition("/")
        if scheme != "s3" or not separator or not _BUCKET.match(bucket):
            raise UsageError("not the address of a bucket", text, expected="s3://BUCKET or s3://BUCKET/PREFIX")
        prefix = prefix.strip("/")
        if prefix and key_refusal(prefix) is not None:
            raise UsageError("not the address of a bucket", text, found="a prefix that is no folder")
        return cls(bucket, f"{prefix}/" if prefix else "")

    def url_of(self, key: str) -> str:
        """Return the full `s3://` URL of a key of this bucket."""
        return f"s3://{self.bucket}/{key}"

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


class Refusal(StrEnum):
    """Why a key cannot be a file on the share. The values are the words that users read."""

    EMPTY_COMPONENT = "has an empty name between two slashes"
    DOT_COMPONENT = "has a component '.' or '..', which would lead elsewhere"
    CONTROL_CHARACTER = "has a control character"
    NAME_TOO_LONG = "has a name longer than the share allows"
    PATH_TOO_LONG = "makes a path longer than the share allows"
    NOT_UTF8 = "is not valid Unicode"
    FORBIDDEN_CHARACTER = "has a character that the share refuses"
    FORBIDDEN_NAME = "has a name that the share refuses"
    CASE_TWIN = "differs only by case from another key, and the share does not tell them apart"
    FILE_AND_FOLDER = "is a file and a folder at once"
    OUTSIDE_ROOT = "would lie outside the mirror's root"


@dataclass(frozen=True, slots=True)
class ShareRules:
    """What names the share takes, as probed on it; the default is a Linux file system."""

    max_name_bytes: int = 255
    max_path_bytes: int = 4095
    forbidden_characters: frozenset[str] = frozenset()
    refuses_device_names: bool = False
    """CON, AUX, NUL and their kind."""
    refuses_trailing_dot: bool = False
    is_case_blind: bool = False


LINUX = ShareRules()


def is_folder_marker(key: str) -> bool:
    """Return whether the key is a directory marker (ends with a slash): nothing to mirror, `skipped`."""
    return key.endswith("/")


def key_refusal(key: str, rules: ShareRules = LINUX, *, root_bytes: int = 0) -> Refusal | None:
    """Return why the key cannot be a file on the share, or None if it can.

    Folder markers are the caller's business (`is_folder_marker`).

    Parameters
    ----------
    root_bytes
        Length of the path under which the key will lie, for the limit of the whole path.

    >>> key_refusal("jrc_hela-2/jrc_hela-2.n5/attributes.json") is None
    True
    >>> key_refusal("a/../b").value
    "has a component '.' or '..', which would lead elsewhere"
    """
    if _CONTROL.search(key):
        return Refusal.CONTROL_CHARACTER
    try:
        encoded = key.encode("utf-8")
    except UnicodeEncodeError:
        return Refusal.NOT_UTF8
    if root_bytes + 1 + len(encoded) > rules.max_path_bytes:
        return Refusal.PATH_TOO_LONG
    for name in key.split("/"):
        if (refusal := _name_refusal(name, rules)) is not None:
            return refusal
    return None


def _name_refusal(name: str, rules: ShareRules) -> Refusal | None:
    if not name:
        return Refusal.EMPTY_COMPONENT
    if name in (".", ".."):
        return Refusal.DOT_COMPONENT
    if len(name) * 4 > rules.max_name_bytes and len(name.encode("utf-8")) > rules.max_name_bytes:
        return Refusal.NAME_TOO_LONG
    if rules.forbidden_characters and not rules.forbidden_characters.isdisjoint(name):
        return Refusal.FORBIDDEN_CHARACTER
    if rules.refuses_trailing_dot and name[-1] in ". ":
        return Refusal.FORBIDDEN_NAME
    if rules.refuses_device_names and _WINDOWS_DEVICE.match(name):
        return Refusal.FORBIDDEN_NAME
    return None
