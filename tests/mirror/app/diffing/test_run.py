"""`diff-buckets` on the sample buckets: every byte of the difference has its cause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from mirror.app.diffing.run import DiffRequest, diff_buckets
from mirror.app.diffing.sampling import SampleRequest
from mirror.app.scan import scan
from mirror.config import Settings
from mirror.engine.events import Event, Note
from mirror.errors import UnknownNameError
from mirror.report.explanation import DatasetReport, DiffReport
from mirror.report.markdown import render_markdown
from mirror.report.text.explanation import render_explanation
from mirror.selection import parse_volumes
from tests.postgres import PostgresServer
from tests.servers import Bucket

DATASET = "jrc_hela-2"
PREFIXES = {"a": "", "b": "heinrich-2021a/"}


def diff(lab: Settings, *datasets: str, **knobs: object) -> DiffReport:
    """Return why the datasets differ."""
    return asyncio.run(diff_buckets(lab, DiffRequest(datasets, **knobs))).report  # type: ignore[arg-type]


def sizes(buckets: dict[str, Bucket], dataset: str) -> dict[str, tuple[int, int]]:
    """Return objects and bytes of a dataset in each bucket, counted by another client than ours."""
    found = {}
    for letter, bucket in buckets.items():
        prefix = f"{PREFIXES[letter]}{dataset}/"
        pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix=prefix)
        listed = [one for page in pages for one in page.get("Contents", ()) if not one["Key"].endswith("/")]
        found[letter] = len(listed), sum(one["Size"] for one in listed)
    return found


def check_sums(one: DatasetReport) -> None:
    """Check that causes and contributions sum to the difference, to the byte."""
    assert one.difference_bytes == one.a.bytes - one.b.bytes
    assert sum(cause.bytes for cause in one.causes) == one.difference_bytes - one.unexplained_bytes
    for pair in one.pairs:
        assert sum(cause.bytes for cause in pair.causes) == pair.difference_bytes - pair.unexplained_bytes
        for level in pair.levels:
            assert level.difference_bytes == level.a_bytes - level.b_bytes
            made = sum(level.contributions.model_dump().values())
            assert made == level.difference_bytes - level.unexplained_bytes


def test_every_byte_of_every_dataset_is_explained(lab: Settings, sample_buckets: dict[str, Bucket]) -> None:
    """With no dataset named all that are in both are compared; sizes are the buckets' own, nothing is unexplained."""
    report = diff(lab)
    assert {one.dataset for one in report.datasets} == {"jrc_hela-2", "jrc_macrophage-2"}
    for one in report.datasets:
        check_sums(one)
        assert one.unexplained_bytes == 0
        counted = sizes(sample_buckets, one.dataset)
        assert (one.a.objects, one.a.bytes) == counted["a"]
        assert (one.b.objects, one.b.bytes) == counted["b"]
    assert report.unexplained_bytes == 0


@pytest.mark.parametrize("pattern", ["raw", "volumes/raw", "em/fibsem-uint16"])
def test_raw_alone_answers_the_labs_question(lab: Settings, pattern: str) -> None:
    """`--volumes` lists what it names, and its partner, and compares these alone; a few headers are read."""
    report = diff(lab, DATASET, volumes=parse_volumes([pattern]))
    (one,) = report.datasets
    check_sums(one)
    assert [(pair.a_volume, pair.b_volume) for pair in one.pairs] == [("em/fibsem-uint16", "volumes/raw")]
    assert {only.place for only in one.only} <= ({"format"} if pattern == "raw" else set())
    assert one.unexplained_bytes == 0
    assert {level.a.header_mode for level in one.pairs[0].levels} == {0}
    assert all(level.a.headers_read > 0 for level in one.pairs[0].levels)
    assert "raw" in report.answer


def test_listings_are_used_again(lab: Settings) -> None:
    """What was listed is not listed again unless that is asked for; the cost is told before."""
    for bucket in ("a", "b"):
        asyncio.run(scan(lab, (DATASET,), bucket=bucket))
    told: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Note) and "requests" in event.text:
            told.append(event.text)

    first = asyncio.run(diff_buckets(lab, DiffRequest((DATASET,)), sink=hear)).report
    assert told == []
    again = asyncio.run(diff_buckets(lab, DiffRequest((DATASET,), rescan=True), sink=hear)).report
    assert [text.partition(":")[0] for text in told] == [f"Listing {DATASET} in bucket {one}" for one in "ab"]
    assert again.difference_bytes == first.difference_bytes


def test_a_volume_that_nobody_has_is_a_usage_error(lab: Settings) -> None:
    """With what is near."""
    with pytest.raises(UnknownNameError, match="labels/er_pred"):
        diff(lab, DATASET, volumes=parse_volumes(["labels/er_prd"]))


def test_a_dataset_that_nobody_has_is_a_usage_error(lab: Settings) -> None:
    """With what is near."""
    with pytest.raises(UnknownNameError, match=DATASET):
        diff(lab, "jrc_hela-22")


def test_the_same_question_later_tells_what_changed(
    make_lab: Callable[..., Settings], make_bucket: Callable[[], Bucket], tmp_path: Path
) -> None:
    """An answer from newer listings carries the one before; one from the same listings does not."""
    bucket_a, bucket_b = make_bucket(), make_bucket()
    for bucket in (bucket_a, bucket_b):
        bucket.client.put_object(Bucket=bucket.name, Key="cell/cell.n5/attributes.json", Body=b'{"n5":"2.0.0"}')
    places = {
        letter: {"url": f"s3://{bucket.name}", "endpoint_url": bucket.endpoint_url, "aliases": ()}
        for letter, bucket in (("a", bucket_a), ("b", bucket_b))
    }
    lab = make_lab(buckets=places)
    first = diff(lab, "cell").datasets[0]
    assert (first.difference_bytes, first.earlier) == (0, None)
    assert diff(lab, "cell").datasets[0].earlier is None
    bucket_a.client.put_object(Bucket=bucket_a.name, Key="cell/README.md", Body=b"12345")
    later = diff(lab, "cell", rescan=True).datasets[0]
    assert later.difference_bytes == 5
    assert later.earlier is not None
    assert (later.earlier.difference_bytes, later.earlier.a.bytes) == (0, first.a.bytes)
    assert diff(lab, "cell").datasets[0].earlier is not None


def test_a_sample_tells_how_voxels_are_related(lab: Settings) -> None:
    """Raw of the sample buckets is recognised for what it is made as, and `compression` parts into what sums to it."""
    request = DiffRequest((DATASET,), parse_volumes(["raw"]), sample=SampleRequest(6, seed=1))
    answer = asyncio.run(diff_buckets(lab, request))
    (one,) = answer.report.datasets
    check_sums(one)
    finest = one.pairs[0].levels[0]
    assert any("inverted" in words for words in finest.evidence)
    shown = render_explanation(answer.report)
    assert "What the voxels show:" in shown
    assert "inverted" in shown
    assert "inverted" in render_markdown(answer.report)
    assert finest.compression_parts is not None
    assert sum(finest.compression_parts.model_dump().values()) == finest.contributions.compression
    assert answer.pictures
    again = asyncio.run(diff_buckets(lab, request)).report
    assert again.datasets[0].pairs == one.pairs


def test_a_catalog_on_a_server_answers_alike(
    lab: Settings, make_lab: Callable[..., Settings], postgres: PostgresServer
) -> None:
    """PostgreSQL and SQLite hold the same listings, and streams of blocks that are read side by side."""
    request = DiffRequest((DATASET,), parse_volumes(["raw"]), sample=SampleRequest(3))
    on_server = make_lab(catalog=postgres.make_database())
    answers = [asyncio.run(diff_buckets(one, request)).report.datasets[0] for one in (lab, on_server)]
    assert answers[0].causes == answers[1].causes
    assert answers[0].pairs == answers[1].pairs
