"""What a user means by a path, an address or a key: the bucket, and the key in it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mirror.config import Settings
from mirror.config.settings import BucketSettings

_SCHEME = "s3://"


@dataclass(frozen=True, slots=True)
class Asked:
    """An object or a folder of one bucket."""

    bucket: str
    """As the configuration names it."""
    key: str
    """Full key; may end with a slash."""


def places_asked(settings: Settings, text: str, *, bucket: str | None = None, here: Path) -> tuple[Asked, ...]:
    """Return what the text may mean, the likeliest first; () where it means nothing in any bucket.

    It is an `s3://` address; a path on the share, absolute, from where the user is, below its root or as Windows
    writes it; a full key; or a key that begins with the dataset.

    Parameters
    ----------
    bucket
        Only this one; None: all, the default bucket first.
    here
        Where the user is.
    """
    others = (name for name in sorted(settings.buckets) if name != settings.default_bucket)
    names = [bucket] if bucket else [settings.default_bucket, *others]
    found = dict.fromkeys(_places(settings, text, names, here))
    return tuple(found)


def _places(settings: Settings, text: str, names: list[str], here: Path) -> Iterator[Asked]:
    buckets = {name: settings.bucket(name) for name in names}
    if text.startswith(_SCHEME):
        yield from _of_path(buckets, text.removeprefix(_SCHEME))
        return
    is_windows = "\\" in text and "/" not in text
    path = text.replace("\\", "/") if is_windows else text
    if not is_windows and (below := _below_share(settings, path, here)) is not None:
        yield from _of_path(buckets, below)
    components = path.split("/")
    for number, component in enumerate(components):
        if any(component in _folders(one) for one in buckets.values()):
            yield from _of_path(buckets, "/".join(components[number:]))
    if not (is_windows or path.startswith("/")):
        yield from _of_key(buckets, path.removeprefix("./"))


def _below_share(settings: Settings, path: str, here: Path) -> str | None:
    """Return a path below the share's root, or None: for one that lies elsewhere, and where there is no share."""
    if settings.share is None:
        return None
    absolute = posixpath.normpath(here / path)
    for root, asked in (
        (str(settings.share), absolute),
        (os.path.realpath(settings.share), os.path.realpath(absolute)),
    ):
        if asked.startswith(f"{root}/"):
            return asked.removeprefix(f"{root}/") + ("/" if path.endswith("/") else "")
    return None


def _of_path(buckets: dict[str, BucketSettings], path: str) -> Iterator[Asked]:
    """Yield the buckets that `<bucket>/<key>` lies in; several may be folders of one."""
    folder, _, key = path.partition("/")
    for name, one in buckets.items():
        if folder in _folders(one) and f"{key}/".startswith(one.url.prefix):
            yield Asked(name, key)


def _of_key(buckets: dict[str, BucketSettings], key: str) -> Iterator[Asked]:
    for name, one in buckets.items():
        yield Asked(name, key if key.startswith(one.url.prefix) else one.url.prefix + key)


def _folders(one: BucketSettings) -> tuple[str, ...]:
    return (one.url.bucket, *one.aliases)
