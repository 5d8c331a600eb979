"""`oomirror scan`: lists whole datasets and keeps the listing as a dated snapshot; nothing is fetched but metadata."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from catalog.records import RunKind, SnapshotScope
from catalog.session import Catalog, open_catalog
from mirror.app.datasets import check_names, plain_errors
from mirror.app.opened import open_bucket
from mirror.app.publish import publish_where_ours
from mirror.app.run import recorded_run
from mirror.app.snapshot import write_snapshots
from mirror.app.state import BucketState
from mirror.app.survey import Survey, Surveyed, Surveyor
from mirror.app.workplace import close_dead_runs
from mirror.config import Settings
from mirror.engine.events import EventSink, Note, ignore
from mirror.engine.retry import Retrier
from mirror.engine.spool import Spool
from mirror.formats.folder import Format
from mirror.objects import Tally
from mirror.report.model import Amount, ScanReport
from mirror.selection import SelectionSpec, select

EVERYTHING = SelectionSpec(formats=tuple(Format))


async def scan(
    settings: Settings,
    datasets: Sequence[str],
    *,
    bucket: str | None = None,
    metadata_only: bool = False,
    sink: EventSink = ignore,
) -> tuple[ScanReport, ...]:
    """List the datasets of one bucket into the catalog; return one report a dataset.

    Parameters
    ----------
    bucket
        As the configuration names it; None is its `default_bucket`.
    metadata_only
        Find volumes, levels and their metadata; list no block and keep no snapshot.

    Raises
    ------
    MirrorError
        A dataset that does not exist, a bucket that cannot be listed.
    CatalogError
        The catalog is locked, damaged, newer, or full.

    Cancelling leaves an unfinished snapshot, which is not used and is dropped by a later one.
    """
    name = bucket or settings.default_bucket
    async with plain_errors(), open_bucket(settings.bucket(bucket), sink) as opened:
        await check_names(settings, name, tuple(datasets), opened, sink)
        with open_catalog(settings.catalog) as catalog, Spool() as spool:
            close_dead_runs(catalog)
            aliases = settings.bucket(bucket).aliases
            state = BucketState.of(catalog, str(opened.url), opened.url.prefix, aliases=aliases)
            surveyor = Surveyor(opened, state, spool, Retrier(asyncio.sleep, sink=sink), sink)
            reports = tuple(
                [
                    await _scan_one(catalog, surveyor, spool, (name, dataset), metadata_only=metadata_only)
                    for dataset in datasets
                ]
            )
            for problem in await asyncio.to_thread(publish_where_ours, settings, catalog):
                sink(Note(problem))
            return reports


async def _scan_one(
    catalog: Catalog, surveyor: Surveyor, spool: Spool, place: tuple[str, str], *, metadata_only: bool
) -> ScanReport:
    started = time.monotonic()
    bucket, dataset = place
    survey = await (_look_only(surveyor, dataset) if metadata_only else surveyor.survey((dataset,), EVERYTHING))
    (one,) = survey.datasets
    state = surveyor.state
    bucket_id = state.put_metadata(surveyor.url, survey.by_name, survey.documents)
    with recorded_run(catalog, bucket_id, RunKind.SCAN, (dataset,), {dataset: one.selection.describe()}) as run:
        if not metadata_only:
            await asyncio.to_thread(lambda: list(write_snapshots(state, survey, spool, run.id, SnapshotScope.ALL)))
        await asyncio.to_thread(state.count_sums, (dataset,))
        listed = sum((shard.listed for shard in one.shards), Tally())
        volumes = tuple(one.dataset.volumes())
        report = ScanReport(
            run=run.id,
            bucket=bucket,
            dataset=dataset,
            listed=Amount.of(listed),
            volumes=len(volumes),
            arrays=sum(len(volume.arrays) for volume in volumes),
            findings=len(one.selection.findings),
            seconds=round(time.monotonic() - started, 3),
        )
        run.counters = report.model_dump(mode="json", include={"listed", "volumes", "arrays", "findings", "seconds"})
    return report


async def _look_only(surveyor: Surveyor, name: str) -> Survey:
    dataset, discovery = await surveyor.discover(name)
    one = Surveyed(name, dataset, select(dataset, EVERYTHING), (), tuple(discovery.folders))
    return Survey((one,), discovery.fetched)
