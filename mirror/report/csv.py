"""Lists of reports as CSV: a line a report, a column a field."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

_END = "\r\n"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(model: type[BaseModel], reports: Sequence[BaseModel]) -> str:
    """Return a header line and a line for each report, without a line break at the end.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    An amount becomes two columns, `listed_objects` and `listed_bytes`; other nested values are JSON; None is empty.

    Parameters
    ----------
    model
        Of the reports, so that a list of none has its header too.
    """
    return "\n".join(csv_lines(model, reports))


def csv_lines(model: type[BaseModel], reports: Iterable[BaseModel]) -> Iterator[str]:
    """Yield the same a row at a time, each without its line break."""
    columns = list(_columns(model))
    yield _line(columns)
    for report in reports:
        cells = dict(_cells(model, report.model_dump(mode="json")))
        yield _line([cells.get(column, "") for column in columns])


def rows_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a header line and a line for each row, without a line break at the end; None is empty."""
    return "\n".join(map(_line, (columns, *rows)))


def _line(cells: Sequence[Any]) -> str:
    stream = io.StringIO()
    # A cell that has a character of the line's end is put into quotes: with another end, its own would break the row.
    csv.writer(stream, lineterminator=_END).writerow(map(_harmless, cells))
    return stream.getvalue().removesuffix(_END)


def _harmless(cell: object) -> object:
    """Return a cell that no spreadsheet runs: texts come from buckets, and anybody may have written them."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _columns(model: type[BaseModel]) -> Iterator[str]:
    for name in model.model_fields:
        yield from (f"{name}_{part}" for part in _AMOUNT) if _is_amount(model, name) else (name,)


def _cells(model: type[BaseModel], document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if _is_amount(model, name):
            yield from ((f"{name}_{part}", (value or {}).get(part, "")) for part in _AMOUNT)
        elif isinstance(value, (dict, list)):
            yield name, json.dumps(value, ensure_ascii=False)
        elif isinstance(value, bool):
            yield name, str(value).lower()
        else:
            yield name, value


_AMOUNT = ("objects", "bytes")


def _is_amount(model: type[BaseModel], name: str) -> bool:
    return "Amount" in str(model.model_fields[name].annotation)
