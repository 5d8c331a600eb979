"""Errors carry their parts, and names that are near are found."""

from __future__ import annotations

import pickle

import pytest

from mirror.errors import (
    AccessDeniedError,
    DamagedBlockError,
    ExitCode,
    MalformedDocumentError,
    MirrorError,
    UnknownNameError,
    known_hint,
    near_names,
)
from mirror.view import BlockLostError


def test_a_sentence_has_what_thing_expected_found_and_hint() -> None:
    """The text is made of the fields, each where it is given."""
    error = MirrorError("cannot list", "s3://b/x", expected="a folder", found="nothing", hint="Look again.")
    assert str(error) == "cannot list: s3://b/x; expected a folder, found nothing. Look again."
    assert str(MirrorError("cannot list", found="nothing")) == "cannot list; found nothing"
    assert str(MirrorError("cannot list")) == "cannot list"


def test_classes_are_also_the_builtins_that_they_mean() -> None:
    """A caller that knows only Python's errors catches ours."""
    assert issubclass(MalformedDocumentError, ValueError)
    assert issubclass(UnknownNameError, LookupError)
    assert UnknownNameError("x").exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    "error",
    [
        MirrorError("cannot list", "s3://b/x", found="nothing", hint="Look again."),
        DamagedBlockError("cannot read a block", "0/0/1", part="header", found="3 bytes"),
        AccessDeniedError("cannot read", "s3://b/x"),
        BlockLostError("gone", "0/0/1", missing_xyz=[(0, 0, 1)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_come_whole_from_other_processes(error: MirrorError) -> None:
    """Fields, words and class, whatever the arguments of their own that they were made with."""
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("labels/mito_sge", ("labels/mito_seg",)),
        ("MITO_SEG", ("labels/mito_seg",)),
        ("fibsem-uint8", ("em/fibsem-uint16",)),
        ("zzz", ()),
    ],
)
def test_the_nearest_name_comes_first(name: str, near: tuple[str, ...]) -> None:
    """Names are compared without case, whole and by their last component."""
    names = ["labels/mito_seg", "em/fibsem-uint16"]
    assert near_names(name, names)[:1] == near


def test_known_numbers_stand_in_their_order_and_none_is_near() -> None:
    """Crop 99 is not meant by who asks for 9, and 113 comes after 14."""
    assert known_hint("99", ["113", "9", "14"]) == "Known are 9, 14, 113."
    assert known_hint("zzz", ["crop10", "crop9", "a"]) == "Known are a, crop9, crop10."


def test_near_names_are_few_and_in_one_order() -> None:
    """At most `n` names, the same for any order of the names given."""
    names = [f"s{n}" for n in range(9)]
    assert near_names("s", names, 2) == near_names("s", reversed(names), 2)
    assert len(near_names("s1", names, 2)) <= 2
