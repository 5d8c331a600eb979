"""One exported table as a file: CSV by ourselves, Parquet by pyarrow; rows come in batches and do not stay."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from mirror.app.export.fields import ExportField, Values
from mirror.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa


class ExportFormat(StrEnum):
    """What `--format` takes."""

    PARQUET = "parquet"
    CSV = "csv"


class TableFile(Protocol):
    """A file that a table is written to. Closed at the end of its `with`."""

    def write(self, columns: Sequence[Values]) -> None:
        """Add some rows, given as the columns of its fields."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def chosen_format(asked: ExportFormat | None) -> ExportFormat:
    """Return the format that was asked for; without one Parquet, or CSV where pyarrow is not installed.

    Raises
    ------
    UsageError
        Parquet was asked for, and pyarrow is not installed.
    """
    has_pyarrow = importlib.util.find_spec("pyarrow") is not None
    if asked is None:
        return ExportFormat.PARQUET if has_pyarrow else ExportFormat.CSV
    if asked is ExportFormat.PARQUET and not has_pyarrow:
        raise UsageError(
            "cannot write Parquet",
            expected="pyarrow",
            found="it is not installed",
            hint='`pip install "oomirror[parquet]"` brings it; --format csv needs nothing.',
        )
    return asked


def open_table(file: Path, kind: ExportFormat, table: str, fields: Sequence[ExportField]) -> TableFile:
    """Return a new file for the rows of a table; one that is there is overwritten."""
    match kind:
        case ExportFormat.PARQUET:
            return ParquetFile(file, table, fields)
        case ExportFormat.CSV:
            return CsvFile(file, fields)


class CsvFile:
    """CSV in UTF-8 with a header line. NULL is empty, an empty text is `""`: they differ, as in PostgreSQL's CSV."""

    def __init__(self, file: Path, fields: Sequence[ExportField]) -> None:
        self._fields = tuple(fields)
        self._file = file.open("w", encoding="utf-8", newline="")
        self._file.write(",".join(field.name for field in self._fields) + "\n")

    def write(self, columns: Sequence[Values]) -> None:
        """Add some rows."""
        cells = (_cells(field, values) for field, values in zip(self._fields, columns, strict=True))
        lines = list(map(",".join, zip(*cells, strict=True)))
        self._file.write("\n".join([*lines, ""]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _cells(field: ExportField, values: Values) -> list[str]:
    match field.type:
        case "integer":
            return ["" if value is None else str(value) for value in values]
        case "boolean":
            return ["" if value is None else str(value).lower() for value in values]
        case _:
            return [_csv_text(value) for value in values]


def _csv_text(value: str | None) -> str:
    if value is None:
        return ""
    is_plain = value and not ("," in value or '"' in value or "\n" in value or "\r" in value)
    return value if is_plain else '"' + value.replace('"', '""') + '"'


class ParquetFile:
    """Parquet: 64-bit integers, booleans and strings; unit and meaning in the metadata of each field."""

    def __init__(self, file: Path, table: str, fields: Sequence[ExportField]) -> None:
        import pyarrow.parquet as pq

        self._schema = _parquet_schema(table, fields)
        # Keys, hashes and ETags hardly repeat: a dictionary of them is memory for nothing.
        repeating = [field.name for field in fields if field.type in ("text", "json", "time")]
        repeating = [name for name in repeating if name not in ("key", "etag", "hash", "digest", "body")]
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd", use_dictionary=repeating)

    def write(self, columns: Sequence[Values]) -> None:
        """Add some rows, as a row group of their own."""
        import pyarrow as pa

        arrays = [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()


def _parquet_schema(table: str, fields: Sequence[ExportField]) -> pa.Schema:
    import pyarrow as pa

    types = {"integer": pa.int64(), "boolean": pa.bool_()}
    described = [
        pa.field(
            field.name, types.get(field.type, pa.string()), metadata={"unit": field.unit, "meaning": field.meaning}
        )
        for field in fields
    ]
    return pa.schema(described, metadata={"table": table})
