"""Numbers and units as people write them in metadata."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

LENGTHS_NM: Final[Mapping[str, float]] = {
    **dict.fromkeys(("angstrom", "angstroms", "å"), 0.1),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 1.0),
    # The sign is U+00B5 in some documents and U+03BC in others.
    **dict.fromkeys(("um", "\u00b5m", "\u03bcm", "micron", "microns"), 1e3),
    **dict.fromkeys(("micrometer", "micrometers", "micrometre", "micrometres"), 1e3),
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), 1e6),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres"), 1e9),
}
"""Nanometres in one of each unit of length."""
DURATIONS_DAYS: Final = {"hour": 1 / 24, "hours": 1 / 24, "h": 1 / 24, "day": 1.0, "days": 1.0, "weeks": 7.0}
VOLTS: Final = {"v": 1.0, "kv": 1e3}
ELECTRON_VOLTS: Final = {"ev": 1.0, "kev": 1e3}
MEGAHERTZ: Final = {"khz": 1e-3, "mhz": 1.0}
NANOAMPERES: Final = {"pa": 1e-3, "na": 1.0, "\u00b5a": 1e3, "\u03bca": 1e3}
BYTES: Final = {"b": 1.0, "mb": 1e6, "gb": 1e9, "tb": 1e12, "mib": 2.0**20, "gib": 2.0**30, "tib": 2.0**40}

_NUMBER = r"[-+]?(?:[0-9]+(?:,[0-9]{3})*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_QUANTITY = re.compile(rf"[~\u2248]?\s*({_NUMBER})\s*([^\W\d_]*)")
_ORDER = re.compile(r"\(\s*([xyz])\s*[, x\u00d7]\s*([xyz])\s*[, x\u00d7]\s*([xyz])\s*\)", re.IGNORECASE)
_AXES = ("x", "y", "z")


def parse_number(value: object) -> float | None:
    """Return a number that may be text, or None; neither infinite nor a truth value.

    >>> parse_number("1,234.5"), parse_number("about 3"), parse_number(True)
    (1234.5, None, None)
    """
    if isinstance(value, str):
        match = re.fullmatch(_NUMBER, value.strip())
        value = float(value.strip().replace(",", "")) if match else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def parse_quantity(value: object, units: Mapping[str, float], unit: str | None) -> float | None:
    """Return a number in the base unit of `units`, or None where number or unit is not understood.

    Parameters
    ----------
    unit
        What the document says elsewhere, as in the name of the field; a unit beside the number itself beats it.

    >>> parse_quantity("0.9 keV", ELECTRON_VOLTS, None), parse_quantity(4, LENGTHS_NM, "µm")
    (900.0, 4000.0)
    """
    number = parse_number(value)
    if number is None and isinstance(value, str):
        match = _QUANTITY.fullmatch(value.strip())
        if match is not None:
            number, unit = parse_number(match[1]), match[2] or unit
    factor = units.get((unit or "").strip().lower())
    return None if number is None or factor is None else _scaled(number, factor)


def _scaled(number: float, factor: float) -> float | None:
    """Return the product without what binary fractions leave behind, or None where it is no number."""
    product = round(number * factor, 9)
    return product if math.isfinite(product) else None


def parse_lengths(
    values: Sequence[object], unit: str | None, axes: Sequence[object] | None = None
) -> tuple[float, ...] | None:
    """Return three lengths in nanometres in the order x, y, z, or None.

    Parameters
    ----------
    axes
        Names of the axes in the order of `values`; None for x, y, z.
    """
    lengths = [parse_quantity(value, LENGTHS_NM, unit) for value in values]
    order = [str(axis).lower() for axis in (_AXES if axes is None else axes)]
    if len(lengths) != len(_AXES) or sorted(order) != sorted(_AXES):
        return None
    by_axis = dict(zip(order, lengths, strict=True))
    found = [by_axis[axis] for axis in _AXES]
    return tuple(length for length in found if length is not None) if None not in found else None


def parse_lengths_text(text: str, unit: str | None) -> tuple[float, ...] | None:
    """Return three lengths in nanometres in the order x, y, z, from words such as a README has, or None.

    >>> parse_lengths_text("5.24 x 4.0 x 4.0 (Z, Y, X)", "nm")
    (4.0, 4.0, 5.24)
    """
    order = _ORDER.search(text)
    if order is not None:
        text = text[: order.start()] + text[order.end() :]
    parts = re.split(r"\s*[x\u00d7*]\s*", text.strip())
    if len(parts) == 1:
        parts = re.split(r"\s*[,;\s]\s*", parts[0])
    # "4 x 4 x 5 nm": the last unit is everybody's.
    last = _QUANTITY.fullmatch(parts[-1].strip())
    shared = last[2] if last is not None and last[2] else unit
    return parse_lengths(parts, shared, None if order is None else order.groups())
