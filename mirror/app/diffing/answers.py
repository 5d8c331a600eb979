"""Answers are kept with the listings that they are from: the same question later tells what changed since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

from catalog import queries
from catalog.records import ComparisonRecord, SnapshotRecord
from catalog.session import open_catalog
from mirror.app.workplace import utc_now
from mirror.config import Settings
from mirror.explain.causes import Side
from mirror.report.explanation import DatasetReport, DiffReport, EarlierReport, SourceReport

if TYPE_CHECKING:
    from sqlalchemy import Connection


def keep_answers(
    settings: Settings, question: object, report: DiffReport, compared: Mapping[str, Mapping[Side, SnapshotRecord]]
) -> DiffReport:
    """Keep each dataset's answer, and return the report with what the same question was answered before.

    Parameters
    ----------
    compared
        Dataset to the listings that were compared, by side.
    """
    datasets = []
    with open_catalog(settings.catalog) as catalog, catalog.begin() as connection:
        for one in report.datasets:
            listings = compared.get(one.dataset, {})
            one = one.model_copy(update=_sources(connection, one.dataset, listings))  # noqa: PLW2901
            record = ComparisonRecord(
                dataset=one.dataset,
                question=question,
                made_at=utc_now(),
                a_snapshot_id=listings[Side.A].id if Side.A in listings else None,
                b_snapshot_id=listings[Side.B].id if Side.B in listings else None,
                report=one.model_dump(mode="json"),
            )
            now = (record.a_snapshot_id, record.b_snapshot_id)
            before = queries.newest_comparison(connection, one.dataset, question, other_than=now)
            queries.put_comparison(connection, record)
            datasets.append(one.model_copy(update={"earlier": _earlier(before)}))
    return report.model_copy(update={"datasets": tuple(datasets)})


def _sources(connection: Connection, dataset: str, listings: Mapping[Side, SnapshotRecord]) -> dict[str, SourceReport]:
    urls = queries.buckets(connection)
    return {
        f"{side.value}_source": SourceReport(
            url=f"{urls[listing.bucket_id]}/{dataset}",
            listed_at=listing.finished_at.isoformat() if listing.finished_at else None,
            snapshot=listing.id,
        )
        for side, listing in listings.items()
    }


def _earlier(record: ComparisonRecord | None) -> EarlierReport | None:
    if record is None:
        return None
    try:
        report = DatasetReport.model_validate(record.report)
    except ValidationError:
        return None  # Of another version, which said other things.
    return EarlierReport(
        made_at=record.made_at.isoformat(),
        a=report.a,
        b=report.b,
        difference_bytes=report.difference_bytes,
        causes_total=report.causes_total,
    )
