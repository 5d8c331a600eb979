"""The numbers behind a cause, as sentences: what a level is in A, and what in B."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from mirror.explain.causes import Cause
from mirror.explain.result import LevelExplanation, LevelSide
from mirror.formats.data_type import element_bytes

_COMPRESSION = "compression"


def level_evidence(level: LevelExplanation, cause: Cause) -> tuple[str, ...]:
    """Return what tells that the cause is at work in a level."""
    sentence = _sentence(level, cause)
    return (sentence, *level.notes) if sentence else level.notes


def _sentence(level: LevelExplanation, cause: Cause) -> str:
    a, b = level.a, level.b
    match cause:
        case Cause.VOXELS:
            outside = f"; outside the other's grid {a.outside.objects:,} blocks in A, {b.outside.objects:,} in B"
            shapes = f"dimensions x,y,z {_shape(a)} in A, {_shape(b)} in B"
            return shapes + (outside if a.outside.objects or b.outside.objects else "")
        case Cause.BYTES_PER_VOXEL:
            return f"{_type(a)} in A, {_type(b)} in B"
        case Cause.ONE_SIDED_BLOCKS:
            return (
                f"stored in A alone {a.one_sided.objects:,} blocks ({_mean(a)} bytes each in the mean), "
                f"in B alone {b.one_sided.objects:,} ({_mean(b)})"
            )
        case Cause.HEADERS:
            return f"A: {_headers(a)}; B: {_headers(b)}"
        case Cause.EDGE_PADDING:
            return (
                f"{_ratios(level, cause, 'voxels stored for a voxel at the edge')}; A: {_headers(a)}; B: {_headers(b)}"
            )
        case _ if cause.value.startswith(_COMPRESSION):
            codecs = f"{codec_words(a)} in A, {codec_words(b)} in B{_edges(a, b)}"
            return f"{_ratios(level, Cause.COMPRESSION, 'bytes stored for a byte of voxels')}; {codecs}"
        case _:
            return ""


def codec_words(side: LevelSide) -> str:
    """Return a codec with its parameters, in a few words.

    >>> from mirror.formats.layout import ArrayFacts
    >>> from mirror.objects import Tally
    >>> facts = ArrayFacts((1,), (1,), "uint8", {"type": "gzip", "level": 6})
    >>> codec_words(LevelSide(facts, Tally()))
    'gzip (level 6)'
    """
    if side.facts is None:
        return "unknown"
    codec: Mapping[str, object] = side.facts.compression
    parameters = ", ".join(f"{name} {value}" for name, value in codec.items() if name != "type")
    return f"{codec.get('type', 'unknown')} ({parameters})" if parameters else str(codec.get("type", "unknown"))


def _shape(side: LevelSide) -> str:
    return "unknown" if side.facts is None else ",".join(map(str, side.facts.shape_xyz))


def _type(side: LevelSide) -> str:
    if side.facts is None:
        return "unknown"
    n_bytes = element_bytes(side.facts.data_type)
    plural = "" if n_bytes == 1 else "s"
    return f"{side.facts.data_type} ({n_bytes} byte{plural} a voxel)" if n_bytes else side.facts.data_type


def _mean(side: LevelSide) -> str:
    n = side.one_sided.objects
    return f"{side.one_sided.bytes / n:,.0f}" if n else "none"


def _headers(side: LevelSide) -> str:
    return "blocks without headers" if side.headers is None else side.headers.words


def _edges(a: LevelSide, b: LevelSide) -> str:
    """Return how the two store the edge, where that differs: under a codec padding is part of `compression`."""
    if a.headers is None or b.headers is None or a.headers.edge_style is b.headers.edge_style:
        return ""
    return f"; edge {a.headers.edge_style.value} in A, {b.headers.edge_style.value} in B"


def _ratios(level: LevelExplanation, cause: Cause, what: str) -> str:
    shares = [share for share in level.shares if share.cause is cause]
    parts = [f"{share.group} {_decimal(share.a)} in A, {_decimal(share.b)} in B" for share in shares]
    return f"{what}: {'; '.join(parts)}" if parts else what


def _decimal(ratio: Fraction) -> str:
    return f"{float(ratio):.3f}"
