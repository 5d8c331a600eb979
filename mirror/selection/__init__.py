"""Which part of a dataset is meant: scales, volumes and formats, and what they choose."""

from mirror.selection.crops import ChosenCrop, CropChoice, Wanted
from mirror.selection.globs import KeyFilter, VolumeFilter, parse_volumes
from mirror.selection.scales import ALL_SCALES, Scales, parse_formats, parse_scales
from mirror.selection.select import Selection, SelectionSpec, VolumeChoice, select
from mirror.selection.select_crops import select_crops

__all__ = [
    "ALL_SCALES",
    "ChosenCrop",
    "CropChoice",
    "KeyFilter",
    "Scales",
    "Selection",
    "SelectionSpec",
    "VolumeChoice",
    "VolumeFilter",
    "Wanted",
    "parse_formats",
    "parse_scales",
    "parse_volumes",
    "select",
    "select_crops",
]
