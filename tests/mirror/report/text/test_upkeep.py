"""How large the catalog is, as text."""

from __future__ import annotations

from datetime import UTC, datetime

from mirror.report.text.upkeep import render_info, render_vacuumed
from mirror.report.upkeep import (
    CatalogInfo,
    CatalogVacuumed,
    FileSize,
    GrowthForecast,
    ListingCost,
    SnapshotLine,
    TableLine,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
INFO = CatalogInfo(
    catalog="sqlite:////var/lib/oomirror/catalog.db",
    revision="0002",
    database="SQLite 3.40.1",
    file_bytes=240_000_000,
    log_bytes=0,
    free_bytes=1_000_000,
    used_bytes=239_000_000,
    bytes_per_block_row=47.66,
    tables=(
        TableLine(table="mirrored_block", rows=2_500_000, bytes=144_000_000, bytes_per_row=57.6, is_estimate=False),
        TableLine(table="listed_block", rows=2_500_000, bytes=94_000_000, bytes_per_row=37.6, is_estimate=True),
        TableLine(table="others", rows=None, bytes=50_000, bytes_per_row=None, is_estimate=False),
    ),
    snapshots=(
        SnapshotLine(
            bucket="b",
            dataset="jrc_hela-2",
            scope="all",
            objects=537_000,
            started_at="2026-11-21T03:00:00+00:00",
            finished_at="2026-11-21T03:10:00+00:00",
            is_complete=True,
        ),
        SnapshotLine(
            bucket="b",
            dataset="jrc_hela-2",
            scope="selection",
            objects=0,
            started_at="2026-11-24T03:00:00+00:00",
            finished_at=None,
            is_complete=False,
        ),
    ),
    runs=31,
    listings=(ListingCost(bucket="b", dataset="jrc_hela-2", objects=537_000, bytes=20_000_000),),
    forecast=GrowthForecast(runs=30, days=29.2, bytes_per_day=500_000, bytes_in_a_year=421_000_000),
)


def test_info_reads_well() -> None:
    """Place, tables, listings and forecast, each in its part; what is estimated says so."""
    assert render_info(INFO, now=NOW) == (
        "sqlite:////var/lib/oomirror/catalog.db: revision 0002, SQLite 3.40.1.\n"
        "Its file has 240.0 MB, of which 1.0 MB are free; its log has 0 B.\n"
        "A row of a block takes 47.7 bytes.\n"
        "\n"
        "table                      rows           size  bytes a row\n"
        "mirrored_block        2,500,000       144.0 MB         57.6\n"
        "listed_block    about 2,500,000  about 94.0 MB         37.6\n"
        "all others                             50.0 kB\n"
        "\n"
        "listings kept  bucket  of           objects  when\n"
        "jrc_hela-2     b       all          537,000  3 d ago\n"
        "jrc_hela-2     b       a selection           not finished\n"
        "\n"
        "A whole listing of jrc_hela-2 in bucket b adds about 20.0 MB where all of it has changed.\n"
        "31 runs. At the growth of the last 30, of 29 days (500.0 kB a day), it will have 421.0 MB in a year."
    )


def test_too_few_runs_are_said() -> None:
    """There is no forecast without figures."""
    assert render_info(INFO.model_copy(update={"forecast": None, "runs": 2}), now=NOW).endswith(
        "2 runs: too few, or of too few days, to say how it grows."
    )


def test_on_a_server_there_is_no_file() -> None:
    """Of PostgreSQL only the whole is told."""
    served = INFO.model_copy(update={"file_bytes": None, "log_bytes": None, "free_bytes": None})
    assert "It takes 239.0 MB." in render_info(served, now=NOW)


def test_a_vacuum_tells_both_sizes() -> None:
    """Before and after, with the log; what was dropped is told where there was something."""
    size = FileSize(file_bytes=200_000_000, log_bytes=40_000_000, free_bytes=1)
    report = CatalogVacuumed(
        catalog="sqlite:////c.db",
        dropped_snapshots=1,
        dropped_shards=189,
        before=size,
        after=FileSize(file_bytes=198_000_000, log_bytes=0, free_bytes=0),
        seconds=8.1,
    )
    assert render_vacuumed(report) == (
        "The catalog takes 198.0 MB, before 240.0 MB; it took 8.1 s.\n"
        "Dropped 1 unfinished listing of killed runs, and 189 parts of listings that none has any more."
    )
