"""Amounts as people write them in metadata: numbers that may be text, with a unit here or there."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from mirror.formats.units import nanometres

Convert = Callable[[float, str], float | None]
"""Takes a number and a unit; returns it in the base unit, or None where the unit is not known."""


def _by_table(factors: Mapping[str, float]) -> Convert:
    def convert(number: float, unit: str) -> float | None:
        factor = factors.get(unit.strip().lower())
        # Rounded: 0.9 * 1000 is 900, not what binary fractions leave behind.
        return None if factor is None else round(number * factor, 9)

    return convert


# The sign for micro is U+00B5 in some documents and U+03BC in others.
days = _by_table({"h": 1 / 24, "hour": 1 / 24, "hours": 1 / 24, "day": 1, "days": 1, "week": 7, "weeks": 7})
volts = _by_table({"v": 1, "kv": 1e3})
electron_volts = _by_table({"ev": 1, "kev": 1e3})
megahertz = _by_table({"khz": 1e-3, "mhz": 1})
nanoamperes = _by_table({"pa": 1e-3, "na": 1, "\u00b5a": 1e3, "\u03bca": 1e3})
n_bytes = _by_table({"b": 1, "mb": 1e6, "gb": 1e9, "tb": 1e12, "mib": 2**20, "gib": 2**30, "tib": 2**40})

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


def parse_amount(value: object, convert: Convert, unit: str | None) -> float | None:
    """Return a number in the base unit, or None where number or unit is not understood.

    Parameters
    ----------
    unit
        What the document says elsewhere, as in the name of the field; a unit beside the number itself beats it.

    >>> parse_amount("0.9 keV", electron_volts, None), parse_amount(4, nanometres, "µm")
    (900.0, 4000.0)
    """
    number = parse_number(value)
    if number is None and isinstance(value, str):
        match = _QUANTITY.fullmatch(value.strip())
        if match is not None:
            number, unit = parse_number(match[1]), match[2] or unit
    amount = None if number is None or unit is None else convert(number, unit)
    return amount if amount is not None and math.isfinite(amount) else None


def parse_lengths(
    values: Sequence[object], unit: str | None, axes: Sequence[object] | None = None
) -> tuple[float, ...] | None:
    """Return three lengths in nanometres in the order x, y, z, or None.

    Parameters
    ----------
    axes
        Names of the axes in the order of `values`; None for x, y, z.
    """
    lengths = [parse_amount(value, nanometres, unit) for value in values]
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


def lengths_in_words(lengths_nm: Iterable[float]) -> str:
    """Return lengths as a README has them.

    >>> lengths_in_words((4.0, 4.0, 5.24))
    '4 x 4 x 5.24 nm'
    """
    return " x ".join(f"{length:.6g}" for length in lengths_nm) + " nm"
