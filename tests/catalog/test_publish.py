"""The sealed copy: what is in it, what is not, and that it says the same as the catalog."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from catalog import publish, queries
from catalog.errors import CatalogError
from catalog.publish import write_sealed_copy
from catalog.records import HOW_MD5, Count, FactRecord, MirrorState, Seal, SearchEntry
from catalog.sealed import open_sealed
from catalog.session import Catalog
from tests.catalog import builders
from tests.catalog.builders import BUCKET_B, CONTAINER, DATASET, START, at

SEAL = Seal(at(9), "node1", "0.1.0", "node1: sqlite:////catalog.db")
LEVEL = f"{CONTAINER}volumes/raw/s0/"
FOLDER = f"heinrich-2021a/{DATASET}/"


@pytest.fixture
def filled(catalog: Catalog) -> Catalog:
    """Return a catalog with one level: listed twice, mirrored, summed."""
    with catalog.begin() as connection:
        bucket = queries.bucket_id(connection, BUCKET_B)
        queries.remember_share(connection, "6f0c2a2e-0000-4000-8000-000000000000", "/mnt/lab", now=START)
        run = builders.start_run(connection, bucket)
        array = queries.put_array(connection, builders.array_record(bucket))
        for hour in (1, 2):
            taken = builders.start_snapshot(connection, bucket, run)
            for slab in range(3):
                queries.add_shard(
                    connection,
                    taken,
                    bucket_id=bucket,
                    array_id=array,
                    prefix=f"{LEVEL}{slab}/",
                    digest=f"{hour} {slab}".encode(),
                    blocks=builders.listed_block_rows(20 * hour, seed=slab),
                )
            digest, loose = f"{hour}".encode(), [(f"{FOLDER}thumbnail.jpg", 5, b"e", 0)]
            queries.add_shard(
                connection, taken, bucket_id=bucket, array_id=None, prefix=FOLDER, digest=digest, objects=loose
            )
            queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(hour))
        queries.put_mirrored_blocks(connection, builders.mirrored_block_rows(50, array, run))
        keys = (f"{LEVEL}attributes.json", f"{FOLDER}thumbnail.jpg", f"{FOLDER}notes.txt")
        queries.put_mirrored_objects(connection, [(bucket, key, 10, b"e", None, HOW_MD5, run) for key in keys])
        queries.put_documents(connection, [(bucket, keys[0], b"e", b"{}", b"h")])
        queries.put_facts(connection, DATASET, "s3://", [FactRecord(DATASET, "title", "s3://x", "A HeLa cell")])
        entry = SearchEntry(bucket, DATASET, "volume", f"{CONTAINER}volumes/raw/", "EM", "volumes raw em")
        queries.put_search_entries(connection, bucket, DATASET, [entry])
        queries.count_sums(connection, bucket, DATASET)
    return catalog


def everything(catalog: Catalog) -> list[object]:
    """Return what reading commands ask a catalog for."""
    with catalog.read() as connection:
        bucket = queries.find_bucket(connection, BUCKET_B)
        assert bucket is not None
        return [
            queries.share(connection),
            queries.dataset_names(connection, bucket),
            queries.dataset_state(connection, bucket, DATASET),
            queries.runs(connection),
            queries.facts(connection),
            queries.search(connection, "raw"),
            queries.documents(connection, bucket, ""),
            queries.newest_snapshot(connection, bucket, DATASET),
        ]


def rows_of(file: Path, table: str) -> int:
    """Return how many rows a table has."""
    connection = sqlite3.connect(file)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


def test_the_copy_says_what_the_catalog_says(filled: Catalog, tmp_path: Path) -> None:
    """Levels, sums, runs, facts, search: all that reading commands ask for is the same, and the seal tells of when."""
    file = tmp_path / "copy.sqlite"
    assert write_sealed_copy(filled, file, SEAL) == ()
    with open_sealed(file) as copy:
        assert everything(copy) == everything(filled)
        assert copy.seal == SEAL
        assert copy.is_published
        assert not filled.is_published


def test_the_copy_has_no_rows_of_blocks(filled: Catalog, tmp_path: Path) -> None:
    """Of a listing there is a sum for each array and one for the rest; of objects only documents and named ones."""
    file = tmp_path / "copy.sqlite"
    write_sealed_copy(filled, file, SEAL, kept_names=("thumbnail.jpg",))
    counts = {table: rows_of(file, table) for table in ("listed_block", "listed_object", "mirrored_block", "shard")}
    assert counts == {"listed_block": 0, "listed_object": 0, "mirrored_block": 0, "shard": 4}
    assert rows_of(file, "mirrored_object") == 2


def test_a_stale_sum_is_counted_for_the_copy(filled: Catalog, tmp_path: Path) -> None:
    """While another run writes, the copy has what is there at this moment; the catalog's own sum stays stale."""
    with filled.begin() as connection:
        queries.doubt_sums(connection, 1, [LEVEL])
        queries.put_mirrored_blocks(connection, [(1, 187, 0, 0, 7, b"e", None, HOW_MD5, 1)])
    counted = write_sealed_copy(filled, tmp_path / "copy.sqlite", SEAL)
    assert [(state.prefix, state.mirrored.objects) for state in counted] == [(LEVEL, 52)]
    with open_sealed(tmp_path / "copy.sqlite") as copy:
        assert everything(copy) == everything(filled)
    with filled.begin() as connection:
        queries.keep_sums(connection, counted)
        assert queries.count_sums(connection, 1, DATASET) == 1


def test_a_sum_that_was_never_made_is_counted_once(filled: Catalog, tmp_path: Path) -> None:
    """After an upgrade there are none: what was counted for one copy is kept for the next."""
    with filled.begin() as connection:
        connection.exec_driver_sql("DELETE FROM mirror_state")
    counted = write_sealed_copy(filled, tmp_path / "first.sqlite", SEAL)
    assert {state.prefix for state in counted} == {LEVEL, FOLDER}
    with filled.begin() as connection:
        queries.keep_sums(connection, counted)
    assert write_sealed_copy(filled, tmp_path / "second.sqlite", SEAL) == ()


def test_sums_that_are_there_are_not_replaced(filled: Catalog) -> None:
    """Another run may have counted meanwhile, or said that its rows change: that is newer."""
    with filled.begin() as connection:
        queries.keep_sums(connection, [MirrorState(1, LEVEL, Count(1, 1))])
        (level,) = queries.level_states(connection, 1, DATASET)
    assert level.mirrored.objects == 51


def test_large_documents_stay_out(filled: Catalog, tmp_path: Path) -> None:
    """One document of many megabytes does not travel to every reader."""
    large = b"x" * (publish.DOCUMENT_LIMIT_BYTES + 1)
    with filled.begin() as connection:
        queries.put_documents(connection, [(1, f"{FOLDER}index.json", b"e", large, b"h")])
    write_sealed_copy(filled, tmp_path / "copy.sqlite", SEAL)
    assert rows_of(tmp_path / "copy.sqlite", "document") == 1


def test_an_array_that_nobody_listed_is_in_the_copy(filled: Catalog, tmp_path: Path) -> None:
    """Its state is nothing, and it is said so."""
    with filled.begin() as connection:
        queries.put_array(connection, replace(builders.array_record(1), path="volumes/raw/s1"))
    write_sealed_copy(filled, tmp_path / "copy.sqlite", SEAL)
    with open_sealed(tmp_path / "copy.sqlite") as copy:
        assert everything(copy) == everything(filled)


def test_a_copy_that_cannot_be_written_is_an_error(filled: Catalog, tmp_path: Path) -> None:
    """A folder that is not there is told, and nothing is left."""
    with pytest.raises(CatalogError):
        write_sealed_copy(filled, tmp_path / "no" / "copy.sqlite", SEAL)
