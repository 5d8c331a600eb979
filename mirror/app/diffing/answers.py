"""Answers are kept with the listings that they are from: the same question later tells what changed since."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from catalog import queries
from catalog.records import ComparisonRecord
from catalog.session import open_catalog
from mirror.app.workplace import utc_now
from mirror.config import Settings
from mirror.explain.causes import Side
from mirror.report.explanation import DatasetReport, DiffReport, EarlierReport


def keep_answers(
    settings: Settings, question: object, report: DiffReport, compared: Mapping[str, Mapping[Side, int]]
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
            record = ComparisonRecord(
                dataset=one.dataset,
                question=question,
                made_at=utc_now(),
                a_snapshot_id=listings.get(Side.A),
                b_snapshot_id=listings.get(Side.B),
                report=one.model_dump(mode="json"),
            )
            now = (record.a_snapshot_id, record.b_snapshot_id)
            before = queries.newest_comparison(connection, one.dataset, question, other_than=now)
            queries.put_comparison(connection, record)
            datasets.append(one.model_copy(update={"earlier": _earlier(before)}))
    return report.model_copy(update={"datasets": tuple(datasets)})


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
