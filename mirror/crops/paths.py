"""Which volumes are raw and which are the ground truth of a crop, by their paths in both buckets."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mirror.crops.place import Frame
from mirror.formats.folder import Format
from mirror.formats.kinds import VolumeKind, classify_volume, is_em_path

_PATH = re.compile(
    r"(?:^|.*/)ground_?truth/(?:(?P<version>[^/]+)/)?[Cc]rop_?(?P<number>[0-9]+[A-Za-z]?)/(?:labels/)?(?P<label>[^/]+)"
)
WHOLE = "all"
"""The label image that has all classes of a crop."""


@dataclass(frozen=True, slots=True)
class GroundTruthPath:
    """What the path of a ground-truth volume says."""

    number: str
    version: str | None
    """Of the ground truth, as `0003`; None in bucket A, which has no versions."""
    label: str
    """Class, or `all`."""


def parse_ground_truth_path(path: str) -> GroundTruthPath | None:
    """Return what a volume's path inside its container says, or None where it is not the ground truth of a crop.

    >>> parse_ground_truth_path("volumes/groundtruth/0003/Crop1/labels/all")
    GroundTruthPath(number='1', version='0003', label='all')
    >>> parse_ground_truth_path("recon-1/labels/groundtruth/crop113/mito_mem")
    GroundTruthPath(number='113', version=None, label='mito_mem')
    >>> parse_ground_truth_path("volumes/groundtruth/0003/crop1/masks/ribosomes") is None
    True
    """
    match = _PATH.fullmatch(path.strip("/"))
    if match is None or classify_volume(path).kind is not VolumeKind.GROUND_TRUTH:
        return None
    return GroundTruthPath(match["number"].lstrip("0") or "0", match["version"], match["label"])


def frame_of(raw_path: str) -> Frame:
    """Return whose raw lies at a path: bucket B's, as the paper left it, or bucket A's.

    >>> frame_of("volumes/raw"), frame_of("em/fibsem-uint16")
    (<Frame.B: 'b'>, <Frame.A: 'a'>)
    """
    return Frame.B if raw_path.startswith("volumes/") else Frame.A


def raw_rank(path: str, volume_format: Format) -> tuple[int, int, str] | None:
    """Return how well a volume serves as raw, the least first; None where it is no EM.

    N5 before zarr before viewers' formats, for most crops were made on it; then 16-bit FIB-SEM before other EM.

    >>> sorted([("em/fibsem-uint8", Format.N5), ("em/fibsem-uint16", Format.N5)], key=lambda one: raw_rank(*one))[0]
    ('em/fibsem-uint16', <Format.N5: 'n5'>)
    """
    if not is_em_path(path):
        return None
    formats = [Format.N5, Format.ZARR]
    by_format = formats.index(volume_format) if volume_format in formats else len(formats)
    return by_format, 0 if path.endswith("/fibsem-uint16") else 1, path
