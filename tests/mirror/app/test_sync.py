"""What opens a whole tree comes when the tree is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mirror.app.setup import init
from mirror.app.sync import SyncRequest, sync
from mirror.config import Settings, load_settings
from mirror.selection import SelectionSpec, parse_formats
from tests.servers import Bucket

INFO = "jrc_x/neuroglancer/em/x.precomputed/info"
CHUNK = "jrc_x/neuroglancer/em/x.precomputed/s0/0-1_0-1_0-1"


ARRAY = "jrc_x/jrc_x.n5/raw/s0/"


def attributes_of(n_blocks: int, data_type: str) -> bytes:
    """Return the attributes of blocks in a row."""
    shape = f'"dimensions": [{n_blocks},1,1], "blockSize": [1,1,1]'
    return f'{{{shape}, "dataType": "{data_type}", "compression": {{"type": "raw"}}}}'.encode()


def lab_of(bucket: Bucket, tmp_path: Path) -> Settings:
    """Return settings over one bucket called x, with a marked share."""
    (tmp_path / "o.toml").write_text("")
    place = {"url": f"s3://{bucket.name}", "endpoint_url": bucket.endpoint_url}
    given = {"share": tmp_path / "share", "catalog": f"sqlite:///{tmp_path}/c.db", "buckets": {"x": place}}
    settings = load_settings(tmp_path / "o.toml", given)
    init(settings, config=tmp_path / "o.toml")
    return settings


def test_a_level_that_is_stored_anew_is_closed_until_it_is_whole(bucket: Bucket, tmp_path: Path) -> None:
    """Old metadata never lie beside new blocks: they go to the trash first, and the new ones come last."""
    settings = lab_of(bucket, tmp_path)
    root = settings.share_root() / bucket.name
    for number in range(3):
        bucket.put(f"{ARRAY}{number}/0/0", b"old")
    bucket.put(f"{ARRAY}attributes.json", attributes_of(3, "uint8"))
    request = SyncRequest(("jrc_x",), "x")
    assert asyncio.run(sync(settings, request)).failed == ()
    for number in range(3):
        bucket.put(f"{ARRAY}{number}/0/0", b"newer")
    bucket.put(f"{ARRAY}attributes.json", attributes_of(3, "uint16"))
    (root / ARRAY / "1/0/0").unlink()
    (root / ARRAY / "1/0/0").mkdir()
    assert [one.key for one in asyncio.run(sync(settings, request)).failed] == [f"{ARRAY}1/0/0"]
    assert not (root / ARRAY / "attributes.json").exists()
    (root / ARRAY / "1/0/0").rmdir()
    assert asyncio.run(sync(settings, request)).failed == ()
    assert (root / ARRAY / "attributes.json").read_bytes() == attributes_of(3, "uint16")


def test_precomputed_opens_when_its_chunks_are_there(bucket: Bucket, tmp_path: Path) -> None:
    """While a chunk cannot get its name, `info` has none either: a viewer would show black where data is missing."""
    scale = '{"key": "s0", "size": [1,1,1], "chunk_sizes": [[1,1,1]], "encoding": "raw", "resolution": [4,4,4]}'
    bucket.put(INFO, f'{{"type": "image", "data_type": "uint8", "num_channels": 1, "scales": [{scale}]}}'.encode())
    bucket.put(CHUNK, b"x")
    settings = lab_of(bucket, tmp_path)
    in_the_way = settings.share_root() / bucket.name / CHUNK / "a folder"
    in_the_way.mkdir(parents=True)
    request = SyncRequest(("jrc_x",), "x", SelectionSpec(formats=parse_formats("precomputed")))
    report = asyncio.run(sync(settings, request))
    assert [one.key for one in report.failed] == [CHUNK]
    assert not (settings.share_root() / bucket.name / INFO).exists()
    in_the_way.rmdir()
    in_the_way.parent.rmdir()
    assert asyncio.run(sync(settings, request)).transferred.objects == 2
    assert (settings.share_root() / bucket.name / INFO).exists()


def test_a_shape_of_nonsense_ends_no_run(bucket: Bucket, tmp_path: Path) -> None:
    """An array of more voxels than a database can count is mirrored like any other."""
    shape = '"dimensions": [999999999999999999,999999999999999999,9], "blockSize": [1,1,1]'
    form = '"dataType": "uint64", "compression": {"type": "raw"}'
    bucket.put(f"{ARRAY}attributes.json", f"{{{shape}, {form}}}".encode())
    bucket.put(f"{ARRAY}0/0/0", b"x")
    settings = lab_of(bucket, tmp_path)
    assert asyncio.run(sync(settings, SyncRequest(("jrc_x",), "x"))).transferred.objects == 2
