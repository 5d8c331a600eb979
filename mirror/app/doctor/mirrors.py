"""`[[mirrors]]`: is each entry refreshed, and does anything do so by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from catalog import migrate, queries
from catalog.errors import CatalogError
from catalog.session import open_as_is
from mirror.app import scheduling
from mirror.app.refresh.entries import Entry, entries_of
from mirror.app.refresh.history import history
from mirror.app.workplace import utc_now
from mirror.config import Settings
from mirror.report.doctor import Diagnosis, note, ok, problem
from mirror.report.numbers import format_age
from mirror.schedule import Crontab
from mirror.schedule.program import NoCrontabError

if TYPE_CHECKING:
    from sqlalchemy import Connection

LONG = timedelta(days=7)
"""An entry that was not well for so long is worth a word."""
_SPOILED = '`oomirror schedule install "0 3 * * *"` puts one line in its place; `oomirror schedule show` shows it.'
_NAME = "mirrors"


def look_at_mirrors(settings: Settings, *, now: datetime | None = None) -> Iterator[Diagnosis]:
    """Yield what is to be said of the entries; nothing where there are none. Writes nothing."""
    if not settings.mirrors:
        return
    entries = entries_of(settings)
    yield from twice(entries)
    try:
        with open_as_is(settings.catalog) as catalog, catalog.read() as connection:
            if migrate.revision(connection) == migrate.OURS.head:
                for entry in entries:
                    yield known(connection, entry, now or utc_now())
    except CatalogError:
        return  # The look at the catalog says what is wrong with it.


def twice(entries: Sequence[Entry]) -> Iterator[Diagnosis]:
    """Yield the entries that ask for what an earlier one asks for."""
    seen: dict[tuple[object, ...], Entry] = {}
    for entry in entries:
        first = seen.setdefault(_asked(entry), entry)
        if first is not entry:
            found = f"{entry.name}: entries {first.number} and {entry.number} are the same"
            yield note(_NAME, found, "Remove one: the second only costs its listing.")


def known(connection: Connection, entry: Entry, now: datetime) -> Diagnosis:
    """Return what the catalog knows of an entry: whether, and when, it was last brought up to date."""
    bucket_id = queries.find_bucket(connection, entry.bucket_url)
    if bucket_id is None or entry.dataset not in queries.dataset_names(connection, bucket_id):
        advice = f"See that the bucket has it: `oomirror scan {entry.dataset} --bucket {entry.bucket}`."
        return note(_NAME, f"{entry.name}: the catalog has never seen this dataset", advice)
    past = history(connection, entry)
    if past.well_at is None:
        said = "was begun, and never finished well" if past.begun_at else "was never begun"
        advice = f"`oomirror refresh {entry.name}` does so, and says what hinders it."
        return note(_NAME, f"{entry.name}: {said}", advice)
    said = f"{entry.name}: last finished well {format_age(past.well_at, now)}, {past.well_at:%Y-%m-%d %H:%M} UTC"
    if now - past.well_at > LONG:
        return note(_NAME, said, f"`oomirror refresh {entry.name}` says what hinders it, if anything calls it at all.")
    return ok(_NAME, said)


def look_at_schedule(settings: Settings, crontab: Crontab = Crontab()) -> Iterator[Diagnosis]:  # noqa: B008  frozen
    """Yield whether cron refreshes the entries; nothing where there are none."""
    if not settings.mirrors:
        return
    advice = 'Unless something else calls `oomirror refresh`: `oomirror schedule install "0 3 * * *"`.'
    try:
        jobs = scheduling.show(crontab, now=datetime.now().astimezone())
    except NoCrontabError as error:
        yield note("schedule", error.what, 'Where there is no cron: `oomirror schedule install --print "0 3 * * *"`.')
        return
    if not jobs:
        yield note("schedule", "your crontab does not refresh [[mirrors]]", advice)
    for job in jobs:
        if job.fault:
            found = f"cron cannot run the line in your crontab that refreshes [[mirrors]]: {job.fault.rstrip('.')}"
            yield problem("schedule", found, _SPOILED)
            continue
        when = f"next at {job.next_times[0]:%Y-%m-%d %H:%M}" if job.next_times else "at times of its own"
        yield ok("schedule", f"your crontab refreshes [[mirrors]], {when}")


def _asked(entry: Entry) -> tuple[object, ...]:
    one, spec = entry.mirror, entry.mirror.spec()
    chosen = (str(spec.scales), frozenset(one.volumes), frozenset(one.formats), one.unscaled, frozenset(one.exclude))
    return entry.lock, chosen, one.bucket_files, one.checksum, one.verify_share
