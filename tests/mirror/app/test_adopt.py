"""`adopt` and adoption in `sync`: what others downloaded is compared and kept."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mirror.app.adopt import adopt
from mirror.app.setup import init
from mirror.app.sync import SyncRequest, sync
from mirror.config import Settings
from mirror.engine.fetch import ChecksumMode
from mirror.errors import UnknownNameError, UnsafeError
from mirror.keys import ShareRules
from mirror.selection import SelectionSpec, parse_volumes
from mirror.store.share import Share
from tests.servers import Bucket

DATASET = "jrc_hela-2"
RAW = SelectionSpec(volumes=parse_volumes(["raw"]))


def download(bucket: Bucket, prefix: str, root: Path) -> list[str]:
    """Copy objects as `aws s3 cp --recursive` would; return their keys."""
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix=prefix)
    keys = [one["Key"] for page in pages for one in page.get("Contents", ()) if not one["Key"].endswith("/")]
    for key in keys:
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read())
    return keys


@pytest.fixture
def filled(lab: Settings, sample_buckets: dict[str, Bucket]) -> list[str]:
    """The keys of B's raw and loose files, downloaded by hand to their places."""
    b = sample_buckets["b"]
    return download(b, f"heinrich-2021a/{DATASET}/{DATASET}.n5/volumes/raw/", lab.share_root() / b.name)


def test_adopt_records_without_fetching(lab: Settings, filled: list[str]) -> None:
    """All files that agree are recorded by their MD5, and the next sync finds them up to date."""
    (report,) = asyncio.run(adopt(lab))
    assert report.adopted.objects == len(filled) == report.verified.md5.objects
    assert report.transferred.objects == 0
    again = asyncio.run(sync(lab, SyncRequest((DATASET,), "b", RAW, dry_run=True)))
    assert again.up_to_date.objects == len(filled)


def test_adopt_names_what_differs_and_leaves_it(lab: Settings, filled: list[str]) -> None:
    """A file of the right size and other bytes is named as failed, and is not touched."""
    path = lab.share_root() / "janelia-cosem-publications" / filled[3]
    path.write_bytes(bytes(path.stat().st_size))
    (report,) = asyncio.run(adopt(lab, bucket="b"))
    assert [one.key for one in report.failed] == [filled[3]]
    assert not any(path.read_bytes())


def test_adopt_names_a_file_of_another_length(lab: Settings, filled: list[str]) -> None:
    """A download that broke off is named as failed, and is not touched."""
    path = lab.share_root() / "janelia-cosem-publications" / filled[3]
    path.write_bytes(b"half")
    (report,) = asyncio.run(adopt(lab, bucket="b"))
    assert [one.key for one in report.failed] == [filled[3]]
    assert report.adopted.objects == len(filled) - 1
    assert path.read_bytes() == b"half"


def test_adopt_by_size_says_so(lab: Settings, filled: list[str]) -> None:
    """With the size check nothing is read, and the record claims no more than that."""
    (report,) = asyncio.run(adopt(lab, (DATASET,), bucket="b", check=ChecksumMode.SIZE))
    assert report.verified.size_only.objects == len(filled)


def test_a_dataset_that_no_bucket_has_is_refused(lab: Settings) -> None:
    """Adopting what is in no bucket is a usage error."""
    with pytest.raises(UnknownNameError):
        asyncio.run(adopt(lab, ("jrc_hela-999",)))


def test_files_under_an_older_name_of_the_bucket_are_not_fetched_again(
    lab: Settings, sample_buckets: dict[str, Bucket]
) -> None:
    """A folder that was filled when the bucket was called `janelia-cosem` is adopted, and keeps its files."""
    a = sample_buckets["a"]
    prefix = f"{DATASET}/{DATASET}.n5/em/fibsem-uint16/s1/"
    keys = download(a, prefix, lab.share_root() / "janelia-cosem")
    report = asyncio.run(sync(lab, SyncRequest((DATASET,), "a", SelectionSpec(volumes=parse_volumes(["em/*/s1"])))))
    assert report.adopted.objects == len(keys)
    for key in keys:
        new, old = lab.share_root() / a.name / key, lab.share_root() / "janelia-cosem" / key
        assert new.read_bytes() == old.read_bytes()


def test_a_new_share_forgets_what_the_old_one_had(lab: Settings, filled: list[str], tmp_path: Path) -> None:
    """After `init --new-share` nothing is believed: the files are compared again."""
    asyncio.run(adopt(lab))
    init(lab, config=tmp_path / "oomirror.toml", new_share=True)
    plan = asyncio.run(sync(lab, SyncRequest((DATASET,), "b", RAW, dry_run=True)))
    assert plan.up_to_date.objects == 0
    assert plan.adopted.objects == len(filled)


@pytest.mark.parametrize("datasets", [(), (DATASET,)], ids=["what lies there", "a dataset"])
def test_another_share_is_refused_also_where_nothing_lies_on_it(lab: Settings, datasets: tuple[str, ...]) -> None:
    """That nothing lies there is no answer: the share that was meant may be full."""
    Share(lab.share_root()).write_marker(ShareRules())
    with pytest.raises(UnsafeError, match="another share"):
        asyncio.run(adopt(lab, datasets))
