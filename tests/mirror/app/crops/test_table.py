"""The cellmap table in the catalog: again, changed, and with rows that cannot be read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from catalog import queries
from catalog.records import ImportKind
from catalog.session import open_catalog
from mirror.app.crops.table import import_tables
from mirror.config import Settings, load_settings
from mirror.crops.table import COLUMNS
from mirror.errors import UsageError
from mirror.report.crop_table import CropTableLine
from mirror.report.text.crop_table import render_crop_tables

MITO = "1,jrc_hela-2,mito,[2.62;2.0;2.0],[3132.21;899.0;25863.0],[200;1000;1000]"
ER = "1,jrc_hela-2,er,[2.62;2.0;2.0],[3132.21;899.0;25863.0],[200;1000;1000]"
ER_MOVED = ER.replace("899.0", "903.0")
BAD = "2,jrc_hela-2,er,[2.62;2.0],[0;0;0],[1;1;1]"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a lab without a catalog."""
    return load_settings(None, {"catalog": f"sqlite:///{tmp_path}/catalog.db"})


def import_rows(settings: Settings, table: Path, *rows: str) -> CropTableLine:
    """Write a table and import it."""
    table.write_text("\n".join([",".join(COLUMNS), *rows, ""]), encoding="utf-8")
    (line,) = asyncio.run(import_tables(settings, [str(table)]))
    return line


def dump(settings: Settings) -> list[list[tuple[object, ...]]]:
    """Return all rows that an import may write."""
    tables = ("import_source", "source_document", "earlier_document", "import_issue", "class_crop", "finding")
    with open_catalog(settings.catalog) as catalog, catalog.read() as connection:
        return [[tuple(row) for row in connection.exec_driver_sql(f"select * from {one}")] for one in tables]


def test_rows_are_kept_as_they_stand_and_as_they_are_understood(settings: Settings, tmp_path: Path) -> None:
    """Each row is a document; importing it again writes nothing at all."""
    line = import_rows(settings, tmp_path / "t.csv", MITO, ER)
    assert (line.state, line.crops, line.rows, line.new, line.datasets) == ("new", 1, 2, 2, ("jrc_hela-2",))
    with open_catalog(settings.catalog) as catalog, catalog.read() as connection:
        source = queries.find_import_source(connection, ImportKind.CLASS_CROPS, str(tmp_path / "t.csv"), "")
        assert source is not None
        assert (source.documents, source.pass_number) == (2, 1)
        rows = queries.class_crops(connection, number="1", dataset="jrc_hela-2")
        known = queries.known_documents(connection, source.id or 0, ["1/jrc_hela-2/mito"])
        (document,) = queries.source_documents(connection, [known["1/jrc_hela-2/mito"].id])
    assert [(one.class_label, one.translation_nm_zyx, one.shape_zyx) for one in rows] == [
        ("er", (3132.21, 899.0, 25863.0), (200, 1000, 1000)),
        ("mito", (3132.21, 899.0, 25863.0), (200, 1000, 1000)),
    ]
    assert json.loads(document.body)["translation"] == "[3132.21;899.0;25863.0]"
    before = dump(settings)
    assert import_rows(settings, tmp_path / "t.csv", MITO, ER).state == "unchanged"
    assert dump(settings) == before


def test_a_table_that_changed_replaces_its_own_rows_and_keeps_the_old(settings: Settings, tmp_path: Path) -> None:
    """A changed row and one that vanished are kept as they were; another table's rows stay."""
    import_rows(settings, tmp_path / "other.csv", MITO)
    import_rows(settings, tmp_path / "t.csv", MITO, ER)
    line = import_rows(settings, tmp_path / "t.csv", ER_MOVED)
    assert (line.state, line.new, line.changed, line.dropped) == ("changed", 0, 1, 1)
    with open_catalog(settings.catalog) as catalog, catalog.read() as connection:
        source = queries.find_import_source(connection, ImportKind.CLASS_CROPS, str(tmp_path / "t.csv"), "")
        assert source is not None
        assert source.id is not None
        rows = queries.class_crops(connection)
        changed = queries.earlier_documents(connection, source.id, "1/jrc_hela-2/er")
        dropped = queries.earlier_documents(connection, source.id, "1/jrc_hela-2/mito")
    assert [(one.class_label, one.translation_nm_zyx[1], one.source_id) for one in rows] == [
        ("er", 903.0, source.id),
        ("mito", 899.0, source.id - 1),
    ]
    assert [(one.reason, json.loads(one.body)["translation"]) for one in (*changed, *dropped)] == [
        ("changed", "[3132.21;899.0;25863.0]"),
        ("dropped", "[3132.21;899.0;25863.0]"),
    ]


def test_a_bad_row_is_an_issue_and_kept(settings: Settings, tmp_path: Path) -> None:
    """The others are taken; the issue goes when the row is mended."""
    line = import_rows(settings, tmp_path / "t.csv", MITO, BAD, MITO)
    assert (line.rows, [(bad.line, bad.field) for bad in line.faults]) == (1, [(3, "voxel_size"), (4, "")])
    text = " ".join(render_crop_tables([line]).split())
    assert "t.csv, line 3: voxel_size: expected three sizes above 0" in text
    with open_catalog(settings.catalog) as catalog, catalog.read() as connection:
        issues = queries.import_issues(connection)
    assert [(one.document_key, one.field) for one in issues] == [
        ("1/jrc_hela-2/mito line 4", ""),
        ("2/jrc_hela-2/er line 3", "voxel_size"),
    ]
    import_rows(settings, tmp_path / "t.csv", MITO)
    with open_catalog(settings.catalog) as catalog, catalog.read() as connection:
        assert queries.import_issues(connection) == ()


def test_a_file_that_is_no_table_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    """It fails, says why, and those beside it are taken."""
    (tmp_path / "a.csv").write_text("path,dataset\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text(f"{','.join(COLUMNS)}\n{MITO}\n", encoding="utf-8")
    lines = asyncio.run(import_tables(settings, [str(tmp_path)]))
    assert [one.state for one in lines] == ["failed", "new"]
    assert "no crop_name" in lines[0].reason
    with pytest.raises(UsageError, match="nothing to import"):
        asyncio.run(import_tables(settings, [str(tmp_path / "absent.csv")]))
