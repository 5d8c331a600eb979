"""Blocks whose bucket is damaged, too, or has another object by now: mended from the other one, or told."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mirror.app.scan import scan
from mirror.app.setup import init
from mirror.app.trash import list_trash
from mirror.app.verify import VerifyRequest, exit_code_of, verify
from mirror.app.verify import mend as mend_module
from mirror.engine.scrub import Depth
from mirror.errors import ExitCode
from mirror.report.verification import VerifyReport
from tests.mirror.app.verify.conftest import DATASET, HOME, SOON, Lab, kinds
from tests.proxy import ALWAYS, Proxy, run_proxy
from tests.servers import Bucket

ER = f"heinrich-2021a/{DATASET}/{DATASET}.n5/volumes/labels/er_seg/s0/"
BLOCK = f"{ER}0/1/0"
ER_IN_A = f"{DATASET}/{DATASET}.n5/labels/er_seg/s0/"
BLOCK_IN_A = f"{ER_IN_A}0/1/0"


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory, sample_buckets: dict[str, Bucket]) -> Lab:
    """Bucket B's er_seg, which bucket A has byte for byte, and a catalog that knows both; to be copied."""
    lab = Lab(tmp_path_factory.mktemp("segmented"), sample_buckets["b"].endpoint_url)
    (lab.folder / "oomirror.toml").touch()
    init(lab.settings, config=lab.folder / "oomirror.toml")
    lab.sync("volumes/labels/er_seg", scales="s0")
    asyncio.run(scan(lab.settings, [DATASET], bucket="a", metadata_only=True))
    return lab


@pytest.fixture
def proxy(sample_buckets: dict[str, Bucket]) -> Iterator[Proxy]:
    """A proxy in front of both buckets."""
    with run_proxy(sample_buckets["a"].endpoint_url) as running:
        yield running


@pytest.fixture
def lab(segmented: Lab, proxy: Proxy, tmp_path: Path) -> Iterator[Lab]:
    """A copy of the mirror that reaches the buckets through the proxy."""
    shutil.copytree(segmented.folder, tmp_path / "lab")
    yield Lab(tmp_path / "lab", proxy.endpoint_url)
    shutil.rmtree(tmp_path / "lab")


def mend(lab: Lab, **more: Any) -> VerifyReport:
    """Look at every byte, and mend what is damaged."""
    return lab.verify(Depth.FULL, repair=True, **more)


@pytest.mark.parametrize("how", ["content", "lost"])
def test_a_block_whose_bucket_is_damaged_too_comes_from_the_other(lab: Lab, proxy: Proxy, how: str) -> None:
    """The other bucket's block of the same bytes mends it, and the next sync has nothing to do."""
    whole = lab.file(BLOCK).read_bytes()
    lab.file(BLOCK).unlink()
    if how == "content":
        lab.file(BLOCK).write_bytes(bytes(len(whole)))
    proxy.damaged[BLOCK] = ALWAYS
    report = mend(lab)
    assert (kinds(report), report.repaired, report.unmended) == ({BLOCK: how}, 1, ())
    assert (exit_code_of(report), lab.file(BLOCK).read_bytes()) == (ExitCode.DONE, whole)
    assert BLOCK_IN_A in proxy.keys("get")
    proxy.damaged.clear()
    assert lab.sync("volumes/labels/er_seg", scales="s0").transferred.objects == 0
    assert kinds(lab.verify()) == {}


def test_a_block_that_is_damaged_everywhere_is_told(lab: Lab, proxy: Proxy) -> None:
    """Where neither bucket has the bytes nothing gets the name; the report says why, exit 3; later it is mended."""
    whole = lab.file(BLOCK).read_bytes()
    lab.file(BLOCK).write_bytes(b"damaged")
    proxy.damaged |= {BLOCK: ALWAYS, BLOCK_IN_A: ALWAYS}
    report = mend(lab)
    assert (report.repaired, report.unrepaired, exit_code_of(report)) == (0, 1, ExitCode.DIFFERENCES)
    ((key, reason),) = [(one.key, one.reason) for one in report.unmended]
    assert key == BLOCK
    assert "not those that the bucket describes" in reason
    assert "bucket a does not have it either" in reason
    assert lab.file(BLOCK).read_bytes() == b"damaged"
    proxy.damaged.clear()
    assert mend(lab).repaired == 1
    assert lab.file(BLOCK).read_bytes() == whole


def test_a_bucket_that_does_not_answer_is_the_reason(lab: Lab) -> None:
    """Without a bucket the damage is told, and that nobody answers."""
    lab.file(BLOCK).unlink()
    report = mend(replace(lab, endpoint_url="http://127.0.0.1:9"))
    assert (report.repaired, report.unrepaired, exit_code_of(report)) == (0, 1, ExitCode.DIFFERENCES)


def test_the_metadata_come_last_and_only_with_their_level(lab: Lab, proxy: Proxy) -> None:
    """A level's document is not mended while one of its blocks could not be; with the block it comes, too."""
    metadata = f"{ER}attributes.json"
    for key in (BLOCK, metadata):
        lab.file(key).unlink()
    proxy.damaged |= {BLOCK: ALWAYS, BLOCK_IN_A: ALWAYS}
    report = mend(lab)
    assert {one.key for one in report.unmended} == {BLOCK, metadata}
    assert not lab.file(metadata).exists()
    proxy.damaged.clear()
    assert mend(lab).repaired == 2
    assert proxy.keys("get")[-1] == metadata


def test_another_object_under_the_key_mends_nothing(
    segmented: Lab, tmp_path: Path, make_bucket: object, sample_buckets: dict[str, Bucket]
) -> None:
    """What the bucket has by now, if it is not what was mirrored, is left to `sync`."""
    bucket: Bucket = make_bucket()  # type: ignore[operator]
    source = sample_buckets["b"]
    keys = [path for path in _keys(source) if path.startswith(f"heinrich-2021a/{DATASET}/{DATASET}.n5/")]
    keys = [key for key in keys if "er_seg/s0" in key or key.count("/") == 3]
    for key in keys:
        body = source.client.get_object(Bucket=source.name, Key=key)["Body"].read()
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=body)
    lab = Lab(tmp_path / "lab", bucket.endpoint_url)
    lab.folder.mkdir()
    (lab.folder / "oomirror.toml").write_text(f'[buckets.b]\nurl = "s3://{bucket.name}/heinrich-2021a"\n')
    init(lab.settings, config=lab.folder / "oomirror.toml")
    lab.sync("volumes/labels/er_seg", scales="s0")
    file = lab.share / bucket.name / BLOCK
    file.write_bytes(b"damaged")
    bucket.client.put_object(Bucket=bucket.name, Key=BLOCK, Body=b"another object")
    report = mend(lab)
    assert (report.repaired, [one.key for one in report.unmended]) == (0, [BLOCK])
    assert "another object" in report.unmended[0].reason
    assert file.read_bytes() == b"damaged"
    assert lab.sync("volumes/labels/er_seg", scales="s0").transferred.objects == 1
    assert file.read_bytes() == b"another object"


def _keys(bucket: Bucket) -> list[str]:
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    return [entry["Key"] for page in pages for entry in page["Contents"]]


def test_what_lies_under_an_older_name_need_not_be_fetched(lab: Lab, proxy: Proxy) -> None:
    """A lost file that an older folder of the bucket still has gets its name back from there."""
    buckets = dict(lab.settings.buckets)
    buckets["b"] = buckets["b"].model_copy(update={"aliases": ("older",)})
    settings = lab.settings.model_copy(update={"buckets": buckets})
    older = lab.share / "older" / BLOCK
    older.parent.mkdir(parents=True)
    whole = lab.file(BLOCK).read_bytes()
    lab.file(BLOCK).rename(older)
    report = asyncio.run(verify(settings, VerifyRequest(repair=True), policy=SOON))
    assert (kinds(report), report.repaired) == ({BLOCK: "lost"}, 1)
    assert lab.file(BLOCK).read_bytes() == older.read_bytes() == whole
    assert BLOCK not in proxy.keys("get")


def test_what_stands_in_the_way_stays_until_the_bytes_are_there(lab: Lab, proxy: Proxy) -> None:
    """A file in the place of a folder is moved to the trash when a block of it came, and not while none comes."""
    slab = lab.file(f"{ER}0")
    keys = [f"{ER}{path.relative_to(slab.parent)}" for path in slab.rglob("*") if path.is_file()]
    in_a = [key.replace(ER, ER_IN_A) for key in keys]
    shutil.rmtree(slab)
    slab.write_text("mine")
    proxy.damaged |= dict.fromkeys([*keys, *in_a], ALWAYS)
    report = mend(lab)
    assert (report.unrepaired, len(report.lost)) == (len(keys), len(keys))
    assert slab.read_text() == "mine"
    proxy.damaged.clear()
    report = mend(lab)
    assert report.repaired == len(keys)
    assert [path.read_text() for path in lab.share.glob(f".oomirror/trash/*/{HOME}/{ER}0")] == ["mine"]
    (line,) = list_trash(lab.settings)
    assert (line.bucket, line.datasets, line.catalog_run) == (HOME, (DATASET,), report.runs[-1])


def test_pages_of_what_is_lost_are_mended_one_after_the_other(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, some are in memory at a time; the level's document comes last all the same."""
    monkeypatch.setattr(mend_module, "_PAGE_RECORDS", 3)
    keys = [path for path in lab.file(ER).rglob("*") if path.is_file()]
    shutil.rmtree(lab.file(ER))
    report = mend(lab)
    assert (report.kinds, report.repaired, report.unrepaired) == ({"lost": len(keys)}, len(keys), 0)
    assert len(keys) > 6
    assert kinds(lab.verify()) == {}


def test_a_bucket_that_does_not_answer_is_asked_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is told with the same reason: a million losses do not wait a million times."""
    monkeypatch.setattr(mend_module, "_PAGE_RECORDS", 2)
    n_blocks = sum(path.is_file() for path in lab.file(f"{ER}0").rglob("*"))
    shutil.rmtree(lab.file(f"{ER}0"))
    report = mend(replace(lab, endpoint_url="http://127.0.0.1:9"), n_named=2)
    assert (report.unrepaired, len(report.unmended), report.unmended_more) == (n_blocks, 2, n_blocks - 2)
    assert len({one.reason for one in report.unmended}) == 1
