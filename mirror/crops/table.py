"""The cellmap table of crops: a CSV with a row for each class of each crop, lists as `[2.62;2.0;2.0]`, z,y,x."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mirror.errors import MalformedDocumentError

COLUMNS = ("crop_name", "dataset", "class_label", "voxel_size", "translation", "shape")
_AXES = 3


@dataclass(frozen=True, slots=True)
class TableRow:
    """Where the ground truth of one class of one crop lies. `(number, dataset, class_label)` names it."""

    number: str
    dataset: str
    class_label: str
    voxel_size_nm_zyx: tuple[float, float, float]
    translation_nm_zyx: tuple[float, float, float]
    """Centre of the first voxel."""
    shape_zyx: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a row is not taken."""

    field: str
    """Column; empty for the row as a whole."""
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class TableLine:
    """One row as it stands in the file, and what it was understood as."""

    line: int
    """In the file, from 1; the header has the first."""
    key: str
    """What names it: `crop/dataset/class`; with its line where it has no such name, or that of an earlier row."""
    fields: Mapping[str, str]
    """As they stand, those that nothing here understands too."""
    row: TableRow | None
    """None where it has a fault."""
    fault: RowFault | None


def parse_table(body: bytes, place: str) -> tuple[TableLine, ...]:
    r"""Return the rows of a table in their order; a row that cannot be understood has a fault and does not end it.

    Of two rows with one name the first counts, and the other has a fault, whatever it says.

    Raises
    ------
    MalformedDocumentError
        Not a CSV file in UTF-8, or one of its columns is missing.

    >>> table = b"crop_name,dataset,class_label,voxel_size,translation,shape\n1,d,er,[2;2;2],[1;1;1],[8;8;8]\n"
    >>> parse_table(table, "t.csv")[0].row.shape_zyx
    (8, 8, 8)
    """
    reader = csv.reader(io.StringIO(_text(body, place), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, place)
        return tuple(_lines(reader, header))
    except csv.Error as error:
        found = f"line {reader.line_num}: {error}"
        raise MalformedDocumentError("not a table of crops", place, expected="CSV", found=found) from error


def _text(body: bytes, place: str) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is not"
        raise MalformedDocumentError("not a table of crops", place, expected="text in UTF-8", found=found) from error


def _check_header(header: Sequence[str], place: str) -> None:
    missing = [name for name in COLUMNS if name not in header]
    if missing or len(set(header)) != len(header):
        found = f"no {', '.join(missing)}" if missing else "a column twice"
        expected = f"the columns {','.join(COLUMNS)}"
        raise MalformedDocumentError("not a table of crops", place, expected=expected, found=found)


def _lines(reader: Iterator[list[str]], header: Sequence[str]) -> Iterator[TableLine]:
    first_lines: dict[str, int] = {}
    end = 1
    for cells in reader:
        # A cell in quotes may hold line breaks: the line is where the row begins.
        line, end = end + 1, reader.line_num  # type: ignore[attr-defined]  # of csv's own reader
        if not cells:
            continue
        fields = dict(zip(header, cells, strict=False))
        if len(cells) != len(header):
            fields |= {"": ",".join(cells[len(header) :])} if len(cells) > len(header) else {}
            fault = RowFault("", f"{len(header)} cells", f"{len(cells)}")
            yield TableLine(line, f"line {line}", fields, None, fault)
            continue
        key, parsed = _key(fields), _parse(fields)
        if isinstance(parsed, TableRow) and key in first_lines:
            parsed = RowFault("", "one row a class of a crop", f"another one in line {first_lines[key]}")
        if isinstance(parsed, RowFault):
            yield TableLine(line, f"{key} line {line}", fields, None, parsed)
        else:
            first_lines[key] = line
            yield TableLine(line, key, fields, parsed, None)


def _key(fields: Mapping[str, str]) -> str:
    return "/".join(fields[name].strip() for name in COLUMNS[:3])


def _parse(fields: Mapping[str, str]) -> TableRow | RowFault:
    number, dataset, class_label = (fields[name].strip() for name in COLUMNS[:3])
    for column, name in (("crop_name", number), ("dataset", dataset), ("class_label", class_label)):
        if not name or "/" in name or not name.isprintable():
            return RowFault(column, "a name", repr(fields[column]))
    voxel_size = _numbers(fields["voxel_size"])
    if voxel_size is None or min(voxel_size) <= 0:
        return RowFault("voxel_size", "three sizes above 0, as [2.62;2.0;2.0]", fields["voxel_size"])
    translation = _numbers(fields["translation"])
    if translation is None:
        return RowFault("translation", "three numbers, as [3132.21;899.0;25863.0]", fields["translation"])
    shape = _numbers(fields["shape"])
    if shape is None or min(shape) < 1 or any(n != int(n) for n in shape):
        return RowFault("shape", "three whole numbers above 0, as [200;1000;1000]", fields["shape"])
    z, y, x = map(int, shape)
    return TableRow(number, dataset, class_label, voxel_size, translation, (z, y, x))


def _numbers(text: str) -> tuple[float, float, float] | None:
    inner = text.strip()
    if not (inner.startswith("[") and inner.endswith("]")):
        return None
    try:
        values = [float(one) for one in inner[1:-1].split(";")]
    except ValueError:
        return None
    if len(values) != _AXES or not all(map(math.isfinite, values)):
        return None
    z, y, x = values
    return z, y, x
