"""What kind of volume lies at a path, and of which organelle: a table of rules with a reason for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mirror.formats.folder import Format
from mirror.formats.organelles import find_organelle, title_of


class VolumeKind(StrEnum):
    """What a volume shows. The values stand in the catalog and in JSON."""

    EM = "em"
    """The electron microscopy itself, at full size: what the word `raw` means."""
    SUBSAMPLED_EM = "subsampled-em"
    LIGHT_MICROSCOPY = "lm"
    GROUND_TRUTH = "ground-truth"
    """Annotated by hand."""
    PREDICTION = "prediction"
    """Soft output of a network."""
    DISTANCE = "distance"
    """Signed distance transform."""
    MASK = "mask"
    SEGMENTATION = "segmentation"
    """Instances, made from predictions."""
    ANALYSIS = "analysis"
    MESH = "mesh"
    UNKNOWN = "unknown"


class ClassSource(StrEnum):
    """What told the kind of a volume."""

    PATH = "path"
    FORMAT = "format"
    MANIFEST = "manifest"
    ATTRIBUTES = "attributes"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class VolumeClass:
    """What a volume is."""

    kind: VolumeKind
    organelle_class: str | None
    """Short name; both of those that touch (`er_golgi`). None where a volume shows many or none."""
    source: ClassSource
    """What told the kind."""
    reason: str
    """The rule that did, as a sentence's end: `labels/*_seg is ...`."""

    @property
    def organelle_title(self) -> str | None:
        """The organelle class in words, or None."""
        return None if self.organelle_class is None else title_of(self.organelle_class)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: a path that the pattern describes as a whole is of the kind."""

    kind: VolumeKind
    pattern: re.Pattern[str]
    """Its group `name` spells the organelle, if the path does."""
    reason: str
    names_only_organelles: bool = False
    """The name may also be something else: believed only where it is a class that we know."""


_ROOT = r"(?:recon-[^/]+/|neuroglancer/|volumes/)?"
_FILE = r"(?:\.precomputed)?"


def _rule(kind: VolumeKind, pattern: str, reason: str, *, names_only_organelles: bool = False) -> Rule:
    return Rule(kind, re.compile(pattern), reason, names_only_organelles)


RULES = (
    _rule(VolumeKind.MESH, r"(?:.*/)?mesh(?:es)?/(?P<name>[^/]+)(?:/.*)?", "mesh/ holds surfaces"),
    _rule(VolumeKind.EM, r"(?:recon-[^/]+/|neuroglancer/)?em/[^/]+", "em/ holds the EM in bucket A"),
    _rule(VolumeKind.EM, r"volumes/raw", "volumes/raw is the EM in bucket B"),
    _rule(VolumeKind.SUBSAMPLED_EM, r"(?:.*/)?subsampled/.+", "subsampled/ holds the EM at other voxel sizes"),
    _rule(
        VolumeKind.LIGHT_MICROSCOPY,
        rf"{_ROOT}lm/(?:.*/)?(?P<name>[^/]+?)(?:_palm|_sim)?{_FILE}",
        "lm/ holds light microscopy",
        names_only_organelles=True,
    ),
    # Before ground truth: its crops have masks, which say where a label was annotated.
    _rule(
        VolumeKind.MASK,
        r"(?:.*/)?masks/(?:.*/)?(?P<name>[^/]+)",
        "masks/ holds masks",
        names_only_organelles=True,
    ),
    _rule(VolumeKind.GROUND_TRUTH, rf"{_ROOT}labels/gt{_FILE}", "labels/gt holds all annotated crops of bucket A"),
    _rule(
        VolumeKind.GROUND_TRUTH,
        r"(?:.*/)?ground_?truth/(?:.*/)?(?P<name>[^/]+)",
        "groundtruth/ holds annotated crops",
        names_only_organelles=True,
    ),
    _rule(
        VolumeKind.GROUND_TRUTH,
        r"(?:.*/)?[Cc]rop_?[0-9]+/(?:.*/)?(?P<name>[^/]+)",
        "a crop's folder holds what was annotated in it",
        names_only_organelles=True,
    ),
    _rule(VolumeKind.PREDICTION, rf"(?:.*/)?(?P<name>[^/]+)_pred{_FILE}", "*_pred is the soft output of a network"),
    _rule(VolumeKind.SEGMENTATION, rf"(?:.*/)?(?P<name>[^/]+)_seg{_FILE}", "*_seg is made from a prediction"),
    _rule(VolumeKind.DISTANCE, rf"(?:.*/)?(?P<name>[^/]+)_dist(?:ances?)?{_FILE}", "*_dist is a signed distance"),
    _rule(VolumeKind.DISTANCE, rf"(?:.*/)?distances?/(?P<name>[^/]+?){_FILE}", "distance/ holds signed distances"),
    _rule(VolumeKind.ANALYSIS, rf"(?:.*/)?(?P<name>[^/]+)_contacts{_FILE}", "*_contacts are sites where two touch"),
    _rule(
        VolumeKind.ANALYSIS,
        rf"(?:.*/)?(?P<name>[^/]+)_(?:curvature|skeleton(?:-[^/]+)?|medial-surface|classified){_FILE}",
        "curvature, skeletons, medial surfaces and classes are computed from segmentations",
    ),
    _rule(
        VolumeKind.LIGHT_MICROSCOPY,
        rf"(?:.*/)?(?P<name>[^/]+)_(?:palm|sim){_FILE}",
        "PALM and SIM are light microscopy",
    ),
    _rule(
        VolumeKind.SEGMENTATION,
        r"(?:.*/)?inference/(?:.*/)?segmentations?/(?:.*/)?(?P<name>[^/]+)",
        "inference/segmentations/ holds instances made from predictions",
    ),
    _rule(VolumeKind.PREDICTION, r"(?:.*/)?inference/(?:.*/)?(?P<name>[^/]+)", "inference/ holds output of networks"),
)
"""The first that fits tells. Letters are as they stand, but for `Crop1`: S3 tells them apart."""

_CONTENT_TYPES = {
    "em": VolumeKind.EM,
    "lm": VolumeKind.LIGHT_MICROSCOPY,
    "gt": VolumeKind.GROUND_TRUTH,
    "groundtruth": VolumeKind.GROUND_TRUTH,
    "prediction": VolumeKind.PREDICTION,
    "segmentation": VolumeKind.SEGMENTATION,
    "analysis": VolumeKind.ANALYSIS,
    "mask": VolumeKind.MASK,
    "mesh": VolumeKind.MESH,
}
_CROP_TYPES = ("training", "validation")


def classify_volume(
    path: str,
    volume_format: Format | None = None,
    *,
    content_type: str | None = None,
    attributes: Mapping[str, object] | None = None,
) -> VolumeClass:
    """Return what lies at the path. The path tells where it can; the hints only where it does not.

    Parameters
    ----------
    path
        Of the volume without its level, inside the container; for precomputed and meshes inside the dataset's folder.
    content_type
        What a manifest calls the volume.
    attributes
        Its own attributes document.

    >>> found = classify_volume("labels/er_golgi_contacts")
    >>> found.kind.value, found.organelle_class, found.reason
    ('analysis', 'er_golgi', '*_contacts are sites where two touch')
    """
    path = path.strip("/")
    if volume_format is Format.MESH:
        name = _last_name(path)
        return VolumeClass(VolumeKind.MESH, _organelle_in(name), ClassSource.FORMAT, "it is stored as meshes")
    for rule in RULES:
        match = rule.pattern.fullmatch(path)
        if match is not None:
            return VolumeClass(rule.kind, _organelle_of(rule, match), ClassSource.PATH, rule.reason)
    return _classify_by_hints(path, content_type, attributes or {})


def is_em_path(path: str) -> bool:
    """Return whether a volume's path is that of the EM, in A (`em/*`) or in B (`volumes/raw`).

    >>> [is_em_path(path) for path in ("em/fibsem-uint16", "volumes/raw", "volumes/subsampled/raw")]
    [True, True, False]
    """
    return classify_volume(path).kind is VolumeKind.EM


def _last_name(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".precomputed")


def _organelle_of(rule: Rule, match: re.Match[str]) -> str | None:
    name = match.groupdict().get("name")
    if name is None:
        return None
    if rule.kind is VolumeKind.MESH:
        return _organelle_in(name)
    return _known_class(name) if rule.names_only_organelles else _known_class(name) or name


def _known_class(name: str) -> str | None:
    """Return the class, or the two that touch, that the name spells."""
    whole = find_organelle(name)
    if whole is not None:
        return whole.name
    parts = [find_organelle(part) for part in name.split("_")]
    known = [part.name for part in parts if part is not None]
    return "_".join(known) if len(known) == len(parts) else None


def _organelle_in(name: str) -> str | None:
    """Return the class in a name that may end as a volume's does (`mito_seg`)."""
    inner = classify_volume(name)
    return _known_class(name) if inner.kind is VolumeKind.UNKNOWN else inner.organelle_class


def _classify_by_hints(path: str, content_type: str | None, attributes: Mapping[str, object]) -> VolumeClass:
    organelle = _known_class(_last_name(path))
    by_manifest = _CONTENT_TYPES.get((content_type or "").strip().lower())
    if by_manifest is not None:
        return VolumeClass(by_manifest, organelle, ClassSource.MANIFEST, f"a manifest calls it {content_type}")
    cellmap = attributes.get("cellmap")
    if isinstance(cellmap, Mapping) and "annotation" in cellmap:
        return VolumeClass(VolumeKind.GROUND_TRUTH, organelle, ClassSource.ATTRIBUTES, "its attributes: an annotation")
    crop_type = attributes.get("type")
    if crop_type in _CROP_TYPES and "offset" in attributes:
        return VolumeClass(VolumeKind.GROUND_TRUTH, organelle, ClassSource.ATTRIBUTES, f"a crop for {crop_type}")
    return VolumeClass(VolumeKind.UNKNOWN, organelle, ClassSource.NONE, "no rule knows the path")
