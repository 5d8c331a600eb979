"""`oomirror catalog sql`, as a user runs it."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.mirror.cli.conftest import RunCommand, RunJson

N_THREADS = 3
"""Of a process that runs a query: main, the one that watches signals, and the query's."""
ENDLESS = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t) SELECT count(*) FROM t"


@pytest.fixture(autouse=True)
def made(run_text: RunCommand) -> None:
    """A catalog that is made and empty."""
    run_text("init", "--share", "share")


def test_a_query_as_table_json_and_csv(run_text: RunCommand, run_json: RunJson) -> None:
    """The same rows in three forms; bytes are hex."""
    query = "SELECT 'er_seg' AS name, 2.5 AS size, x'00ff' AS hash, NULL AS none"
    assert run_text("catalog", "sql", query).splitlines() == ["name    size  hash  none", "er_seg   2.5  00ff"]
    assert run_json("catalog-sql", "catalog", "sql", query)["rows"] == [["er_seg", 2.5, "00ff", None]]
    assert run_text("catalog", "sql", query, "--csv") == "name,size,hash,none\ner_seg,2.5,00ff,\n"
    assert run_text("catalog", "sql", "SELECT url FROM bucket").strip() == "No rows. Columns: url."


def test_a_query_from_stdin(run_text: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is stdin, as a file of SQL is given to a program."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 1 AS one;\n"))
    assert run_text("catalog", "sql", "-", "--csv") == "one\n1\n"


def test_more_rows_than_the_limit_are_said(run_text: RunCommand, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows that are cut off are said on stderr; stdout stays what was asked for."""
    from mirror.cli.main import main

    assert main(["catalog", "sql", "VALUES (1), (2)", "--limit", "1", "--csv"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1:] == ["1"]
    assert "There are more rows; these are the first 1." in captured.err


def test_a_write_is_refused_in_a_sentence(lab: Path, run_json: RunJson) -> None:
    """A query that would write is exit 2, says so, and leaves the catalog's bytes as they are."""
    before = (lab / "catalog.db").read_bytes()
    error = run_json("error", "catalog", "sql", "DELETE FROM run", code=2)["error"]
    assert error["what"] == "the query would do more than read"
    assert "SELECT" in error["hint"]
    assert (lab / "catalog.db").read_bytes() == before


def test_no_query_and_two_forms_are_refused(run_json: RunJson) -> None:
    """Without a query the command says what to give; two forms at once are refused."""
    assert "--tables" in run_json("error", "catalog", "sql", code=2)["error"]["hint"]
    assert "two forms" in run_json("error", "catalog", "sql", "SELECT 1", "--csv", code=2)["error"]["what"]


def test_the_tables_are_told(run_text: RunCommand, run_json: RunJson) -> None:
    """`--tables` lists each column with type, unit and meaning."""
    columns = run_json("catalog-sql-tables", "catalog", "sql", "--tables")
    assert {"table": "volume", "column": "kind", "type": "text"}.items() <= next(
        one for one in columns if (one["table"], one["column"]) == ("volume", "kind")
    ).items()
    assert "array.block_size_xyz" in run_text("catalog", "sql", "--tables")


def test_ctrl_c_ends_a_long_query(lab: Path) -> None:
    """A query without an end is ended by Ctrl-C at once: exit 130."""
    words = [sys.executable, "-m", "oomirror", "catalog", "sql", ENDLESS]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None and psutil.Process(process.pid).num_threads() < N_THREADS:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped by SIGINT" in said
