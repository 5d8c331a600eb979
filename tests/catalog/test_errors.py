"""The words of the catalog's errors."""

from __future__ import annotations

import pytest

from catalog.errors import CatalogError, CatalogMissingError, CatalogUrlError, OtherShareError


def test_an_error_reads_as_one_sentence_and_what_to_do() -> None:
    """The parts of an error make a sentence; what the user can do stands last."""
    error = CatalogError("cannot open", "x.db", expected="a database", found="a picture", hint="Move it aside.")
    assert str(error) == "cannot open: x.db; expected a database, found a picture. Move it aside."


def test_an_error_needs_only_what_could_not_be_done() -> None:
    """Parts that are not given leave no trace in the sentence."""
    assert str(CatalogError("cannot open")) == "cannot open"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        pytest.param(CatalogError, 1, id="failed"),
        pytest.param(CatalogMissingError, 1, id="missing"),
        pytest.param(CatalogUrlError, 2, id="usage"),
        pytest.param(OtherShareError, 5, id="another share"),
    ],
)
def test_each_error_knows_its_exit_code(kind: type[CatalogError], code: int) -> None:
    """The command line takes its exit code from the class of the error."""
    assert kind("x").exit_code == code


def test_a_missing_catalog_is_a_missing_file() -> None:
    """A caller may catch a missing catalog as the builtin error, and its words stay ours."""
    with pytest.raises(FileNotFoundError, match=r"^there is no catalog: x\.db$"):
        raise CatalogMissingError("there is no catalog", "x.db")
