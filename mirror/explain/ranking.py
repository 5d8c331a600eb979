"""The causes of a difference as lines, the largest first: of a pair of volumes, and of a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mirror.explain.causes import Cause, Place
from mirror.explain.evidence import level_evidence
from mirror.explain.result import DatasetExplanation, LevelExplanation, OnlyIn, PairExplanation


@dataclass(frozen=True, slots=True)
class CauseLine:
    """What one cause makes of the difference at one place."""

    cause: Cause
    bytes: int
    """Signed: what A has more by it."""
    where: str
    evidence: tuple[str, ...]
    objects: int | None = None
    """Where the cause is objects, how many."""
    place: Place | None = None
    """Where they lie in one bucket alone."""
    is_approximate: bool = False


def ranked(lines: Iterable[CauseLine]) -> tuple[CauseLine, ...]:
    """Return the lines that move bytes or objects, the largest first."""
    moving = [line for line in lines if line.bytes or line.objects]
    return tuple(sorted(moving, key=lambda line: (-abs(line.bytes), line.cause, line.where)))


def dataset_causes(dataset: DatasetExplanation) -> tuple[CauseLine, ...]:
    """Return what makes the difference of a dataset, place by place; without what is unexplained."""
    lines = [line for pair in dataset.pairs for line in pair_causes(pair)]
    return ranked(_documents_as_one([*lines, *map(line_of, dataset.only)]))


def sum_causes(lines: Iterable[CauseLine]) -> dict[Cause, int]:
    """Return the bytes of each cause over all places, the largest first."""
    totals: dict[Cause, int] = {}
    for line in lines:
        totals[line.cause] = totals.get(line.cause, 0) + line.bytes
    return dict(sorted(totals.items(), key=lambda item: (-abs(item[1]), item[0])))


def pair_causes(pair: PairExplanation) -> tuple[CauseLine, ...]:
    """Return what makes the difference of a pair: a line for each cause over all levels, and what has no partner."""
    return ranked([*_contributed(pair), *map(line_of, pair.only)])


def line_of(only: OnlyIn) -> CauseLine:
    """Return what lies in one bucket alone as a line."""
    examples = (f"for example {', '.join(only.examples)}",) if only.examples else ()
    return CauseLine(only.cause, only.bytes, only.where, (only.reason, *examples), only.listed.objects, only.place)


def _contributed(pair: PairExplanation) -> Iterator[CauseLine]:
    totals: dict[Cause, int] = {}
    for level in pair.levels:
        for cause, n_bytes in split_contributions(level).items():
            totals[cause] = totals.get(cause, 0) + n_bytes
    is_approximate = any(level.is_approximate for level in pair.levels)
    for cause, n_bytes in totals.items():
        yield CauseLine(cause, n_bytes, pair.where, _evidence(pair, cause), is_approximate=is_approximate)


def split_contributions(level: LevelExplanation) -> Mapping[Cause, int]:
    """Return the contributions of a level, `compression` in the parts of a sample where there is one."""
    if level.parts is None:
        return level.contributions
    others: dict[Cause, int] = {
        cause: n_bytes for cause, n_bytes in level.contributions.items() if cause is not Cause.COMPRESSION
    }
    return {**others, **level.parts}


def _evidence(pair: PairExplanation, cause: Cause) -> tuple[str, ...]:
    kept = [
        f"{level.level}: {sentence}"
        for level in pair.levels
        if split_contributions(level).get(cause)
        for sentence in level_evidence(level, cause)
    ]
    return tuple(kept)


def _documents_as_one(lines: Iterable[CauseLine]) -> Iterator[CauseLine]:
    """Yield the lines, those of documents as one for each bucket: there are two for each of eighty volumes."""
    documents: dict[Cause, list[CauseLine]] = {}
    for line in lines:
        if line.place is Place.METADATA:
            documents.setdefault(line.cause, []).append(line)
        else:
            yield line
    for cause, some in documents.items():
        n_bytes, n_objects = sum(line.bytes for line in some), sum(line.objects or 0 for line in some)
        yield CauseLine(cause, n_bytes, "documents of all places", some[0].evidence, n_objects, Place.METADATA)
