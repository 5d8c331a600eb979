"""Amounts as people write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.amounts import electron_volts, parse_amount, parse_lengths, parse_lengths_text, parse_number
from mirror.formats.units import nanometres


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (4, 4.0),
        ("238", 238.0),
        (" 1,234.5 ", 1234.5),
        ("-1e3", -1000.0),
        ("4 nm", None),
        ("", None),
        (True, None),
        (math.inf, None),
        (math.nan, None),
        (10**400, None),
        ("1e999", None),
        (None, None),
        ([4], None),
    ],
    ids=repr,
)
def test_numbers(value: object, expected: float | None) -> None:
    """Text that is a number is one; all else is none."""
    assert parse_number(value) == expected


@pytest.mark.parametrize("unit", ["um", "\u00b5m", "\u03bcm", "micron", "Micrometers"])
def test_all_spellings_of_a_micrometre(unit: str) -> None:
    """Either sign for micro, and words."""
    assert parse_amount("25.8", nanometres, unit) == 25800.0


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("40", "angstrom", 4.0),
        (1, "mm", 1e6),
        ("4nm", None, 4.0),
        ("0.004 \u00b5m", "nm", 4.0),
        (4, None, None),
        (4, "parsec", None),
        ("wide", "nm", None),
    ],
    ids=["angstrom", "millimetre", "unit in the text", "the text's unit wins", "no unit", "odd unit", "no number"],
)
def test_lengths_become_nanometres(value: object, unit: str | None, expected: float | None) -> None:
    """A number without a unit that is known is not guessed."""
    assert parse_amount(value, nanometres, unit) == expected


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("4.0 x 4.0 x 5.24 (X, Y, Z)", "nm", (4.0, 4.0, 5.24)),
        ("4 x 4 x 4 (X,Y,Z)", "nm", (4.0, 4.0, 4.0)),
        ("5.24 \u00d7 4 \u00d7 3 (z, y, x)", "nm", (3.0, 4.0, 5.24)),
        ("48 x 6 x 33", "\u00b5m", (48000.0, 6000.0, 33000.0)),
        ("4 nm x 4 nm x 5 nm", None, (4.0, 4.0, 5.0)),
        ("4 x 4 x 5 nm", None, (4.0, 4.0, 5.0)),
        ("4, 4, 5", "nm", (4.0, 4.0, 5.0)),
        ("4 x 4", "nm", None),
        ("4 x 4 x 4", None, None),
        ("about four", "nm", None),
    ],
    ids=repr,
)
def test_lengths_in_words(text: str, unit: str | None, expected: tuple[float, ...] | None) -> None:
    """In the order that the text names, else x, y, z."""
    assert parse_lengths_text(text, unit) == expected


def test_other_amounts() -> None:
    """Each kind has its own units; what is too large for a number is none."""
    assert parse_amount("0.9 keV", electron_volts, None) == 900.0
    assert parse_amount(900, electron_volts, "V") is None
    assert parse_amount("1e308", electron_volts, "keV") is None


def test_lengths_are_put_in_order() -> None:
    """Only three axes with the names that a voxel has."""
    assert parse_lengths([5.24, 4.0, 4.0], "nm", ["z", "y", "x"]) == (4.0, 4.0, 5.24)
    assert parse_lengths([5.24, 4.0, 4.0], "nm", ["z", "y", "c"]) is None
    assert parse_lengths([5.24, 4.0], "nm") is None


@given(st.text(max_size=40), st.none() | st.text(max_size=5))
def test_no_text_fails(text: str, unit: str | None) -> None:
    """Whatever stands there, the answer is lengths or None."""
    found = parse_lengths_text(text, unit)
    assert found is None or (len(found) == 3 and all(math.isfinite(length) for length in found))
