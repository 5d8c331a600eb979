"""The paper's evaluations: results as they are, and the best setup and iteration for each label and dataset."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Select, case, func, select, type_coerce
from sqlalchemy import types as sql_types

from catalog.queries.crops import VALIDATION
from catalog.queries.metrics import HIGHER_IS_BETTER, LOWER_IS_BETTER
from catalog.queries.rows import delete_rows, put_rows, stream
from catalog.records import Evaluation
from catalog.tables import JsonText, crop, evaluation

_JSON = JsonText()
_NOWHERE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class EvaluationFilter:
    """Which evaluations are meant: those for which all that is given holds."""

    dataset: str | None = None
    """Name of a dataset, as `jrc_hela-2`."""
    labels: Collection[str] | None = None
    metric: str | None = None
    setup: str | None = None
    crops: Collection[str] | None = None
    is_validation: bool = False
    """Only on crops that were kept from training."""
    threshold: float | None = None
    is_refined: bool | None = None


@dataclass(frozen=True, slots=True)
class DatedEvaluation:
    """An evaluation, and the dataset that it is about."""

    dataset: str | None
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class BestResult:
    """The setup and iteration with the best mean over crops, for one label, dataset and metric."""

    label: str | None
    dataset: str | None
    metric: str
    metric_params: object
    setup: str | None
    iteration: int | None
    threshold: float | None
    refined: bool | None
    raw_dataset: str | None
    value: float
    """Mean over the crops; results that are no finite number are left out of it."""
    n_crops: int
    n_candidates: int
    """How many setups, iterations, thresholds and so on it is the best of."""


def put_evaluations(connection: Connection, records: Mapping[int, Evaluation]) -> None:
    """Keep evaluations by the ids of their documents, instead of what these said before."""
    put_rows(connection, evaluation, (_row(*item) for item in records.items()))


def drop_evaluations(connection: Connection, document_ids: Iterable[int]) -> None:
    """Delete what was made of documents; those of which nothing was are no error."""
    delete_rows(connection, evaluation, ((one,) for one in sorted(document_ids)))


def evaluations(
    connection: Connection, wanted: EvaluationFilter, *, limit: int | None = None
) -> Iterator[DatedEvaluation]:
    """Yield evaluations, in the order in which they were imported; some thousands in memory at a time."""
    known, t = _known_crops(), evaluation.c
    raw = (type_coerce(column, sql_types.Text) if isinstance(column.type, JsonText) else column for column in t)
    query = _chosen(select(_dataset(known), *raw), known, wanted).order_by(t.document_id)
    if limit is not None:
        query = query.limit(limit)
    for dataset, *values in stream(connection, query):
        yield DatedEvaluation(dataset, _evaluation(dict(zip(t.keys(), values, strict=True))))


def evaluation_words(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Return what labels, metrics and datasets evaluations are about, each sorted."""
    known = _known_crops()
    columns = {"label": evaluation.c.label, "metric": evaluation.c.metric, "dataset": _dataset(known)}
    found = {}
    for name, column in columns.items():
        query = select(column).distinct()
        if name == "dataset":
            query = _joined(query, known)
        found[name] = tuple(sorted(word for word in connection.execute(query).scalars() if word is not None))
    return found


def best_results(connection: Connection, wanted: EvaluationFilter) -> tuple[BestResult, ...]:
    """Return the best setup and iteration of each label, dataset, metric and its parameters, sorted by these.

    As the paper's authors choose: the mean over the crops, the lower iteration where two are equal, then by the names
    of the setups. A result that is no finite number is no part of a mean. Metrics of which nobody knows whether they
    are better high or low are left out.
    """
    means = _means(wanted)
    t = means.c
    sign = case((t.metric.in_(sorted(HIGHER_IS_BETTER)), -1.0), else_=1.0)
    group = (t.label, t.dataset, t.metric, t.metric_params)
    rank = func.row_number().over(
        partition_by=group,
        order_by=(
            sign * t.mean,
            func.coalesce(t.iteration, _NOWHERE),
            func.coalesce(t.setup, ""),
            func.coalesce(t.threshold, 0.0),
            func.coalesce(t.raw_dataset, ""),
            case((t.refined, 1), else_=0),
        ),
    )
    candidates = func.count().over(partition_by=group)
    ranked = select(means, rank.label("rank"), candidates.label("candidates")).cte("ranked")
    rows = connection.execute(select(ranked).where(ranked.c.rank == 1)).mappings()
    found = [
        BestResult(
            label=row["label"],
            dataset=row["dataset"],
            metric=row["metric"],
            metric_params=_JSON.process_result_value(row["metric_params"], connection.dialect),
            setup=row["setup"],
            iteration=row["iteration"],
            threshold=row["threshold"],
            refined=None if row["refined"] is None else bool(row["refined"]),
            raw_dataset=row["raw_dataset"],
            value=row["mean"],
            n_crops=row["crops"],
            n_candidates=row["candidates"],
        )
        for row in rows
    ]
    return tuple(
        sorted(found, key=lambda one: (one.label or "", one.dataset or "", one.metric, str(one.metric_params)))
    )


def _means(wanted: EvaluationFilter) -> CTE:
    known, t = _known_crops(), evaluation.c
    dataset = _dataset(known)
    params = type_coerce(t.metric_params, sql_types.Text).label("metric_params")
    how = (t.setup, t.iteration, t.threshold, t.refined, t.raw_dataset)
    means = select(
        t.label,
        dataset.label("dataset"),
        t.metric,
        params,
        *how,
        func.avg(t.value).label("mean"),
        func.count(t.crop.distinct()).label("crops"),
    )
    means = _chosen(means, known, wanted).where(
        t.value.is_not(None), t.metric.in_(sorted(HIGHER_IS_BETTER | LOWER_IS_BETTER))
    )
    return means.group_by(t.label, dataset, t.metric, params, *how).cte("means")


def _known_crops() -> CTE:
    """Return the dataset of each crop's number, where all versions of the ground truth have the same."""
    t = crop.c
    query = select(t.number, func.min(t.dataset).label("dataset")).group_by(t.number)
    return query.having(func.count(t.dataset.distinct()) == 1).cte("datasets_of_crops")


def _dataset(known: CTE) -> ColumnElement[str]:
    """Return the dataset that an evaluation is about: as it says itself, else that of its crop.

    Its own `dataset` is the name of an array in the file of predictions, and of use only where all else is missing.
    """
    t = evaluation.c
    return func.coalesce(t.parent_dataset_id, known.c.dataset, t.dataset)


def _joined(query: Select[Any], known: CTE) -> Select[Any]:
    return query.select_from(evaluation.outerjoin(known, known.c.number == evaluation.c.crop))


def _chosen(query: Select[Any], known: CTE, wanted: EvaluationFilter) -> Select[Any]:
    t = evaluation.c
    conditions: list[ColumnElement[bool]] = []
    pairs = ((_dataset(known), wanted.dataset), (t.metric, wanted.metric), (t.setup, wanted.setup))
    conditions += [column == value for column, value in pairs if value is not None]
    if wanted.labels is not None:
        conditions.append(t.label.in_(sorted(wanted.labels)))
    if wanted.crops is not None:
        conditions.append(t.crop.in_(sorted(wanted.crops)))
    if wanted.threshold is not None:
        conditions.append(t.threshold == wanted.threshold)
    if wanted.is_refined is not None:
        conditions.append(func.coalesce(t.refined, False) == wanted.is_refined)
    if wanted.is_validation:
        conditions.append(t.crop.in_(select(crop.c.number).where(crop.c.completion == VALIDATION)))
    return _joined(query, known).where(*conditions)


def _row(document_id: int, record: Evaluation) -> tuple[Any, ...]:
    return (
        document_id,
        record.path,
        record.dataset,
        record.setup,
        record.iteration,
        record.label,
        record.crop,
        record.threshold,
        record.metric,
        _text(record.metric_params),
        record.value,
        record.value_word,
        record.raw_dataset,
        record.parent_path,
        record.parent_dataset_id,
        record.refined,
        _text(record.others),
    )


def _text(value: object) -> str | None:
    # Of a million documents nearly all have nothing here.
    return "{}" if value == {} else _JSON.process_bind_param(value, _NO_DIALECT)


def _evaluation(values: dict[str, Any]) -> Evaluation:
    for name in ("metric_params", "others"):
        values[name] = _JSON.process_result_value(values[name], _NO_DIALECT)
    refined = values["refined"]
    return Evaluation(**{**values, "refined": None if refined is None else bool(refined)})


_NO_DIALECT: Any = None
"""JSON is the same text in every database."""
