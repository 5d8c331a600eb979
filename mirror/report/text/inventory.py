"""`oomirror ls` as text: what the buckets hold and what the share holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from mirror.report.model import Amount, DatasetLine, LevelLine
from mirror.report.numbers import Units, format_age, format_axes, format_bytes, format_count, format_share, plural
from mirror.report.text.table import fill, plain, render_table

_LEAST_TITLE = 16
"""Columns below which a title tells nothing."""


def render_datasets(
    lines: Sequence[DatasetLine],
    *,
    now: datetime,
    units: Units = Units.SI,
    width: int | None = None,
    is_long: bool = False,
) -> str:
    """Return a table of datasets; their titles stand at the end where there is room, or below in the long form."""
    if not lines:
        return "There is no dataset."
    rows = [
        (
            line.dataset,
            line.bucket,
            *amount_cells(line.listed, units),
            *mirrored_cells(line, units),
            age(line.listed_at, now),
        )
        for line in lines
    ]
    header = ("dataset", "bucket", "objects", "size", "on share", "share", "listed")
    table = render_table(header, rows, words=(0, 1, 6), width=width).splitlines()
    if is_long:
        return "\n".join(_with_details(table, lines, now, width))
    return "\n".join(_with_titles(table, [line.title for line in lines], width))


def _with_titles(table: Sequence[str], titles: Sequence[str | None], width: int | None) -> Iterator[str]:
    start = max(map(len, table)) + 2
    room = None if width is None else width - start
    if not any(titles) or (room is not None and room < _LEAST_TITLE):
        yield from table
        return
    for line, title in zip(table, ("title", *titles), strict=True):
        yield f"{line.ljust(start)}{plain(title or '')[:room]}".rstrip()


def _with_details(
    table: Sequence[str], lines: Sequence[DatasetLine], now: datetime, width: int | None
) -> Iterator[str]:
    yield table[0]
    for row, line in zip(table[1:], lines, strict=True):
        yield row
        counts = f"{plural(line.volumes, 'volume')}, {plural(line.levels, 'level')}, {plural(line.findings, 'finding')}"
        walked = f"looked at {age(line.discovered_at, now)}" if line.discovered_at else "never looked at"
        yield indented("; ".join(part for part in (line.title, counts, walked) if part), width)


def amount_cells(amount: Amount | None, units: Units) -> tuple[str, str]:
    """Return objects and bytes, question marks where they are not known."""
    if amount is None:
        return "?", "?"
    return format_count(amount.objects), format_bytes(amount.bytes, units)


def mirrored_cells(line: DatasetLine, units: Units) -> tuple[str, str]:
    """Return the bytes on the share, and which part of the bucket's they are."""
    if not line.mirrored.objects:
        return "-", "-"
    part = "?" if line.listed is None else format_share(line.mirrored.bytes, line.listed.bytes)
    return format_bytes(line.mirrored.bytes, units), part


def render_levels(
    lines: Sequence[LevelLine],
    *,
    now: datetime,
    units: Units = Units.SI,
    width: int | None = None,
    is_long: bool = False,
) -> str:
    """Return the levels of one dataset, by bucket, container and volume; the long form says how each was verified."""
    blocks = [
        "\n".join(_bucket_lines(bucket, tuple(group), now, units, width, is_long=is_long))
        for bucket, group in groupby(lines, key=lambda line: line.bucket)
    ]
    return "\n\n".join(blocks)


def _bucket_lines(
    bucket: str, lines: Sequence[LevelLine], now: datetime, units: Units, width: int | None, *, is_long: bool
) -> Iterable[str]:
    yield f"{lines[0].dataset} in bucket {bucket}, {_listed(lines, now)}"
    table = render_table(
        ("", "shape z,y,x", "type", "size", "objects on the share"),
        [_level_row(line, units) for line in lines],
        words=(0, 1, 2, 4),
        indent="    ",
    ).splitlines()
    yield table[0]
    rows = iter(table[1:])
    for _, group in groupby(lines, key=lambda line: (line.container, line.volume)):
        levels = tuple(group)
        yield volume_heading(levels[0], width)
        for line in levels:
            yield next(rows)
            if is_long and (details := _details(line, now)):
                yield indented(details, width)
    if any(line.listed is None for line in lines):
        yield f"What the bucket has (?) is known after: oomirror scan {lines[0].dataset} --bucket {bucket}"


def volume_heading(line: LevelLine, width: int | None = None) -> str:
    """Return the place of a volume, and what it shows where that is known; on a line below where there is no room."""
    # Of precomputed, paths of volumes begin at the dataset.
    is_inside = line.container and not line.volume.startswith(f"{line.container}/")
    place = plain(f"{line.container}/{line.volume}" if is_inside else line.volume).rstrip("/")
    what = " ".join(word for word in (line.organelle_class, line.kind) if word)
    notes = [what, "mirrored in y" if line.mirrored_y else "", "" if line.present else "gone from the bucket"]
    said = ", ".join(note for note in notes if note)
    if not said:
        return place
    heading = f"{place}  ({said})"
    return heading if width is None or len(heading) <= width else f"{place}\n  ({said})"


def _level_row(line: LevelLine, units: Units) -> tuple[str, ...]:
    size = "?" if line.listed is None else format_bytes(line.listed.bytes, units)
    return line.level or "-", format_axes(line.shape_zyx), line.data_type or "-", size, _state(line, units)


def _state(line: LevelLine, units: Units) -> str:
    n_mirrored = format_count(line.mirrored.objects)
    n_listed = "?" if line.listed is None else format_count(line.listed.objects)
    match line.state:
        case "none":
            return f"none of {n_listed}"
        case "whole":
            return f"whole {n_mirrored}"
        case "partial" if line.listed is None and line.grid_blocks is not None:
            # Mirrored for crops, and never listed: the bucket may lack some of the grid.
            return f"partial {n_mirrored} of at most {format_count(line.grid_blocks + 1)}"
        case "partial":
            return f"partial {n_mirrored} of {n_listed}"
        case "unknown":
            return f"{n_mirrored} ({format_bytes(line.mirrored.bytes, units)})"


def _details(line: LevelLine, now: datetime) -> str:
    """Return where the voxels lie, how they are stored, and how what is on the share was verified."""
    placed = f"voxels {format_axes(line.voxel_size_nm_zyx)} nm" if line.voxel_size_nm_zyx else ""
    inner = f" of {format_axes(line.inner_block_size_zyx)}" if line.inner_block_size_zyx else ""
    blocks = f"blocks {format_axes(line.block_size_zyx)}{inner} {line.codec or ''}" if line.block_size_zyx else ""
    stored = ", ".join(part.rstrip() for part in (placed, blocks) if part)
    return "; ".join(part for part in (stored, verified_words(line, now)) if part)


def verified_words(line: LevelLine, now: datetime) -> str:
    """Return whether a level is published, how its objects were verified, and when the last of them was."""
    if not line.mirrored.objects:
        return ""
    n = line.mirrored.objects
    ways = {"md5": line.by_md5, "multipart etag": line.by_multipart_etag, "checksum": line.by_checksum}
    ways |= {"size only": line.by_size_only, "adopted": line.adopted}
    told = [way if count == n else f"{way} {count:,} of {n:,}" for way, count in ways.items() if count]
    published = [] if line.shape_zyx is None else ["published" if line.published else "not published"]
    when = [age(line.verified_last_at, now)] if line.verified_last_at else []
    return ", ".join(published + told + when)


def _listed(lines: Sequence[LevelLine], now: datetime) -> str:
    moments = sorted(line.listed_whole_at for line in lines if line.listed_whole_at)
    return f"listed {age(moments[0], now)}" if moments else "never listed whole"


def age(moment: str | None, now: datetime) -> str:
    """Return how long ago a moment was; `never` without one."""
    return format_age(datetime.fromisoformat(moment), now) if moment else "never"


def indented(text: str, width: int | None, indent: str = "        ") -> str:
    """Return a sentence in lines of at most `width` columns, 80 without one, each behind an indent."""
    filled = fill(plain(text), (width or 80) - len(indent))
    return "\n".join(f"{indent}{line.strip()}" for line in filled.splitlines())
