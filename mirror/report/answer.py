"""The lab's question answered in one sentence, in plain words, made from the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from mirror.explain.causes import Cause, Place
from mirror.explain.ranking import CauseLine, dataset_causes, pair_causes, sum_causes
from mirror.explain.result import DatasetExplanation, LevelExplanation, LevelSide, PairExplanation
from mirror.formats.data_type import element_bytes
from mirror.report.explanation import GB
from mirror.report.numbers import Units, format_bytes, format_difference

TITLES: Mapping[Cause, str] = {
    Cause.ONLY_IN_A: "what A alone has",
    Cause.ONLY_IN_B: "what B alone has",
    Cause.VOXELS: "number of voxels",
    Cause.BYTES_PER_VOXEL: "bytes for each voxel",
    Cause.ONE_SIDED_BLOCKS: "blocks that one side leaves out",
    Cause.EDGE_PADDING: "padding at the edge",
    Cause.COMPRESSION: "how well the voxels compress",
    Cause.COMPRESSION_TYPE: "how well they compress: the type of the voxels",
    Cause.COMPRESSION_CODEC: "how well they compress: the codec",
    Cause.COMPRESSION_BLOCK_SIZE: "how well they compress: the size of blocks",
    Cause.COMPRESSION_CONTENT: "how well they compress: what the voxels show",
    Cause.HEADERS: "block headers",
    Cause.UNEXPLAINED: "unexplained",
}
"""Each cause in plain words."""
_MOST_NAMED = 3
_WORTH_NAMING = Fraction(1, 50)
"""Of the largest cause."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: why this differs in size, and what is known of it."""

    subject: str
    """`raw`, or the names of datasets."""
    a_bytes: int
    b_bytes: int
    lines: tuple[CauseLine, ...]
    levels: tuple[LevelExplanation, ...]
    """Of pairs, the finest of each first."""
    unexplained_bytes: int

    @classmethod
    def of_pairs(cls, subject: str, pairs: Sequence[PairExplanation]) -> Self:
        """Ask about some pairs of volumes together."""
        return cls(
            subject,
            sum(pair.a.bytes for pair in pairs),
            sum(pair.b.bytes for pair in pairs),
            tuple(line for pair in pairs for line in pair_causes(pair)),
            tuple(level for pair in pairs for level in pair.levels),
            sum(one.bytes for pair in pairs for one in pair.unexplained),
        )

    @classmethod
    def of_datasets(cls, datasets: Sequence[DatasetExplanation]) -> Self:
        """Ask about whole datasets."""
        names = [dataset.dataset for dataset in datasets]
        return cls(
            names[0] if len(names) == 1 else f"copy of {len(names)} datasets",
            sum(dataset.a.bytes for dataset in datasets),
            sum(dataset.b.bytes for dataset in datasets),
            tuple(line for dataset in datasets for line in dataset_causes(dataset)),
            tuple(level for dataset in datasets for pair in dataset.pairs for level in pair.levels),
            sum(dataset.unexplained_bytes for dataset in datasets),
        )


def answer(question: Question) -> str:
    """Return why A's is not as large as B's, in one sentence: sizes, ratio, the largest causes with their bytes.

    >>> answer(Question("raw", 10, 0, (), (), 0))
    "A's raw takes 10 B, and B has none."
    """
    a, b = question.a_bytes, question.b_bytes
    if not a and not b:
        return f"Neither bucket stores any {question.subject}."
    if not a or not b:
        has, lacks = ("A", "B") if a else ("B", "A")
        return f"{has}'s {question.subject} takes {_size(a or b)}, and {lacks} has none."
    sizes = f"({_size(a)} against {_size(b)})"
    if a == b and not _named(question):
        return f"A's {question.subject} is as large as B's {sizes}."
    return f"A's {question.subject} is {_ratio(a, b)} {sizes} {_because(question)}."


def _size(n_bytes: int) -> str:
    """Return a size; from 1 GB on in both units, which people mistake for each other."""
    told = format_bytes(n_bytes)
    return f"{told} or {format_bytes(n_bytes, Units.IEC)}" if n_bytes >= GB else told


def _ratio(a: int, b: int) -> str:
    if a == b:
        return "as large as B's"
    ratio = Fraction(a, b)
    if abs(ratio - 1) < Fraction(1, 20):
        return f"{abs(float(ratio - 1)):.2%} {'larger' if a > b else 'smaller'} than B's".replace("%", " %")
    return f"{float(ratio):.{1 if ratio >= 1 else 2}f} times B's"


def _because(question: Question) -> str:
    clauses = [f"{_clause(question, cause)} ({format_difference(n_bytes)})" for cause, n_bytes in _named(question)]
    if question.unexplained_bytes:
        clauses.insert(0, f"of causes not found ({format_difference(question.unexplained_bytes)})")
    if not clauses:
        return "because of the documents that each bucket has of its own"
    first, *others = clauses
    return f"because {first}" + (f"; beside that, {'; '.join(others)}" if others else "")


def _named(question: Question) -> list[tuple[Cause, int]]:
    """Return the causes that a sentence has room for: those that push, then those that work against them."""
    telling = [line for line in question.lines if line.place is not Place.METADATA]
    totals = {cause: n_bytes for cause, n_bytes in sum_causes(telling).items() if n_bytes}
    if not totals:
        return []
    difference = question.a_bytes - question.b_bytes
    largest = max(map(abs, totals.values()))
    worth = [(cause, n_bytes) for cause, n_bytes in totals.items() if abs(n_bytes) >= largest * _WORTH_NAMING]
    return sorted(worth, key=lambda item: item[1] * difference < 0)[:_MOST_NAMED]


def _clause(question: Question, cause: Cause) -> str:
    known = _CLAUSES.get(cause)
    return known(question) if known else f"of {TITLES[cause]}"


def _voxels(question: Question) -> str:
    """The two have other dimensions."""
    more = "more" if sum_causes(question.lines)[Cause.VOXELS] > 0 else "fewer"
    return f"A has {more} voxels than B"


def _bytes_per_voxel(question: Question) -> str:
    moved = [level for level in question.levels if level.contributions.get(Cause.BYTES_PER_VOXEL)]
    pairs = {(_type(level.a), _type(level.b)) for level in moved}
    if len(pairs) == 1:
        ((a, b),) = pairs
        return f"A stores each voxel in {a} and B in {b}"
    return "A stores each voxel in another number of bytes than B"


def _type(side: LevelSide) -> str:
    name = "unknown" if side.facts is None else side.facts.data_type
    n_bytes = element_bytes(name)
    return f"{n_bytes} byte{'' if n_bytes == 1 else 's'} ({name})" if n_bytes else name


def _compression(question: Question) -> str:
    a, b = _payload_ratio(question.levels, "a"), _payload_ratio(question.levels, "b")
    if a is None or b is None:
        return "A's voxels compress to another part of their size than B's"
    return f"A's voxels compress to {_percent(a)} of their size and B's to {_percent(b)}"


def _percent(ratio: Fraction) -> str:
    return f"{float(100 * ratio):.1f} %"


def _payload_ratio(levels: Iterable[LevelExplanation], side: str) -> Fraction | None:
    """Return payload over voxel bytes of the blocks that both store, over all levels where it is known."""
    payload, voxel_bytes = Fraction(0), Fraction(0)
    for level in levels:
        groups: dict[str, dict[Cause, Fraction]] = {}
        for share in level.shares:
            groups.setdefault(share.group, {})[share.cause] = getattr(share, side)
        for factors in groups.values():
            stored = Fraction(1)
            for cause, factor in factors.items():
                stored *= 1 if cause is Cause.COMPRESSION else factor
            voxel_bytes += stored
            payload += stored * factors.get(Cause.COMPRESSION, Fraction(0))
    return payload / voxel_bytes if voxel_bytes else None


def _only(question: Question, cause: Cause, has: str, lacks: str) -> str:
    lines = [line for line in question.lines if line.cause is cause and line.place is not Place.METADATA]
    if all(line.place is Place.LEVEL for line in lines):
        names = sorted({line.where.rpartition("/")[2] for line in lines})
        levels = f"the level {names[0]}" if len(names) == 1 else f"the levels {', '.join(names)}"
        return f"{has} has {levels}, which {lacks} lacks"
    largest = max(lines, key=lambda line: abs(line.bytes))
    others = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return f"{has} alone has {largest.where}{others}"


_CLAUSES: Mapping[Cause, Callable[[Question], str]] = {
    Cause.VOXELS: _voxels,
    Cause.BYTES_PER_VOXEL: _bytes_per_voxel,
    Cause.COMPRESSION: _compression,
    Cause.ONE_SIDED_BLOCKS: lambda _: "one side leaves out blocks that the other stores",
    Cause.EDGE_PADDING: lambda _: "blocks at the edge are filled up on one side",
    Cause.ONLY_IN_A: lambda question: _only(question, Cause.ONLY_IN_A, "A", "B"),
    Cause.ONLY_IN_B: lambda question: _only(question, Cause.ONLY_IN_B, "B", "A"),
}
"""What each cause says after `because`."""
