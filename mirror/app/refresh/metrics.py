"""What Prometheus learns of refreshes: a text file for node_exporter's textfile collector, whole at every instant."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from catalog import queries
from catalog.errors import CatalogError
from catalog.records import Count
from catalog.session import open_catalog
from mirror.app.refresh.entries import Entry, entries_of
from mirror.app.refresh.history import History, history
from mirror.app.refresh.lines import worst_exit
from mirror.config import Settings
from mirror.errors import UsageError
from mirror.report.model import Amount
from mirror.report.refresh import MirrorLine, RefreshReport, total

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from sqlalchemy import Connection

_LABELS = ("bucket", "dataset")


@dataclass(slots=True)
class _Mirror:
    """All entries of one dataset in one bucket."""

    histories: list[History] = field(default_factory=list)
    lines: list[MirrorLine] = field(default_factory=list)
    """Of those that were in this refresh."""
    on_share: Count | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a refresh ended: with a report, or with an error before any entry was begun."""

    exit_code: int
    seconds: float
    is_complete: bool = False
    lines: tuple[MirrorLine, ...] = ()

    @classmethod
    def of_report(cls, report: RefreshReport) -> Ended:
        """Return the end that a report tells of."""
        return cls(report.exit, report.seconds, report.complete, report.mirrors)


def write_metrics(file: Path, settings: Settings, ended: Ended) -> None:
    """Write what a refresh came to, for each dataset and bucket of `[[mirrors]]`.

    Mirrors that were not in it keep their times; the file has no counts of theirs.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    from prometheus_client import CollectorRegistry, write_to_textfile

    registry = CollectorRegistry()
    _add_whole(registry, ended)
    _add_mirrors(registry, _mirrors(settings, ended.lines))
    write_to_textfile(str(file), registry)


def _mirrors(settings: Settings, lines: Sequence[MirrorLine]) -> dict[tuple[str, str], _Mirror]:
    try:
        entries = entries_of(settings)
    except UsageError:
        return {}  # It is what ended the refresh; its exit code is worth a file of its own.
    mirrors: dict[tuple[str, str], _Mirror] = {}
    for entry in entries:
        mirrors.setdefault((entry.bucket, entry.dataset), _Mirror())
    for line in lines:
        mirrors[line.bucket, line.dataset].lines.append(line)
    try:
        with open_catalog(settings.catalog, create=False, read_only=True) as catalog, catalog.read() as connection:
            _add_known(connection, entries, mirrors)
    except CatalogError:
        pass  # So is what the lines say.
    return mirrors


def _add_known(connection: Connection, entries: Sequence[Entry], mirrors: dict[tuple[str, str], _Mirror]) -> None:
    for entry in entries:
        mirrors[entry.bucket, entry.dataset].histories.append(history(connection, entry))
    for name, url in {(entry.bucket, entry.bucket_url) for entry in entries}:
        bucket_id = queries.find_bucket(connection, url)
        for one in () if bucket_id is None else queries.dataset_summaries(connection, bucket_id):
            if (name, one.name) in mirrors:
                mirrors[name, one.name].on_share = one.mirrored


def _add_whole(registry: CollectorRegistry, ended: Ended) -> None:
    from prometheus_client import Gauge

    for name, words, value in (
        ("last_run_timestamp_seconds", "When the last refresh ended.", time.time()),
        ("last_run_duration_seconds", "How long it took.", ended.seconds),
        ("last_run_exit_code", "Its exit code.", ended.exit_code),
        ("last_run_complete", "Whether all mirrors were tried to their end.", float(ended.is_complete)),
    ):
        Gauge(f"oomirror_refresh_{name}", words, registry=registry).set(value)


def _add_mirrors(registry: CollectorRegistry, mirrors: dict[tuple[str, str], _Mirror]) -> None:
    from prometheus_client import Gauge

    gauges: dict[str, Gauge] = {}
    for place, mirror in sorted(mirrors.items()):
        for name, words, value in (*_times(mirror), *_on_share(mirror), *_counts(mirror.lines)):
            if name not in gauges:
                gauges[name] = Gauge(f"oomirror_mirror_{name}", words, _LABELS, registry=registry)
            gauges[name].labels(*place).set(value)


_Value = tuple[str, str, float]


def _times(mirror: _Mirror) -> Iterable[_Value]:
    """Yield when it was last at work, and since when it is well: of several entries the one that is worst off."""
    ended = [one.ended_at for one in mirror.histories if one.ended_at]
    well = [one.well_at for one in mirror.histories]
    if ended:
        yield "last_run_timestamp_seconds", "When a run of it last ended.", max(ended).timestamp()
    if well:
        yield "last_success_timestamp_seconds", "When all of it was last mirrored; 0 is never.", min(map(_stamp, well))


def _stamp(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _on_share(mirror: _Mirror) -> Iterable[_Value]:
    if mirror.on_share is not None:
        yield "share_objects", "Objects of the dataset on the share.", mirror.on_share.objects
        yield "share_bytes", "Bytes of the dataset on the share.", mirror.on_share.bytes


def _counts(lines: Sequence[MirrorLine]) -> Iterable[_Value]:
    if not lines:
        return
    amounts: dict[str, tuple[str, Amount]] = {
        "transferred": ("that were fetched", total([line.transferred for line in lines])),
        "new": ("that were new in the bucket", total([line.new for line in lines])),
        "changed": ("that had changed in the bucket", total([line.changed for line in lines])),
        "vanished": ("that had vanished from the bucket", total([line.vanished for line in lines])),
    }
    for name, (words, amount) in amounts.items():
        yield f"{name}_objects", f"Objects {words}.", amount.objects
        yield f"{name}_bytes", f"Bytes of objects {words}.", amount.bytes
    yield "failed_objects", "Objects that failed.", sum(line.failed_objects for line in lines)
    yield "refused_objects", "Objects that cannot be files on the share.", sum(line.refused_objects for line in lines)
    yield "duration_seconds", "How long its run took.", sum(line.seconds for line in lines)
    yield "exit_code", "Exit code that its run stands for.", worst_exit({line.exit for line in lines})
