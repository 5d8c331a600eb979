"""Which entry comes first, by the runs that the catalog has."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from catalog import migrate
from catalog.session import migrating, open_catalog
from mirror.app.refresh.entries import entries_of, in_turn
from mirror.app.refresh.history import History, history
from mirror.config import Settings, load_settings

START = datetime(2026, 1, 1, 3, tzinfo=UTC)
NAMES = ("jrc_x", "jrc_y", "jrc_z")


def settings_of(folder: Path) -> Settings:
    """Return settings of three mirrors, the last one of them chosen by scales and volumes."""
    (folder / "o.toml").touch()
    mirrors: list[dict[str, Any]] = [{"dataset": name} for name in NAMES[:2]]
    mirrors.append({"dataset": "jrc_z", "scales": "s0,s1", "volumes": ["raw", "labels/*"], "formats": "n5"})
    given: dict[str, Any] = {
        "catalog": f"sqlite:///{folder}/c.db",
        "buckets": {"x": {"url": "s3://lab"}},
        "default_bucket": "x",
        "mirrors": mirrors,
    }
    return load_settings(folder / "o.toml", given)


def put_run(connection: Connection, dataset: str, day: int, **more: Any) -> None:
    """Write a run as the first version did."""
    chosen: dict[str, Any] = {"scales": "all", "volumes": [], "formats": ["n5"], "with_unscaled": True, "chosen": []}
    if dataset == "jrc_z":
        chosen |= {"scales": "s0-s1", "volumes": ["labels/*", "raw"]}
    at = START + timedelta(days=day)
    stamp = "%Y-%m-%dT%H:%M:%S.%f+00:00"
    row = {
        "kind": "sync",
        "bucket_id": 1,
        "datasets": json.dumps([dataset], separators=(",", ":")),
        "selection": json.dumps({dataset: chosen}),
        "started_at": at.strftime(stamp),
        "finished_at": (at + timedelta(hours=1)).strftime(stamp),
        "state": "done",
        "exit_code": 0,
        "host": "node1",
        "pid": 1,
        "version": "0.1.0",
        **more,
    }
    names = ", ".join(row)
    connection.execute(text(f"INSERT INTO run ({names}) VALUES ({', '.join(f':{one}' for one in row)})"), row)


def turns(settings: Settings) -> tuple[list[str], dict[str, History]]:
    """Return the datasets in turn, and the history of each."""
    entries = entries_of(settings)
    with open_catalog(settings.catalog) as catalog, catalog.read() as connection:
        ordered = in_turn(entries, partial(history, connection))
        return [one.dataset for one in ordered], {one.dataset: history(connection, one) for one in entries}


def test_a_year_of_runs_of_the_first_version_tells_who_comes_first(tmp_path: Path) -> None:
    """After the upgrade, who was longest not finished comes first; runs that chose otherwise do not count."""
    settings = settings_of(tmp_path)
    with migrating(settings.catalog) as connection:
        migrate.upgrade(connection, "0001")
        connection.execute(text("INSERT INTO bucket (url) VALUES ('s3://lab')"))
        for day in range(365):
            put_run(connection, "jrc_x", day)
            put_run(connection, "jrc_y", day, exit_code=4 if day > 300 else 0)
            put_run(connection, "jrc_z", day, state="stopped" if day > 200 else "done")
        put_run(connection, "jrc_z", 365, selection=json.dumps({"jrc_z": {"scales": "s3", "volumes": []}}))
        put_run(connection, "jrc_y", 365)
        put_run(connection, "jrc_y", 366, state="running", finished_at=None, exit_code=None)
    order, histories = turns(settings)
    assert order == ["jrc_z", "jrc_x", "jrc_y"]
    hour = timedelta(hours=1)
    days = {name: _days(one) for name, one in histories.items()}
    assert days == {"jrc_x": (364, 364, 364, 364), "jrc_y": (366, 365, 365, 365), "jrc_z": (364, 364, 200, 200)}
    assert histories["jrc_x"].finished_at == START + timedelta(days=364) + hour


def _days(one: History) -> tuple[int | None, ...]:
    moments = (one.begun_at, one.ended_at, one.finished_at, one.well_at)
    return tuple(None if moment is None else (moment - START).days for moment in moments)


CHOICES: dict[str, tuple[dict[str, Any], list[str], bool]] = {
    "all, as earlier versions say it": ({}, ["jrc_x/a"], True),
    "only what crops touch": ({"crops": [], "crops_asked": "1", "padding": 0}, [], False),
    "all but what the entry wants": ({"exclude": ["jrc_x/a"]}, [], False),
    "the same left out": ({"exclude": ["jrc_x/a"]}, ["jrc_x/a"], True),
    "less left out": ({"exclude": ["jrc_x/a"]}, ["jrc_x/b", "jrc_x/a"], True),
    "other things left out": ({"exclude": ["jrc_x/a"]}, ["jrc_x/b"], False),
}


@pytest.mark.parametrize(("more", "exclude", "counts"), CHOICES.values(), ids=CHOICES.keys())
def test_a_run_counts_that_chose_what_the_entry_does(
    tmp_path: Path, blank_catalog: Path, more: dict[str, Any], exclude: list[str], counts: bool
) -> None:
    """Or more; one that took parts, or left out what the entry wants, is no run of it."""
    shutil.copy(blank_catalog, tmp_path / "c.db")
    settings = settings_of(tmp_path)
    chosen = {"scales": "all", "volumes": [], "formats": ["n5"], "with_unscaled": True, "chosen": [], **more}
    with migrating(settings.catalog) as connection:
        connection.execute(text("INSERT INTO bucket (url) VALUES ('s3://lab')"))
        put_run(connection, "jrc_x", 0, selection=json.dumps({"jrc_x": chosen}))
    mirrors = [one.model_copy(update={"exclude": tuple(exclude)}) for one in settings.mirrors]
    one = turns(settings.model_copy(update={"mirrors": tuple(mirrors)}))[1]["jrc_x"]
    assert (one.begun_at is not None, one.well_at is not None) == (counts, counts)


def test_without_runs_the_configuration_tells(tmp_path: Path) -> None:
    """Entries that were never begun keep their order, before all that were."""
    settings = settings_of(tmp_path)
    open_catalog(settings.catalog).close()
    assert turns(settings) == (list(NAMES), dict.fromkeys(NAMES, History()))
    with migrating(settings.catalog) as connection:
        connection.execute(text("INSERT INTO bucket (url) VALUES ('s3://lab')"))
        put_run(connection, "jrc_x", 0, state="stopped")
    assert turns(settings)[0] == ["jrc_y", "jrc_z", "jrc_x"]
