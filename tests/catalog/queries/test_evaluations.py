"""Evaluations of the catalog, and the best of them."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from catalog import queries
from catalog.config import sqlite_url
from catalog.queries import EvaluationFilter
from catalog.queries.metrics import HIGHER_IS_BETTER, LOWER_IS_BETTER
from catalog.records import CropRecord, Evaluation, ImportKind, ImportSource, SourceDocument
from catalog.session import Catalog, open_catalog
from tests.catalog.builders import DATASET, START

BLANK = Evaluation(
    document_id=None,
    path="/nrs/x.n5",
    dataset="mito",
    setup="setup01",
    iteration=100,
    label="mito",
    crop="113",
    threshold=127.0,
    metric="dice",
    metric_params={},
    value=0.5,
    value_word=None,
    raw_dataset="volumes/raw/s0",
    parent_path=None,
    parent_dataset_id=DATASET,
    refined=False,
)


def put(connection: Connection, *records: Evaluation) -> None:
    """Put evaluations, each with a document of its own, instead of all that were there."""
    source = ImportSource(ImportKind.EVALUATIONS, "lab", "", "0003", 1, None, START, None, 0)
    source_id = queries.put_import_source(connection, source)
    queries.drop_documents(connection, range(1, 100))
    ids = range(1, len(records) + 1)
    documents = [SourceDocument(source_id, str(one), b"h", b"{}", 1, START, START, one) for one in ids]
    queries.put_source_documents(connection, documents)
    queries.put_evaluations(connection, dict(zip(ids, records, strict=True)))


def of(**changes: Any) -> Evaluation:
    """Return an evaluation that differs so from the first."""
    return replace(BLANK, **changes)


def best(connection: Connection, **wanted: Any) -> list[tuple[str | None, int | None, float, int]]:
    """Return setup, iteration, mean and number of crops of each best result."""
    found = queries.best_results(connection, EvaluationFilter(**wanted))
    return [(one.setup, one.iteration, one.value, one.n_crops) for one in found]


def test_an_evaluation_comes_back_as_it_was_put(connection: Connection) -> None:
    """NaN as the word for it, parameters and other fields as JSON, truths as truths."""
    records = (
        of(value=None, value_word="nan", metric_params={"tol_distance": 40}, others={"gpu": 3}, refined=True),
        of(setup=None, iteration=None, crop=None, value=None, refined=None, metric_params=None),
    )
    put(connection, *records)
    found = [one.evaluation for one in queries.evaluations(connection, EvaluationFilter())]
    assert found == [replace(one, document_id=number) for number, one in enumerate(records, 1)]


def test_the_dataset_is_that_of_the_cell(connection: Connection) -> None:
    """As the document says, else that of its crop; its own `dataset` is an array of the predictions."""
    queries.put_crop(connection, CropRecord("110", "0003", "jrc_macrophage-2"))
    put(connection, of(), of(parent_dataset_id=None, crop="110"), of(parent_dataset_id=None, crop="9"))
    found = [one.dataset for one in queries.evaluations(connection, EvaluationFilter())]
    assert found == [DATASET, "jrc_macrophage-2", "mito"]
    assert queries.evaluation_words(connection)["dataset"] == (DATASET, "jrc_macrophage-2", "mito")


def test_evaluations_are_chosen(connection: Connection) -> None:
    """By all that is given; some at a time."""
    queries.put_crop(connection, CropRecord("113", "0003", DATASET, completion=-1))
    put(
        connection,
        of(),
        of(label="er"),
        of(metric="voi"),
        of(setup="setup02", crop="3"),
        of(threshold=1.0, refined=None),
    )
    for wanted, n in (
        (EvaluationFilter(), 5),
        (EvaluationFilter(labels=["er"]), 1),
        (EvaluationFilter(metric="voi"), 1),
        (EvaluationFilter(setup="setup02"), 1),
        (EvaluationFilter(crops=["113"]), 4),
        (EvaluationFilter(is_validation=True), 4),
        (EvaluationFilter(threshold=127.0), 4),
        (EvaluationFilter(is_refined=False), 5),
        (EvaluationFilter(is_refined=True), 0),
        (EvaluationFilter(dataset="jrc_hela-3"), 0),
    ):
        assert len(list(queries.evaluations(connection, wanted))) == n, wanted
    assert len(list(queries.evaluations(connection, EvaluationFilter(), limit=2))) == 2


@pytest.mark.parametrize(
    ("metric", "setup"),
    [pytest.param("dice", "b", id="high is good"), pytest.param("hausdorff", "a", id="low is good")],
)
def test_the_best_is_high_or_low_as_the_metric_is(connection: Connection, metric: str, setup: str) -> None:
    """And the mean over its crops counts."""
    results = [("a", "1", 0.2), ("a", "2", 0.4), ("b", "1", 0.1), ("b", "2", 0.9)]
    put(connection, *(of(metric=metric, setup=name, crop=crop, value=value) for name, crop, value in results))
    ((found, _, _, n_crops),) = best(connection)
    assert (found, n_crops) == (setup, 2)


@pytest.mark.parametrize("word", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("metric", ["dice", "voi"])
def test_what_is_no_number_never_wins(connection: Connection, metric: str, word: str) -> None:
    """It is no part of a mean; where there is nothing else, there is no best."""
    odd = of(metric=metric, setup="odd", value=None, value_word=word)
    put(connection, odd, of(metric=metric, setup="fair"))
    assert [one[0] for one in best(connection)] == ["fair"]
    put(connection, odd)
    assert best(connection) == []


def test_equal_results_are_told_apart_by_iteration_and_setup(connection: Connection) -> None:
    """The lower iteration first, then the setup's name; one without iteration last."""
    put(connection, of(iteration=None, setup="a"), of(iteration=200, setup="a"), of(setup="c"), of(setup="b"))
    assert [one[:2] for one in best(connection)] == [("b", 100)]


def test_parameters_are_another_metric(connection: Connection) -> None:
    """Results at different tolerances cannot be compared; nobody knows what is best of an unknown metric."""
    put(connection, of(metric_params={"tol_distance": 40}), of(metric_params={"tol_distance": 80}), of(metric="mood"))
    found = queries.best_results(connection, EvaluationFilter())
    assert [one.metric_params for one in found] == [{"tol_distance": 40}, {"tol_distance": 80}]


def test_the_best_may_be_asked_of_validation_crops_alone(connection: Connection) -> None:
    """What a network was trained on tells little of it."""
    queries.put_crop(connection, CropRecord("113", "0003", DATASET, completion=-1))
    put(connection, of(setup="a", crop="3", value=0.9), of(setup="b", value=0.6))
    assert [one[0] for one in best(connection)] == ["a"]
    assert [one[0] for one in best(connection, is_validation=True)] == ["b"]


def test_each_metric_is_either_high_or_low() -> None:
    """None is both."""
    assert not HIGHER_IS_BETTER & LOWER_IS_BETTER


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Return a catalog that examples use one after the other."""
    return open_catalog(sqlite_url(tmp_path_factory.mktemp("best") / "catalog.db"))


_RESULTS = st.builds(
    of,
    setup=st.sampled_from("ab"),
    iteration=st.sampled_from([1, 2]),
    label=st.sampled_from(["mito", "er"]),
    crop=st.sampled_from("12"),
    metric=st.sampled_from(["dice", "voi"]),
    value=st.sampled_from([0.0, 0.25, 0.5, 0.75, None]),
)


@given(st.lists(_RESULTS, max_size=12))
@settings(max_examples=30)
def test_the_best_is_what_a_loop_finds(scratch: Catalog, records: list[Evaluation]) -> None:
    """Against means and minima in plain Python."""
    expected = {}
    for label, metric in {(one.label, one.metric) for one in records}:
        means = []
        for setup, iteration in {(one.setup, one.iteration) for one in records}:
            named = (label, metric, setup, iteration)
            same = [one for one in records if (one.label, one.metric, one.setup, one.iteration) == named]
            values = [one.value for one in same if one.value is not None]
            if values:
                sign = -1 if metric == "dice" else 1
                means.append((sign * fmean(values), iteration, setup))
        if means:
            expected[label, metric] = min(means)[2:0:-1]
    with scratch.begin() as connection:
        put(connection, *records)
        found = queries.best_results(connection, EvaluationFilter())
    assert {(one.label, one.metric): (one.setup, one.iteration) for one in found} == expected
