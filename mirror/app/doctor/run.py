"""All looks of the doctor, made one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mirror.app.doctor.bucket import look_at_bucket
from mirror.app.doctor.catalog import look_at_catalog
from mirror.app.doctor.checks import Check, blocking
from mirror.app.doctor.machine import look_at_machine
from mirror.app.doctor.mirrors import look_at_mirrors, look_at_schedule
from mirror.app.doctor.receivers import look_at_receivers
from mirror.app.doctor.share import look_at_share
from mirror.config import Settings
from mirror.report.doctor import DoctorReport


def checks_of(settings: Settings, *, bucket: str | None = None) -> tuple[Check, ...]:
    """Return the looks that a configuration asks for.

    Parameters
    ----------
    bucket
        Only this bucket; None: all.

    Raises
    ------
    UnknownNameError
        There is no such bucket.
    """
    names = sorted(settings.buckets) if bucket is None else [bucket]
    return (
        Check("machine", blocking(look_at_machine)),
        Check("share", blocking(partial(look_at_share, settings))),
        Check("catalog", blocking(partial(look_at_catalog, settings))),
        Check("mirrors", blocking(partial(look_at_mirrors, settings))),
        Check("schedule", blocking(partial(look_at_schedule, settings))),
        Check("notify", partial(look_at_receivers, settings.notify)),
        *(Check(f"bucket {name}", partial(look_at_bucket, name, settings.bucket(name))) for name in names),
    )


async def examine(checks: Sequence[Check]) -> DoctorReport:
    """Return what all looks find, in their order. Cancelling leaves nothing behind on the share but what is swept."""
    found = [one for check in checks for one in await check.diagnoses()]
    return DoctorReport(problems=sum(one.state == "problem" for one in found), diagnoses=tuple(found))
