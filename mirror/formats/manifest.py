"""What a manifest of the project says: the volumes that it names, where they lie, how they are turned, and facts."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mirror.formats.about import read_facts, unread_findings
from mirror.formats.document import whole_text
from mirror.formats.layout import Fact, Finding, FindingCode, Placement, Severity
from mirror.formats.manifest_document import ManifestDocument, ManifestSource, ManifestTransform, Numbers, read_manifest
from mirror.formats.placing import Unplaced, place
from mirror.formats.source_url import SourceUrl, parse_source_url

_AXES_ZYX = ("z", "y", "x")
_UNIT = "nm"
"""Of transforms that name none."""


@dataclass(frozen=True, slots=True)
class ManifestVolume:
    """One volume or mesh that a manifest names."""

    name: str
    """As the manifest has it, else the last part of its address; may be empty."""
    address: str
    """As it is written."""
    url: SourceUrl | None
    """None where the address is none on S3."""
    format: str | None = None
    content_type: str | None = None
    """`em`, `lm`, `prediction`, `segmentation`, `analysis`."""
    sample_type: str | None = None
    """`scalar` or `label`."""
    description: str | None = None
    placement: Placement | None = None
    """Of the finest level; the size of a voxel is negative where an axis is mirrored."""
    is_mirrored_y: bool | None = None
    """Stored mirrored in y against the EM; None where the manifest does not say."""
    parent: str | None = None
    """Name of the volume that this one belongs to, as a mesh to its segmentation."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest.json, understood."""

    place: str
    dataset: str | None
    facts: tuple[Fact, ...]
    unread: tuple[str, ...]
    """Paths in the document of facts that were not understood."""
    volumes: tuple[ManifestVolume, ...]
    """In the document's order, each followed by those that belong to it."""
    findings: tuple[Finding, ...]
    document: ManifestDocument
    """All of it, as it was."""


def parse_manifest(body: bytes, place: str, aliases: Mapping[str, str] | None = None) -> Manifest:
    """Return what a manifest says. Odd parts are findings, and stay in `document`.

    Parameters
    ----------
    place
        The document's address; facts are told with its last part as their source.
    aliases
        Old names of buckets, and the present name of each.

    Raises
    ------
    MalformedDocumentError
        Not a JSON object, or no manifest.
    """
    document, faults = read_manifest(body, place)
    about = read_facts(document.as_document(), place.rpartition("/")[2])
    named = [*_sources_of(document.sources, None), *_sources_of(document.volumes, None)]
    volumes = [_read_volume(name, source, parent, aliases) for name, source, parent in named]
    findings = [_odd(place, "a part that can be read", fault) for fault in faults]
    findings += [finding for volume, odd in volumes for finding in _odd_volume(volume, odd, place)]
    findings += [_odd(place, "each name once in an object", f"{name} again") for name in _repeated_names(body)]
    return Manifest(
        place=place,
        dataset=_dataset_of(document, about.facts),
        facts=about.facts,
        unread=about.unread,
        volumes=_with_lost_signs([volume for volume, _ in volumes]),
        findings=(*findings, *unread_findings(about, place)),
        document=document,
    )


def _odd(place: str, expected: str, found: str) -> Finding:
    return Finding(Severity.NOTE, FindingCode.ODD_METADATA, place, expected, found)


def _dataset_of(document: ManifestDocument, facts: tuple[Fact, ...]) -> str | None:
    names = [document.name, *(fact.value for fact in facts if fact.name == "dataset_id")]
    return next((name for name in names if isinstance(name, str) and name), None)


def _sources_of(sources: object, parent: str | None) -> Iterator[tuple[str, ManifestSource, str | None]]:
    """Yield each source with its name and its parent's name, each followed by its own; odd ones are passed over."""
    entries = list(sources.items()) if isinstance(sources, dict) else [("", source) for source in _listed(sources)]
    for key, source in entries:
        if isinstance(source, ManifestSource):
            name = _text(source.name) or key
            yield name, source, parent
            yield from _sources_of(source.subsources, name)
            yield from _sources_of(source.meshes, name)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _read_volume(
    name: str, source: ManifestSource, parent: str | None, aliases: Mapping[str, str] | None
) -> tuple[ManifestVolume, Unplaced | None]:
    address = next(filter(None, map(_text, (source.url, source.URI, source.path))), "")
    placed = _place(source.transform) if isinstance(source.transform, ManifestTransform) else None
    placement = placed if isinstance(placed, Placement) else None
    volume = ManifestVolume(
        name=name or address.rstrip("/").rpartition("/")[2],
        address=address,
        url=parse_source_url(address, aliases),
        format=_text(source.format),
        content_type=_text(source.contentType),
        sample_type=_text(source.sampleType),
        description=_text(source.description),
        placement=placement,
        is_mirrored_y=_is_mirrored(placement),
        parent=parent,
    )
    return volume, placed if isinstance(placed, Unplaced) else None


def _place(transform: ManifestTransform) -> Placement | Unplaced | None:
    axes = transform.axes if isinstance(transform.axes, list) else list(_AXES_ZYX)
    scale, translate = _by_axes(transform.scale, axes), _by_axes(transform.translate, axes)
    if scale is None:
        return None
    units = transform.units if isinstance(transform.units, list) else [_text(transform.units) or _UNIT] * len(axes)
    if not all(isinstance(word, str) for word in (*axes, *units)):
        return Unplaced("transform: axes or units that are no words")
    return place(axes, scale, translate, units, source="transform")


def _by_axes(numbers: Numbers | None, axes: list[str]) -> list[float] | None:
    if isinstance(numbers, dict):
        numbers = [numbers.get(axis, math.nan) for axis in axes]
    if not isinstance(numbers, list) or not all(isinstance(number, (int, float)) for number in numbers):
        return None
    try:
        return [float(number) for number in numbers]
    except OverflowError:
        return None


def _is_mirrored(placement: Placement | None) -> bool | None:
    if placement is None or len(placement.voxel_size_nm_xyz) < 2:
        return None
    return placement.voxel_size_nm_xyz[1] < 0


def _with_lost_signs(volumes: list[ManifestVolume]) -> tuple[ManifestVolume, ...]:
    """Take a volume for mirrored, too, that is moved by a flip's way and has lost its sign.

    The way of a flip is the whole height, so that with a positive size the volume would lie beside the EM.
    """
    flips = {_way_y(volume) for volume in volumes if volume.is_mirrored_y} - {None, 0.0}
    return tuple(
        replace(volume, is_mirrored_y=True) if volume.is_mirrored_y is False and _way_y(volume) in flips else volume
        for volume in volumes
    )


def _way_y(volume: ManifestVolume) -> float | None:
    way = volume.placement.translation_nm_xyz if volume.placement is not None else None
    return None if way is None or len(way) < 2 else way[1]


def _odd_volume(volume: ManifestVolume, unplaced: Unplaced | None, place: str) -> list[Finding]:
    odd = []
    if volume.url is None:
        found = f"{volume.name}: {volume.address or 'no address'}"
        odd.append(_odd(place, "addresses on S3", found))
    if unplaced is not None:
        odd.append(replace(unplaced.as_finding(place), found=f"{volume.name}: {unplaced.fault}"))
    return odd


def _repeated_names(body: bytes) -> tuple[str, ...]:
    """Return the names that stand twice in one object: a reader of JSON believes the last and never sees the first."""
    repeated: dict[str, None] = {}

    def note(pairs: list[tuple[str, object]]) -> None:
        counts = Counter(name for name, _ in pairs)
        repeated.update(dict.fromkeys(whole_text(name) for name, n in counts.items() if n > 1))

    json.loads(body, object_pairs_hook=note)
    return tuple(repeated)
