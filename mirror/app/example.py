"""A volume of the share that opens, with the Python lines that open it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mirror.report.html.page import Container, Example, InBucket, Level, Volume, Wholeness

_OPENS = {
    "n5": ('import zarr  # pip install "zarr<3" fsspec', 'zarr.open(zarr.N5FSStore(path), mode="r")'),
    "zarr": ("import zarr  # pip install zarr", 'zarr.open(path, mode="r")'),
}
"""Import and expression by format, the one that notebooks use most first."""


def example_of(buckets: Sequence[InBucket], share: Path) -> Example | None:
    """Return a whole level to begin with: of the EM where it is there, the coarsest; None if none is whole."""
    found = min(_whole(buckets), key=_preference, default=None)
    if found is None:
        return None
    container, volume, level = found
    inside = "/".join(filter(None, [volume.path, level.name]))
    path = str(share / container.folder)
    imported, opened = _OPENS[container.format]
    lines = (
        imported,
        f"path = {path!r}  # elsewhere: the folder as it is called there, as r'...'",
        f"volume = {opened}[{inside!r}]" if inside else f"volume = {opened}",
        "print(volume.shape, volume.dtype)  # z, y, x",
    )
    return Example(container.folder, path, inside, "\n".join(lines))


def _whole(buckets: Sequence[InBucket]) -> Iterator[tuple[Container, Volume, Level]]:
    return (
        (container, volume, level)
        for bucket in buckets
        for container in bucket.containers
        if container.format in _OPENS
        for volume in container.volumes
        for level in volume.levels
        if level.wholeness is Wholeness.WHOLE
    )


def _preference(found: tuple[Container, Volume, Level]) -> tuple[bool, int, int, str]:
    container, volume, level = found
    return volume.shows != "EM", list(_OPENS).index(container.format), level.here.bytes, volume.path
