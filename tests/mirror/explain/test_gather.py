"""Every object of a dataset in one place; and the two sample buckets explained to the byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

import pytest

from mirror.demo.buckets import B_PREFIX, sample_objects
from mirror.demo.specimen import DATASETS, Scale
from mirror.errors import DamagedBlockError
from mirror.explain.causes import Cause, Place
from mirror.explain.dataset import explain_dataset
from mirror.explain.gather import KeySize, gather_array, gather_dataset, note_of
from mirror.explain.headers import EdgeStyle, judge_headers, wanted_headers
from mirror.explain.ranking import dataset_causes
from mirror.explain.result import Note
from mirror.explain.stored import BlockRow, StoredArray, StoredDataset
from mirror.formats.dataset import build_dataset
from mirror.formats.layout import Array, Dataset, Finding, FindingCode, Severity
from mirror.formats.n5.block import BlockHeader
from mirror.formats.n5.grid import BlockIndex, Grid, block_key, parse_block_key
from mirror.objects import Tally
from mirror.report.explained import diff_report
from tests.mirror.explain.builders import check_sums
from tests.mirror.formats.buckets import Bucket, bucket_a, bucket_b, walk

Samples = Mapping[str, Bucket]


def _found(objects: Bucket, name: str, root: str = "") -> Dataset:
    prefix = f"{root}{name}/"
    return build_dataset(name, prefix, walk(objects, prefix))


def _array(array: Array, objects: Bucket) -> StoredArray:
    """Return an array as a snapshot gives it: N5 blocks of three axes by their place, all else by key."""
    below = {key: len(body) for key, body in objects.items() if key.startswith(array.prefix)}
    facts = array.n5_facts
    if facts is None or facts.ndim != 3:
        return gather_array(array, below.items(), fault="" if array.facts else "not read")
    start = len(array.prefix)
    placed: list[BlockRow] = []
    by_key: list[KeySize] = []
    for key, size in below.items():
        index = parse_block_key(key[start:], 3)
        if index is None:
            by_key.append((key, size))
        else:
            placed.append((*index, size))
    tally = Tally(len(placed), sum(row[-1] for row in placed))
    headers = judge_headers(facts.grid, _headers(array, facts.grid, objects))
    return gather_array(array, by_key, placed=tally, rows=lambda: iter(sorted(placed)), headers=headers)


def _headers(array: Array, grid: Grid, objects: Bucket) -> Iterator[tuple[BlockIndex, BlockHeader]]:
    for index in wanted_headers(grid):
        key = array.prefix + block_key(index)
        # What is no block tells nothing of the others.
        with suppress(DamagedBlockError):
            yield index, BlockHeader.parse(objects.get(key, b""), key)


def _stored(objects: Bucket, dataset: Dataset) -> StoredDataset:
    arrays = {array.prefix: _array(array, objects) for volume in dataset.volumes() for array in volume.arrays}
    below = {key: body for key, body in objects.items() if key.startswith(dataset.prefix)}
    others = [(key, len(body)) for key, body in below.items() if not any(key.startswith(prefix) for prefix in arrays)]
    total = Tally(len(below), sum(map(len, below.values())))
    return gather_dataset(dataset, total, arrays, others)


def _check_places(stored: StoredDataset) -> None:
    """Check that the parts come to the whole."""
    placed = sum((volume.listed for volume in stored.volumes), Tally())
    assert sum((other.listed for other in stored.others), placed) == stored.total


@pytest.fixture(scope="module")
def tiny_buckets() -> Samples:
    """The two sample buckets in small, as dicts."""
    buckets: dict[str, Bucket] = {"a": {}, "b": {}}
    for sample in sample_objects(scale=Scale.TINY):
        buckets[sample.bucket][sample.key] = sample.body
    return buckets


@pytest.mark.parametrize("name", DATASETS)
def test_the_sample_buckets_are_explained_to_the_byte(tiny_buckets: Samples, name: str) -> None:
    """Every object is in one place, all causes sum to the difference, and nothing is unexplained."""
    a = _stored(tiny_buckets["a"], _found(tiny_buckets["a"], name))
    b = _stored(tiny_buckets["b"], _found(tiny_buckets["b"], name, B_PREFIX))
    for stored in (a, b):
        _check_places(stored)
    explained = explain_dataset(a, b)
    check_sums(explained)
    assert explained.unexplained_bytes == 0
    assert not explained.all_unexplained
    assert explained.difference_bytes == _bytes(tiny_buckets["a"], f"{name}/") - _bytes(
        tiny_buckets["b"], f"{B_PREFIX}{name}/"
    )
    (raw,) = [pair for pair in explained.pairs if pair.b_volume == "volumes/raw"]
    assert raw.a_volume == "em/fibsem-uint16"
    finest = raw.levels[0]
    assert finest.a.headers is not None
    assert finest.b.headers is not None
    assert finest.a.headers.edge_style is EdgeStyle.PADDED
    assert finest.b.headers.edge_style is EdgeStyle.TRUNCATED
    assert all(level.contributions[Cause.BYTES_PER_VOXEL] > 0 for level in raw.levels)
    places = {line.place for line in dataset_causes(explained)}
    assert {Place.FORMAT, Place.LOOSE_FILE, Place.METADATA, Place.VOLUME, None} <= places
    assert "A stores each voxel in 2 bytes (uint16) and B in 1 byte (uint8)" in diff_report([explained]).answer


def _bytes(objects: Bucket, prefix: str) -> int:
    return sum(len(body) for key, body in objects.items() if key.startswith(prefix))


@pytest.mark.parametrize("objects", [bucket_a(), bucket_b()], ids=["a", "b"])
def test_every_object_of_a_layout_is_in_one_place(objects: Bucket) -> None:
    """Whatever lies in a dataset's folder, its parts come to the whole, in both layouts."""
    prefix = next(iter(objects))
    root = prefix[: prefix.index("jrc_hela-2/")]
    stored = _stored(objects, _found(objects, "jrc_hela-2", root))
    _check_places(stored)
    alone = explain_dataset(stored, None)
    check_sums(alone)
    assert alone.unexplained_bytes == 0


def _odd_bucket() -> Iterator[tuple[str, bytes]]:
    root = "jrc_hela-2/jrc_hela-2.n5/"
    attributes = {"dataType": "uint8", "dimensions": [8, 8], "blockSize": [4, 4], "compression": {"type": "raw"}}
    yield "jrc_hela-2/README.json", b"{}"
    yield "jrc_hela-2/notes/2020/x.txt", b"abc"
    yield f"{root}attributes.json", b'{"n5": "2.0.0"}'
    yield f"{root}left-over.tmp", b"12345"
    yield f"{root}em/plane/attributes.json", json.dumps(attributes).encode()
    for index in ("0/0", "0/1", "1/0"):
        yield f"{root}em/plane/{index}", bytes(28)
    yield f"{root}em/plane/00/1", b"stray"


def test_odd_objects_have_places() -> None:
    """Loose files, what lies about in a container, blocks of two axes and strays beside them: each has its place."""
    stored = _stored(dict(_odd_bucket()), _found(dict(_odd_bucket()), "jrc_hela-2"))
    _check_places(stored)
    assert [(other.place, other.where, other.listed.bytes) for other in stored.others] == [
        (Place.LOOSE_FILE, "README.json", 2),
        (Place.LOOSE_FILE, "notes/2020/", 3),
        (Place.METADATA, "jrc_hela-2.n5", 15),
        (Place.STRAY, "jrc_hela-2.n5", 5),
    ]
    (plane,) = stored.volumes[0].arrays
    assert plane.blocks is not None
    assert list(plane.blocks()) == [(0, 0, 28), (0, 1, 28), (1, 0, 28)]
    assert plane.stray_examples == ("jrc_hela-2/jrc_hela-2.n5/em/plane/00/1",)
    assert plane.listed == Tally(5, 3 * 28 + 5 + plane.documents.bytes)


def test_some_volumes_alone_come_to_what_they_are() -> None:
    """Where only some volumes are asked for, the total is theirs, and nothing else is missed."""
    stored = gather_dataset(replace(_found(dict(_odd_bucket()), "jrc_hela-2"), containers=()), None, {}, [("x", 5)])
    assert stored.total == Tally(1, 5)


def test_a_finding_is_a_note() -> None:
    """What the check of metadata found stands in the report with its place."""
    finding = Finding(Severity.NOTE, FindingCode.PUBLISHED_SIZE, "jrc_x/README.json", "122 GB", "244 GB")
    assert note_of(finding) == Note("published-size", "jrc_x/README.json", "expected 122 GB, found 244 GB")


def test_an_array_that_is_not_given_is_an_error() -> None:
    """Who forgets an array is told, and no byte gets lost in silence."""
    with pytest.raises(KeyError):
        gather_dataset(_found(dict(_odd_bucket()), "jrc_hela-2"), Tally(), {}, [])
