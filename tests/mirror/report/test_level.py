"""A level in words, and what makes its difference."""

from __future__ import annotations

from mirror.explain.causes import Cause
from mirror.objects import Tally
from mirror.report.explanation import (
    CompressionParts,
    LevelSideReport,
    StoredAmount,
)
from mirror.report.level import codec_words, level_causes, side_words
from tests.mirror.report.differences import realistic_report

LEVEL = realistic_report().datasets[0].pairs[0].levels[0]


def test_causes_sum_to_the_level_s_difference() -> None:
    """For every level, what is unexplained counted in, and first."""
    levels = [level for one in realistic_report().datasets for pair in one.pairs for level in pair.levels]
    assert levels
    for level in levels:
        assert sum(level_causes(level).values()) == level.difference_bytes
    lost = [level_causes(level) for level in levels if level.unexplained_bytes]
    assert lost
    assert all(next(iter(causes)) is Cause.UNEXPLAINED for causes in lost)


def test_a_sample_s_parts_stand_for_compression() -> None:
    """Where compression was parted, its parts are told in its place."""
    whole = LEVEL.contributions.compression
    parts = CompressionParts(type=whole - 5, codec=2, content=3)
    causes = level_causes(LEVEL.model_copy(update={"compression_parts": parts}))
    assert Cause.COMPRESSION not in causes
    assert causes[Cause.COMPRESSION_TYPE] == whole - 5
    assert sum(causes.values()) == LEVEL.difference_bytes


def test_a_side_tells_what_is_known_of_it() -> None:
    """Shape, type, blocks, codec and headers; or that its metadata cannot be read."""
    assert side_words(LEVEL.a) == (
        "x,y,z 750,100,398 uint16 in 168 blocks of 64,64,64, gzip (level -1, useZlib False); "
        "3 headers read: mode 0, edge truncated"
    )
    unread = LevelSideReport(
        shape_xyz=None,
        block_size_xyz=None,
        data_type=None,
        compression=None,
        stored=StoredAmount.of(Tally(2, 9)),
        voxel_bytes=None,
    )
    assert side_words(unread) == "metadata not readable, 2 blocks"
    assert codec_words(None) == "codec unknown"
    assert codec_words({}) == "codec unknown"
