"""`oomirror verify`: choose what is to be looked at, and look."""

from __future__ import annotations

from catalog.errors import CatalogError, CatalogMissingError
from catalog.sealed import is_sealed
from catalog.session import open_catalog
from mirror.app.datasets import plain_errors
from mirror.app.verify.check import Check, Confirm
from mirror.app.verify.choice import choose, choose_roots
from mirror.app.verify.feed import CLOCK, Clock
from mirror.app.verify.outcome import Outcome
from mirror.app.verify.parts import parts_of
from mirror.app.verify.request import VerifyRequest
from mirror.app.workplace import checked_marker, close_dead_runs, workplace
from mirror.config import Settings
from mirror.engine.events import EventSink, ignore
from mirror.engine.retry import PATIENT, RetryPolicy
from mirror.quantities import Budget
from mirror.report.verification import NAMED, VerifyReport
from mirror.store.share import Share


async def verify(
    settings: Settings,
    request: VerifyRequest,
    *,
    sink: EventSink = ignore,
    confirm: Confirm = lambda _: True,
    force_catalog: bool = False,
    clock: Clock = CLOCK,
    policy: RetryPolicy = PATIENT,
    n_named: int = NAMED,
) -> VerifyReport:
    """Look whether the share has what the catalog says, as deep as is asked, and mend it if that is asked, too.

    Takes no lock unless it mends: a sync may go on beside it, and what that replaces meanwhile is not taken for damage.
    Nothing is written on the share unless it mends, but the published catalog where rows had to be taken back.

    Parameters
    ----------
    confirm
        Called with what is to be fetched before anything is; False leaves it damaged.
    policy
        How often, and with which waits, a request of a repair is made again.
    n_named
        How many objects of each list the report names; all are counted.

    Raises
    ------
    MirrorError
        Unknown names; a share that is gone, unmarked or foreign, also in the middle; a lock.
    CatalogError
        There is no catalog, or none with rows: a published one tells nothing of blocks.

    Cancelling saves what was found; the next check begins with what was not looked at. Only one with a budget goes on
    in the middle of a part.
    """
    started = clock.seconds()
    checked_marker(Share(settings.share_root()))
    _check_catalog(settings)
    async with plain_errors():
        with workplace(settings, dry_run=False, force_catalog=force_catalog) as place:
            close_dead_runs(place.open_catalog)
            with place.open_catalog.read() as connection:
                chosen = choose(connection, settings, request)
                is_everything = request.is_everything and not request.datasets
                roots = choose_roots(connection, chosen) if is_everything else ()
                # Who sets no limit wants to know of all of it, whatever an earlier night has seen.
                resumes = request.budget != Budget()
                parts = parts_of(connection, (*chosen, *roots), depth=request.depth, resumes=resumes)
            outcome = Outcome(n_named=n_named)
            check = Check(settings, request, place, sink, clock, policy, started, chosen, roots, parts, outcome)
            return await check.run(confirm)


def _check_catalog(settings: Settings) -> None:
    """Raise CatalogMissingError where there is no catalog: what is not known cannot be checked, and none is made."""
    try:
        catalog = open_catalog(settings.catalog, create=False, read_only=True)
    except CatalogMissingError as error:
        raise CatalogMissingError(
            error.what,
            error.thing,
            hint="Verify on the machine that mirrors. Elsewhere a certificate tells what must be there: "
            "`oomirror certify DATASET -o FILE` there, `oomirror verify --against FILE` here.",
        ) from error
    with catalog, catalog.read() as connection:
        if is_sealed(connection):
            raise CatalogError(
                "a published catalog has no rows of blocks",
                catalog.url,
                hint="Name the catalog of the machine that mirrors, or check a certificate: `verify --against FILE`.",
            )
