"""What is odd about the data."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from catalog import queries
from catalog.records import FindingRecord
from tests.catalog.builders import DATASET, at

ORIGIN = "metadata"


def finding(bucket: int, place: str = "jrc_hela-2.n5/attributes.json") -> FindingRecord:
    """Return a finding that was not put yet."""
    return FindingRecord(bucket, DATASET, ORIGIN, "warning", "no-metadata", place, "a file", "none")


def put(connection: Connection, bucket: int, *records: FindingRecord, hour: int, origin: str = ORIGIN) -> None:
    """Keep what one look found."""
    queries.put_findings(connection, bucket, DATASET, origin, records, now=at(hour))


def test_a_finding_is_kept_once_however_often_it_is_seen(connection: Connection, bucket: int) -> None:
    """What a later look finds again keeps its number and the time it was first seen."""
    put(connection, bucket, finding(bucket), finding(bucket, "b"), hour=1)
    put(connection, bucket, finding(bucket, "b"), finding(bucket), hour=2)
    first = replace(finding(bucket), first_seen_at=at(1), id=1)
    assert queries.findings(connection) == (first, replace(finding(bucket, "b"), first_seen_at=at(1), id=2))


def test_a_finding_that_is_seen_no_more_is_closed(connection: Connection, bucket: int) -> None:
    """It is kept with the time of the look that did not find it; another origin's look closes nothing."""
    put(connection, bucket, finding(bucket), hour=1)
    put(connection, bucket, hour=2, origin="manifest")
    assert len(queries.findings(connection)) == 1
    put(connection, bucket, hour=3)
    assert queries.findings(connection) == ()
    (closed,) = queries.findings(connection, with_closed=True)
    assert (closed.first_seen_at, closed.closed_at) == (at(1), at(3))


def test_a_finding_that_comes_back_is_another_one(connection: Connection, bucket: int) -> None:
    """The old one keeps when it was true; the new one is open."""
    for hour, found in ((1, (finding(bucket),)), (2, ()), (3, (finding(bucket),))):
        put(connection, bucket, *found, hour=hour)
    kept = queries.findings(connection, with_closed=True)
    assert [(one.first_seen_at, one.closed_at) for one in kept] == [(at(1), at(2)), (at(3), None)]


def test_findings_are_told_by_dataset_and_bucket(connection: Connection, bucket: int) -> None:
    """Only those of the asked dataset and bucket are returned."""
    put(connection, bucket, finding(bucket), hour=1)
    assert len(queries.findings(connection, bucket_id=bucket, dataset=DATASET)) == 1
    assert queries.findings(connection, bucket_id=bucket, dataset="jrc_hela-3") == ()
    assert queries.findings(connection, bucket_id=bucket + 1) == ()
