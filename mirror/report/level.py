"""One level of a pair in words, for every renderer: what it is on each side, and what makes its difference."""

from __future__ import annotations

from collections.abc import Mapping

from mirror.explain.causes import Cause
from mirror.report.explanation import BlocksReport, LevelReport, LevelSideReport
from mirror.report.numbers import format_amount, format_axes, plural


def level_causes(level: LevelReport) -> dict[Cause, int]:
    """Return what each cause makes of a level's difference; what is unexplained first, where anything is.

    The parts of a sample stand for `compression` where there is one. The values sum to `difference_bytes`.
    """
    causes = {Cause.UNEXPLAINED: level.unexplained_bytes} if level.unexplained_bytes else {}
    contributions: Mapping[str, int] = level.contributions.model_dump()
    for name, n_bytes in contributions.items():
        if name == Cause.COMPRESSION and level.compression_parts is not None:
            parts: Mapping[str, int] = level.compression_parts.model_dump()
            causes |= {Cause(f"{name}.{part}"): part_bytes for part, part_bytes in parts.items()}
        else:
            causes[Cause(name)] = n_bytes
    return causes


def side_words(side: LevelSideReport) -> str:
    """Return what a level is in one bucket: shape, type, blocks, codec, and how its blocks begin.

    >>> from mirror.objects import Tally
    >>> from mirror.report.explanation import StoredAmount
    >>> side_words(LevelSideReport(shape_xyz=(9, 8), block_size_xyz=(4, 4), data_type="uint8",
    ...     compression={"type": "raw"}, stored=StoredAmount.of(Tally(6, 99)), voxel_bytes=72))
    'x,y,z 9,8 uint8 in 6 blocks of 4,4, raw'
    """
    if side.shape_xyz is None:
        return f"metadata not readable, {plural(side.stored.objects, 'block')}"
    blocks = f"{plural(side.stored.objects, 'block')} of {format_axes(side.block_size_xyz)}"
    words = f"x,y,z {format_axes(side.shape_xyz)} {side.data_type} in {blocks}, {codec_words(side.compression)}"
    if not side.headers_read:
        return words
    headers = "header" if side.headers_read == 1 else "headers"
    edge = "" if side.edge_style in (None, "none") else f", edge {side.edge_style}"
    return f"{words}; {side.headers_read:,} {headers} read: mode {side.header_mode}{edge}"


def blocks_words(blocks: BlocksReport) -> str:
    """Return where a level's blocks are stored: in both, in one alone, outside the other's grid.

    >>> from mirror.objects import Tally
    >>> from mirror.report.explanation import StoredAmount
    >>> none = StoredAmount.of(Tally())
    >>> blocks_words(BlocksReport(common={"interior": 8, "edge": 1}, only_in_a=StoredAmount.of(Tally(2, 90)),
    ...     only_in_b=none, outside_in_a=none, outside_in_b=none))
    '8 interior, 1 edge in both; 2 objects (90 B) inside both grids in A alone'
    """
    common = ", ".join(f"{n:,} {group}" for group, n in (blocks.common or {}).items() if n)
    alone = (
        (blocks.only_in_a, "inside both grids in A alone"),
        (blocks.only_in_b, "inside both grids in B alone"),
        (blocks.outside_in_a, "of A outside B's grid"),
        (blocks.outside_in_b, "of B outside A's grid"),
    )
    told = [f"{common} in both"] if common else []
    return "; ".join(told + [f"{format_amount(amount)} {where}" for amount, where in alone if amount.objects])


def codec_words(compression: Mapping[str, object] | None) -> str:
    """Return a codec with its parameters.

    >>> codec_words({"type": "gzip", "level": -1, "useZlib": False})
    'gzip (level -1, useZlib False)'
    """
    if compression is None:
        return "codec unknown"
    parameters = ", ".join(f"{name} {value}" for name, value in compression.items() if name != "type")
    name = str(compression.get("type", "codec unknown"))
    return f"{name} ({parameters})" if parameters else name
