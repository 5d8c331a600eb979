"""Reports as JSON documents; their schemas are in docs/schemas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from mirror.report.model import ErrorParts, ErrorReport

if TYPE_CHECKING:
    from typing import Protocol

    class _Told(Protocol):
        what: str
        thing: str
        expected: str
        found: str
        hint: str

        @property
        def exit_code(self) -> int: ...


def document(report: BaseModel) -> str:
    """Return one report as a JSON object."""
    return report.model_dump_json(by_alias=True, indent=2)


def listing(reports: Sequence[BaseModel]) -> str:
    """Return reports as a JSON array."""
    return TypeAdapter(tuple[Any, ...]).dump_json(tuple(reports), by_alias=True, indent=2).decode()


def listing_lines(reports: Iterable[BaseModel]) -> Iterator[str]:
    """Yield the same array a report at a time, each on one line: for lists that no memory should hold."""
    before = "["
    for report in reports:
        yield before + report.model_dump_json(by_alias=True)
        before = ","
    yield "[]" if before == "[" else "]"


def error_document(error: _Told) -> str:
    """Return an error's parts as a JSON object."""
    return document(ErrorReport(error=error_parts(error)))


def error_parts(error: _Told) -> ErrorParts:
    """Return an error of ours as a report tells it."""
    return ErrorParts(
        exit=int(error.exit_code),
        what=error.what,
        thing=error.thing,
        expected=error.expected,
        found=error.found,
        hint=error.hint,
    )
