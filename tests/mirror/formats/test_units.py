"""Lengths in the units that documents name."""

from __future__ import annotations

import pytest

from mirror.formats.units import nanometres


@pytest.mark.parametrize(
    "unit",
    [
        "\N{MICRO SIGN}m",
        "\N{GREEK SMALL LETTER MU}m",
        "um",
        "UM",
        "micron",
        "Microns",
        "micrometre",
        "micrometers",
        " um ",
    ],
)
def test_a_micrometre_has_many_names(unit: str) -> None:
    """All give the same nanometres, without the noise of floating point."""
    assert nanometres(0.00524, unit) == 5.24


@pytest.mark.parametrize(
    ("length", "unit", "expected"),
    [
        (4, "nm", 4),
        (40, "\N{ANGSTROM SIGN}", 4),
        (40, "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}", 4),
        (40, "angstrom", 4),
        (2, "m", 2e9),
        (3, "mm", 3e6),
        (1, "inch", 2.54e7),
    ],
)
def test_other_units(length: float, unit: str, expected: float) -> None:
    """From the ångström to the metre."""
    assert nanometres(length, unit) == expected


@pytest.mark.parametrize("unit", ["", "pixel", "px", "s", "parsec", "nmm"])
def test_what_is_no_length_has_no_nanometres(unit: str) -> None:
    """None tells that the unit is not known."""
    assert nanometres(1, unit) is None
