"""Python literals, as `print` writes documents: parsed as a tree and never evaluated."""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bson import Binary, Decimal128, Int64, ObjectId, Timestamp
from bson.errors import BSONError

from catalog.mongo.parsed import NotADocumentError, excerpt, has_lone_surrogate

_EXPECTED = "a Python literal: a list of pairs, or a dict"
_NAMES = {"nan": math.nan, "inf": math.inf}


def parse_document(text: str) -> Mapping[str, Any]:
    """Return the fields of the document that the text is: a list of pairs, or a dict.

    Understood are constants, containers, signs, `nan` and `inf`, and what bson's values and dates print as. A tuple
    inside a document is a list: the database has nothing else. A date without a zone is in UTC, as drivers give it.

    Raises
    ------
    NotADocumentError
        It is no literal but code, not Python at all, or no document.

    >>> parse_document("[('number', '113'), ('dimensions', {'x': 500}), ('value', nan)]")
    {'number': '113', 'dimensions': {'x': 500}, 'value': nan}
    """
    tree = _parse(text)
    fields = _pairs(tree.elts) if isinstance(tree, ast.List | ast.Tuple) else _value(tree)
    if not isinstance(fields, dict):
        raise NotADocumentError(_EXPECTED, excerpt(text))
    if "\\" in text and has_lone_surrogate(fields):
        raise NotADocumentError("text in Unicode", "half of a surrogate pair")
    return fields


def parse_value(text: str) -> Any:
    """Return the value that the text is.

    Raises
    ------
    NotADocumentError
        As of `parse_document`.
    """
    return _value(_parse(text))


def _parse(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes, in a text that was never meant to run
            return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise NotADocumentError(_EXPECTED, f"{error.msg}: {excerpt(text)}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise NotADocumentError(_EXPECTED, str(error) or "a literal that is nested too deeply") from error


def _pairs(elements: Sequence[ast.expr]) -> dict[str, Any] | None:
    """Return what a list of pairs says; None where it is none."""
    fields = {}
    for element in elements:
        if not isinstance(element, ast.Tuple | ast.List) or len(element.elts) != 2:
            _value(element)  # Code is worth more words than the lack of a pair.
            return None
        name, value = (_value(part) for part in element.elts)
        if not isinstance(name, str):
            return None
        fields[name] = value
    return fields


def _value(node: ast.expr) -> Any:
    try:
        return _understood(node)
    except RecursionError as error:
        raise NotADocumentError(_EXPECTED, "a literal that is nested too deeply") from error


def _understood(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | int() | float() | bytes() | None as value):
            return value
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_understood(element) for element in elements]
        case ast.Dict(keys=keys, values=values):
            return {_name(key): _understood(value) for key, value in zip(keys, values, strict=True)}
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            return _signed(sign, _understood(operand), node)
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.Call(func=function, args=arguments, keywords=keywords):
            return _printed(node, ast.unparse(function), arguments, keywords)
        case _:
            raise _is_code(node)


def _name(key: ast.expr | None) -> str:
    match key:
        case ast.Constant(value=str() as name):
            return name
        case None:
            raise NotADocumentError(_EXPECTED, "code: **")
        case _:
            raise NotADocumentError("names of fields that are text", excerpt(ast.unparse(key)))


def _signed(sign: ast.unaryop, value: object, node: ast.expr) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _is_code(node)
    return -value if isinstance(sign, ast.USub) else value


def _is_code(node: ast.expr) -> NotADocumentError:
    return NotADocumentError(_EXPECTED, f"code, which is never run: {excerpt(ast.unparse(node))}")


def _printed(node: ast.expr, name: str, arguments: list[ast.expr], keywords: list[ast.keyword]) -> Any:
    """Return the value that prints as this call."""
    make = _PRINTED.get(name)
    zone = [ast.unparse(keyword.value) for keyword in keywords if keyword.arg == "tzinfo"]
    if (
        make is None
        or len(zone) != len(keywords)
        or (keywords and (make is not _date or zone != ["datetime.timezone.utc"]))
    ):
        raise _is_code(node)
    try:
        return make(*(_understood(argument) for argument in arguments))
    except (TypeError, ValueError, OverflowError, ArithmeticError, BSONError) as error:
        raise NotADocumentError(f"a value of {name}", str(error)) from error


def _date(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def _mapping(pairs: Sequence[tuple[str, Any]] = ()) -> dict[str, Any]:
    fields = dict(pairs)
    if not all(isinstance(name, str) for name in fields):
        raise TypeError("names of fields are text")
    return fields


_PRINTED: Mapping[str, Callable[..., Any]] = {
    "ObjectId": ObjectId,
    "Int64": Int64,
    "Decimal128": Decimal128,
    "Binary": Binary,
    "Timestamp": Timestamp,
    "datetime.datetime": _date,
    "SON": _mapping,
    "OrderedDict": _mapping,
    "float": float,
}
