"""The page of a mirror, as the catalog tells it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from catalog import queries
from catalog.records import ArrayRecord, Count, FactRecord, FindingRecord, LevelState, MirrorState, RunKind
from catalog.sealed import open_sealed
from catalog.session import open_catalog
from mirror.app.page import page_of, wholeness
from mirror.app.publish import Publisher
from mirror.app.reading import published_file
from mirror.app.scan import scan
from mirror.app.sync import SyncRequest, sync
from mirror.config import Settings
from mirror.report.html.page import Page, Wholeness
from mirror.selection import SelectionSpec, parse_scales, parse_volumes
from mirror.store.share import Share

DATASET = "jrc_hela-2"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
ARRAY = ArrayRecord(1, "d/d.n5/", "raw/s0", "n5", (), (), "uint8", {})
STATE = MirrorState(1, "d/d.n5/raw/s0/", Count(3, 30), is_published=True)


def page_on(lab: Settings) -> Page:
    """Return the page of what is published on the share."""
    with open_sealed(published_file(lab.share_root())) as catalog:
        return page_of(catalog, lab.share_root(), None)


@pytest.fixture
def mirrored(lab: Settings) -> Settings:
    """Return a lab that has listed all of a dataset, and mirrored the EM's coarse levels from both buckets."""
    spec = SelectionSpec(volumes=parse_volumes(["raw"]), scales=parse_scales("s1-"))
    asyncio.run(scan(lab, (DATASET,), bucket="b"))
    for bucket in ("b", "a"):
        asyncio.run(sync(lab, SyncRequest((DATASET,), bucket, spec)))
    return lab


def test_the_page_shows_what_the_mirror_has(mirrored: Settings) -> None:
    """One dataset from two buckets, its EM with levels that are whole and one that is not here, all verified by MD5."""
    (dataset,) = page_on(mirrored).here
    assert [bucket.url for bucket in dataset.buckets] == [
        "s3://janelia-cosem-datasets/jrc_hela-2",
        "s3://janelia-cosem-publications/heinrich-2021a/jrc_hela-2",
    ]
    volumes = {volume.path: volume for volume in dataset.buckets[1].volumes}
    raw = volumes["volumes/raw"]
    states = {level.name: level.wholeness for level in raw.levels}
    assert states.pop("s0") is Wholeness.NONE
    assert set(states.values()) == {Wholeness.WHOLE}
    assert raw.shows == "EM"
    assert raw.checked.md5 == raw.here.objects
    assert "jrc_hela-2.n5/volumes/labels/er_seg" in dataset.buckets[1].absent_paths
    assert dataset.thumbnail == "janelia-cosem-datasets/jrc_hela-2/thumbnail.jpg"
    assert (mirrored.share_root() / dataset.thumbnail).is_file()
    assert not dataset.is_running
    files = [path for path in mirrored.share_root().rglob("janelia*/**/*") if path.is_file()]
    assert dataset.here.objects == len(files)
    assert dataset.here.bytes == sum(path.stat().st_size for path in files)


def test_the_page_has_what_documents_say_and_what_is_odd(mirrored: Settings) -> None:
    """Title, organism and voxel size; findings with the worst first; a run that goes on."""
    facts = {"title": "HeLa", "organism": ["Homo sapiens", "x"], "voxel_size_nm_xyz": [4.0, 4.0, 5.24]}
    with open_catalog(mirrored.catalog) as catalog:
        with catalog.begin() as connection:
            bucket = queries.find_bucket(connection, "s3://janelia-cosem-datasets") or 0
            said = [FactRecord(DATASET, name, "s3://test", value) for name, value in facts.items()]
            queries.put_facts(connection, DATASET, "s3://", said)
            odd = [FindingRecord(bucket, DATASET, "test", word, "c", word) for word in ("note", "warning", "error")]
            queries.put_findings(connection, bucket, DATASET, "test", odd, now=NOW)
            queries.start_run(
                connection,
                kind=RunKind.SYNC,
                bucket_id=bucket,
                datasets=[DATASET],
                selection={},
                started_at=NOW,
                host="node2",
                pid=1,
                version="0",
            )
        assert Publisher.of(mirrored, catalog, Share(mirrored.share_root())).publish() == ()
    (dataset,) = page_on(mirrored).here
    assert (dataset.title, dataset.organism) == ("HeLa", "Homo sapiens, x")
    assert dataset.voxel_size_nm_zyx == (5.24, 4.0, 4.0)
    assert [one.severity for one in dataset.oddities if one.code == "c"] == ["error", "warning", "note"]
    assert dataset.is_running


@pytest.mark.parametrize(
    ("listed", "state", "expected"),
    [
        pytest.param(Count(3, 30), STATE, Wholeness.WHOLE, id="all"),
        pytest.param(Count(4, 40), STATE, Wholeness.PARTIAL, id="fewer"),
        pytest.param(Count(2, 20), STATE, Wholeness.WHOLE, id="more-than-the-bucket-has-by-now"),
        pytest.param(Count(3, 30), replace(STATE, is_published=False), Wholeness.PARTIAL, id="does-not-open-yet"),
        pytest.param(Count(3, 30), replace(STATE, mirrored=Count()), Wholeness.NONE, id="none"),
        pytest.param(None, STATE, Wholeness.UNKNOWN, id="never-listed"),
    ],
)
def test_how_whole_a_level_is(listed: Count | None, state: MirrorState, expected: Wholeness) -> None:
    """By the objects of its newest listing."""
    assert wholeness(LevelState(ARRAY, listed, NOW, state)) is expected
