"""From a dataset and what was asked for to the arrays, folders and objects to mirror."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mirror.errors import UnknownNameError, near_names
from mirror.formats.folder import METADATA_NAMES, Format
from mirror.formats.layout import Array, Container, Dataset, Finding, FindingCode, Group, Severity, Volume
from mirror.objects import RemoteObject
from mirror.selection.crops import CropChoice, Wanted
from mirror.selection.globs import Pattern, VolumeFilter
from mirror.selection.scales import ALL_SCALES, Scales


@dataclass(frozen=True, slots=True)
class SelectionSpec:
    """What a user asked for."""

    scales: Scales = ALL_SCALES
    volumes: VolumeFilter = field(default_factory=lambda: VolumeFilter(()))
    formats: tuple[Format, ...] | None = None
    """None: N5, or zarr where the dataset has no N5."""
    with_unscaled: bool = True
    """Arrays without levels too."""


@dataclass(frozen=True, slots=True)
class VolumeChoice:
    """What is chosen of one volume: a line of the plan."""

    volume: Volume
    arrays: tuple[Array, ...]
    """Finest first; () for a volume that is taken whole."""

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the levels chosen; () for an array without levels and for a volume that is taken whole."""
        return tuple(array.level_name for array in self.arrays if array.level_name is not None)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of the levels that are not chosen."""
        levels = (array.level_name for array in self.volume.arrays if array not in self.arrays)
        return tuple(name for name in levels if name is not None)


@dataclass(frozen=True, slots=True)
class Selection:
    """What to mirror of a dataset. No key is named twice, and none outside the dataset's folder."""

    dataset: Dataset
    spec: SelectionSpec
    formats: tuple[Format, ...]
    """Those that the spec or the dataset's content chose."""
    volumes: tuple[VolumeChoice, ...]
    arrays: tuple[Array, ...]
    """To be listed block by block; all below each prefix belongs to the selection, strays too."""
    subtrees: tuple[str, ...]
    """Prefixes taken whole, as plain objects."""
    objects: tuple[RemoteObject, ...]
    """Single objects outside the arrays and subtrees: metadata above, files of chosen groups, loose files."""
    left_out: tuple[str, ...]
    """Volumes of the formats chosen, and levels of the volumes chosen, that are not selected; inside the container."""
    findings: tuple[Finding, ...]
    """The dataset's, and what is odd about the selection itself."""
    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    """Prefixes of the arrays of which only some blocks are meant, to these."""
    crops: CropChoice | None = None

    def describe(self) -> dict[str, Any]:
        """Return the selection as the catalog keeps it: JSON-able, and the same for the same dataset and spec."""
        return self._describe_choice() | self._describe_crops()

    def _describe_choice(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset.name,
            "prefix": self.dataset.prefix,
            "scales": str(self.spec.scales),
            "volumes": [pattern.text for pattern in self.spec.volumes.patterns],
            "formats": [str(name) for name in self.formats],
            "with_unscaled": self.spec.with_unscaled,
            "chosen": [
                {
                    "container": choice.volume.container_prefix.removeprefix(self.dataset.prefix).rstrip("/"),
                    "volume": choice.volume.path,
                    "levels": list(choice.levels),
                }
                for choice in self.volumes
            ],
        }

    def _describe_crops(self) -> dict[str, Any]:
        if self.crops is None:
            return {}
        blocks_xyz = {
            prefix: [[list(box.first_xyz), list(box.stop_xyz)] for box in wanted.blocks_xyz.boxes]
            for prefix, wanted in sorted(self.wanted.items())
        }
        return {**self.crops.describe(), "blocks_xyz": blocks_xyz}


def select(dataset: Dataset, spec: SelectionSpec) -> Selection:
    """Return what the spec chooses of the dataset.

    Raises
    ------
    UnknownNameError
        A format that the dataset lacks, a pattern that chooses nothing, a level that all chosen volumes lack.
    """
    formats = formats_of(dataset, spec)
    containers = [container for container in dataset.containers if container.format in formats]
    volumes = [volume for container in containers for volume in container.volumes]
    findings = _check_patterns(dataset, spec.volumes, volumes, formats)
    in_reach = [VolumeChoice(volume, arrays_in_reach(volume, spec.volumes)) for volume in volumes]
    in_reach = [choice for choice in in_reach if choice.arrays or _is_taken_whole(choice.volume, spec.volumes)]
    check_scales(dataset, spec.scales, in_reach)
    choices = [choice for candidate in in_reach if (choice := _at_scales(candidate, spec)) is not None]
    arrays = [array for choice in choices for array in choice.arrays]
    whole = [choice.volume.prefix for choice in choices if not choice.volume.arrays]
    unread = [array.prefix for array in arrays if not array.is_understood]
    return Selection(
        dataset=dataset,
        spec=spec,
        formats=formats,
        volumes=tuple(choices),
        arrays=tuple(array for array in arrays if array.is_understood),
        subtrees=tuple(sorted([*whole, *unread, *dataset.loose_folders])),
        objects=tuple(sorted(_objects_of(dataset, containers, choices, spec.volumes))),
        left_out=tuple(_left_out(volumes, choices)),
        findings=(*dataset.findings, *findings),
    )


def formats_of(dataset: Dataset, spec: SelectionSpec) -> tuple[Format, ...]:
    """Return the formats that are chosen. Raises as `select`."""
    there = {container.format for container in dataset.containers}
    if spec.formats is None:
        return (Format.ZARR,) if Format.ZARR in there and Format.N5 not in there else (Format.N5,)
    # A dataset of nothing but loose files has no format that could be wrong: a finding says that it has no volumes.
    if there and there.isdisjoint(spec.formats):
        expected = ", ".join(sorted(there))
        raise UnknownNameError(
            "the dataset has no such format", dataset.prefix, expected=expected, found=", ".join(spec.formats)
        )
    return spec.formats


def _check_patterns(
    dataset: Dataset, patterns: VolumeFilter, volumes: Iterable[Volume], formats: tuple[Format, ...]
) -> list[Finding]:
    paths = [path for volume in volumes for path in paths_of(volume)]
    for pattern in patterns.chosen:
        if not any(map(pattern.matches, paths)):
            raise _unknown_volume(dataset, pattern, formats)
    if patterns.patterns and not any(map(patterns.takes, paths)):
        found = " ".join(pattern.text for pattern in patterns.patterns)
        raise UnknownNameError("the choice of volumes leaves nothing", dataset.prefix, found=found)
    expected = "a volume that it excludes"
    findings = [
        Finding(Severity.NOTE, FindingCode.PATTERN_WITHOUT_EFFECT, dataset.prefix, expected, pattern.text)
        for pattern in patterns.excluded
        if not any(map(pattern.matches, paths))
    ]
    if not paths:
        expected = f"volumes as {', '.join(formats)}"
        findings.append(Finding(Severity.WARNING, FindingCode.NO_VOLUMES, dataset.prefix, expected, "none"))
    return findings


def paths_of(volume: Volume) -> Iterator[str]:
    """Yield what patterns are matched with: the arrays, so that `em/*/s0` chooses one level, or the volume."""
    yield from [array.path for array in volume.arrays] or [volume.path]


def _unknown_volume(dataset: Dataset, pattern: Pattern, formats: tuple[Format, ...]) -> UnknownNameError:
    elsewhere = sorted(
        {volume.format for volume in dataset.volumes() if any(map(pattern.matches, paths_of(volume)))} - {*formats}
    )
    if elsewhere:
        hint = f"It lies in another format: add --formats {','.join([*formats, *elsewhere])}."
    else:
        hint = _hint_at_volumes(dataset, pattern, formats)
    return UnknownNameError("no such volume", f"{dataset.prefix}: {pattern.text}", hint=hint)


def _hint_at_volumes(dataset: Dataset, pattern: Pattern, formats: tuple[Format, ...]) -> str:
    paths = {volume.path for volume in dataset.volumes() if volume.format in formats}
    groups = {path.rpartition("/")[0] for path in paths} - {""}
    near = near_names(pattern.text.strip("/"), paths | groups)
    if near:
        return f"Near it are {', '.join(near)}."
    return f"There are {len(paths)} volumes, in {', '.join(sorted(groups)) or 'no group'}."


def arrays_in_reach(volume: Volume, patterns: VolumeFilter) -> tuple[Array, ...]:
    """Return the arrays of a volume that the patterns take."""
    return tuple(array for array in volume.arrays if patterns.takes(array.path))


def _is_taken_whole(volume: Volume, patterns: VolumeFilter) -> bool:
    return not volume.arrays and patterns.takes(volume.path)


def check_scales(dataset: Dataset, scales: Scales, choices: Iterable[VolumeChoice]) -> None:
    """Check that each level that is named exists in one of the volumes. Raises as `select`."""
    levels = {array.level_index for choice in choices for array in choice.arrays if array.level_index is not None}
    # Where no volume has levels there is nothing that scales could choose from: all of it is unscaled.
    lacking = [level for level in scales.named if levels and level not in levels]
    if lacking:
        there = ", ".join(f"s{level}" for level in sorted(levels))
        raise UnknownNameError(
            "no chosen volume has the scale",
            f"{dataset.prefix}: {', '.join(f's{level}' for level in lacking)}",
            expected=there,
            found=str(scales),
        )


def _at_scales(choice: VolumeChoice, spec: SelectionSpec) -> VolumeChoice | None:
    if not choice.volume.arrays:
        return choice
    arrays = tuple(array for array in choice.arrays if is_at_scales(array, spec))
    return VolumeChoice(choice.volume, arrays) if arrays else None


def is_at_scales(array: Array, spec: SelectionSpec) -> bool:
    """Return whether an array is chosen by its level."""
    return spec.with_unscaled if array.level_index is None else array.level_index in spec.scales


def _objects_of(
    dataset: Dataset, containers: Iterable[Container], choices: Iterable[VolumeChoice], patterns: VolumeFilter
) -> Iterator[RemoteObject]:
    yield from dataset.loose_files
    above = {place for choice in choices for place in folders_above(choice)}
    for container in containers:
        without_choice = {volume.prefix for volume in container.volumes if volume.arrays} - above
        for group in container.groups:
            if patterns.takes(group.path) and group.prefix not in without_choice:
                yield from group.files
            elif group.prefix in above:
                yield from metadata_of(group)


def folders_above(choice: VolumeChoice) -> Iterator[str]:
    """Yield the full prefixes of the folders above what is chosen, the volume's own where it has arrays."""
    for prefix in {array.prefix for array in choice.arrays} or {choice.volume.prefix}:
        folder = prefix.rstrip("/")
        while "/" in folder:
            folder = folder.rpartition("/")[0]
            yield folder + "/"


def metadata_of(group: Group) -> Iterator[RemoteObject]:
    """Return the files of a group that a reader needs."""
    return (file for file in group.files if file.key.rpartition("/")[2] in METADATA_NAMES)


def _left_out(volumes: Iterable[Volume], choices: Iterable[VolumeChoice]) -> Iterator[str]:
    chosen = {choice.volume.prefix: choice for choice in choices}
    for volume in volumes:
        if volume.prefix not in chosen:
            yield volume.path
        else:
            yield from (f"{volume.path}/{name}" for name in chosen[volume.prefix].left_out)
