"""Evaluations as reports."""

from __future__ import annotations

import pytest

from mirror.app.crops.evaluations import Wanted, evaluation_lines, list_best
from mirror.config import Settings
from mirror.errors import UnknownNameError, UsageError
from tests.mirror.app.catalogs import HELA
from tests.mirror.app.crops.labs import write_crops


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings that lead to a catalog with evaluations; only read."""
    return write_crops(tmp_path_factory.mktemp("evaluations"))


def test_the_best_setup_is_named(lab: Settings) -> None:
    """Of each metric that has numbers, and that is known to be better high or low."""
    (line,) = list_best(lab, Wanted(dataset=HELA, label="mito", is_validation=True))
    assert (line.setup, line.iteration, line.value, line.better, line.candidates) == (
        "setup02",
        725000,
        0.7,
        "higher",
        2,
    )


def test_results_are_listed_as_they_are(lab: Settings) -> None:
    """NaN as a word; as many as asked."""
    with evaluation_lines(lab, Wanted(), limit=3) as lines:
        found = list(lines)
    assert [(one.value, one.value_word) for one in found] == [(0.5, None), (0.7, None), (None, "nan")]
    assert (found[0].dataset, found[0].array) == (HELA, "mito")


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        pytest.param(Wanted(dataset="jrc_x"), UnknownNameError, HELA, id="dataset"),
        pytest.param(Wanted(label="er"), UnknownNameError, "mito", id="label"),
        pytest.param(Wanted(metric="dise"), UnknownNameError, "dice", id="metric"),
        pytest.param(Wanted(metric="mood"), UsageError, "nobody can say", id="a metric that nobody knows"),
    ],
)
def test_what_there_is_not_is_told(lab: Settings, wanted: Wanted, error: type[Exception], words: str) -> None:
    """With what there is."""
    with pytest.raises(error, match=words):
        list_best(lab, wanted)


def test_a_label_may_be_meant_by_its_organelle(lab: Settings) -> None:
    """`mito` is a class of labels; the same labels by another name are the same class."""
    assert list_best(lab, Wanted(label="MITO")) == list_best(lab, Wanted(label="mito"))
