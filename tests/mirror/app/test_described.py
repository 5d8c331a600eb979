"""What a look at a dataset leaves in the catalog."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.records import ArrayRecord, DatasetRecord, FactRecord, VolumeRecord
from catalog.session import open_catalog
from mirror.app.described import put_described
from mirror.app.recalled import recall_dataset
from mirror.app.scan import scan
from mirror.config import Settings
from mirror.formats.folder import Format
from mirror.formats.layout import Dataset, Fact

DATASET = "jrc_hela-2"
URL_A = "s3://janelia-cosem-datasets"
URL_B = "s3://janelia-cosem-publications/heinrich-2021a"


def look(lab: Settings, bucket: str) -> None:
    """Look at the sample dataset without listing blocks."""
    asyncio.run(scan(lab, (DATASET,), bucket=bucket, metadata_only=True))


def described(connection: Connection, url: str) -> tuple[DatasetRecord, dict[str, VolumeRecord]]:
    """Return the dataset, and its volumes by their prefix below it."""
    record = queries.find_dataset(connection, queries.bucket_id(connection, url), DATASET)
    assert record is not None
    assert record.id is not None
    return record, {
        one.prefix.removeprefix(record.prefix).rstrip("/"): one for one in queries.volumes(connection, record.id)
    }


def array_of(connection: Connection, record: DatasetRecord, path: str) -> ArrayRecord:
    """Return the array at a path of any container."""
    return next(one for one in queries.arrays(connection, record.bucket_id, record.prefix) if one.path == path)


def test_a_look_describes_every_volume(lab: Settings) -> None:
    """Each volume has its kind and organelle, each container its format and version; nothing is unknown."""
    look(lab, "a")
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        record, volumes = described(connection, URL_A)
        assert record.id is not None
        containers = {one.format: one.version for one in queries.containers(connection, record.id)}
    assert containers == {"n5": "2.0.0", "zarr": "2", "precomputed": None, "mesh": None}
    em = volumes["jrc_hela-2.n5/em/fibsem-uint16"]
    er = volumes["jrc_hela-2.n5/labels/er_seg"]
    assert (em.kind, em.organelle_class) == ("em", None)
    assert (er.kind, er.organelle_class) == ("segmentation", "er")
    assert {one.kind for one in volumes.values()}.isdisjoint({None, "unknown"})


def test_a_level_says_what_its_attributes_say(lab: Settings) -> None:
    """Shape, blocks, type, codec, place and sums of a level are those of its attributes.json."""
    look(lab, "a")
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        record, _ = described(connection, URL_A)
        level = array_of(connection, record, "em/fibsem-uint16/s1")
    assert (level.level_index, level.level_name, level.data_type) == (1, "s1", "uint16")
    assert level.voxel_size_nm_xyz == (8.0, 8.0, 10.48)
    assert level.translation_nm_xyz == (2.0, 2.0, 2.62)
    assert level.compression["type"] == "gzip"
    n_voxels = 1
    for n in level.shape_xyz:
        n_voxels *= n
    assert level.raw_bytes == 2 * n_voxels
    assert level.volume_id is not None


def test_facts_come_with_their_documents(lab: Settings) -> None:
    """What README.json, index.json and README.md say is kept, each with the document and its field."""
    look(lab, "a")
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        facts = queries.facts(connection, DATASET)
    titles = {one.source: one.value for one in facts if one.name == "title"}
    assert titles[f"{URL_A}/{DATASET}/README.json: title"] == "Interphase HeLa cell"
    assert len(titles) == 3


def test_an_unchanged_dataset_is_not_written_again(lab: Settings) -> None:
    """A second look changes nothing but the time of the look."""
    look(lab, "b")
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        before = list(connection.exec_driver_sql("select * from volume order by id"))
        findings = queries.findings(connection, with_closed=True)
    with open_catalog(lab.catalog) as catalog, catalog.begin() as connection:
        connection.exec_driver_sql("update volume set kind = 'ours' where id = 1")
    look(lab, "b")
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        after = list(connection.exec_driver_sql("select * from volume order by id"))
        assert queries.findings(connection, with_closed=True) == findings
    assert after[0].kind == "ours"
    assert after[1:] == before[1:]


def test_what_vanished_upstream_is_marked(lab: Settings) -> None:
    """A volume that the bucket has no more stays in the catalog, and is said to be gone."""
    look(lab, "b")
    with open_catalog(lab.catalog) as catalog, catalog.begin() as connection:
        record, volumes = described(connection, URL_B)
        container_id = volumes["jrc_hela-2.n5/volumes/raw"].container_id
        gone = VolumeRecord(container_id, "labels/gone", f"{record.prefix}gone/", "em", None)
        queries.put_volume(connection, gone)
        # As a version that understood less would have left it.
        queries.put_dataset(connection, DatasetRecord(record.bucket_id, DATASET, record.prefix))
    look(lab, "b")
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        _, volumes = described(connection, URL_B)
    assert [name for name, one in volumes.items() if not one.is_present] == ["gone"]


def test_a_remembered_dataset_is_what_was_found(lab: Settings) -> None:
    """Containers, volumes and levels come back from the catalog as the look found them."""
    look(lab, "a")
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        record, volumes = described(connection, URL_A)
        recalled = recall_dataset(connection, record)
    assert {volume.prefix for volume in recalled.volumes()} == {one.prefix for one in volumes.values()}
    raw = next(one for one in recalled.volumes() if one.path == "em/fibsem-uint16")
    assert [array.level_name for array in raw.arrays] == [f"s{i}" for i in range(len(raw.arrays))]
    assert raw.format is Format.N5
    assert raw.arrays[0].placement is not None
    assert raw.arrays[0].placement.voxel_size_nm_xyz == (4.0, 4.0, 5.24)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        pytest.param("mito seg", "labels/mito_seg", id="name"),
        pytest.param("endoplasmic prediction", "labels/er_pred", id="organelle and kind"),
        pytest.param("fibsem uint", "em/fibsem-uint16", id="beginnings"),
    ],
)
def test_volumes_are_found_by_words(lab: Settings, words: str, path: str) -> None:
    """Names, kinds and organelles of volumes can be searched after a look."""
    look(lab, "a")
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        places = [entry.place for entry in queries.search(connection, words)]
    assert f"{DATASET}/{DATASET}.n5/{path}/" in places


def test_a_title_is_found_in_both_buckets(lab: Settings) -> None:
    """One bucket says it, also after the other was looked at."""
    look(lab, "b")
    look(lab, "a")
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        found = [entry.place for entry in queries.search(connection, "interphase") if entry.kind == "dataset"]
    assert sorted(found) == [f"heinrich-2021a/{DATASET}/", f"{DATASET}/"]


def test_a_bucket_inside_another_keeps_what_its_documents_say(lab: Settings) -> None:
    """What the outer one's documents say takes the place of what they said, and of nothing else."""
    dataset = Dataset(DATASET, f"{DATASET}/", (), (), (), (), facts=(Fact("title", "a cell", "README.json: title"),))
    inner = FactRecord(DATASET, "title", f"s3://outer/inner/{DATASET}/README.json: title", "the same cell")
    with open_catalog(lab.catalog) as catalog, catalog.begin() as connection:
        queries.put_facts(connection, DATASET, f"s3://outer/inner/{DATASET}/", [inner])
        outer = queries.bucket_id(connection, "s3://outer")
        put_described(connection, outer, "s3://outer", dataset, now=datetime.now(UTC))
        assert {fact.value for fact in queries.facts(connection, DATASET)} == {"a cell", "the same cell"}
