"""`oomirror catalog volumes|levels` as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from mirror.report.model import LevelLine, VolumeLine
from mirror.report.numbers import Units, format_axes, format_bytes, format_count, format_share
from mirror.report.text.inventory import indented, verified_words, volume_heading
from mirror.report.text.table import plain, render_named_rows, render_table


def render_volumes(
    lines: Sequence[VolumeLine], *, units: Units = Units.SI, width: int | None = None, is_long: bool = False
) -> str:
    """Return the volumes, by dataset, bucket and container; the long form says what their voxels are."""
    if not lines:
        return "There is no such volume."
    blocks = []
    for (dataset, bucket, container, kind), group in groupby(
        lines, key=lambda line: (line.dataset, line.bucket, line.container, line.format)
    ):
        volumes = tuple(group)
        header = ("  volume", "kind", "organelle", "levels", "size", "share")
        table_rows = [_volume_row(line, units) for line in volumes]
        head, *rows = render_named_rows(header, table_rows, words=(0, 1, 2, 3), width=width)
        text = [f"{plain(dataset)} in bucket {bucket}, {plain(container)} ({kind})", head]
        for row, line in zip(rows, volumes, strict=True):
            text += [row, indented(_voxels(line), width)] if is_long else [row]
        blocks.append("\n".join(text))
    return "\n\n".join(blocks)


def _volume_row(line: VolumeLine, units: Units) -> tuple[str, ...]:
    size = "?" if line.listed is None else format_bytes(line.listed.bytes, units)
    levels = f"{line.levels[0]}-{line.levels[-1]}" if len(line.levels) > 1 else "".join(line.levels) or "-"
    return f"  {line.volume or '.'}", line.kind or "?", line.organelle_class or "-", levels, size, _share(line)


def _share(line: VolumeLine | LevelLine) -> str:
    if line.state == "unknown" or line.listed is None:
        return "?"
    if line.state == "whole":
        return "100 %"
    share = format_share(line.mirrored.bytes, line.listed.bytes)
    return {"none": "-", "partial": ">99 %" if share == "100 %" else share}[line.state]


def _voxels(line: VolumeLine) -> str:
    size = f" of {format_axes(line.voxel_size_nm_zyx)} nm" if line.voxel_size_nm_zyx else ""
    parts = [f"{format_axes(line.shape_zyx)} voxels{size}", line.data_type, line.codec] if line.shape_zyx else []
    if line.mirrored_y is not None:
        parts.append(f"{'' if line.mirrored_y else 'not '}mirrored in y ({line.mirrored_y_source})")
    parts += [line.organelle, line.description, None if line.present else "gone from the bucket"]
    return ", ".join(part for part in parts if part) or "no array"


def render_level_table(
    lines: Sequence[LevelLine],
    *,
    now: datetime,
    units: Units = Units.SI,
    width: int | None = None,
    is_long: bool = False,
) -> str:
    """Return how the levels are stored, by dataset, bucket and volume; the long form says where and how verified."""
    if not lines:
        return "There is no such level."
    blocks = []
    for (dataset, bucket), group in groupby(lines, key=lambda line: (line.dataset, line.bucket)):
        levels = tuple(group)
        header = ("    ", "block z,y,x", "codec", "blocks", "absent", "voxels", "stored", "share")
        table = render_table(header, [_stored_row(line, units) for line in levels], words=(0, 1, 2), width=width)
        head, *rows = table.splitlines()
        text = [f"{plain(dataset)} in bucket {bucket}", head]
        by_row = zip(rows, levels, strict=True)
        for _, pairs in groupby(by_row, key=lambda pair: (pair[1].container, pair[1].volume)):
            of_volume = tuple(pairs)
            text.append(volume_heading(of_volume[0][1], width))
            for row, line in of_volume:
                text += [row, indented(_placed(line, now), width)] if is_long else [row]
        blocks.append("\n".join(text))
    return "\n\n".join(blocks)


def _stored_row(line: LevelLine, units: Units) -> tuple[str, ...]:
    voxels = "?" if line.voxel_bytes is None else format_bytes(line.voxel_bytes, units)
    size = "?" if line.listed is None else format_bytes(line.listed.bytes, units)
    blocks = "?" if line.grid_blocks is None else format_count(line.grid_blocks)
    absent = "?" if line.absent_blocks is None else format_count(line.absent_blocks)
    name = f"    {line.level or '-'}"
    return name, format_axes(line.block_size_zyx), line.codec or "-", blocks, absent, voxels, size, _share(line)


def _placed(line: LevelLine, now: datetime) -> str:
    parts = [f"shape {format_axes(line.shape_zyx)} {line.data_type or ''}".rstrip()]
    if line.axes_zyx:
        parts.append(f"axes {','.join(line.axes_zyx)}")
    if line.voxel_size_nm_zyx:
        at = f" at {format_axes(line.translation_nm_zyx)}" if line.translation_nm_zyx else ""
        parts.append(f"voxels {format_axes(line.voxel_size_nm_zyx)} nm{at} ({line.placement_source})")
    if line.inner_block_size_zyx:
        parts.append(f"inner blocks {format_axes(line.inner_block_size_zyx)}")
    return "; ".join([", ".join(parts), *([verified_words(line, now)] if line.mirrored.objects else [])])
