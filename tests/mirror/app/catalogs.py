"""A catalog of two buckets and two datasets, written without a server, for what only reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import (
    HOW_ADOPTED,
    HOW_MD5,
    HOW_SIZE_ONLY,
    AnnotationRecord,
    ArrayRecord,
    ContainerRecord,
    DatasetRecord,
    FactRecord,
    FindingRecord,
    ManifestRecord,
    RunKind,
    RunState,
    SnapshotScope,
    VolumeRecord,
)
from catalog.session import open_catalog
from mirror.config import Settings, load_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

HELA = "jrc_hela-2"
START = datetime(2026, 1, 2, 3, tzinfo=UTC)
ROOT_B = f"heinrich-2021a/{HELA}/"
N5 = f"{ROOT_B}{HELA}.n5/"


def write_catalog(folder: Path) -> Settings:
    """Write the catalog, a copy of the one that was made first, and return settings that lead to it.

    Bucket b has jrc_hela-2: raw with s0 (2 of 4 blocks stored, one of them on the share, adopted) and s1 (whole, by
    MD5), er_pred (mirrored in y, says a manifest), a mask that is gone, a README and a finding. Bucket a has a
    jrc_jurkat-1 that was only described.
    """
    settings = load_settings(None, {"catalog": f"sqlite:///{folder}/catalog.db", "share": folder / "share"})
    (folder / "catalog.db").write_bytes(_filled_catalog())
    return settings


@cache
def _filled_catalog() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder, "catalog.db")
        _fill(load_settings(None, {"catalog": f"sqlite:///{file}", "share": Path(folder, "share")}))
        return file.read_bytes()


def _fill(settings: Settings) -> None:
    with open_catalog(settings.catalog) as catalog, catalog.begin() as connection:
        bucket_a = queries.bucket_id(connection, str(settings.bucket("a").url))
        queries.put_dataset(connection, DatasetRecord(bucket_a, "jrc_jurkat-1", "jrc_jurkat-1/", START))
        _write_b(connection, str(settings.bucket("b").url))
        queries.put_array(connection, _array(bucket_a, None, "jrc_jurkat-1/j.n5/", "em/fibsem-uint16/s0"))


def _write_b(connection: Connection, url: str) -> None:
    bucket = queries.bucket_id(connection, url)
    dataset = queries.put_dataset(connection, DatasetRecord(bucket, HELA, ROOT_B, START))
    container = queries.put_container(connection, ContainerRecord(dataset, N5, "n5", "2.0.0"))
    arrays = {}
    for path, kind, organelle, levels in (
        ("volumes/raw", "em", None, ("s0", "s1")),
        ("volumes/labels/er_pred", "prediction", "er", ("s0",)),
        ("volumes/masks/old", "mask", None, ("",)),
    ):
        is_present = kind != "mask"
        record = VolumeRecord(container, path, f"{N5}{path}/", kind, organelle, is_present=is_present)
        volume = queries.put_volume(connection, record)
        for level in levels:
            place = f"{path}/{level}".rstrip("/")
            array = replace(_array(bucket, volume, N5, place), is_present=is_present)
            arrays[place] = queries.put_array(connection, array)
    run = _run(connection, bucket, RunKind.SCAN, {"listed": {"objects": 6, "bytes": 42}, "seconds": 1.5})
    _list(connection, bucket, run, arrays["volumes/raw/s0"], arrays["volumes/raw/s1"])
    sync = _run(connection, bucket, RunKind.SYNC, {"transferred": {"objects": 3, "bytes": 21}, "seconds": 60.0})
    size_only = HOW_SIZE_ONLY + HOW_ADOPTED
    queries.put_mirrored_blocks(
        connection,
        [
            (arrays["volumes/raw/s0"], 0, 0, 0, 7, b"e" * 16, None, size_only, sync),
            (arrays["volumes/raw/s1"], 0, 0, 0, 7, b"e" * 16, None, HOW_MD5, sync),
        ],
    )
    document = f"{N5}volumes/raw/s1/attributes.json"
    queries.put_mirrored_objects(connection, [(bucket, document, 9, b"e" * 16, None, HOW_MD5, sync)])
    queries.count_sums(connection, bucket, HELA)
    note = AnnotationRecord(0, url, f"{N5}volumes/labels/er_pred/", "er_pred", description="ER", is_mirrored_y=True)
    queries.put_manifest(connection, ManifestRecord(HELA, "manifest.json", START, b"{}", b"h"), [note])
    facts = [FactRecord(HELA, "title", "s3://x/README.json", "A HeLa cell"), FactRecord(HELA, "year", "s3://x/y", 2017)]
    queries.put_facts(connection, HELA, "s3://x/", facts)
    odd = FindingRecord(bucket, HELA, "metadata", "warning", "missing-level", f"{N5}volumes/raw/s2", "a level", "none")
    queries.put_findings(connection, bucket, HELA, "metadata", [odd, replace(odd, code="over")], now=START)
    queries.put_findings(connection, bucket, HELA, "metadata", [odd], now=START)


def _array(bucket: int, volume: int | None, prefix: str, path: str) -> ArrayRecord:
    name = path.rpartition("/")[2]
    is_level = name.startswith("s") and name[1:].isdecimal()
    return ArrayRecord(
        bucket_id=bucket,
        prefix=prefix,
        path=path,
        format="n5",
        shape_xyz=(100, 60, 20),
        block_size_xyz=(64, 64, 64),
        data_type="uint8",
        compression={"type": "gzip", "level": -1},
        volume_id=volume,
        level_index=int(name[1:]) if is_level else None,
        level_name=name if is_level else None,
        axes_xyz=("x", "y", "z"),
        voxel_size_nm_xyz=(4.0, 4.0, 5.24),
        translation_nm_xyz=(0.0, 1.0, 2.0),
        placement_source="transform",
        n_blocks=4,
        raw_bytes=120_000,
    )


def _run(connection: Connection, bucket: int, kind: RunKind, counters: dict[str, object]) -> int:
    run = queries.start_run(
        connection,
        kind=kind,
        bucket_id=bucket,
        datasets=[HELA],
        selection={},
        started_at=START,
        host="node1",
        pid=4711,
        version="0.1.0",
    )
    ended = START + timedelta(minutes=1)
    queries.finish_run(connection, run, state=RunState.DONE, exit_code=0, finished_at=ended, counters=counters)
    return run


def _list(connection: Connection, bucket: int, run: int, s0: int, s1: int) -> None:
    taken = queries.start_snapshot(
        connection, bucket_id=bucket, dataset=HELA, run_id=run, scope=SnapshotScope.ALL, started_at=START
    )
    for array_id, level, n in ((s0, "s0", 2), (s1, "s1", 1)):
        folder = f"{N5}volumes/raw/{level}/"
        queries.add_shard(
            connection,
            taken,
            bucket_id=bucket,
            array_id=array_id,
            prefix=folder,
            digest=level.encode(),
            blocks=[(x, 0, 0, 7, b"e" * 16) for x in range(n)],
            objects=[(f"{folder}attributes.json", 9, b"e" * 16, 0)],
        )
    loose = [(f"{ROOT_B}README.md", 5, b"r" * 16, 0)]
    queries.add_shard(connection, taken, bucket_id=bucket, array_id=None, prefix=ROOT_B, digest=b"loose", objects=loose)
    queries.finish_snapshot(connection, taken, is_complete=True, finished_at=START)
