"""The batches of a check, part after part, until the budget is used up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from catalog.session import Catalog
from mirror.app.verify.keeper import Keeper
from mirror.app.verify.parts import Part
from mirror.app.verify.rows import Ticket, batches_of
from mirror.app.verify.strays import Strays
from mirror.app.workplace import utc_now
from mirror.engine.scrub import Batch, Depth
from mirror.objects import Tally
from mirror.quantities import Budget


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is."""

    now: Callable[[], datetime] = utc_now
    """In UTC."""
    seconds: Callable[[], float] = time.monotonic


CLOCK = Clock()
"""That of the machine."""


class Meter:
    """How much of the budget is spent.

    Parameters
    ----------
    planned
        All that is to be looked at.
    started
        When the check was begun, by the clock.
    """

    def __init__(self, budget: Budget, planned: Tally, clock: Clock, started: float) -> None:
        self._clock = clock
        self._until = None if budget.seconds is None else started + budget.seconds
        self._limit_bytes = budget.n_bytes
        if budget.share is not None:
            self._limit_bytes = int(planned.bytes * budget.share)
        self._spent_bytes = 0
        self._is_begun = False

    def take(self, n_bytes: int) -> None:
        """Spend these bytes."""
        self._spent_bytes += n_bytes
        self._is_begun = True

    def is_spent(self) -> bool:
        """Return whether nothing more is to be begun; something always is."""
        if not self._is_begun:
            return False
        if self._until is not None and self._clock.seconds() >= self._until:
            return True
        return self._limit_bytes is not None and self._spent_bytes >= self._limit_bytes


@dataclass(slots=True)
class Feed:
    """Batches of all parts."""

    catalog: Catalog
    share: Path
    """Its root."""
    parts: Sequence[Part]
    depth: Depth
    meter: Meter
    is_stopped: Callable[[], bool]
    is_complete: bool = False
    """Whether the batches that were yielded are all: known at the end."""

    def batches(self, watchers: Mapping[str, tuple[Keeper, Strays]]) -> Iterator[tuple[Ticket, Batch]]:
        """Yield them, each after it was made known to the keeper of its bucket.

        Parameters
        ----------
        watchers
            Of each bucket, by its name.
        """
        for part in self.parts:
            keeper, strays = watchers[part.place.bucket]
            for ticket, batch in batches_of(self.catalog, part, self.share, depth=self.depth):
                if self.is_stopped() or self.meter.is_spent():
                    return
                keeper.hand_out(ticket)
                self.meter.take(ticket.tally.bytes)
                yield ticket, batch
            strays.walk(part)
            keeper.end(part)
        self.is_complete = True
