"""`diff-buckets` on what is odd or broken: told as far as it goes, each byte in one place, and never a crash."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mirror.app.diffing.run import DiffRequest, diff_buckets
from mirror.app.diffing.sampling import SampleRequest
from mirror.app.scan import scan
from mirror.config import Settings
from mirror.demo.server import SeaweedServer
from mirror.engine.events import Event, Note
from mirror.errors import MirrorError, UnknownNameError
from mirror.formats.n5.block import encode_block
from mirror.formats.n5.compression import GzipCompression, RawCompression
from mirror.report.explanation import DatasetReport
from mirror.selection import parse_volumes
from tests.servers import Bucket

GZIP = {"type": "gzip", "level": 6}
ARRAY: dict[str, Any] = {"dimensions": [8, 8, 8], "blockSize": [4, 4, 4], "dataType": "uint8", "compression": GZIP}
ROOT = "cell/cell.n5/"


def block(seed: int, data_type: str = "uint8") -> bytes:
    """Return one block of an array as it is stored."""
    numbers = np.arange(64, dtype=data_type).reshape(4, 4, 4) * 3 + seed * 7
    return encode_block(numbers.astype(data_type), codec=GzipCompression(level=6))


def level(**attributes: object) -> dict[str, bytes]:
    """Return the objects of an array of eight blocks."""
    data_type = "uint16" if attributes.get("dataType") == "uint16" else "uint8"
    blocks = {f"{x}/{y}/{z}": block(x + y + z, data_type) for x in (0, 1) for y in (0, 1) for z in (0, 1)}
    return {"attributes.json": json.dumps(ARRAY | attributes).encode(), **blocks}


def below(prefix: str, objects: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return objects with a prefix before their keys."""
    return {prefix + key: body for key, body in objects.items()}


def dataset(*volumes: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the objects of a dataset of one container."""
    found = {f"{ROOT}attributes.json": b'{"n5":"2.0.0"}'}
    for volume in volumes:
        found |= volume
    return found


RAW = below(f"{ROOT}volumes/raw/s0/", level())
A_RAW = below(f"{ROOT}em/fibsem-uint16/s0/", level(dataType="uint16"))


@dataclass
class Pair:
    """Two buckets of a test's own, and a lab that reads them."""

    lab: Settings
    server: SeaweedServer
    buckets: dict[str, Bucket]
    sizes: dict[str, dict[str, int]] = field(default_factory=lambda: {"a": {}, "b": {}})

    def put(self, letter: str, objects: Mapping[str, bytes]) -> None:
        """Store objects in a bucket."""
        name = self.buckets[letter].name
        self.server.put_many((name, key, body) for key, body in objects.items())
        self.sizes[letter] |= {key: len(body) for key, body in objects.items()}

    def drop(self, letter: str) -> None:
        """Take all that was stored out of a bucket."""
        bucket = self.buckets[letter]
        for key in self.sizes[letter]:
            bucket.client.delete_object(Bucket=bucket.name, Key=key)
        self.sizes[letter] = {}

    def diff(self, *datasets: str, **knobs: Any) -> DatasetReport:
        """Return why the one dataset differs; its sums hold, and without a selection its sizes are the buckets'."""
        report = asyncio.run(diff_buckets(self.lab, DiffRequest(datasets or ("cell",), **knobs))).report
        (one,) = report.datasets
        check_sums(one)
        if not knobs.get("volumes"):
            assert (one.a.objects, one.a.bytes) == (len(self.sizes["a"]), sum(self.sizes["a"].values()))
            assert (one.b.objects, one.b.bytes) == (len(self.sizes["b"]), sum(self.sizes["b"].values()))
        return one

    def silence(self) -> Settings:
        """Return the lab with a bucket B that does not answer."""
        b = self.lab.buckets["b"].model_copy(update={"endpoint_url": "http://127.0.0.1:9"})
        return self.lab.model_copy(update={"buckets": {**self.lab.buckets, "b": b}})


def check_sums(one: DatasetReport) -> None:
    """Check that causes and contributions sum to the difference, to the byte."""
    assert one.difference_bytes == one.a.bytes - one.b.bytes
    assert sum(cause.bytes for cause in one.causes) == one.difference_bytes - one.unexplained_bytes
    for pair in one.pairs:
        assert sum(cause.bytes for cause in pair.causes) == pair.difference_bytes - pair.unexplained_bytes
        for one_level in pair.levels:
            made = sum(one_level.contributions.model_dump().values())
            assert made == one_level.difference_bytes - one_level.unexplained_bytes


@pytest.fixture
def pair(
    make_lab: Callable[..., Settings],
    s3: SeaweedServer,
    make_bucket: Callable[[], Bucket],
    tmp_path: Path,
    blank_catalog: Path,
) -> Pair:
    """Two empty buckets."""
    buckets = {"a": make_bucket(), "b": make_bucket()}
    places = {
        letter: {"url": f"s3://{bucket.name}", "endpoint_url": bucket.endpoint_url, "aliases": ()}
        for letter, bucket in buckets.items()
    }
    shutil.copy(blank_catalog, tmp_path / "catalog.db")
    return Pair(make_lab(buckets=places), s3, buckets)


@pytest.mark.parametrize("letter", ["a", "b"])
def test_a_dataset_in_one_bucket_only_is_all_of_the_difference(pair: Pair, letter: str) -> None:
    """All its bytes are that bucket's alone."""
    pair.put(letter, dataset(RAW))
    one = pair.diff()
    assert [(cause.cause, cause.bytes) for cause in one.causes] == [(f"only_in_{letter}", one.difference_bytes)]
    assert one.unexplained_bytes == 0


def test_volumes_without_a_pair_are_each_sides_alone(pair: Pair) -> None:
    """Nothing is laid beside what shows something else."""
    pair.put("a", dataset(below(f"{ROOT}labels/er_seg/s0/", level())))
    pair.put("b", dataset(RAW))
    one = pair.diff()
    assert (one.pairs, one.unexplained_bytes) == ((), 0)
    assert {only.where for only in one.only if only.place == "volume"} == {"labels/er_seg", "volumes/raw"}


BROKEN_ATTRIBUTES = {
    "no-JSON": b"{not json",
    "a-list": b"[]",
    "axes-disagree": json.dumps(ARRAY | {"dimensions": [8, 8]}).encode(),
    "blocks-of-no-voxel": json.dumps(ARRAY | {"blockSize": [0, 4, 4]}).encode(),
    "negative-shape": json.dumps(ARRAY | {"dimensions": [-8, 8, 8]}).encode(),
    "no-axis": json.dumps(ARRAY | {"dimensions": [], "blockSize": []}).encode(),
    "no-voxel": json.dumps(ARRAY | {"dimensions": [0, 8, 8]}).encode(),
    "very-large": json.dumps(ARRAY | {"dimensions": [2**62, 2**62, 2**62]}).encode(),
    "unknown-type": json.dumps(ARRAY | {"dataType": "uint7"}).encode(),
    "type-of-no-size": json.dumps(ARRAY | {"dataType": "object"}).encode(),
    "unknown-codec": json.dumps(ARRAY | {"compression": {"type": "zork", "level": [1]}}).encode(),
    "codec-is-a-word": json.dumps(ARRAY | {"compression": "gzip"}).encode(),
    "no-blocks": json.dumps({name: ARRAY[name] for name in ("dimensions", "dataType")}).encode(),
    "two-axes": json.dumps(ARRAY | {"dimensions": [8, 8], "blockSize": [4, 4]}).encode(),
    "four-axes": json.dumps(ARRAY | {"dimensions": [8, 8, 8, 1], "blockSize": [4, 4, 4, 1]}).encode(),
    "other-blocks": json.dumps(ARRAY | {"dimensions": [9, 8, 7], "blockSize": [3, 4, 5]}).encode(),
}


@pytest.mark.parametrize("letter", ["a", "b"])
def test_malformed_attributes_keep_every_byte_in_a_place(pair: Pair, letter: str) -> None:
    """Whatever a level's document says, sums hold and sizes are the buckets' own; a sample changes none of them."""
    sound = [below(f"{ROOT}labels/{name}_seg/s0/", level()) for name in BROKEN_ATTRIBUTES]
    broken = {f"{ROOT}labels/{name}_seg/s0/attributes.json": body for name, body in BROKEN_ATTRIBUTES.items()}
    bodies = {f"{ROOT}labels/{name}_seg/s0/1/0/1": b"only 19 bytes long." for name in BROKEN_ATTRIBUTES}
    pair.put("a", dataset(*sound))
    pair.put("b", dataset(*sound))
    pair.put(letter, broken | bodies)
    one = pair.diff()
    assert one.difference_bytes
    sampled = pair.diff(sample=SampleRequest(3))
    assert sampled.difference_bytes == one.difference_bytes
    assert sampled.unexplained_bytes == one.unexplained_bytes


def test_a_type_that_is_not_known_is_unexplained_with_its_bytes(pair: Pair) -> None:
    """Headers and blocks of one side are told; the payload of the common blocks is the rest."""
    pair.put("a", dataset(below(f"{ROOT}volumes/raw/s0/", level(dataType="object"))))
    pair.put("b", dataset(RAW))
    pair.put("a", {f"{ROOT}volumes/raw/s0/0/0/0": block(1) + b"more"})
    one = pair.diff()
    assert one.unexplained_bytes == len(block(1)) + 4 - len(block(0))
    (unexplained,) = one.unexplained
    assert unexplained.bytes == one.unexplained_bytes


def test_objects_shorter_than_their_header_are_damaged(pair: Pair) -> None:
    """They count whole, on their side."""
    pair.put("a", dataset(RAW))
    pair.put("b", dataset(RAW))
    pair.put("a", {f"{ROOT}volumes/raw/s0/1/1/1": b"12345", f"{ROOT}volumes/raw/s0/0/1/1": b""})
    one = pair.diff()
    (damaged,) = (cause for cause in one.pairs[0].causes if cause.place == "damaged object")
    assert (damaged.objects, damaged.bytes) == (2, 5)
    assert one.unexplained_bytes == 0


def test_blocks_that_do_not_decode_are_told_by_a_sample(pair: Pair) -> None:
    """No voxels are made up: the sums stay what they are, and the evidence says that nothing was to be told."""
    pair.put("a", dataset(RAW))
    pair.put("b", dataset(RAW))
    rubbish = {key: bytes(body[:16]) + b"no gzip" for key, body in RAW.items() if not key.endswith(".json")}
    pair.put("a", rubbish)
    one = pair.diff(sample=SampleRequest(4))
    words = " ".join(one.pairs[0].levels[0].evidence)
    assert "not to be told" in words
    assert "the same voxels" not in words
    assert one.unexplained_bytes == 0


def test_a_codec_that_is_not_known_is_told_by_a_sample(pair: Pair) -> None:
    """The accounting needs no codec, decoding does."""
    odd = below(f"{ROOT}volumes/raw/s0/", level(compression={"type": "zork"}))
    pair.put("a", dataset(odd))
    pair.put("b", dataset(RAW))
    one = pair.diff(sample=SampleRequest(4))
    assert one.unexplained_bytes == 0
    assert "not to be told" in " ".join(one.pairs[0].levels[0].evidence)


def test_small_blocks_have_headers_too(pair: Pair) -> None:
    """A block of a few bytes is not too short for its header to be read."""
    tiny = encode_block(np.zeros((2, 2, 2), np.uint8), codec=RawCompression())
    raw = {"dimensions": [2, 2, 2], "blockSize": [2, 2, 2], "compression": {"type": "raw"}}
    objects = {"attributes.json": json.dumps(ARRAY | raw).encode(), "0/0/0": tiny}
    for letter in ("a", "b"):
        pair.put(letter, dataset(below(f"{ROOT}volumes/raw/s0/", objects)))
    (one_level,) = pair.diff().pairs[0].levels
    assert (one_level.a.headers_read, one_level.b.headers_read) == (1, 1)


def test_keys_that_spell_one_chunk_twice_are_strays(pair: Pair) -> None:
    """A chunk of zarr may be spelled with dots or slashes; only one of the two is a chunk."""
    zarray = {
        "zarr_format": 2,
        "shape": [8, 8, 8],
        "chunks": [4, 4, 4],
        "dtype": "|u1",
        "compressor": None,
        "fill_value": 0,
        "order": "C",
        "filters": None,
    }
    chunks = {"0.0.0": b"x" * 64, "0/0/0": b"y" * 60, "c/0/0/0": b"z", "1.1.1": b"w" * 64}
    objects = {".zarray": json.dumps(zarray).encode(), **chunks}
    found = {"cell/cell.zarr/.zgroup": b'{"zarr_format":2}', **below("cell/cell.zarr/recon-1/em/raw/s0/", objects)}
    pair.put("a", found)
    pair.put("b", found | {"cell/cell.zarr/recon-1/em/raw/s0/1.1.1": b"w" * 60})
    one = pair.diff()
    assert one.difference_bytes == 4
    assert one.unexplained_bytes == 0


@pytest.mark.parametrize("letter", ["a", "b"])
def test_volumes_of_one_side_are_not_said_to_be_a_dataset(pair: Pair, letter: str) -> None:
    """The other bucket has the dataset, and no such volume."""
    pair.put("a", dataset(A_RAW))
    pair.put("b", dataset(RAW))
    pair.put(letter, below(f"{ROOT}labels/er_seg/s0/", level()))
    one = pair.diff(volumes=parse_volumes(["labels/er_seg"]))
    assert {(only.place, only.where) for only in one.only} == {("volume", "labels/er_seg")}
    assert "no dataset of this name" not in one.answer + str(one.only)
    assert abs(one.difference_bytes) == one.a.bytes + one.b.bytes > 0
    assert one.pairs == ()


def test_a_part_and_the_whole_answer_alike(pair: Pair) -> None:
    """`--volumes` answers from a listing of these volumes what it answers from one of all, and takes the newest."""
    for letter, raw in (("a", A_RAW), ("b", RAW)):
        pair.put(letter, dataset(raw, below(f"{ROOT}labels/er_seg/s0/", level())))
        pair.put(letter, {f"{ROOT}volumes/attributes.json": b"{}", f"{ROOT}em/attributes.json": b"{}"})
    chosen = parse_volumes(["raw"])
    part = pair.diff(volumes=chosen)
    for letter in ("a", "b"):
        asyncio.run(scan(pair.lab, ("cell",), bucket=letter))
    whole = pair.diff(volumes=chosen)
    assert whole.model_copy(update={"earlier": None, "a_source": None, "b_source": None}) == part.model_copy(
        update={"earlier": None, "a_source": None, "b_source": None}
    )
    assert part.a_source is not None
    assert whole.a_source is not None
    assert whole.a_source.snapshot != part.a_source.snapshot


def test_a_part_is_never_taken_for_the_whole(pair: Pair) -> None:
    """A listing of one volume, or of another one, does not answer for more."""
    for letter in ("a", "b"):
        pair.put(letter, dataset(RAW, below(f"{ROOT}labels/er_seg/s0/", level())))
    pair.diff(volumes=parse_volumes(["raw"]))
    seg = pair.diff(volumes=parse_volumes(["labels/er_seg"]))
    assert [one.a_volume for one in seg.pairs] == ["labels/er_seg"]
    assert seg.a.objects == 9
    assert pair.diff().a.objects == 19


def test_a_dataset_that_went_away_is_not_compared_after_a_rescan(pair: Pair) -> None:
    """What is listed again and is not there any more is told as such, not compared from an old listing."""
    pair.put("a", dataset(RAW))
    pair.put("b", dataset(RAW))
    assert pair.diff().difference_bytes == 0
    pair.drop("b")
    one = pair.diff(rescan=True)
    assert [only.place for only in one.only] == ["dataset"]
    assert one.b_source is None


@pytest.mark.parametrize(
    "knobs",
    [
        pytest.param({}, id="all"),
        pytest.param({"volumes": parse_volumes(["raw"])}, id="--volumes"),
        pytest.param({"sample": SampleRequest(3)}, id="--sample"),
    ],
)
@pytest.mark.parametrize("named", [("cell",), ()], ids=["named", "not named"])
def test_a_bucket_that_does_not_answer_is_compared_from_its_listing(
    pair: Pair, knobs: dict[str, Any], named: tuple[str, ...]
) -> None:
    """What was listed before is enough; that the bucket is silent is said once, and its headers are assumed."""
    pair.put("a", dataset(A_RAW))
    pair.put("b", dataset(RAW))
    before = pair.diff()
    told: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Note) and "listed before" in event.text:
            told.append(event.text)

    answer = asyncio.run(diff_buckets(pair.silence(), DiffRequest(named, **knobs), sink=hear))
    (one,) = answer.report.datasets
    check_sums(one)
    assert len(told) == 1
    (one_level,) = one.pairs[0].levels
    assert one_level.a.headers_read
    assert not one_level.b.headers_read
    if not knobs:
        assert one.difference_bytes == before.difference_bytes


def test_a_bucket_that_does_not_answer_and_was_never_listed_is_an_error(pair: Pair) -> None:
    """Nothing is made up for it."""
    pair.put("a", dataset(A_RAW))
    with pytest.raises(MirrorError, match=pair.buckets["b"].name):
        asyncio.run(diff_buckets(pair.silence(), DiffRequest(("cell",))))


def test_a_dataset_without_volumes_has_none_to_choose(pair: Pair) -> None:
    """It is there all the same."""
    for letter in ("a", "b"):
        pair.put(letter, {"cell/README.md": b"12345"})
    assert pair.diff().difference_bytes == 0
    with pytest.raises(UnknownNameError, match="no volume"):
        pair.diff(volumes=parse_volumes(["raw"]))
