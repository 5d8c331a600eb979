"""A refresh, and afterwards the word of it to those who were not there."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from mirror.app.notices import Notice, notify
from mirror.app.refresh.metrics import write_metrics
from mirror.app.refresh.run import RefreshRequest, refresh
from mirror.config import Settings
from mirror.engine.events import EventSink, Note, ignore
from mirror.report.refresh import RefreshReport
from mirror.report.text.refresh import first_sentence, line_words

MOST_OBJECTS = 20
"""Of each list of objects in a notice."""


async def refresh_and_tell(settings: Settings, request: RefreshRequest, *, sink: EventSink = ignore) -> RefreshReport:
    """Do what `refresh` does; write the metrics, and tell whom `[notify]` names. A dry run tells nobody.

    Raises as `refresh`; of such an error nobody is told. Who cannot be told changes nothing.
    """
    report = await refresh(settings, request, sink=sink)
    if not request.dry_run:
        await tell_of(settings, report, sink)
    return report


async def tell_of(settings: Settings, report: RefreshReport, sink: EventSink = ignore) -> None:
    """Write the metrics of a refresh, and tell whom `[notify]` names."""
    if settings.notify.metrics is not None:
        try:
            await asyncio.to_thread(write_metrics, settings.notify.metrics, settings, report)
        except OSError as error:
            sink(Note(f"Could not write the metrics: {settings.notify.metrics}: {error.strerror or error}."))
    await notify(settings.notify, notice_of(settings, report), sink)


def notice_of(settings: Settings, report: RefreshReport) -> Notice:
    """Return what receivers are told of a refresh."""
    lines = [line_words(line) for line in report.mirrors if line.exit or line.new.objects or line.changed.objects]
    return Notice(
        command="refresh",
        exit_code=report.exit,
        is_change=report.is_change,
        text=" ".join([first_sentence(report), *lines]),
        started_at=datetime.fromisoformat(report.started_at),
        finished_at=datetime.fromisoformat(report.finished_at),
        share=str(settings.share) if settings.share else None,
        report=_cut(report),
    )


def _cut(report: RefreshReport) -> dict[str, Any]:
    """Return the report as JSON values, with no more of its lists of objects than a receiver wants to read."""
    short = [
        line.model_copy(update={"failed": line.failed[:MOST_OBJECTS], "skipped": line.skipped[:MOST_OBJECTS]})
        for line in report.mirrors
    ]
    return report.model_copy(update={"mirrors": tuple(short)}).model_dump(mode="json", by_alias=True)
