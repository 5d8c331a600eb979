"""How one foreign value is read as what a column holds: whole, or kept among the others with an issue. Never raises."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, TypeVar

from bson.decimal128 import Decimal128

from catalog.mongo.bodies import relaxed, storable
from catalog.mongo.issues import Issue, IssueCode

_N = TypeVar("_N", int, float)
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}", re.ASCII)
_REAL = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
_SHOWN_CHARACTERS = 200
INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1
_EXACT_IN_A_DOUBLE = 2**53


class Reading:
    """What one document says that no column holds, and what is odd about it; filled while its fields are read.

    Each `read_` method returns the value that its column gets, or None where it gets none: then the value as it was is
    among `others`, and an issue says why.
    """

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.others: dict[str, Any] = {}

    def keep(self, path: str, value: object) -> None:
        """Keep a value that has no column."""
        name = storable(path)
        while name in self.others:
            # A field of that very name, or two that differ by what is escaped.
            name += "'"
        self.others[name] = relaxed(value)

    def note(self, code: IssueCode, path: str, expected: str, found: object) -> None:
        """Put down that something is odd."""
        self.issues.append(Issue(code, storable(path), expected, shown(found)))

    def refuse(self, code: IssueCode, path: str, expected: str, value: object) -> None:
        """Keep a value that its column cannot have, and put down why."""
        self.keep(path, value)
        self.note(code, path, expected, value)

    def read_text(self, path: str, value: object) -> str | None:
        """Return text; a number becomes its digits."""
        if isinstance(value, str):
            clean = storable(value)
            if clean != value:
                self.note(IssueCode.ODD_TEXT, path, "text that can be stored", value)
            return clean
        number = _number(value)
        if number is None or (isinstance(number, float) and not isfinite(number)):
            if value is not None:
                self.refuse(IssueCode.WRONG_TYPE, path, "text", value)
            return None
        if isinstance(number, int) and abs(number) > INT64_MAX:
            self.refuse(IssueCode.TOO_LARGE, path, "text", value)
            return None
        self.note(IssueCode.TEXT_AS_NUMBER, path, "text", value)
        is_whole = isinstance(number, float) and number.is_integer() and abs(number) < _EXACT_IN_A_DOUBLE
        return str(int(number)) if is_whole else str(number)

    def read_whole(self, path: str, value: object, *, most: int = INT64_MAX) -> int | None:
        """Return a whole number of at most `most` either way; text that spells one counts."""
        number = self._read_number(path, value, "a whole number")
        if number is None:
            return None
        if isinstance(number, float):
            if not isfinite(number):
                self.refuse(IssueCode.NOT_FINITE, path, "a whole number", value)
                return None
            if not number.is_integer():
                self.refuse(IssueCode.NOT_WHOLE, path, "a whole number", value)
                return None
        if abs(number) > most:
            self.refuse(IssueCode.TOO_LARGE, path, f"at most {most}", value)
            return None
        return int(number)

    def read_real(self, path: str, value: object) -> float | None:
        """Return a finite number."""
        number = self._read_number(path, value, "a number")
        if number is None:
            return None
        if isinstance(number, int):
            if abs(number) > _EXACT_IN_A_DOUBLE:
                self.refuse(IssueCode.TOO_LARGE, path, f"at most {_EXACT_IN_A_DOUBLE}", value)
                return None
            return float(number)
        if not isfinite(number):
            self.refuse(IssueCode.NOT_FINITE, path, "a finite number", value)
            return None
        return number

    def read_result(self, path: str, value: object) -> tuple[float | None, str | None]:
        """Return a result: a finite number and no word, or no number and `nan`, `inf` or `-inf`: data, not a lack."""
        number = self._read_number(path, value, "a number")
        if isinstance(number, float) and not isfinite(number):
            return None, str(number)
        return (None, None) if number is None else (self.read_real(path, number), None)

    def read_truth(self, path: str, value: object) -> bool | None:
        """Return true or false; 0 and 1, and both words, count."""
        if isinstance(value, bool) or value is None:
            return value
        word = value.casefold() if isinstance(value, str) else _number(value)
        known = _TRUTHS.get(word) if isinstance(word, (str, int, float)) else None
        if known is None:
            self.refuse(IssueCode.WRONG_TYPE, path, "true or false", value)
        else:
            code = IssueCode.NUMBER_AS_TEXT if isinstance(value, str) else IssueCode.WRONG_TYPE
            self.note(code, path, "true or false", value)
        return known

    def read_whole_xyz(self, path: str, value: object, *, is_size: bool) -> tuple[int, ...] | None:
        """Return three whole numbers, of a size all positive; if one cannot be had, none of them."""
        return self._read_xyz(path, value, self.read_whole, is_size=is_size)

    def read_real_xyz(self, path: str, value: object) -> tuple[float, ...] | None:
        """Return three positive finite numbers; if one cannot be had, none of them."""
        return self._read_xyz(path, value, self.read_real, is_size=True)

    def _read_xyz(
        self, path: str, value: object, read: Callable[[str, object], _N | None], *, is_size: bool
    ) -> tuple[_N, ...] | None:
        if value is None:
            return None
        if not isinstance(value, Mapping) or any(value.get(axis) is None for axis in "xyz"):
            self.refuse(IssueCode.WRONG_TYPE, path, "x, y and z", value)
            return None
        numbers = tuple(number for axis in "xyz" if (number := read(f"{path}.{axis}", value[axis])) is not None)
        if len(numbers) < len("xyz"):
            self.keep(path, value)
            return None
        if is_size and min(numbers) <= 0:
            self.refuse(IssueCode.NOT_POSITIVE, path, "positive numbers", value)
            return None
        for name, one in value.items():
            if name not in {"x", "y", "z"}:
                self.keep(f"{path}.{name}", one)
        return numbers

    def _read_number(self, path: str, value: object, expected: str) -> int | float | None:
        """Return a number, from text too, as large and as odd as it is; None, with an issue, where it is none."""
        if value is None:
            return None
        number = _number(value)
        if number is None and isinstance(value, str):
            number = _spelt(value.strip())
            if number is not None:
                self.note(IssueCode.NUMBER_AS_TEXT, path, expected, value)
        if number is None:
            self.refuse(IssueCode.WRONG_TYPE, path, expected, value)
        return number


def shown(value: object) -> str:
    """Return a value in a few words, for an issue."""
    clean = storable(value) if isinstance(value, str) else json.dumps(relaxed(value), ensure_ascii=False)
    return clean if len(clean) <= _SHOWN_CHARACTERS else f"{clean[:_SHOWN_CHARACTERS]}..."


def _number(value: object) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value
    if isinstance(value, Decimal128):
        decimal = value.to_decimal()
        if not decimal.is_finite():
            return float("nan") if decimal.is_nan() else float(decimal)
        # Beyond this no column holds it, and its digits could be six thousand.
        return int(decimal) if decimal.adjusted() < 40 and decimal == decimal.to_integral_value() else float(decimal)
    return None


def _spelt(text: str) -> int | float | None:
    if _WHOLE.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text) or text.casefold() in _NOT_FINITE:
        return float(text)
    return None


_NOT_FINITE = frozenset({"nan", "inf", "-inf", "infinity", "-infinity"})
_TRUTHS: Mapping[object, bool] = {0: False, 1: True, "false": False, "true": True, "0": False, "1": True}
