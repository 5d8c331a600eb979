"""From a dataset and its chosen crops to the arrays, blocks and objects to mirror."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mirror.errors import UnknownNameError
from mirror.formats.folder import Format
from mirror.formats.layout import Container, Dataset, Volume
from mirror.objects import RemoteObject
from mirror.selection.crops import CropChoice, Wanted, wanted_of
from mirror.selection.globs import VolumeFilter
from mirror.selection.select import (
    Selection,
    SelectionSpec,
    VolumeChoice,
    arrays_in_reach,
    check_scales,
    folders_above,
    formats_of,
    is_at_scales,
    metadata_of,
    paths_of,
)


def select_crops(dataset: Dataset, spec: SelectionSpec, crops: CropChoice) -> Selection:
    """Return what crops choose of the dataset, as far as the spec takes it: of ground truth all levels.

    Raises
    ------
    UnknownNameError
        A format that the dataset lacks, a pattern that chooses nothing of the crops, a level that all raw lacks.
    UsageError
        An array in which crops lie has blocks that cannot be told by their place.
    """
    if not crops.crops:
        return Selection(dataset, spec, (), (), (), (), (), (), dataset.findings, crops=crops)
    named = [volume for volume in dataset.volumes() if volume.prefix in crops.boxes or volume.prefix in crops.whole]
    formats = formats_of(dataset, spec) if spec.formats is not None else tuple({volume.format for volume in named})
    volumes = [volume for volume in named if volume.format in formats]
    _check_crop_patterns(dataset, spec.volumes, volumes)
    in_reach = [VolumeChoice(volume, arrays_in_reach(volume, spec.volumes)) for volume in volumes]
    check_scales(dataset, spec.scales, [choice for choice in in_reach if choice.volume.prefix in crops.boxes])
    choices, wanted = _at_boxes(in_reach, spec, crops)
    containers = [container for container in dataset.containers if container.format in formats]
    arrays = [array for choice in choices for array in choice.arrays]
    return Selection(
        dataset=dataset,
        spec=spec,
        formats=tuple(member for member in Format if member in formats),
        volumes=choices,
        arrays=tuple(array for array in arrays if array.is_understood),
        subtrees=tuple(
            sorted([*(array.prefix for array in arrays if not array.is_understood), *dataset.loose_folders])
        ),
        objects=tuple(sorted(_objects_of_crops(dataset, containers, choices))),
        left_out=tuple(f"{one.volume.path}/{name}" for one in choices for name in one.left_out),
        findings=dataset.findings,
        wanted=wanted,
        crops=crops,
    )


def _check_crop_patterns(dataset: Dataset, patterns: VolumeFilter, volumes: Iterable[Volume]) -> None:
    paths = sorted({path for volume in volumes for path in paths_of(volume)})
    for pattern in patterns.chosen:
        if not any(map(pattern.matches, paths)):
            raise UnknownNameError(
                "the crops have no such volume",
                f"{dataset.prefix}: {pattern.text}",
                expected="of a crop, raw or its ground truth",
                hint="Other volumes are mirrored whole, without --crops.",
            )
    if not any(map(patterns.takes, paths)):
        raise UnknownNameError("the choice of volumes and formats leaves nothing of the crops", dataset.prefix)


def _at_boxes(
    in_reach: Iterable[VolumeChoice], spec: SelectionSpec, crops: CropChoice
) -> tuple[tuple[VolumeChoice, ...], dict[str, Wanted]]:
    """Return what is chosen of each volume, and the arrays of which only some blocks are: not those that all are."""
    choices: list[VolumeChoice] = []
    wanted: dict[str, Wanted] = {}
    for choice in in_reach:
        volume, arrays = choice.volume, choice.arrays
        if volume.prefix in crops.whole:
            arrays = tuple(array for array in arrays if spec.with_unscaled or array.level_index is not None)
        else:
            boxes = crops.boxes[volume.prefix]
            touched = [(array, wanted_of(volume, array, boxes)) for array in arrays if is_at_scales(array, spec)]
            touched = [(array, blocks) for array, blocks in touched if blocks.blocks.n_blocks]
            arrays = tuple(array for array, _ in touched)
            wanted |= {array.prefix: one for array, one in touched if one.blocks.n_blocks < one.keys.n_blocks}
        if arrays:
            choices.append(VolumeChoice(volume, arrays))
    return tuple(choices), wanted


def _objects_of_crops(
    dataset: Dataset, containers: Iterable[Container], choices: Iterable[VolumeChoice]
) -> Iterator[RemoteObject]:
    yield from dataset.loose_files
    above = {place for choice in choices for place in folders_above(choice)}
    for container in containers:
        for group in container.groups:
            if group.prefix in above:
                yield from metadata_of(group)
