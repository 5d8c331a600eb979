"""Metadata that cannot be read for a while, or that change: listings are understood as what they are now.

The server lists all the time; only what it says to a GET of a document changes.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mirror.app.diffing.run import DiffRequest, diff_buckets
from mirror.app.listings import list_level_table
from mirror.app.scan import scan
from mirror.app.upkeep import check_catalog
from mirror.app.verify.request import VerifyRequest
from mirror.app.verify.run import verify
from mirror.app.why.tell import why
from mirror.errors import ExitCode
from tests.faults import BUCKET, Ask, Fault, OddServer, Refuse, Stored, no_fault, run_odd_server
from tests.system.oddlab import LEVEL, ODD, QUICK, OddLab, make_oddlab, volumes_dataset

OTHER = "other-bucket"
GRIDS = {"volumes/raw/s0": (5, 4, 4), "labels/seg/s0": (2, 2, 2)}
OBJECTS = volumes_dataset(GRIDS)
ABSENT = f"{LEVEL}4/3/3"
N_BLOCKS = {"volumes/raw/s0": 79, "labels/seg/s0": 8}


def of_metadata(ask: Ask) -> Fault | None:
    """Refuse each GET of a document."""
    return Refuse(403, "AccessDenied") if ask.method == "GET" and ask.key.endswith(".json") else None


@pytest.fixture
def server() -> Iterator[OddServer]:
    """A server with the dataset in two buckets; in A each object is there twice as large, in B raw lacks a block."""
    with run_odd_server() as running:
        running.others[OTHER] = {
            key: Stored(body if key.endswith(".json") else body * 2) for key, body in OBJECTS.items() if key != ABSENT
        }
        for key, body in OBJECTS.items():
            if key != ABSENT:
                running.put(key, body)
        yield running


@pytest.fixture
def lab(server: OddServer, tmp_path: Path, blank_catalog: bytes) -> OddLab:
    """A lab that mirrors from it."""
    return make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog, other_name=OTHER)


def list_both(lab: OddLab) -> None:
    """Scan both buckets."""
    for bucket in ("a", "b"):
        asyncio.run(scan(lab.settings(), (ODD,), bucket=bucket))


def listed_blocks(lab: OddLab) -> dict[str, int]:
    """Return how many blocks the newest listing of B has by their places, by array."""
    query = """
        SELECT a.path, (SELECT count(*) FROM listed_block l WHERE l.shard_id = s.id), s.n_blocks
        FROM shard s JOIN array a ON a.id = s.array_id JOIN snapshot_shard p ON p.shard_id = s.id
        WHERE p.snapshot_id = (SELECT max(n.id) FROM snapshot n JOIN bucket b ON b.id = n.bucket_id WHERE b.url = ?)
    """
    with closing(sqlite3.connect(lab.catalog)) as connection:
        rows = connection.execute(query, (f"s3://{BUCKET}",)).fetchall()
    assert all(n_listed == n_blocks for _, n_listed, n_blocks in rows)
    return {path: n_blocks for path, _, n_blocks in rows}


def shards(lab: OddLab) -> list[tuple[object, ...]]:
    """Return the shards of arrays."""
    with closing(sqlite3.connect(lab.catalog)) as connection:
        return connection.execute("SELECT * FROM shard WHERE array_id IS NOT NULL ORDER BY id").fetchall()


def misread(lab: OddLab) -> list[str]:
    """Return the places of the listings that `catalog check --full` finds fault with."""
    return [one.place for one in check_catalog(lab.settings(), full=True) if one.check == "listings" and not one.good]


def is_all_told(lab: OddLab) -> None:
    """Check what each command says of the listings."""
    assert listed_blocks(lab) == N_BLOCKS
    assert misread(lab) == []
    settings = lab.settings()
    levels = {(one.bucket, one.volume): one for one in list_level_table(settings, ODD)}
    raw = levels["b", "volumes/raw"]
    assert raw.stored is not None
    assert (raw.stored.objects, raw.absent_blocks) == (79, 1)
    story = why(settings, f"s3://{BUCKET}/{ABSENT}", here=lab.folder).object
    assert story is not None
    assert story.verdict == "absent-upstream"
    checked = asyncio.run(verify(settings, VerifyRequest((ODD,), bucket="b")))
    assert checked.absent_upstream == 1
    explained = asyncio.run(diff_buckets(settings, DiffRequest((ODD,)))).report.datasets[0]
    assert explained.answer.startswith("A's raw is 2.0 times B's (")
    assert [pair.a_volume for pair in explained.pairs] == ["volumes/raw", "labels/seg"]


def test_blocks_listed_while_their_metadata_were_out_of_reach(server: OddServer, lab: OddLab) -> None:
    """Once the metadata can be read the next listing has blocks as blocks, and all that is told of them is right."""
    server.fault = of_metadata
    for _ in range(2):
        lab.mirror(policy=QUICK)
    list_both(lab)
    assert listed_blocks(lab) == {}
    assert misread(lab) == []
    server.fault = no_fault
    asyncio.run(scan(lab.settings(), (ODD,), metadata_only=True))
    places = [f"s3://{BUCKET}/{ODD}/{ODD}.n5/{path}/" for path in sorted(GRIDS)]
    assert misread(lab) == places
    assert lab.mirror().exit_code == ExitCode.DONE
    list_both(lab)
    is_all_told(lab)


def test_metadata_that_change_while_they_are_out_of_reach(server: OddServer, lab: OddLab) -> None:
    """A good listing outlives nights without metadata, and documents that changed meanwhile are understood later."""
    list_both(lab)
    lab.mirror()
    server.fault = of_metadata
    list_both(lab)
    assert listed_blocks(lab) == N_BLOCKS
    key = f"{LEVEL}attributes.json"
    server.put(key, OBJECTS[key] + b" ")
    for _ in range(3):
        list_both(lab)
    assert listed_blocks(lab) == {"labels/seg/s0": 8}
    server.fault = no_fault
    lab.mirror()
    list_both(lab)
    is_all_told(lab)


def test_a_sync_passes_over_what_was_mended(server: OddServer, lab: OddLab) -> None:
    """Of blocks that were listed as objects none is fetched again, and each has but one row."""
    server.fault = of_metadata
    lab.mirror(policy=QUICK)
    server.fault = no_fault
    assert lab.mirror().exit_code == ExitCode.DONE
    server.forget()
    assert lab.mirror().report.up_to_date.objects == len(server.objects)
    assert server.asked("GET") == []
    assert set(lab.proofs()) == set(server.objects)


def test_a_listing_that_is_taken_instead_of_a_new_one(lab: OddLab) -> None:
    """A sync that takes the last listing stores it as what that was: nothing is written twice."""
    asyncio.run(scan(lab.settings(), (ODD,)))
    before = shards(lab)
    lab.mirror(max_age_seconds=3600)
    assert shards(lab) == before
