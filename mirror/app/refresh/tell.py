"""A refresh, and afterwards the word of it to those who were not there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from mirror.app.afterwards import Word, is_told, parts_of, told
from mirror.app.notices import ping
from mirror.app.refresh.entries import entries_of
from mirror.app.refresh.metrics import Ended, write_metrics
from mirror.app.refresh.run import RefreshRequest, refresh
from mirror.config import Settings
from mirror.engine.events import EventSink, Note, ignore
from mirror.report.refresh import RefreshReport
from mirror.report.text.refresh import first_sentence, line_words

BEGIN_SECONDS = 2.0
"""After the end of a refresh, for a health check that has not yet answered the word of its begin."""


async def refresh_and_tell(settings: Settings, request: RefreshRequest, *, sink: EventSink = ignore) -> RefreshReport:
    """Do what `refresh` does; write the metrics, and tell whom `[notify]` names. A dry run tells nobody.

    The health check hears of the begin, too. Who cannot be told changes nothing. Raises as `refresh`; of a name that no
    entry has nobody is told: who typed it is there.
    """
    if request.names:
        entries_of(settings, request.names)
    if request.dry_run:
        return await refresh(settings, request, sink=sink)
    return await told(settings, "refresh", _refresh(settings, request, sink), word_of, sink, is_watched=True)


async def _refresh(settings: Settings, request: RefreshRequest, sink: EventSink) -> RefreshReport:
    pings: list[asyncio.Task[None]] = []
    started = time.monotonic()

    def begin() -> None:
        """Say that it begins, without waiting for an answer."""
        pings.append(asyncio.create_task(ping(settings.notify, "start", sink)))

    try:
        report = await refresh(settings, request, sink=sink, on_begin=begin)
    except asyncio.CancelledError:
        for task in pings:
            task.cancel()
        raise
    except Exception as error:
        if is_told(error, is_watched=True):
            await _write_metrics(settings, Ended(parts_of(error).exit, time.monotonic() - started), sink)
        raise
    finally:
        await _settled(pings)
    await _write_metrics(settings, Ended.of_report(report), sink)
    return report


async def _settled(pings: Collection[asyncio.Task[None]]) -> None:
    """Wait for the word of the begin, which that of the end must not come before, but not long for one that hangs."""
    if not pings:
        return
    _, late = await asyncio.wait(pings, timeout=BEGIN_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


async def _write_metrics(settings: Settings, ended: Ended, sink: EventSink) -> None:
    if settings.notify.metrics is None:
        return
    try:
        await asyncio.to_thread(write_metrics, settings.notify.metrics, settings, ended)
    except OSError as error:
        sink(Note(f"Could not write the metrics: {settings.notify.metrics}: {error.strerror or error}."))


def word_of(report: RefreshReport) -> Word:
    """Return what receivers are told of a refresh."""
    lines = [line_words(line) for line in report.mirrors if line.exit or line.is_change or line.only_listed]
    return Word(report.exit, report.is_change, " ".join([first_sentence(report), *lines]))
