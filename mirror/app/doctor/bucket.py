"""A bucket: does it answer, how fast, how is it reached, and what time is it there."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from mirror.app.opened import open_bucket
from mirror.config import BucketSettings
from mirror.report.doctor import Diagnosis, note, ok, problem
from mirror.store.proxy import proxy_for
from mirror.store.region import ask_time
from mirror.store.words import without_passwords

SKEW_SECONDS = 60.0
"""Clocks that differ by more are said: S3 refuses signed requests from 15 minutes on."""
_REFUSED_SECONDS = 900.0


async def look_at_bucket(name: str, settings: BucketSettings) -> Iterable[Diagnosis]:
    """Return whether a LIST of one key is answered. Raises StoreError or UsageError where it is not."""
    connection = settings.connection()
    started = time.monotonic()
    async with open_bucket(settings) as bucket:
        page = await bucket.list_page(bucket.url.prefix, max_keys=1)
        seconds = time.monotonic() - started
        region = bucket.connection.region
    what = f"bucket {name}"
    how = "anonymous" if connection.anonymous else "signed"
    tls = "TLS" if connection.endpoint.startswith("https://") else "no TLS"
    proxy = proxy_for(connection.bucket_endpoint)
    way = f"by the proxy {without_passwords(proxy)}" if proxy else "no proxy"
    said = [ok(what, f"{bucket.url} answers in {seconds:.2f} s: {region}, {how}, {tls}, {way}")]
    if region != settings.region:
        said.append(note(what, f"lies in {region}", f'Set region = "{region}" to save the way round.'))
    if not page.objects:
        said.append(problem(what, "holds nothing under its prefix", "See that its url is the right one."))
    if (there := await ask_time(bucket.connection)) is not None:
        said += clock(what, (there - datetime.now(UTC)).total_seconds(), is_signed=not connection.anonymous)
    return said


def clock(what: str, ahead_seconds: float, *, is_signed: bool) -> list[Diagnosis]:
    """Return what is to be said of a server's clock, which tells whole seconds."""
    if abs(ahead_seconds) <= SKEW_SECONDS:
        return []
    found = f"its clock is {abs(ahead_seconds):.0f} s {'ahead of' if ahead_seconds > 0 else 'behind'} this machine's"
    advice = "Set this machine's clock (NTP)."
    if is_signed and abs(ahead_seconds) >= _REFUSED_SECONDS:
        return [problem(what, found, f"{advice} S3 refuses signed requests from 15 minutes on.")]
    return [note(what, found, advice)]
