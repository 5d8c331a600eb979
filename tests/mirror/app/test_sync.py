"""What opens a whole tree comes when the tree is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mirror.app.setup import init
from mirror.app.sync import SyncRequest, sync
from mirror.config import load_settings
from mirror.selection import SelectionSpec, parse_formats
from tests.servers import Bucket

INFO = "jrc_x/neuroglancer/em/x.precomputed/info"
CHUNK = "jrc_x/neuroglancer/em/x.precomputed/s0/0-1_0-1_0-1"


def test_precomputed_opens_when_its_chunks_are_there(bucket: Bucket, tmp_path: Path) -> None:
    """While a chunk cannot get its name, `info` has none either: a viewer would show black where data is missing."""
    scale = '{"key": "s0", "size": [1,1,1], "chunk_sizes": [[1,1,1]], "encoding": "raw", "resolution": [4,4,4]}'
    bucket.put(INFO, f'{{"type": "image", "data_type": "uint8", "num_channels": 1, "scales": [{scale}]}}'.encode())
    bucket.put(CHUNK, b"x")
    (tmp_path / "o.toml").write_text("")
    place = {"url": f"s3://{bucket.name}", "endpoint_url": bucket.endpoint_url}
    given = {"share": tmp_path / "share", "catalog": f"sqlite:///{tmp_path}/c.db", "buckets": {"x": place}}
    settings = load_settings(tmp_path / "o.toml", given)
    init(settings, config=tmp_path / "o.toml")
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
