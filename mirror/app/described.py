"""A dataset as discovery found it, written into the catalog: from the dataset down to its arrays, and what is odd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import (
    ArrayRecord,
    ContainerRecord,
    DatasetRecord,
    FactRecord,
    SearchEntry,
    VolumeRecord,
)
from mirror import __version__
from mirror.app.crops.check import check_crops
from mirror.app.crops.words import put_crop_entries
from mirror.app.findings import put_findings
from mirror.app.recalled import recall_dataset
from mirror.app.workplace import utc_now
from mirror.checksum import xxh3
from mirror.formats.check import check_dataset
from mirror.formats.check_manifest import check_manifest
from mirror.formats.kinds import classify_volume
from mirror.formats.layout import Array, Dataset, Volume
from mirror.formats.manifest import parse_manifest
from mirror.formats.organelles import title_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LARGEST = 2**63 - 1
METADATA = "metadata"
"""Origin of the findings that a look at the metadata makes."""
MANIFEST = "manifest"
"""Origin of what a manifest says, and of what it and the bucket do not agree about."""


def put_described(
    connection: Connection,
    bucket_id: int,
    url: str,
    dataset: Dataset,
    *,
    aliases: Iterable[str] = (),
    now: datetime,
) -> tuple[ArrayRecord, ...]:
    """Write what is known of a dataset; return its arrays, or none where all is as it was when it was last written.

    Parameters
    ----------
    aliases
        Old names of the bucket, which manifests may still use.
    """
    known = queries.find_dataset(connection, bucket_id, dataset.name)
    digest = _digest(connection, dataset)
    record = DatasetRecord(bucket_id, dataset.name, dataset.prefix, now, digest)
    dataset_id = queries.put_dataset(connection, record)
    if known is not None and known.digest == digest:
        return ()
    before = {one.key_prefix for one in queries.arrays(connection, bucket_id, dataset.prefix)}
    arrays = tuple(_put_containers(connection, bucket_id, url, dataset_id, dataset))
    queries.doubt_sums_around(connection, bucket_id, {one.key_prefix for one in arrays} - before)
    present = {container.prefix for container in dataset.containers}
    present |= {volume.prefix for volume in dataset.volumes()} | {array.key_prefix for array in arrays}
    queries.mark_absent(connection, replace(record, id=dataset_id), present=present)
    facts = [
        FactRecord(dataset.name, fact.name, f"{url}/{dataset.name}/{fact.source}", fact.value) for fact in dataset.facts
    ]
    # One bucket may be a folder of another, and tells nothing of what that one's documents say.
    queries.put_facts(connection, dataset.name, f"{url}/{dataset.name}/", facts)
    found = (*dataset.findings, *check_dataset(dataset))
    put_findings(connection, bucket_id, dataset.name, METADATA, found, now=now)
    compare_with_manifests(connection, url, dataset.name, aliases)
    check_crops(connection, dataset.name, now=now)
    for other_id, other_url in queries.buckets(connection).items():
        if other_id != bucket_id:
            # Its title may come from the documents of this one.
            put_search_entries(connection, other_id, other_url, dataset.name)
    return arrays


def compare_with_manifests(connection: Connection, url: str, name: str, aliases: Iterable[str]) -> int:
    """Compare what the catalog knows of a dataset with its manifest, and keep what is odd; return how much that is.

    Nothing where the catalog does not know the dataset in that bucket: it is compared when it is scanned.

    Parameters
    ----------
    aliases
        Old names of the bucket, which manifests may still use.
    """
    bucket_id = queries.find_bucket(connection, url)
    record = None if bucket_id is None else queries.find_dataset(connection, bucket_id, name)
    if bucket_id is None or record is None:
        return 0
    bucket = url.removeprefix("s3://").partition("/")[0]
    present_name = dict.fromkeys(aliases, bucket)
    manifests = [parse_manifest(one.body, one.source, present_name) for one in queries.manifests(connection, name)]
    dataset = recall_dataset(connection, record) if manifests else None
    found = [
        finding
        for manifest in manifests
        for finding in (*manifest.findings, *(check_manifest(dataset, manifest, bucket) if dataset else ()))
    ]
    put_findings(connection, bucket_id, name, MANIFEST, found, now=utc_now())
    put_search_entries(connection, bucket_id, url, name)
    return len(found)


def put_search_entries(connection: Connection, bucket_id: int, url: str, name: str) -> None:
    """Write what search finds of a dataset, from what the catalog knows of it."""
    record = queries.find_dataset(connection, bucket_id, name)
    if record is None or record.id is None:
        return
    title = _title(connection, name)
    said = {one.prefix: one for one in queries.annotations_below(connection, url, record.prefix)}
    entries = [
        SearchEntry(bucket_id, name, "dataset", record.prefix, title, queries.words_of(name, title)),
    ]
    for volume in queries.volumes(connection, record.id):
        if volume.is_present:
            note = said.get(volume.prefix)
            shown = (note.description if note else None) or _volume_title(volume)
            words = queries.words_of(volume.path, name, volume.kind or "", shown, _volume_title(volume))
            entries.append(SearchEntry(bucket_id, name, "volume", volume.prefix, shown, words))
    queries.put_search_entries(connection, bucket_id, name, entries)
    put_crop_entries(connection, name)


def _title(connection: Connection, name: str) -> str:
    titles = [str(fact.value) for fact in queries.facts(connection, name) if fact.name == "title"]
    return titles[0] if titles else name


def _volume_title(volume: VolumeRecord) -> str:
    organelle = title_of(volume.organelle_class) if volume.organelle_class else ""
    return " ".join(word for word in (organelle, volume.kind or "") if word)


def _digest(connection: Connection, dataset: Dataset) -> bytes:
    """Return a digest of all that is written: also of this version, which may understand more than the one before."""
    manifests = [one.hash for one in queries.manifests(connection, dataset.name)]
    return xxh3(repr((__version__, dataset, manifests)).encode("utf-8", "surrogateescape"))


def _put_containers(
    connection: Connection, bucket_id: int, url: str, dataset_id: int, dataset: Dataset
) -> Iterator[ArrayRecord]:
    said = {one.prefix: one.content_type for one in queries.annotations_below(connection, url, dataset.prefix)}
    for container in dataset.containers:
        record = ContainerRecord(dataset_id, container.prefix, container.format.value, container.version)
        container_id = queries.put_container(connection, record)
        for volume in container.volumes:
            volume_id = queries.put_volume(connection, volume_record(container_id, volume, said.get(volume.prefix)))
            for array in volume.arrays:
                if array.is_understood:
                    yield _put_array(connection, array_record(bucket_id, volume_id, array))


def _put_array(connection: Connection, record: ArrayRecord) -> ArrayRecord:
    return replace(record, id=queries.put_array(connection, record))


def volume_record(container_id: int, volume: Volume, content_type: str | None) -> VolumeRecord:
    """Return a volume as the catalog keeps it."""
    found = classify_volume(volume.path, volume.format, content_type=content_type)
    return VolumeRecord(container_id, volume.path, volume.prefix, found.kind.value, found.organelle_class)


def array_record(bucket_id: int, volume_id: int, array: Array) -> ArrayRecord:
    """Return an array as the catalog keeps it."""
    facts, placement = array.facts, array.placement
    return ArrayRecord(
        bucket_id=bucket_id,
        prefix=array.prefix.removesuffix(f"{array.path}/") if array.path else array.prefix,
        path=array.path,
        format=array.format.value,
        shape_xyz=facts.shape_xyz if facts else (),
        block_size_xyz=facts.block_size_xyz if facts else (),
        data_type=facts.data_type if facts else "",
        compression=facts.compression if facts else {},
        volume_id=volume_id,
        level_index=array.level_index,
        level_name=array.level_name,
        inner_block_size_xyz=facts.inner_block_size_xyz if facts else None,
        axes_xyz=facts.axes_xyz if facts else None,
        voxel_size_nm_xyz=placement.voxel_size_nm_xyz if placement else None,
        translation_nm_xyz=placement.translation_nm_xyz if placement else None,
        placement_source=placement.source if placement else None,
        n_blocks=_countable(array.n_blocks),
        raw_bytes=_countable(array.raw_bytes),
    )


def _countable(count: int | None) -> int | None:
    """Return a count if every database can hold it: a shape of nonsense must not end a run."""
    return count if count is not None and count <= _LARGEST else None
