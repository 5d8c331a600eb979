"""The cellmap table, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror.crops.table import COLUMNS, TableLine, parse_table
from mirror.errors import MalformedDocumentError

HEADER = ",".join(COLUMNS)
ROW = "1,jrc_hela-2,mito,[2.62;2.0;2.0],[3132.21;899.0;25863.0],[200;1000;1000]"


def lines_of(*rows: str, header: str = HEADER) -> tuple[TableLine, ...]:
    """Parse rows below a header."""
    return parse_table("\r\n".join([header, *rows, ""]).encode(), "t.csv")


def test_a_row_is_in_the_order_of_the_file() -> None:
    """z, y, x: the size of z comes first, as in the zarr that the table tells of."""
    (line,) = lines_of(ROW)
    assert line.row is not None
    assert line.row.voxel_size_nm_zyx == (2.62, 2.0, 2.0)
    assert line.row.translation_nm_zyx == (3132.21, 899.0, 25863.0)
    assert line.row.shape_zyx == (200, 1000, 1000)
    assert (line.key, line.line) == ("1/jrc_hela-2/mito", 2)


def test_columns_may_stand_in_any_order_and_others_are_kept() -> None:
    """A column that nobody knows is kept as it stands."""
    header = "note,shape,translation,voxel_size,class_label,dataset,crop_name"
    (line,) = lines_of('"a, b",[1;2;3],[0;0;0],[2;2;2],er,d,9', header=header)
    assert line.row is not None
    assert line.row.shape_zyx == (1, 2, 3)
    assert line.fields["note"] == "a, b"


@pytest.mark.parametrize(
    ("row", "field"),
    [
        pytest.param(",d,er,[2;2;2],[1;1;1],[8;8;8]", "crop_name", id="no number"),
        pytest.param("1,,er,[2;2;2],[1;1;1],[8;8;8]", "dataset", id="no dataset"),
        pytest.param("1,d,er/x,[2;2;2],[1;1;1],[8;8;8]", "class_label", id="no name"),
        pytest.param("1,d,er,[2;2],[1;1;1],[8;8;8]", "voxel_size", id="two sizes"),
        pytest.param("1,d,er,[2;0;2],[1;1;1],[8;8;8]", "voxel_size", id="size of 0"),
        pytest.param("1,d,er,2;2;2,[1;1;1],[8;8;8]", "voxel_size", id="no brackets"),
        pytest.param("1,d,er,[2;2;2],[1;nan;1],[8;8;8]", "translation", id="nan"),
        pytest.param("1,d,er,[2;2;2],[1;inf;1],[8;8;8]", "translation", id="infinite"),
        pytest.param("1,d,er,[2;2;2],[1;1;1],[8;8.5;8]", "shape", id="half a voxel"),
        pytest.param("1,d,er,[2;2;2],[1;1;1],[8;0;8]", "shape", id="no voxels"),
        pytest.param("1,d,er,[2;2;2],[1;1;1]", "", id="a cell too few"),
        pytest.param("1,d,er,[2;2;2],[1;1;1],[8;8;8],more", "", id="a cell too many"),
    ],
)
def test_a_bad_row_has_a_fault_and_the_others_are_read(row: str, field: str) -> None:
    """What is wrong is told with line and column; nothing is guessed."""
    bad, good = lines_of(row, ROW)
    assert good.row is not None
    assert good.fault is None
    assert bad.row is None
    assert bad.fault is not None
    assert (bad.fault.field, bad.line) == (field, 2)


def test_of_two_rows_with_one_name_the_first_counts() -> None:
    """The second is a fault that names the first, whether it says the same or not."""
    first, second, third = lines_of(ROW, ROW, ROW.replace("899", "901"))
    assert first.row is not None
    for line in (second, third):
        assert line.row is None
        assert line.fault is not None
        assert line.fault.found == "another one in line 2"
    assert len({first.key, second.key, third.key}) == 3


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(b"", "no crop_name, dataset, class_label, voxel_size, translation, shape", id="empty"),
        pytest.param(b"crop_name,dataset\n", "no class_label, voxel_size, translation, shape", id="columns missing"),
        pytest.param(f"{HEADER},shape\n".encode(), "a column twice", id="a column twice"),
        pytest.param(b"\xff\xfe", "byte 0 is not", id="no UTF-8"),
        pytest.param(f'{HEADER}\n"1'.encode(), "line 2: unexpected end of data", id="open quote"),
    ],
)
def test_what_is_no_table_is_refused(body: bytes, found: str) -> None:
    """A file without the columns is refused as a whole, with its place."""
    with pytest.raises(MalformedDocumentError) as caught:
        parse_table(body, "/lab/t.csv")
    assert caught.value.found == found
    assert caught.value.thing == "/lab/t.csv"


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    """Excel writes one."""
    (line,) = parse_table(b"\xef\xbb\xbf" + f"{HEADER}\n{ROW}\n".encode(), "t.csv")
    assert line.row is not None


@pytest.mark.samples
def test_every_row_of_the_real_table_is_read(samples: Path) -> None:
    """2,088 rows, 44 crops, no fault, no name twice."""
    lines = parse_table((samples / "crops/cellmap_train_crop_manifest.csv").read_bytes(), "t.csv")
    assert len(lines) == 2088
    assert all(line.row is not None for line in lines)
    assert len({line.key for line in lines}) == 2088
    assert len({line.row.number for line in lines if line.row is not None}) == 44
