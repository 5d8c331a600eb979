"""`oomirror import-mongo`, and the commands that look at what it took: words, forms, exit codes, no password."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import pytest
from jsonschema import Draft202012Validator
from pymongo import MongoClient

from mirror.cli.main import main
from tests.catalog.mongo.sources import crop_fields, evaluation_fields, training_fields
from tests.mirror.app.crops.labs import write_crops
from tests.mirror.cli.conftest import SCHEMAS
from tests.mongo import MongoServer, run_mongo

PASSWORD = "s3cr3t%40pass"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty configuration, in an environment that leads to it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "oomirror.toml").write_text("")
    monkeypatch.setenv("OOMIRROR_CONFIG", str(tmp_path / "oomirror.toml"))
    monkeypatch.setenv("OOMIRROR_CATALOG", f"sqlite:///{tmp_path}/catalog.db")
    return tmp_path


def write_dump(file: Path, *documents: dict[str, Any]) -> Path:
    """Write documents as mongodump does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"".join(bson.encode(one) for one in documents))
    (file.parent / f"{file.stem}.metadata.json").write_text("{}")
    return file


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """Run a command, check its exit code, and return its stdout."""
    assert main(words) == code, capsys.readouterr().err
    return capsys.readouterr().out


def run_json(capsys: pytest.CaptureFixture[str], schema: str, *words: str, code: int = 0) -> Any:
    """Run a command with --json, check that the document fits its schema, and return it."""
    document = json.loads(run(capsys, *words, "--json", code=code))
    Draft202012Validator(json.loads((SCHEMAS / f"{schema}.json").read_text())).validate(document)
    return document


def test_a_dump_is_imported_once(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """A whole folder: the first time all is new, then nothing; a dry run makes no catalog."""
    write_dump(folder / "dump/crops/v0003.bson", *({"_id": n, **crop_fields(str(n))} for n in range(3)))
    write_dump(folder / "dump/evaluation/v0003.2.v0003.bson", *({"_id": n, **evaluation_fields()} for n in range(2)))
    planned = run(capsys, "import-mongo", "dump", "-n")
    assert "3 documents would be imported: 3 new." in planned
    assert "crops: jrc_hela-2 3" in planned
    assert not (folder / "catalog.db").exists()
    report = run_json(capsys, "import-mongo", "import-mongo", "dump")
    assert [(one["kind"], one["version"], one["documents"]["new"]) for one in report["sources"]] == [
        ("crops", "0003", 3),
        ("evaluations", "0003", 2),
    ]
    assert report["sources"][0]["labels_by_state"]["present_annotated"] == 15
    assert "3 unchanged" in run(capsys, "import-mongo", "dump")
    write_dump(folder / "dump/crops/v0003.bson", {"_id": 0, **crop_fields("0")})
    assert "--prune drops it" in run(capsys, "import-mongo", "dump/crops")
    assert "2 vanished, 2 dropped" in run(capsys, "import-mongo", "dump/crops", "--prune")
    assert [one["number"] for one in run_json(capsys, "crops-ls", "crops", "ls")] == ["0"]


def test_documents_that_are_not_understood_are_listed(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """Exit code 4, each with its place and the reason; the others are there."""
    lines = [json.dumps(training_fields("1")), "{no json", json.dumps({"note": "moved"})]
    (folder / "crops.json").write_text("\n".join(lines))
    shown = run(capsys, "import-mongo", "crops.json", code=4)
    assert "1 unreadable, 1 not understood" in shown
    assert "failed: line 2: expected" in shown
    assert "expected the crop's number, found null" in shown
    assert run(capsys, "import-mongo", "crops.json", "-q", code=4).count("failed:") == 2
    codes = {one["code"] for one in run_json(capsys, "catalog-issues", "catalog", "issues")}
    assert codes == {"unreadable", "not-understood", "unknown-dataset"}


def test_one_collection_that_fails_hides_no_other(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """Exit code 1, and the other collection is there."""
    write_dump(folder / "dump/crops/v0003.bson", {"_id": 1, **crop_fields("1")})
    cut = write_dump(
        folder / "dump/evaluation/v0003.2.v0003.bson", *({"_id": n, **evaluation_fields()} for n in range(40))
    )
    cut.write_bytes(cut.read_bytes()[:-20])
    report = run_json(capsys, "import-mongo", "import-mongo", "dump", code=1)
    assert [one["complete"] for one in report["sources"]] == [True, False]
    assert "cut off" in report["sources"][1]["error"]
    assert main(["import-mongo", "dump/evaluation"]) == 1
    assert "cut off" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param((), 2, "OOMIRROR_MONGO__URI", id="no source"),
        pytest.param(("nowhere.bson",), 2, "no such file", id="no file"),
        pytest.param(("empty.bson",), 1, "no document", id="an empty file"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_imported_is_said(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    """In a sentence, with what to do."""
    Path("empty.bson").touch()
    assert main(["import-mongo", *words]) == code
    assert said in capsys.readouterr().err


@pytest.fixture(scope="module")
def guarded() -> Iterator[MongoServer]:
    """A server with crops that wants a login."""
    with run_mongo() as server:
        with MongoClient[Any](server.uri) as client:
            client.crops.v0003.insert_many({"_id": number, **crop_fields(str(number))} for number in range(3))
        server.make_user("lab", "s3cr3t@pass", "crops", "evaluation")
        server.kill()
        server.start("--auth")
        yield server


def test_a_password_is_nowhere(
    capsys: pytest.CaptureFixture[str], folder: Path, guarded: MongoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in what is printed, in any form or failure, not in the log, not in the catalog."""
    uri = guarded.uri_of("lab", PASSWORD)
    words = ["import-mongo", uri, "--database", "crops", "--collection", "v0003", "--log-json", "log.json", "-v"]
    monkeypatch.setattr(sys, "argv", ["oomirror", *words])
    said = ""
    for more in ([], ["--json"], ["-n"]):
        assert main([*words, *more]) == 0
        said += "".join(capsys.readouterr())
    words[1] = guarded.uri_of("lab", f"{PASSWORD}x")
    assert main(words) == 1
    said += "".join(capsys.readouterr())
    monkeypatch.setenv("OOMIRROR_MONGO__URI", uri)
    assert main(["import-mongo"]) == 0
    for command in (
        ["catalog", "issues"],
        ["crops", "show", "1", "--documents"],
        ["catalog", "sql", "select * from import_source"],
    ):
        assert main(command) == 0
    said += "".join(capsys.readouterr())
    kept = b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())
    assert "mongodb://127.0.0.1" in said
    for secret in ("s3cr3t", "lab:"):
        assert secret not in said
        assert secret.encode() not in kept


COMMANDS = {
    "crops ls": ((), "crops-ls", "113", 4),
    "catalog issues": ((), "catalog-issues", "label-missing", 3),
    "catalog evaluations": ((), "catalog-evaluations", "setup01", 4),
    "catalog evaluations --best": (("--best",), "catalog-evaluations-best", "setup02", 1),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a catalog of crops; only read."""
    folder = tmp_path_factory.mktemp("filled")
    write_crops(folder)
    return folder


@pytest.fixture
def filled(folder: Path, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that leads to the catalog of crops."""
    monkeypatch.setenv("OOMIRROR_CATALOG", f"sqlite:///{written}/catalog.db")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(("command", "case"), COMMANDS.items(), ids=COMMANDS)
def test_each_listing_speaks_three_forms(
    capsys: pytest.CaptureFixture[str], command: str, case: tuple[tuple[str, ...], str, str, int]
) -> None:
    """Text for people, a JSON array that fits its schema, and CSV with a header and as many rows."""
    _, schema, shown, n = case
    words = command.split()
    assert shown in run(capsys, *words)
    assert len(run_json(capsys, schema, *words)) == n
    header, *rows = csv.reader(io.StringIO(run(capsys, *words, "--csv")))
    assert len(rows) == n
    assert {len(row) for row in rows} == {len(header)}


@pytest.mark.usefixtures("filled")
def test_a_crop_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """As text, and as JSON that fits its schema; one that is not known ends with exit code 2."""
    text = run(capsys, "crops", "show", "113")
    for line in (
        "Crop 113 of jrc_hela-2, ground truth 0003, validation",
        "  start z,y,x: 2975,25,3125",
        "  ground truth in bucket b: 1 array; on the share: whole, 2 objects, 14 B",
        "  present: 1 ECS, 2 Plasma membrane",
    ):
        assert line in text
    assert (
        run_json(capsys, "crops-show", "crops", "show", "113", "--documents")["documents"][0]["body"]["number"] == "113"
    )
    run(capsys, "crops", "show", "114", code=2)
