"""Which part of a dataset is meant: scales, volumes and formats, and what they choose."""

from mirror.selection.globs import KeyFilter, VolumeFilter, parse_volumes
from mirror.selection.scales import ALL_SCALES, Scales, parse_formats, parse_scales
from mirror.selection.select import Selection, SelectionSpec, VolumeChoice, select

__all__ = [
    "ALL_SCALES",
    "KeyFilter",
    "Scales",
    "Selection",
    "SelectionSpec",
    "VolumeChoice",
    "VolumeFilter",
    "parse_formats",
    "parse_scales",
    "parse_volumes",
    "select",
]
