"""What the doctor says of `[[mirrors]]`, and of who refreshes them."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from catalog import queries
from catalog.session import open_catalog
from mirror.app.doctor.mirrors import look_at_mirrors, look_at_schedule
from mirror.config import Settings, load_settings
from mirror.schedule import Crontab
from tests.mirror.app.refresh.test_history import START, put_run


def settings_of(folder: Path, *mirrors: dict[str, Any]) -> Settings:
    """Return settings of a lab with one more bucket, `x`."""
    (folder / "o.toml").touch()
    given = {"catalog": f"sqlite:///{folder}/c.db", "buckets": {"x": {"url": "s3://lab"}}, "default_bucket": "x"}
    return load_settings(folder / "o.toml", {**given, "mirrors": list(mirrors)})


@pytest.fixture
def catalog(tmp_path: Path, blank_catalog: Path) -> Path:
    """A catalog with runs of three datasets: well, well long ago, never well; a fourth was only seen."""
    shutil.copy(blank_catalog, tmp_path / "c.db")
    with open_catalog(f"sqlite:///{tmp_path}/c.db") as catalog, catalog.begin() as connection:
        connection.execute(text("INSERT INTO bucket (url) VALUES ('s3://lab')"))
        put_run(connection, "jrc_well", 9)
        put_run(connection, "jrc_long", 0)
        put_run(connection, "jrc_long", 9, exit_code=4)
        put_run(connection, "jrc_ill", 9, state="failed", exit_code=1)
        rows = [(1, f"jrc_{name}/a", 1, b"", b"", 0, 1) for name in ("well", "long", "ill", "seen")]
        queries.put_mirrored_objects(connection, rows)
    return tmp_path / "c.db"


def test_each_entry_has_its_line(tmp_path: Path, catalog: Path) -> None:
    """When it was last well; what was never seen, begun or well, or not for a week, has its advice."""
    names = ("jrc_well", "jrc_long", "jrc_ill", "jrc_seen", "jrc_unseen")
    settings = settings_of(tmp_path, *({"dataset": name} for name in names))
    before = catalog.read_bytes()
    said = list(look_at_mirrors(settings, now=START + timedelta(days=10)))
    assert [(one.state, one.found) for one in said] == [
        ("ok", "x/jrc_well: last finished well 23 h ago, 2026-01-10 04:00 UTC"),
        ("note", "x/jrc_long: last finished well 9 d ago, 2026-01-01 04:00 UTC"),
        ("note", "x/jrc_ill: was begun, and never finished well"),
        ("note", "x/jrc_seen: was never begun"),
        ("note", "x/jrc_unseen: the catalog has never seen this dataset"),
    ]
    assert all(one.advice.endswith(".") for one in said if one.state != "ok")
    assert catalog.read_bytes() == before


def test_entry_that_is_there_twice(tmp_path: Path, catalog: Path) -> None:
    """The same twice, however it is spelled, is a note."""
    settings = settings_of(
        tmp_path,
        {"dataset": "jrc_well", "volumes": ["raw", "labels/*"], "scales": "s0,s1"},
        {"dataset": "jrc_well", "volumes": ["labels/*", "raw"], "scales": "s0-s1", "bucket": "x"},
        {"dataset": "jrc_well", "volumes": ["raw"], "scales": "s0,s1"},
    )
    said = [one for one in look_at_mirrors(settings) if "jrc_well: was" not in one.found]
    assert [(one.state, one.found) for one in said] == [("note", "x/jrc_well: entries 1 and 2 are the same")]


def test_nothing_to_say(tmp_path: Path) -> None:
    """Of no entries; and without a catalog, of which another look tells, only what the configuration tells."""
    assert list(look_at_mirrors(settings_of(tmp_path))) == []
    assert list(look_at_schedule(settings_of(tmp_path))) == []
    assert list(look_at_mirrors(settings_of(tmp_path, {"dataset": "jrc_well"}))) == []


CRONTABS = {
    "ours": ("echo '0 3 * * * oomirror refresh # oomirror-schedule'", "ok", "refreshes [[mirrors]], next at"),
    "spoiled": ("echo '99 3 * * * oomirror refresh # oomirror-schedule'", "problem", "cron cannot run the line"),
    "others": ("echo '0 3 * * * backup'", "note", "does not refresh"),
    "none": ("echo no crontab for lab >&2; exit 1", "note", "does not refresh"),
    "refused": ("exit 1", "note", "cannot read the crontab"),
}


@pytest.mark.parametrize(("script", "state", "words"), CRONTABS.values(), ids=CRONTABS.keys())
def test_schedule(tmp_path: Path, script: str, state: str, words: str) -> None:
    """Whether cron refreshes the entries is told; where it does not, that is advice; where it cannot, a problem."""
    program = tmp_path / "crontab"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    (said,) = look_at_schedule(settings_of(tmp_path, {"dataset": "jrc_well"}), Crontab(str(program)))
    assert (said.state, words in said.found, bool(said.advice)) == (state, True, state != "ok")
