"""The real buckets: what no server of ours can show. Run where OOMIRROR_TEST_AWS=1 and the internet is."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from mirror.app.setup import init
from mirror.app.sync import SyncRequest, sync
from mirror.config import load_settings
from mirror.selection import SelectionSpec, parse_scales, parse_volumes

pytestmark = [
    pytest.mark.aws,
    pytest.mark.skipif(os.environ.get("OOMIRROR_TEST_AWS") != "1", reason="needs the internet: OOMIRROR_TEST_AWS=1"),
]


@pytest.mark.parametrize(("bucket", "scale"), [("a", "s4"), ("b", "s4")])
def test_the_coarsest_raw_is_mirrored_from_the_real_bucket(tmp_path: Path, bucket: str, scale: str) -> None:
    """The smallest level of raw of jrc_hela-2 comes whole, verified by MD5, and a second run fetches nothing."""
    (tmp_path / "oomirror.toml").write_text("")
    settings = load_settings(
        tmp_path / "oomirror.toml", {"share": tmp_path / "share", "catalog": f"sqlite:///{tmp_path}/catalog.db"}
    )
    init(settings, config=tmp_path / "oomirror.toml")
    spec = SelectionSpec(volumes=parse_volumes(["raw"]), scales=parse_scales(scale))
    request = SyncRequest(("jrc_hela-2",), bucket, spec)
    report = asyncio.run(sync(settings, request))
    assert not report.failed
    assert report.transferred == report.planned
    assert report.transferred.objects > 0
    assert asyncio.run(sync(settings, request)).transferred.objects == 0
