"""The export of a catalog: nothing is lost, nothing of others is touched."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from catalog import queries
from catalog.config import sqlite_url
from catalog.records import AnnotationRecord, FactRecord, ManifestRecord
from catalog.session import open_catalog
from catalog.tables import metadata
from mirror.app.export import ExportFormat, ExportRequest, export
from mirror.app.export.fields import fields_of
from mirror.config import Settings
from mirror.errors import UnknownNameError, UnsafeError, UsageError
from tests.catalog.builders import (
    BUCKET_B,
    DATASET,
    array_record,
    listed_block_rows,
    mirrored_block_rows,
    start_run,
    start_snapshot,
)

NOW = datetime(2026, 11, 24, tzinfo=UTC)
BODY = b'{"name": "jrc_hela-2",\r\n  "metadata": {"title": "HeLa, \xc3\xa9"} , "odd": 1e400}\n\n'
OTHER = "jrc_hela-3"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with two datasets, to be copied: rows of each kind, odd texts among them."""
    file = tmp_path_factory.mktemp("filled") / "catalog.db"
    url = sqlite_url(file)
    with open_catalog(url) as catalog, catalog.begin() as connection:
        bucket = queries.bucket_id(connection, BUCKET_B)
        run = start_run(connection, bucket)
        array = queries.put_array(connection, array_record(bucket))
        queries.put_mirrored_blocks(connection, mirrored_block_rows(100, array, run))
        snapshot = start_snapshot(connection, bucket, run)
        queries.add_shard(
            connection,
            snapshot,
            bucket_id=bucket,
            array_id=array,
            prefix=f"{array_record(bucket).key_prefix}0/",
            digest=b"\x02" * 16,
            blocks=listed_block_rows(100),
        )
        rows = [(bucket, f"heinrich-2021a/{name}/README.md", 3, b"\xffodd", None, 4, run) for name in (DATASET, OTHER)]
        queries.put_mirrored_objects(connection, rows)
        queries.put_documents(connection, [(bucket, f"heinrich-2021a/{DATASET}/a", b"\x01" * 20, b"\xff\x00", None)])
        queries.put_facts(connection, DATASET, "s3://", [FactRecord(DATASET, "title", "s3://x", 'a "b",\n\u00e9 ')])
        note = AnnotationRecord(0, BUCKET_B, "p/", "raw", description="")
        queries.put_manifest(connection, ManifestRecord(DATASET, "file", NOW, BODY, b"\x03" * 16), [note])
        queries.put_manifest(connection, ManifestRecord("../odd", "file", NOW, b"{}", b"\x04" * 16), [])
    return file


@pytest.fixture
def settings(tmp_path: Path, filled: Path) -> Settings:
    """Settings of a copy of that catalog."""
    (tmp_path / "catalog.db").write_bytes(filled.read_bytes())
    return Settings(catalog=sqlite_url(tmp_path / "catalog.db"), share=tmp_path / "share")


def stored(settings: Settings, table: str) -> list[tuple[Any, ...]]:
    """Return the rows of a table as the catalog gives them, without the export's help."""
    with open_catalog(settings.catalog, read_only=True) as catalog, catalog.read() as connection:
        found = metadata.tables[table]
        return [tuple(row) for row in connection.execute(found.select().order_by(*found.primary_key))]


def read_csv(file: Path) -> Iterator[dict[str, str]]:
    """Return the rows of a file of CSV."""
    with file.open(encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


@pytest.mark.parametrize("kind", ExportFormat)
def test_every_table_is_a_file_with_all_its_rows(settings: Settings, tmp_path: Path, kind: ExportFormat) -> None:
    """Each table has its file, as many rows as the catalog has, and each column its meaning in schema.json."""
    report = export(settings, ExportRequest(tmp_path / "out", kind))
    assert {one.table for one in report.tables} == set(metadata.tables)
    described = json.loads((tmp_path / "out" / "schema.json").read_text())
    assert described["complete"]
    for one in report.tables:
        assert one.rows == len(stored(settings, one.table)) == described["files"][one.file]["rows"]
        assert one.bytes == (tmp_path / "out" / one.file).stat().st_size
        names = [column["name"] for column in described["files"][one.file]["columns"]]
        file = tmp_path / "out" / one.file
        is_csv = kind is ExportFormat.CSV
        assert names == (file.read_text().partition("\n")[0].split(",") if is_csv else pq.read_schema(file).names)


def test_parquet_has_types_units_and_all_values(settings: Settings, tmp_path: Path) -> None:
    """Numbers are numbers, hashes and ETags hex, JSON and times texts; units are in the fields' metadata."""
    export(settings, ExportRequest(tmp_path / "out", ExportFormat.PARQUET))
    blocks = pq.read_table(tmp_path / "out" / "mirrored_block.parquet")
    rows = [(*row[:5], row[5].hex(), row[6].hex(), *row[7:]) for row in stored(settings, "mirrored_block")]
    assert [tuple(row.values()) for row in blocks.to_pylist()] == rows
    assert blocks.schema.field("size").metadata[b"unit"] == b"bytes"
    assert blocks.schema.field("x").metadata[b"unit"] == b"blocks"
    array = pq.read_table(tmp_path / "out" / "array.parquet").to_pylist()[0]
    assert json.loads(array["shape_xyz"]) == [12000, 1600, 6368]
    assert array["is_present"] is True
    run = pq.read_table(tmp_path / "out" / "run.parquet").to_pylist()[0]
    assert datetime.fromisoformat(run["started_at"]).tzinfo is not None
    assert run["finished_at"] is None
    objects = pq.read_table(tmp_path / "out" / "mirrored_object.parquet").to_pylist()
    assert {one["etag"] for one in objects} == {"odd"}
    document = pq.read_table(tmp_path / "out" / "document.parquet").to_pylist()[0]
    assert (document["body"], document["body_hex"]) == (None, "ff00")
    assert document["etag"] == "01" * 16 + f"-{0x01010101}"


def test_csv_keeps_odd_texts_and_tells_null_from_empty(settings: Settings, tmp_path: Path) -> None:
    """Quotes, line breaks and letters beyond ASCII come back; NULL is empty, an empty text is in quotes."""
    export(settings, ExportRequest(tmp_path / "out", ExportFormat.CSV))
    (fact,) = read_csv(tmp_path / "out" / "fact.csv")
    assert json.loads(fact["value"]) == 'a "b",\n\u00e9 '
    (annotation,) = (tmp_path / "out" / "annotation.csv").read_text().splitlines()[1:]
    assert annotation.endswith(',raw,,,,"",')
    manifest = next(one for one in read_csv(tmp_path / "out" / "manifest.csv") if one["dataset"] == DATASET)
    assert manifest["body"].encode() == BODY


def test_manifests_are_exported_byte_for_byte(settings: Settings, tmp_path: Path) -> None:
    """A manifest leaves as it came, whatever its spaces, and whatever its dataset is called."""
    report = export(settings, ExportRequest(tmp_path / "out", ExportFormat.CSV))
    assert (tmp_path / "out" / "manifests" / f"{DATASET}.json").read_bytes() == BODY
    assert set(report.manifests) == {f"manifests/{DATASET}.json", f"manifests/{'04' * 16}.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"catalog.db", "out"} | {
        path.name for path in tmp_path.glob("catalog.db-*")
    }


def test_one_dataset_alone(settings: Settings, tmp_path: Path) -> None:
    """What belongs to other datasets stays out, through every table; buckets and the share belong to all."""
    report = export(settings, ExportRequest(tmp_path / "out", ExportFormat.CSV, datasets=(DATASET,)))
    rows = {one.table: one.rows for one in report.tables}
    wanted = {"mirrored_block": 100, "mirrored_object": 1, "manifest": 1, "annotation": 1, "run": 1, "bucket": 1}
    assert {table: rows[table] for table in wanted} == wanted
    other = export(settings, ExportRequest(tmp_path / "other", ExportFormat.CSV, datasets=(OTHER,)))
    assert {one.table for one in other.tables if one.rows} == {"bucket", "mirrored_object"}
    with pytest.raises(UnknownNameError, match="jrc_hela-2"):
        export(settings, ExportRequest(tmp_path / "none", datasets=("jrc_hela2",)))


def test_some_tables_alone(settings: Settings, tmp_path: Path) -> None:
    """`--tables` and `--no-blocks` leave tables out; one that there is not is refused."""
    without = export(settings, ExportRequest(tmp_path / "out", ExportFormat.CSV, with_blocks=False))
    assert set(metadata.tables) - {one.table for one in without.tables} == {"listed_block", "mirrored_block"}
    some = export(settings, ExportRequest(tmp_path / "some", ExportFormat.CSV, tables=("run",)))
    assert [one.file for one in some.tables] == ["run.csv"]
    assert some.manifests == ()
    with pytest.raises(UnknownNameError, match="volume"):
        export(settings, ExportRequest(tmp_path / "none", tables=("volumes",)))


def test_a_second_export_replaces_the_first(settings: Settings, tmp_path: Path) -> None:
    """Files of ours are replaced, those that are not written again stay and are named, others are not touched."""
    folder = tmp_path / "out"
    first = export(settings, ExportRequest(folder, ExportFormat.CSV))
    (folder / "notes.txt").write_text("mine")
    (folder / "run.csv").write_text("old")
    second = export(settings, ExportRequest(folder, ExportFormat.CSV, tables=("run",)))
    assert (folder / "run.csv").read_text() != "old"
    assert set(second.left_over) == {one.file for one in first.tables} - {"run.csv"} | set(first.manifests)
    assert (folder / "notes.txt").read_text() == "mine"
    third = export(settings, ExportRequest(folder, ExportFormat.CSV))
    assert third.left_over == ()
    assert not list(folder.rglob("*.part"))


def test_files_of_others_are_not_overwritten(settings: Settings, tmp_path: Path) -> None:
    """A folder that holds a file of the same name, and no export of ours, is refused before anything is written."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "run.csv").write_text("mine")
    with pytest.raises(UsageError, match=r"run\.csv"):
        export(settings, ExportRequest(folder, ExportFormat.CSV))
    assert [path.name for path in folder.iterdir()] == ["run.csv"]
    assert (folder / "run.csv").read_text() == "mine"


def test_an_export_that_was_stopped_is_gone_on_with(settings: Settings, tmp_path: Path) -> None:
    """What stops an export leaves whole files only, and the next one replaces them."""

    def stop(_: object) -> None:
        """Stop after the first table."""
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(settings, ExportRequest(tmp_path / "out", ExportFormat.CSV), on_table=stop)
    assert json.loads((tmp_path / "out" / "schema.json").read_text())["complete"] is False
    assert sorted(path.name for path in (tmp_path / "out").glob("*.*")) == ["annotation.csv", "schema.json"]
    assert export(settings, ExportRequest(tmp_path / "out", ExportFormat.CSV)).left_over == ()


def test_the_share_is_no_place_for_it(settings: Settings, tmp_path: Path) -> None:
    """Nothing is written on the share, not through a link either."""
    (tmp_path / "share").mkdir()
    os.symlink(tmp_path / "share", tmp_path / "link")
    for folder in (tmp_path / "share" / "out", tmp_path / "link" / "out"):
        with pytest.raises(UnsafeError, match="share"):
            export(settings, ExportRequest(folder))
    assert list((tmp_path / "share").iterdir()) == []


def test_the_fields_cover_the_tables() -> None:
    """Each column of the catalog has its field in the export, and a document's bytes have two."""
    for table, found in metadata.tables.items():
        names = {field.name for field in fields_of(table)}
        assert {column.name for column in found.columns} == names - {"body_hex"}
