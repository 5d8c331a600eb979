"""`oomirror diff-buckets` as one table of CSV: a row for each dataset, cause, pair, level and contribution."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from mirror.explain.causes import Cause, Place
from mirror.report.csv import csv_lines
from mirror.report.explanation import DatasetReport, DiffReport, LevelReport, PairReport
from mirror.report.level import level_causes


class Record(StrEnum):
    """What a row tells. Rows of one kind can be summed; those of several tell the same bytes again."""

    DATASET = "dataset"
    CAUSE = "cause"
    """Of a dataset at one place; with the rows of `unexplained` they sum to the row of the dataset."""
    UNEXPLAINED = "unexplained"
    PAIR = "pair"
    LEVEL = "level"
    CONTRIBUTION = "contribution"
    """Of a cause to a level, 0 too; those of a level sum to its row."""


class ExplanationRow(BaseModel):
    """One row. What does not apply is empty."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    record: Record
    dataset: str
    a_volume: str | None = None
    b_volume: str | None = None
    level: str | None = None
    cause: Cause | None = None
    where: str | None = None
    bytes: int
    """A's less B's."""
    a_bytes: int | None = None
    b_bytes: int | None = None
    share: float | None = None
    """Of the difference of the dataset."""
    objects: int | None = None
    place: Place | None = None
    approximate: bool | None = None
    evidence: str | None = None


def explanation_csv_lines(report: DiffReport) -> Iterator[str]:
    """Yield the header and the rows, each without its line break."""
    return csv_lines(ExplanationRow, explanation_rows(report))


def explanation_rows(report: DiffReport) -> Iterator[ExplanationRow]:
    """Yield the rows of each dataset: itself, what is unexplained, its causes, then its pairs level by level."""
    for dataset in report.datasets:
        yield ExplanationRow(
            record=Record.DATASET,
            dataset=dataset.dataset,
            bytes=dataset.difference_bytes,
            a_bytes=dataset.a.bytes,
            b_bytes=dataset.b.bytes,
            evidence=dataset.answer,
        )
        yield from _cause_rows(dataset)
        for pair in dataset.pairs:
            yield from _pair_rows(dataset.dataset, pair)


def _cause_rows(dataset: DatasetReport) -> Iterator[ExplanationRow]:
    for lost in dataset.unexplained:
        yield ExplanationRow(
            record=Record.UNEXPLAINED,
            dataset=dataset.dataset,
            cause=Cause.UNEXPLAINED,
            where=lost.where,
            bytes=lost.bytes,
            evidence=lost.reason,
        )
    for cause in dataset.causes:
        yield ExplanationRow(
            record=Record.CAUSE,
            dataset=dataset.dataset,
            cause=cause.cause,
            where=cause.where,
            bytes=cause.bytes,
            share=cause.share,
            objects=cause.objects,
            place=cause.place,
            approximate=cause.approximate,
            evidence="; ".join(cause.evidence),
        )


def _pair_rows(dataset: str, pair: PairReport) -> Iterator[ExplanationRow]:
    yield ExplanationRow(
        record=Record.PAIR,
        dataset=dataset,
        a_volume=pair.a_volume,
        b_volume=pair.b_volume,
        bytes=pair.difference_bytes,
        a_bytes=pair.a.bytes,
        b_bytes=pair.b.bytes,
        evidence="; ".join((pair.reason, *pair.evidence)),
    )
    for level in pair.levels:
        yield from _level_rows(dataset, pair, level)


def _level_rows(dataset: str, pair: PairReport, level: LevelReport) -> Iterator[ExplanationRow]:
    whole = ExplanationRow(
        record=Record.LEVEL,
        dataset=dataset,
        a_volume=pair.a_volume,
        b_volume=pair.b_volume,
        level=level.level,
        bytes=level.difference_bytes,
        a_bytes=level.a_bytes,
        b_bytes=level.b_bytes,
        approximate=level.approximate,
        evidence="; ".join(level.evidence) or None,
    )
    yield whole
    nothing = {"a_bytes": None, "b_bytes": None, "evidence": None}
    for cause, n_bytes in level_causes(level).items():
        told = {"record": Record.CONTRIBUTION, "cause": cause, "bytes": n_bytes}
        yield whole.model_copy(update={**nothing, **told})
