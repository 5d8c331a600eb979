"""The commands, one after the other, as a new user runs them, on the small sample buckets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mirror.cli.main import main
from tests.mirror.cli.conftest import RunCommand, RunJson

CHOICE = ("jrc_hela-2", "--volumes", "raw", "--scales", "s1-")


def test_init_is_idempotent(lab: Path, run_text: RunCommand) -> None:
    """The first `init` writes, marks and makes; the second leaves all as it is."""
    (lab / "catalog.db").unlink()
    first = run_text("init", "--share", "share")
    text = (lab / "oomirror.toml").read_text()
    second = run_text("init", "--share", "share")
    assert "written" in first
    assert "marked now" in first
    assert (lab / "catalog.db").is_file()
    assert "was marked already" in second
    assert (lab / "oomirror.toml").read_text() == text
    assert f'share = "{lab / "share"}"' in text


def test_init_says_that_it_made_the_share(lab: Path, run_text: RunCommand) -> None:
    """A mount that is not there would be a folder of the local disk then; `..` in its path is nothing odd."""
    (lab / "work").mkdir()
    first = run_text("init", "--share", "work/../new")
    assert f"share          {lab / 'new'}: made, and marked now" in first
    again = run_text("init", "--share", "work/../new")
    assert f"share          {lab / 'new'}: was marked already" in again
    assert "it says share" not in again


def test_init_says_where_the_configuration_says_another_share(lab: Path, run_text: RunCommand) -> None:
    """A configuration that is there is never rewritten; where it names another share, that is said."""
    run_text("init", "--share", "share")
    second = run_text("init", "--share", "other", "--new-share")
    assert f"it says share = {lab / 'share'}" in second


def test_a_first_mirror(lab: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """Dry run, run, second run, scan, list, adopt: each says the same in text and in JSON."""
    run_text("init", "--share", "share")
    plan = run_text("sync", *CHOICE, "-n")
    assert "volumes/raw" in plan
    assert run_json("sync", "sync", *CHOICE, "-n")["run"] is None
    assert not (lab / "share" / "janelia-cosem-publications").exists()

    done = run_json("sync", "sync", *CHOICE, "--yes")
    assert done["transferred"]["objects"] > 0
    assert done["verified"]["md5"] == done["transferred"]
    assert "Nothing had to be fetched" in run_text("sync", *CHOICE)

    scanned = run_json("scan", "scan", "jrc_hela-2")
    assert [report["dataset"] for report in scanned] == ["jrc_hela-2"]
    levels = run_json("ls-dataset", "ls", "jrc_hela-2", "--bucket", "b")
    assert {line["level"]: line["state"] for line in levels if line["volume"] == "volumes/raw"}["s1"] == "whole"
    assert {line["bucket"] for line in run_json("ls", "ls")} == {"a", "b"}
    assert "listed just now" in run_text("ls", "jrc_hela-2", "--bucket", "b")
    assert "jrc_hela-2" in run_text("ls", "--bucket", "b")


def test_adopt_takes_what_lies_there(lab: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """Files of an earlier mirror come into a new catalog; one that differs is exit 4 and named."""
    run_text("init", "--share", "share")
    run_text("sync", *CHOICE)
    files = [file for file in (lab / "share" / "janelia-cosem-publications").rglob("*") if file.is_file()]
    (lab / "catalog.db").unlink()
    for rest in lab.glob("catalog.db-*"):
        rest.unlink()
    block = next(file for file in files if file.parts[-4:-3] == ("s1",))
    block.write_bytes(b"x" * block.stat().st_size)
    reports = run_json("adopt", "adopt", "jrc_hela-2", "--bucket", "b", code=4)
    assert [failed["path"] for failed in reports[0]["failed"]] == [str(block.relative_to(lab / "share"))]
    assert reports[0]["adopted"]["objects"] == len(files) - 1


def test_the_transport_is_chosen_by_flag_and_said(run_text: RunCommand, capsys: pytest.CaptureFixture[str]) -> None:
    """With -v each bucket's way is said, with its reason; without it nothing is; one that is none is exit 2."""

    def said(*words: str, code: int = 0) -> str:
        """Run a command and return what it said on stderr."""
        assert main(words) == code
        return capsys.readouterr().err

    run_text("init", "--share", "share")
    careful = said("scan", "jrc_hela-2", "--metadata-only", "--transport", "careful", "-v")
    assert "listed by aioboto3, objects by aioboto3, large ones by aioboto3: transport is careful" in careful
    fast = said("sync", *CHOICE, "-nv")
    assert "listed by aiohttp, objects by our ring, large ones by obstore: a public bucket" in fast
    assert "listed by" not in said("adopt", "jrc_hela-2", "--bucket", "b", "--transport", "fast")
    assert "careful" in said("sync", *CHOICE, "--transport", "slow", code=2)


def test_quiet_says_nothing(run_text: RunCommand, capsys: pytest.CaptureFixture[str]) -> None:
    """With -q a run that went well says nothing at all."""
    run_text("init", "--share", "share")
    assert run_text("sync", *CHOICE, "-q") == ""
    assert run_text("scan", "jrc_hela-2", "-q") == ""
    assert capsys.readouterr().err == ""


def test_the_log_tells_the_run(lab: Path, run_text: RunCommand) -> None:
    """`--log-json` holds the start, the plan, what was done, and the report."""
    run_text("init", "--share", "share")
    run_text("sync", *CHOICE, "--log-json", "log")
    events = [json.loads(line)["event"] for line in (lab / "log").read_text().splitlines()]
    assert events[0] == "started"
    assert events[-1] == "report"
    assert {"listed", "planned", "transfer_started", "objects_done"} <= set(events)


def test_the_configuration_is_found_before_and_after_the_command(
    lab: Path, run_text: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--config` may stand before the command or after it."""
    run_text("init", "--share", "share", "--config", "mine.toml")
    monkeypatch.delenv("OOMIRROR_CONFIG")
    assert "Plan for" in run_text("--config", "mine.toml", "sync", *CHOICE, "-n")
    assert "Plan for" in run_text("sync", *CHOICE, "-n", "--config", "mine.toml")


def test_a_dataset_of_the_other_bucket(run_text: RunCommand, run_json: RunJson) -> None:
    """A dataset that does not exist is exit 2, and the one that was meant is named."""
    run_text("init", "--share", "share")
    error = run_json("error", "sync", "jrc_hela2", "-n", code=2)
    assert "jrc_hela-2" in error["error"]["hint"]


def test_a_share_that_was_moved_away_is_unsafe(lab: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """When the share is gone, nothing is written: exit 5."""
    run_text("init", "--share", "share")
    shutil.move(lab / "share", lab / "elsewhere")
    assert run_json("error", "sync", *CHOICE, code=5)["error"]["thing"] == str(lab / "share")


def test_a_machine_without_a_catalog_reads_the_published_one(
    lab: Path, run_text: RunCommand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It needs to know the share and nothing else; stderr says once whose catalog is read, stdout stays as it was."""
    run_text("init", "--share", "share")
    run_text("sync", *CHOICE)
    there = run_text("ls", "jrc_hela-2", "--bucket", "b", "--json")
    monkeypatch.setenv("OOMIRROR_CATALOG", f"sqlite:///{lab}/none.db")
    assert main(["ls", "jrc_hela-2", "--bucket", "b", "--json"]) == 0
    said = capsys.readouterr()
    assert said.out == there
    assert said.err.startswith("Read from the catalog that was published on the share at ")
    assert said.err.count("\n") == 1
    for words in (("catalog", "volumes"), ("catalog", "info"), ("catalog", "sql", "SELECT 1"), ("why", "jrc_hela-2")):
        assert main(words) == 0
        assert "Read from the catalog" in capsys.readouterr().err
    assert main(["catalog", "objects", "jrc_hela-2"]) == 1
    assert "the machine that mirrors" in capsys.readouterr().err
