"""A catalog of the first revision, with rows of all kinds and a year of runs, comes to the newest and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from catalog import migrate, queries
from catalog.records import Count, RunKind, RunState
from catalog.session import migrating, open_catalog
from tests.catalog.builders import BUCKET_B, CONTAINER, DATASET

PREFIX = f"heinrich-2021a/{DATASET}/"
FINDING = {"bucket_id": 1, "dataset": DATASET, "severity": "warning", "expected": "a file", "found": "none"}
NIGHTS = range(1, 366)
MONTHLY = range(1, 13)


def at(night: int) -> str:
    """Return when the run of a night began, as SQLite holds it."""
    return (datetime(2025, 11, 25, 3, tzinfo=UTC) + timedelta(days=night)).isoformat(timespec="microseconds")


ROWS: dict[str, list[dict[str, Any]]] = {
    "bucket": [{"url": BUCKET_B}],
    "run": [
        {
            "kind": "sync",
            "bucket_id": 1,
            "datasets": json.dumps([DATASET]),
            "selection": "{}",
            "started_at": at(night),
            "finished_at": at(night),
            "state": "done",
            "exit_code": 0,
            "host": "node1",
            "pid": night,
            "version": "0.1.0",
        }
        for night in NIGHTS
    ],
    "array": [
        {
            "bucket_id": 1,
            "prefix": CONTAINER,
            "path": path,
            "format": "n5",
            "shape_xyz": "[128,64,64]",
            "block_size_xyz": "[64,64,64]",
            "data_type": "uint8",
            "compression": '{"type":"gzip"}',
        }
        for path in ("volumes/raw/s0", "volumes/raw/s1", "volumes/labels/er_contacts")
    ],
    "document": [{"bucket_id": 1, "key": f"{CONTAINER}attributes.json", "etag": b"e", "body": b"{}", "hash": b"h"}],
    "snapshot": [
        {
            "bucket_id": 1,
            "dataset": DATASET,
            "run_id": 30 * month,
            "scope": "all",
            "started_at": at(30 * month),
            "finished_at": at(30 * month),
            "is_complete": True,
            "objects": 3,
            "bytes": 30,
        }
        for month in MONTHLY
    ],
    "shard": [
        {"bucket_id": 1, "array_id": 1, "prefix": f"{CONTAINER}s0/", "digest": b"d", "objects": 3, "bytes": 30},
        {"bucket_id": 1, "array_id": None, "prefix": PREFIX, "digest": b"d", "objects": 1, "bytes": 7},
    ],
    "snapshot_shard": [{"snapshot_id": month, "shard_id": shard} for month in MONTHLY for shard in (1, 2)],
    "listed_block": [{"shard_id": 1, "x": x, "y": 0, "z": 0, "size": 10, "etag": b"e"} for x in range(2)],
    "listed_object": [{"shard_id": 1, "key": "attributes.json", "size": 10, "etag": b"e", "last_modified": 0}],
    "mirrored_block": [
        {"array_id": 1, "x": x, "y": 0, "z": 0, "size": 10, "etag": b"e", "hash": b"h", "how": 1, "run_id": NIGHTS[-1]}
        for x in range(2)
    ],
    "mirrored_object": [
        {"bucket_id": 1, "key": f"{PREFIX}README", "size": 5, "etag": b"e", "hash": b"h", "how": 4, "run_id": 9}
    ],
    # One that every run saw, one that only the first did.
    "finding": [{**FINDING, "run_id": run, "code": "no-metadata", "place": "a"} for run in NIGHTS]
    + [{**FINDING, "run_id": 1, "code": "odd-metadata", "place": "b"}],
}
KEPT = [name for name in ROWS if name != "finding"]


def contents(connection: Connection, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table as the first revision has them, sorted; shards and arrays without later columns."""
    names = list(ROWS[table][0])
    rows = connection.execute(text(f'SELECT {", ".join(names)} FROM "{table}"')).mappings()
    return sorted(({name: row[name] for name in names} for row in rows), key=repr)


@pytest.fixture
def first(make_empty: Callable[[], str]) -> str:
    """Return the URL of a filled catalog of the first revision."""
    url = make_empty()
    with migrating(url) as connection:
        migrate.upgrade(connection, "0001")
        for table, rows in ROWS.items():
            names = list(rows[0])
            marks = ", ".join(f":{name}" for name in names)
            connection.execute(text(f'INSERT INTO "{table}" ({", ".join(names)}) VALUES ({marks})'), rows)
    return url


def test_no_row_is_lost_on_the_way_to_the_newest_and_back(first: str) -> None:
    """All rows of the first revision are there at the newest, back at the first, and at the newest once more."""
    with migrating(first) as connection:
        before = {table: contents(connection, table) for table in KEPT}
    open_catalog(first).close()
    with migrating(first) as connection:
        assert {table: contents(connection, table) for table in KEPT} == before
        migrate.downgrade(connection, "0001")
    with migrating(first) as connection:
        assert {table: contents(connection, table) for table in KEPT} == before
        found = contents(connection, "finding")
    assert [(one["place"], one["run_id"]) for one in found] == [("a", NIGHTS[-1])]
    with open_catalog(first) as catalog, catalog.read() as connection:
        assert {table: contents(connection, table) for table in KEPT} == before
        assert migrate.drift(connection) == []


def test_a_year_of_runs_is_read_as_those_of_today(first: str) -> None:
    """Each night is there, the last one first, and listings and runs of today go on behind them."""
    with open_catalog(first) as catalog, catalog.begin() as connection:
        runs = list(queries.runs_of(connection, 1, DATASET, RunKind.SYNC))
        assert [run.started_at.isoformat(timespec="microseconds") for run in runs] == [
            at(night) for night in NIGHTS[::-1]
        ]
        assert {(run.state, run.exit_code) for run in runs} == {(RunState.DONE, 0)}
        assert len(queries.snapshots(connection)) == len(MONTHLY)
        last = queries.start_run(
            connection,
            kind=RunKind.SYNC,
            bucket_id=1,
            datasets=[DATASET],
            selection={},
            started_at=datetime.now(UTC),
            host="node1",
            pid=1,
            version="1",
        )
        assert last == NIGHTS[-1] + 1


def test_what_arrays_are_part_of_is_derived(first: str) -> None:
    """Dataset, container and volumes are there at once, and new ones get numbers of their own."""
    with open_catalog(first) as catalog, catalog.begin() as connection:
        (dataset,) = queries.datasets(connection, 1)
        assert (dataset.name, dataset.prefix, dataset.digest) == (DATASET, PREFIX, None)
        assert dataset.id is not None
        volumes = {one.path: one for one in queries.volumes(connection, dataset.id)}
        assert set(volumes) == {"volumes/raw", "volumes/labels/er_contacts"}
        levels = {one.path: (one.level_name, one.volume_id) for one in queries.arrays(connection, 1, PREFIX)}
        assert levels["volumes/raw/s1"] == ("s1", volumes["volumes/raw"].id)
        assert levels["volumes/labels/er_contacts"] == (None, volumes["volumes/labels/er_contacts"].id)
        queries.put_dataset(connection, type(dataset)(1, "jrc_hela-3", "heinrich-2021a/jrc_hela-3/"))
        assert [one.name for one in queries.datasets(connection, 1)] == [DATASET, "jrc_hela-3"]


def test_levels_are_counted_at_once(first: str) -> None:
    """What is listed and mirrored of a level is known right after the upgrade."""
    with open_catalog(first) as catalog, catalog.read() as connection:
        levels = {one.array.path: one for one in queries.level_states(connection, 1, DATASET)}
        loose = queries.loose_state(connection, 1, DATASET)
    raw = levels["volumes/raw/s0"]
    assert (raw.listed, raw.blocks, raw.mirrored) == (Count(3, 30), Count(2, 20), Count(2, 20))
    assert (loose.mirrored, loose.state.by_size_only) == (Count(1, 5), 1)


def test_findings_are_kept_once(first: str) -> None:
    """A finding of a year of runs is one that is open since the first; one that later runs did not see is closed."""
    with open_catalog(first) as catalog, catalog.read() as connection:
        found = {one.place: one for one in queries.findings(connection, with_closed=True)}
    assert {place: one.closed_at is None for place, one in found.items()} == {"a": True, "b": False}
    assert found["a"].first_seen_at == datetime.fromisoformat(at(1))
