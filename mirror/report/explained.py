"""From an explanation to its report: the same numbers, named, ranked and put in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from mirror.explain.causes import COMPRESSION_PARTS, CONTRIBUTING, Cause
from mirror.explain.ranking import CauseLine, dataset_causes, pair_causes, sum_causes
from mirror.explain.result import (
    DatasetExplanation,
    LevelExplanation,
    LevelSide,
    OnlyIn,
    PairExplanation,
    Share,
    Unexplained,
)
from mirror.formats.kinds import VolumeKind
from mirror.objects import Tally
from mirror.report.answer import TITLES, Question, answer
from mirror.report.explanation import (
    BlocksReport,
    CauseReport,
    CauseTotal,
    CompressionParts,
    Contributions,
    DatasetReport,
    DiffReport,
    FactorReport,
    FindingReport,
    LevelReport,
    LevelSideReport,
    OnlyInReport,
    PairReport,
    StoredAmount,
    UnexplainedReport,
    WaterfallStep,
)
from mirror.report.numbers import Units, format_bytes


def diff_report(datasets: Iterable[DatasetExplanation]) -> DiffReport:
    """Return the report of all datasets that were compared, in their order."""
    explained = tuple(datasets)
    a, b = sum((one.a for one in explained), Tally()), sum((one.b for one in explained), Tally())
    totals = _totals([line for one in explained for line in dataset_causes(one)])
    unexplained_bytes = sum(one.unexplained_bytes for one in explained)
    return DiffReport(
        answer=answer(_raw_of_all(explained) or Question.of_datasets(explained)),
        datasets=tuple(map(dataset_report, explained)),
        a=StoredAmount.of(a),
        b=StoredAmount.of(b),
        difference_bytes=a.bytes - b.bytes,
        unexplained_bytes=unexplained_bytes,
        causes_total=_cause_totals(totals, unexplained_bytes, a.bytes - b.bytes),
        waterfall=waterfall(b.bytes, totals, unexplained_bytes),
    )


def dataset_report(dataset: DatasetExplanation) -> DatasetReport:
    """Return the report of one dataset."""
    lines = dataset_causes(dataset)
    totals = _totals(lines)
    difference = dataset.difference_bytes
    return DatasetReport(
        dataset=dataset.dataset,
        answer=answer(_raw_of_all([dataset]) or Question.of_datasets([dataset])),
        a=StoredAmount.of(dataset.a),
        b=StoredAmount.of(dataset.b),
        difference_bytes=difference,
        ratio=_ratio(dataset.a, dataset.b),
        causes=_causes(lines, difference),
        causes_total=_cause_totals(totals, dataset.unexplained_bytes, difference),
        unexplained_bytes=dataset.unexplained_bytes,
        unexplained=_unexplained(dataset.all_unexplained),
        waterfall=waterfall(dataset.b.bytes, totals, dataset.unexplained_bytes),
        pairs=tuple(map(_pair_report, sorted(dataset.pairs, key=_pair_order))),
        only=tuple(map(_only_report, dataset.only)),
        findings=tuple(_findings(dataset)),
    )


def _findings(dataset: DatasetExplanation) -> Iterator[FindingReport]:
    for note in dataset.notes:
        yield FindingReport(code=note.code, where=note.where, text=note.text)
    sides = [f"{name}'s {format_bytes(one.bytes)}" for name, one in (("A", dataset.a), ("B", dataset.b))]
    shown = [format_bytes(one.bytes, Units.IEC).replace("i", "") for one in (dataset.a, dataset.b)]
    text = (
        f"Windows' Explorer shows {sides[0]} as {shown[0]} and {sides[1]} as {shown[1]}: its units are powers of 1024"
    )
    yield FindingReport(code="explorer-units", where=dataset.dataset, text=text)


def waterfall(start_bytes: int, totals: Mapping[Cause, int], unexplained_bytes: int) -> tuple[WaterfallStep, ...]:
    """Return the steps from B's size to A's: what is unexplained first, then the causes, the largest first.

    >>> [(step.title, step.end_bytes) for step in waterfall(10, {Cause.HEADERS: 5}, 0)]
    [('block headers', 15)]
    """
    steps = []
    for cause, n_bytes in _with_unexplained(totals, unexplained_bytes).items():
        end_bytes = start_bytes + n_bytes
        steps.append(
            WaterfallStep(cause=cause, title=TITLES[cause], bytes=n_bytes, start_bytes=start_bytes, end_bytes=end_bytes)
        )
        start_bytes = end_bytes
    return tuple(steps)


def _raw_of_all(datasets: Sequence[DatasetExplanation]) -> Question | None:
    pairs = [pair for one in datasets for pair in one.pairs if pair.kind is VolumeKind.EM]
    return Question.of_pairs("raw", pairs) if pairs else None


def _pair_order(pair: PairExplanation) -> tuple[bool, int, str]:
    return pair.kind is not VolumeKind.EM, -abs(pair.difference_bytes), pair.a_volume


def _totals(lines: Iterable[CauseLine]) -> dict[Cause, int]:
    return {cause: n_bytes for cause, n_bytes in sum_causes(lines).items() if n_bytes}


def _with_unexplained(totals: Mapping[Cause, int], unexplained_bytes: int) -> dict[Cause, int]:
    return {Cause.UNEXPLAINED: unexplained_bytes, **totals} if unexplained_bytes else dict(totals)


def _cause_totals(totals: Mapping[Cause, int], unexplained_bytes: int, difference: int) -> tuple[CauseTotal, ...]:
    every = _with_unexplained(totals, unexplained_bytes)
    return tuple(
        CauseTotal(cause=cause, title=TITLES[cause], bytes=n_bytes, share=_share(n_bytes, difference))
        for cause, n_bytes in every.items()
    )


def _causes(lines: Iterable[CauseLine], difference: int) -> tuple[CauseReport, ...]:
    return tuple(
        CauseReport(
            cause=line.cause,
            bytes=line.bytes,
            share=_share(line.bytes, difference),
            where=line.where,
            evidence=line.evidence,
            objects=line.objects,
            place=line.place,
            approximate=line.is_approximate,
        )
        for line in lines
    )


def _unexplained(some: Iterable[Unexplained]) -> tuple[UnexplainedReport, ...]:
    return tuple(UnexplainedReport(where=one.where, bytes=one.bytes, reason=one.reason) for one in some)


def _pair_report(pair: PairExplanation) -> PairReport:
    lines = pair_causes(pair)
    unexplained_bytes = sum(one.bytes for one in pair.unexplained)
    return PairReport(
        a_volume=pair.a_volume,
        b_volume=pair.b_volume,
        kind=pair.kind.value,
        reason=pair.reason,
        a=StoredAmount.of(pair.a),
        b=StoredAmount.of(pair.b),
        difference_bytes=pair.difference_bytes,
        ratio=_ratio(pair.a, pair.b),
        causes=_causes(lines, pair.difference_bytes),
        unexplained_bytes=unexplained_bytes,
        unexplained=_unexplained(pair.unexplained),
        waterfall=waterfall(pair.b.bytes, _totals(lines), unexplained_bytes),
        levels=tuple(map(_level_report, pair.levels)),
        evidence=pair.notes,
    )


def _level_report(level: LevelExplanation) -> LevelReport:
    return LevelReport(
        level=level.level,
        a_bytes=level.a.blocks.bytes,
        b_bytes=level.b.blocks.bytes,
        difference_bytes=level.difference_bytes,
        contributions=Contributions(**{cause.value: level.contributions.get(cause, 0) for cause in CONTRIBUTING}),
        unexplained_bytes=level.unexplained_bytes,
        compression_parts=_parts(level),
        approximate=level.is_approximate,
        a=_side_report(level.a),
        b=_side_report(level.b),
        blocks=BlocksReport(
            common=None if level.n_common is None else dict(level.n_common),
            only_in_a=StoredAmount.of(level.a.one_sided),
            only_in_b=StoredAmount.of(level.b.one_sided),
            outside_in_a=StoredAmount.of(level.a.outside),
            outside_in_b=StoredAmount.of(level.b.outside),
        ),
        factors=tuple(map(_factor, level.shares)),
        evidence=(*level.notes, *level.sampled),
        sampled=level.sampled,
    )


def _parts(level: LevelExplanation) -> CompressionParts | None:
    if level.parts is None:
        return None
    values = {cause.value.partition(".")[2]: level.parts.get(cause, 0) for cause in COMPRESSION_PARTS}
    return CompressionParts(**values)


def _side_report(side: LevelSide) -> LevelSideReport:
    facts, headers = side.facts, side.headers
    return LevelSideReport(
        shape_xyz=None if facts is None else facts.shape_xyz,
        block_size_xyz=None if facts is None else facts.block_size_xyz,
        data_type=None if facts is None else facts.data_type,
        compression=None if facts is None else dict(facts.compression),
        stored=StoredAmount.of(side.blocks),
        voxel_bytes=None if facts is None else facts.raw_bytes,
        header_mode=None if headers is None else headers.mode.value,
        edge_style=None if headers is None else headers.edge_style.value,
        headers_read=0 if headers is None else headers.n_read,
    )


def _factor(share: Share) -> FactorReport:
    return FactorReport(
        group=share.group,
        cause=share.cause,
        a=float(share.a),
        b=float(share.b),
        log_ratio=None if share.log_ratio is None else float(share.log_ratio),
        bytes=share.bytes,
    )


def _only_report(only: OnlyIn) -> OnlyInReport:
    return OnlyInReport(
        side=only.side,
        place=only.place,
        where=only.where,
        stored=StoredAmount.of(only.listed),
        reason=only.reason,
        examples=only.examples,
    )


def _share(n_bytes: int, difference: int) -> float | None:
    return round(float(Fraction(n_bytes, difference)), 6) if difference else None


def _ratio(a: Tally, b: Tally) -> float | None:
    return round(float(Fraction(a.bytes, b.bytes)), 6) if b.bytes else None
