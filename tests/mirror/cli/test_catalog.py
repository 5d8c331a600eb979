"""`oomirror catalog`: each command as text, as JSON that fits its schema, and as CSV."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mirror.cli.main import GROUPS, main
from tests.mirror.app.catalogs import HELA, write_catalog
from tests.mirror.cli.conftest import SCHEMAS

COMMANDS = {
    "datasets": ((), "jrc_jurkat-1", 2),
    "volumes": ((), "volumes/labels/er_pred", 2),
    "levels": (("--volume", "volumes/raw"), "gzip", 2),
    "objects": ((HELA,), f"{HELA}.n5/volumes/raw/s0/1/0/0", 6),
    "runs": ((), "sync", 2),
    "findings": ((), "missing-level", 1),
    "facts": ((), "A HeLa cell", 2),
    "check": ((), "sums: good", 4),
    "upgrade": ((), "already", 1),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a filled catalog, in an environment that leads to it."""
    write_catalog(tmp_path)
    (tmp_path / "oomirror.toml").write_text("")
    monkeypatch.setenv("OOMIRROR_CONFIG", str(tmp_path / "oomirror.toml"))
    monkeypatch.setenv("OOMIRROR_CATALOG", f"sqlite:///{tmp_path}/catalog.db")
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("command", "case"), COMMANDS.items(), ids=COMMANDS)
def test_each_command_speaks_three_forms(
    capsys: pytest.CaptureFixture[str], command: str, case: tuple[tuple[str, ...], str, int]
) -> None:
    """Text for people, a JSON array that fits its schema, and CSV with a header and as many rows."""
    words, shown, n = case
    forms = {}
    for form in ((), ("--json",), ("--csv",)):
        assert main(["catalog", command, *words, *form]) == 0
        forms[form] = capsys.readouterr().out
    assert shown in forms[()]
    document = json.loads(forms["--json",])
    schema = json.loads((SCHEMAS / f"catalog-{command}.json").read_text())
    Draft202012Validator(schema).validate(document)
    assert len(document) == n
    header, *rows = csv.reader(io.StringIO(forms["--csv",]))
    assert len(rows) == n
    assert {len(row) for row in rows} == {len(header)}


def test_each_command_is_tested() -> None:
    """None of this file's commands was added without a case; others have tests of their own."""
    assert {command.__name__ for command in GROUPS["catalog"][1]} >= set(COMMANDS)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", ["volumes", "levels"])
def test_the_long_form_says_more(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """`-l` adds a line to each."""
    assert main(["catalog", command, HELA]) == 0
    short = capsys.readouterr().out
    assert main(["catalog", command, HELA, "-l"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > len(short.splitlines())


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("levels", "--limit", "1"), "3 more;"),
        (("objects", HELA, "--limit", "2"), "4 more;"),
        (("objects", HELA, "--limit", "0"), ""),
    ],
    ids=["levels", "objects", "all objects"],
)
def test_what_a_limit_hides_is_said(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    """How many more there are stands on stderr, so that stdout stays one document."""
    assert main(["catalog", *words, "--json"]) == 0
    streams = capsys.readouterr()
    json.loads(streams.out)
    assert streams.err.startswith(said)
    assert bool(streams.err) == bool(said)


@pytest.mark.usefixtures("folder")
def test_units(capsys: pytest.CaptureFixture[str]) -> None:
    """Sizes are told in the units that were asked for."""
    assert main(["catalog", "levels", HELA, "--units", "iec"]) == 0
    assert "117.2 KiB" in capsys.readouterr().out


def test_a_fault_is_exit_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` lists what is wrong and says so by its exit code."""
    with closing(sqlite3.connect(folder / "catalog.db", isolation_level=None)) as raw:
        raw.execute("UPDATE mirror_state SET objects = 77")
    assert main(["catalog", "check"]) == 3
    assert "sums: FAULT" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("volumes", "jrc_hela"), "Did you mean jrc_hela-2?"),
        (("volumes", "--bucket", "bb"), "Did you mean b?"),
        (("volumes", "--kind", "predicton"), "Did you mean prediction?"),
        (("objects", "jrc_hela"), "Did you mean jrc_hela-2?"),
    ],
    ids=["dataset", "bucket", "kind", "objects"],
)
def test_an_unknown_name_is_exit_2(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], hint: str) -> None:
    """The nearest name is said, in the one document that `--json` prints."""
    assert main(["catalog", *words, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert hint in error["hint"]


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_catalog_is_exit_1(folder: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    """Each says how one is made, and makes none."""
    (folder / "catalog.db").unlink()
    assert main(["catalog", command, *COMMANDS[command][0]]) == 1
    assert "oomirror init" in capsys.readouterr().err
    assert not (folder / "catalog.db").exists()


@pytest.mark.usefixtures("folder")
def test_json_and_csv_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    """Two forms at once are wrong usage."""
    assert main(["catalog", "objects", HELA, "--json", "--csv"]) == 2
    assert "error" in json.loads(capsys.readouterr().out)
