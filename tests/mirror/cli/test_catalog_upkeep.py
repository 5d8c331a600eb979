"""`oomirror catalog info` and `vacuum`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from mirror.cli.main import main
from tests.mirror.cli.conftest import RunCommand, RunJson


def test_info_tells_what_the_catalog_holds(lab: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """After a scan: place, revision, tables, the listing with its age, and no forecast of so few runs."""
    run_text("init", "--share", "share")
    run_text("scan", "jrc_hela-2", "--bucket", "b")
    told = run_json("catalog-info", "catalog", "info")
    assert told["catalog"] == f"sqlite:///{lab}/catalog.db"
    assert told["runs"] == 1
    assert told["forecast"] is None
    (kept,) = told["snapshots"]
    assert (kept["bucket"], kept["dataset"], kept["scope"], kept["is_complete"]) == ("b", "jrc_hela-2", "all", True)
    (cost,) = told["listings"]
    assert cost["objects"] == kept["objects"] > 0
    tables = {line["table"]: line for line in told["tables"]}
    assert tables["listed_block"]["rows"] + tables["listed_object"]["rows"] >= kept["objects"]
    assert sum(line["bytes"] for line in told["tables"]) == told["used_bytes"]
    text = run_text("catalog", "info")
    assert f"{lab}/catalog.db: revision {told['revision']}, SQLite" in text
    assert "jrc_hela-2" in text
    assert "just now" in text
    assert "1 run: too few" in text
    assert run_text("catalog", "info", "--csv").startswith("table,rows,bytes,bytes_per_row,is_estimate\n")


def test_a_run_keeps_how_large_the_catalog_was(lab: Path, run_text: RunCommand) -> None:
    """The growth is told from what the runs themselves kept."""
    run_text("init", "--share", "share")
    run_text("scan", "jrc_hela-2", "--bucket", "b")
    with closing(sqlite3.connect(lab / "catalog.db")) as connection:
        (found,) = connection.execute("SELECT json_extract(counters, '$.catalog_bytes') FROM run").fetchone()
    assert found > 10_000


def test_vacuum_makes_the_file_small(lab: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """What was dropped is given back to the disk, and both sizes are told."""
    run_text("init", "--share", "share")
    run_text("scan", "jrc_hela-2", "--bucket", "b")
    with closing(sqlite3.connect(lab / "catalog.db")) as connection, connection:
        connection.execute("DELETE FROM snapshot_shard")
    told = run_json("catalog-vacuum", "catalog", "vacuum")
    assert told["dropped_shards"] > 0
    assert told["after"]["file_bytes"] < told["before"]["file_bytes"] + told["before"]["log_bytes"]
    assert told["after"]["free_bytes"] == 0
    assert "The catalog takes" in run_text("catalog", "vacuum")


def test_vacuum_waits_for_no_run(lab: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """A run that goes on is said, exit 1; one whose process is gone is closed and disturbs nobody."""
    run_text("init", "--share", "share")
    run_text("scan", "jrc_hela-2", "--bucket", "b")
    with closing(sqlite3.connect(lab / "catalog.db")) as connection, connection:
        connection.execute("UPDATE run SET state = 'running', pid = 1")
    error = run_json("error", "catalog", "vacuum", code=1)["error"]
    assert error["what"].startswith("a run goes on")
    assert "scan of jrc_hela-2, process 1" in error["thing"]
    with closing(sqlite3.connect(lab / "catalog.db")) as connection, connection:
        connection.execute("UPDATE run SET pid = 999999999")
    assert main(["catalog", "vacuum"]) == 0


def test_without_a_catalog_there_is_nothing_to_tell(lab: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """Neither command makes a catalog."""
    run_text("init", "--share", "share")
    (lab / "catalog.db").unlink()
    for command in ("info", "vacuum"):
        assert "there is no catalog" in run_json("error", "catalog", command, code=1)["error"]["what"]
        assert not (lab / "catalog.db").exists()
