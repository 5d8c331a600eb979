"""A plan as text: the largest volumes first, then what it comes to, and what could be left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from mirror.deletion import N_EXAMPLES, Deletion
from mirror.diff import Kind
from mirror.formats.n5.multiscale import parse_level_name
from mirror.objects import Tally
from mirror.plan import Line, Plan, Skip
from mirror.report.numbers import (
    Units,
    format_amount,
    format_bytes,
    format_count,
    format_seconds,
    format_share,
    plural,
)
from mirror.report.text.table import fill, plain, render_table

TOP_VOLUMES = 20
"""So many volumes have a line of their own; the others share one."""
TOP_NAMES = 8
"""So many refused keys and left-out names are shown; JSON and the run's report have all."""


class _Volume(NamedTuple):
    name: str
    levels: tuple[str, ...]
    listed: Tally
    to_fetch: Tally


def render_plan(plan: Plan, *, units: Units = Units.SI, width: int | None = None) -> str:
    """Return the plan as text.

    Parameters
    ----------
    width
        Columns to keep to; None: as wide as the names are.
    """
    names = ", ".join(plan.datasets)
    parts = [
        f"Plan for {names} from bucket {plan.bucket}:",
        *(fill(sentence, width) for sentence in _crops(plan)),
        _table(plan, units, width),
        *(fill(sentence, width) for sentence in (*_totals(plan, units), *_savings(plan, units), *_left_out(plan))),
        *_refusals(plan.refused),
        *_deletion(plan.deletion, units, width),
    ]
    return "\n".join(part for part in parts if part)


def _crops(plan: Plan) -> Iterator[str]:
    """Yield where each crop lies in raw, and which cannot be told."""
    for dataset, choice in plan.crops:
        of = f" of {dataset}" if len(plan.datasets) > 1 else ""
        for crop in choice.crops:
            sides = zip("zyx", crop.box.start_zyx, crop.box.stop_zyx, strict=True)
            place = ", ".join(f"{axis} {first}..{stop}" for axis, first, stop in sides)
            yield f"Crop {crop.number}{of}: raw {place}, by {crop.source.replace('_', ' ')}."
        if choice.spec.padding and choice.crops:
            yield f"With {plural(choice.spec.padding, 'voxel')} more of raw on each side."
    yield from (f"Left out, for nothing places it: {skip.key}: {plain(skip.reason)}" for skip in plan.unplaced)


def _table(plan: Plan, units: Units, width: int | None) -> str:
    volumes = _volumes(plan.lines, with_dataset=len(plan.datasets) > 1)
    if not volumes:
        return ""
    rows = [_row(volume, units) for volume in volumes[:TOP_VOLUMES]]
    if rest := volumes[TOP_VOLUMES:]:
        summed = _Volume(f"{len(rest)} smaller ones", (), _sum_of("listed", rest), _sum_of("to_fetch", rest))
        rows.append(_row(summed, units))
    header = ("volume", "levels", "objects", "size", "to fetch")
    return render_table(header, rows, words=(0, 1), width=width, indent="  ")


def _volumes(lines: Iterable[Line], *, with_dataset: bool) -> Sequence[_Volume]:
    """Return the lines summed by volume, the largest first."""
    found: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        found.setdefault((line.dataset, line.volume), []).append(line)
    volumes = [
        _Volume(
            f"{dataset}: {name}" if with_dataset else name,
            tuple(line.level for line in members if line.level),
            sum((line.listed for line in members), Tally()),
            sum((line.to_fetch for line in members), Tally()),
        )
        for (dataset, name), members in found.items()
    ]
    return sorted(volumes, key=lambda volume: (-volume.listed.bytes, volume.name))


def _sum_of(part: str, volumes: Iterable[_Volume]) -> Tally:
    return sum((getattr(volume, part) for volume in volumes), Tally())


def _row(volume: _Volume, units: Units) -> tuple[str, ...]:
    fetch = format_bytes(volume.to_fetch.bytes, units) if volume.to_fetch.objects else "-"
    listed = volume.listed
    return (
        volume.name,
        spell_levels(volume.levels),
        format_count(listed.objects),
        format_bytes(listed.bytes, units),
        fetch,
    )


def spell_levels(names: Iterable[str]) -> str:
    """Return levels as `--scales` takes them; "-" without any.

    >>> spell_levels(["s2", "s0", "s1", "s4"])
    's0-s2,s4'
    """
    numbers = sorted({number for name in names if (number := parse_level_name(name)) is not None})
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    return ",".join("-".join(f"s{number}" for number in one) for one in ranges) or "-"


def _totals(plan: Plan, units: Units) -> list[str]:
    to_fetch = plan.to_fetch
    if not to_fetch.objects:
        lines = ["To fetch: nothing."]
    else:
        lines = [f"To fetch: {format_amount(to_fetch, units)}, in {plural(plan.n_folders, 'folder')}."]
        if plan.expected_seconds is not None:
            lines.append(f"Time: about {format_seconds(plan.expected_seconds)}, as fast as an earlier run was.")
    for kind, words in _WORDS.items():
        if (tally := plan.by_kind.get(kind, Tally())).objects:
            lines.append(f"{words}: {format_amount(tally, units)}.")
    return lines


_WORDS = {
    Kind.CHANGED: "Of these, changed in the bucket",
    Kind.LOST: "Of these, lost from the share",
    Kind.REPLACE: "Of these, in the place of a file of another size, which goes to the trash",
    Kind.ADOPT: "On the share but not in the catalog, to be compared",
    Kind.UP_TO_DATE: "On the share already",
}


def _savings(plan: Plan, units: Units) -> list[str]:
    """Return what the two largest levers would save, where they save anything."""
    leveled = [line for line in plan.lines if line.level]
    unscaled = sum((line.to_fetch for line in plan.lines if not line.level and line.volume != _OTHER), Tally())
    names = {line.level for line in leveled if parse_level_name(line.level) is not None}
    saved: list[tuple[Tally, str]] = []
    if len(names) > 1:
        finest = min(names, key=lambda name: parse_level_name(name) or 0)
        tally = sum((line.to_fetch for line in leveled if line.level == finest), Tally())
        saved.append((tally, f"--scales {spell_levels(names - {finest})}"))
    if leveled:
        saved.append((unscaled, "--no-unscaled"))
    total = plan.to_fetch.bytes
    return [
        f"Could be left out: {format_bytes(tally.bytes, units)} ({format_share(tally.bytes, total)}) by {option}."
        for tally, option in sorted(saved, key=lambda entry: (-entry[0].bytes, entry[1]))
        if tally.bytes
    ]


_OTHER = "other files"


def _left_out(plan: Plan) -> list[str]:
    if not plan.left_out:
        return []
    only = f"{plan.datasets[0]}: " if len(plan.datasets) == 1 else ""
    return [f"Left out as asked: {_some([place.removeprefix(only) for place in plan.left_out], 'place')}."]


def _refusals(refused: Sequence[Skip]) -> list[str]:
    if not refused:
        return []
    lines = [f"Refused, since they cannot be files on the share: {plural(len(refused), 'key')}:"]
    lines += [f"  {plain(skip.key)}: {skip.reason}" for skip in refused[:TOP_NAMES]]
    if len(refused) > TOP_NAMES:
        lines.append(f"  and {len(refused) - TOP_NAMES:,} more")
    return lines


def _deletion(deletion: Deletion | None, units: Units, width: int | None) -> list[str]:
    if deletion is None:
        return []
    if not deletion.leaving:
        return ["To delete: nothing."]
    share = format_share(deletion.vanished.bytes, deletion.mirrored.bytes)
    head = (
        f"To delete, into the trash: {format_amount(deletion.vanished, units)}, {share} of what is mirrored of these."
    )
    leaving = sorted(deletion.leaving, key=lambda one: (-one.vanished.bytes, one.dataset, one.volume, one.level))
    rows = [
        (
            f"{one.volume}/{one.level}" if one.level else one.volume,
            format_count(one.vanished.objects),
            format_bytes(one.vanished.bytes, units),
        )
        for one in leaving[:TOP_VOLUMES]
    ]
    table = render_table(("volume", "objects", "size"), rows, width=width, indent="  ")
    more = [f"  and of {plural(len(leaving) - TOP_VOLUMES, 'more place')}"] if len(leaving) > TOP_VOLUMES else []
    examples = [f"  {plain(key)}" for one in leaving for key in one.examples][:N_EXAMPLES]
    return [
        fill(head, width),
        table,
        *more,
        "Among them:",
        *examples,
        fill("Files that were never mirrored stay where they are.", width),
    ]


def _some(names: Sequence[str], noun: str) -> str:
    shown = ", ".join(plain(name) for name in names[:TOP_NAMES])
    more = len(names) - TOP_NAMES
    return f"{shown} and {plural(more, f'more {noun}')}" if more > 0 else shown
