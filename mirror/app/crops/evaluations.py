"""`oomirror catalog evaluations`: the paper's results, and which setup and iteration is the best of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog import queries
from catalog.queries import BestResult, DatedEvaluation, EvaluationFilter
from catalog.queries.metrics import HIGHER_IS_BETTER, LOWER_IS_BETTER
from mirror.app.crops.issues import not_published
from mirror.app.lookup import check_word
from mirror.app.reading import catalog_for_reading
from mirror.config import Settings
from mirror.errors import UnknownNameError, UsageError, known_hint
from mirror.report.crops import BestLine, EvaluationLine

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NONE = "`oomirror import-mongo` takes evaluations into the catalog."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which evaluations are meant: those for which all that is given holds."""

    dataset: str | None = None
    label: str | None = None
    metric: str | None = None
    setup: str | None = None
    crop: str | None = None
    is_validation: bool = False
    """Only on crops that were kept from training."""
    threshold: float | None = None
    is_refined: bool | None = None


def list_best(settings: Settings, wanted: Wanted) -> tuple[BestLine, ...]:
    """Return the best setup and iteration of each label, dataset and metric, sorted by these.

    Raises
    ------
    UnknownNameError
        Nothing is known of the dataset, the label or the metric.
    UsageError
        The metric is one of which nobody knows whether it is better high or low; or the catalog is a published one.
    CatalogError
        There is no catalog, or it cannot be read.
    """
    if wanted.metric is not None and wanted.metric not in HIGHER_IS_BETTER | LOWER_IS_BETTER:
        with _opened(settings) as connection:
            _filter(connection, wanted)
        expected = f"one of {', '.join(sorted(HIGHER_IS_BETTER | LOWER_IS_BETTER))}"
        raise UsageError("nobody can say which result of this metric is best", wanted.metric, expected=expected)
    with _opened(settings) as connection:
        return tuple(map(_best_line, queries.best_results(connection, _filter(connection, wanted))))


@contextmanager
def evaluation_lines(settings: Settings, wanted: Wanted, *, limit: int | None) -> Iterator[Iterator[EvaluationLine]]:
    """Yield a line for each evaluation, in the order in which they were imported; some thousands in memory at a time.

    Raises
    ------
    UnknownNameError, UsageError, CatalogError
        As of `list_best`.
    """
    with _opened(settings) as connection:
        chosen = _filter(connection, wanted)
        yield map(_line, queries.evaluations(connection, chosen, limit=limit))


@contextmanager
def _opened(settings: Settings) -> Iterator[Connection]:
    with catalog_for_reading(settings) as catalog:
        if catalog.is_published:
            raise not_published(catalog.url)
        with catalog.read() as connection:
            yield connection


def _filter(connection: Connection, wanted: Wanted) -> EvaluationFilter:
    words = queries.evaluation_words(connection)
    if wanted.dataset is not None and wanted.dataset not in words["dataset"]:
        hint = known_hint(wanted.dataset, words["dataset"]) if words["dataset"] else _NONE
        raise UnknownNameError("no evaluation of that dataset is known", wanted.dataset, hint=hint)
    check_word("metric", wanted.metric, words["metric"])
    return EvaluationFilter(
        dataset=wanted.dataset,
        labels=None if wanted.label is None else _labels(connection, wanted.label, words["label"]),
        metric=wanted.metric,
        setup=wanted.setup,
        crops=None if wanted.crop is None else [wanted.crop],
        is_validation=wanted.is_validation,
        threshold=wanted.threshold,
        is_refined=wanted.is_refined,
    )


def _labels(connection: Connection, word: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels of evaluations that a user means: by their own name, else those of the same labels of crops.

    Raises
    ------
    UnknownNameError
        There is none.
    """
    named = tuple(one for one in known if _plain(one) == _plain(word))
    if named:
        return named
    ids = queries.find_labels(connection, word)
    classes = queries.label_classes(connection)
    same = tuple(one for one in known if ids and classes.get(one) == ids)
    if not same:
        raise UnknownNameError("unknown label of evaluations", word, hint=known_hint(word, known) if known else _NONE)
    return same


def _plain(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")


def _line(found: DatedEvaluation) -> EvaluationLine:
    one = found.evaluation
    return EvaluationLine(
        dataset=found.dataset,
        label=one.label,
        metric=one.metric,
        value=one.value,
        value_word=one.value_word,
        setup=one.setup,
        iteration=one.iteration,
        crop=one.crop,
        threshold=one.threshold,
        metric_params=one.metric_params,
        refined=one.refined,
        raw_dataset=one.raw_dataset,
        array=one.dataset,
        path=one.path,
        parent_path=one.parent_path,
        others=dict(one.others),
    )


def _best_line(one: BestResult) -> BestLine:
    return BestLine(
        dataset=one.dataset,
        label=one.label,
        metric=one.metric,
        better="higher" if one.metric in HIGHER_IS_BETTER else "lower",
        setup=one.setup,
        iteration=one.iteration,
        value=one.value,
        crops=one.n_crops,
        candidates=one.n_candidates,
        threshold=one.threshold,
        metric_params=one.metric_params,
        refined=one.refined,
        raw_dataset=one.raw_dataset,
    )
