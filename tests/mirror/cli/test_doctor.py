"""`oomirror doctor`, as a user runs it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.mirror.cli.conftest import RunCommand, RunJson


@pytest.fixture(autouse=True)
def made(run_text: RunCommand, monkeypatch: pytest.MonkeyPatch, lab: Path) -> None:
    """A share that is marked, and a catalog."""
    run_text("init", "--share", "share")
    monkeypatch.setenv("OOMIRROR_SHARE", str(lab / "share"))


def states(report: Any) -> dict[str, set[str]]:
    """Return the states of what was looked at, by name."""
    found: dict[str, set[str]] = {}
    for one in report["diagnoses"]:
        found.setdefault(one["name"], set()).add(one["state"])
    return found


def test_all_is_well(lab: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """Each thing has its line, no problem is found, and nothing is left on the share."""
    before = sorted(str(path) for path in (lab / "share").rglob("*"))
    report = run_json("doctor", "doctor")
    assert report["problems"] == 0
    looked_at = {
        "program",
        "extras",
        "share",
        "writable",
        "room",
        "inodes",
        "fsync",
        "names",
        "times",
        "catalog",
        "runs",
    }
    assert looked_at | {"bucket a", "bucket b"} <= set(states(report))
    assert {str(path) for path in (lab / "share").rglob("*")} - {*before, str(lab / "share/.oomirror/tmp")} == set()
    text = run_text("doctor", "--bucket", "b")
    assert "bucket b" in text
    assert "bucket a" not in text
    assert text.endswith("No problem found.\n")


def _lose_marker(lab: Path) -> None:
    (lab / "share/.oomirror/marker.json").unlink()


def _change_names(lab: Path) -> None:
    path = lab / "share/.oomirror/marker.json"
    document = json.loads(path.read_text())
    document["rules"]["is_case_blind"] = True
    path.write_text(json.dumps(document))


def _another_share(lab: Path) -> None:
    path = lab / "share/.oomirror/marker.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"uuid": "00000000-0000-4000-8000-000000000000"}))


def _older_catalog(lab: Path) -> None:
    with closing(sqlite3.connect(lab / "catalog.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "share-absent": (lambda lab: (lab / "share").rename(lab / "away"), "share"),
    "marker-absent": (_lose_marker, "share"),
    "another-share": (_another_share, "catalog"),
    "names-differ": (_change_names, "names"),
    "catalog-absent": (lambda lab: (lab / "catalog.db").unlink(), "catalog"),
    "catalog-older": (_older_catalog, "catalog"),
    "catalog-damaged": (lambda lab: (lab / "catalog.db").write_bytes(b"no database " * 999), "catalog"),
}


@pytest.mark.parametrize(("spoil", "name"), FAULTS.values(), ids=FAULTS.keys())
def test_problem(lab: Path, run_json: RunJson, spoil: Callable[[Path], object], name: str) -> None:
    """It is named, with a sentence of advice, exit 3; all else is looked at, too."""
    spoil(lab)
    report = run_json("doctor", "doctor", "--bucket", "b", code=3)
    problems = [one for one in report["diagnoses"] if one["state"] == "problem"]
    assert {one["name"] for one in problems} == {name}
    assert report["problems"] == len(problems)
    assert all(one["advice"].endswith(".") for one in problems), problems
    assert states(report)["bucket b"] == {"ok"}


def test_bucket_out_of_reach(lab: Path, run_json: RunJson, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that nobody serves, a bucket that is none, and one without anything are problems of that bucket."""
    monkeypatch.setenv("OOMIRROR_BUCKETS__A__ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OOMIRROR_BUCKETS__B__URL", "s3://janelia-cosem-publications/nothing-here")
    report = run_json("doctor", "doctor", code=3)
    assert states(report)["bucket a"] == {"problem"}
    assert states(report)["bucket b"] == {"ok", "problem"}


def test_left_overs_are_told(lab: Path, run_json: RunJson) -> None:
    """Rooms of killed runs and what lies in the trash are notes, no problems."""
    (lab / "share/.oomirror/tmp/0123").mkdir(parents=True)
    (lab / "share/.oomirror/trash/0123").mkdir(parents=True)
    report = run_json("doctor", "doctor", "--bucket", "b")
    assert (states(report)["left-overs"], states(report)["trash"]) == ({"note"}, {"note"})


def test_unknown_bucket(run_json: RunJson) -> None:
    """Exit 2, as everywhere."""
    run_json("error", "doctor", "--bucket", "z", code=2)


def test_mirrors_and_receivers(lab: Path, run_text: RunCommand, run_json: RunJson) -> None:
    """What keeps the mirror up to date and who is told of it is looked at, too; no secret is shown."""
    (lab / "oomirror.toml").write_text(
        '[[mirrors]]\ndataset = "jrc_x"\n'
        '[notify]\nwebhook = "http://ada:T0ken@127.0.0.1:9/T0ken"\ncommand = "cat T0ken"\n'
        f'metrics = "{lab}/x.prom"\n'
    )
    report = run_json("doctor", "doctor", "--bucket", "b", code=3)
    wanted = {"mirrors": {"note"}, "webhook": {"problem"}, "command": {"ok"}, "metrics": {"ok"}}
    assert wanted.items() <= states(report).items()
    assert "schedule" in states(report)
    text = run_text("doctor", "--bucket", "b", code=3)
    assert "http://127.0.0.1:9: cannot connect" in text
    assert "T0ken" not in f"{report}{text}"
