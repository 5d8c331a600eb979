"""`oomirror sync`, begun while most of it is still being imported: the bucket takes its time to answer meanwhile."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from mirror.app.contact import Contact
from mirror.app.request import SyncRequest
from mirror.config import Settings
from mirror.engine.events import EventSink

if TYPE_CHECKING:
    from mirror.app.sync import Confirm
    from mirror.report.model import SyncReport


async def sync(
    settings: Settings, request: SyncRequest, *, sink: EventSink, confirm: Confirm, force_catalog: bool = False
) -> SyncReport:
    """Do what `mirror.app.sync.sync` does. The order of what is checked, and of what is told, is the same."""
    async with Contact(settings, request.bucket, request.datasets, sink) as contact:
        # Database, pydantic's models and the transfer take a quarter of a second; in a thread the network goes on.
        await asyncio.to_thread(import_module, "mirror.app.sync")
        from mirror.app import sync as app

        return await app.sync(
            settings, request, sink=sink, confirm=confirm, force_catalog=force_catalog, contact=contact
        )


async def sync_and_tell(
    settings: Settings, request: SyncRequest, *, sink: EventSink, confirm: Confirm, force_catalog: bool = False
) -> SyncReport:
    """Do what `sync` does, and tell whom `[notify]` names. A dry run tells nobody."""
    work = sync(settings, request, sink=sink, confirm=confirm, force_catalog=force_catalog)
    if request.dry_run or not settings.notify.has_receivers:
        return await work  # What telling needs is not imported.
    from mirror.app.afterwards import Word, told, words_of
    from mirror.app.sync import exit_code_of
    from mirror.report.text.results import render_problems, render_sync

    def word_of(report: SyncReport) -> Word | None:
        """Return what is said of a sync; nothing where the user said no."""
        if report.run is None:
            return None
        came = (report.transferred, report.adopted, report.deleted)
        text = words_of(render_sync(report), render_problems(report))
        return Word(exit_code_of(report), any(one.objects for one in came), text)

    return await told(settings, "sync", work, word_of, sink)
