"""How far the look at one part has come: batches are done in no order."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from catalog.records import CheckedPart, Count
from mirror.app.verify.parts import Part
from mirror.app.verify.rows import Ticket
from mirror.engine.scrub import Depth
from mirror.objects import Tally


class Course:
    """Follows the batches of one part, from the first to the last.

    Parameters
    ----------
    now
        The time, in UTC.
    """

    def __init__(self, part: Part, now: datetime) -> None:
        self.part = part
        stopped = part.known.begun_at if part.known is not None and part.resume_after is not None else None
        self._begun_at = stopped or now
        self.is_fed = False
        """Whether all batches are on their way."""
        self._checked = Tally()
        self._open: deque[Ticket] = deque()
        self._done: set[int] = set()
        self._position: str | None = None

    def hand_out(self, ticket: Ticket) -> None:
        """Note that a batch is on its way."""
        self._open.append(ticket)

    def take_back(self, ticket: Ticket) -> None:
        """Note that a batch is done: all before the first that is not was looked at."""
        self._done.add(id(ticket))
        while self._open and id(self._open[0]) in self._done:
            first = self._open.popleft()
            self._done.discard(id(first))
            self._position = first.position
            self._checked += first.tally

    @property
    def is_over(self) -> bool:
        """Whether all of the part was looked at."""
        return self.is_fed and not self._open

    @property
    def has_moved(self) -> bool:
        """Whether some of it was looked at, from its beginning on without a gap."""
        return self._position is not None

    def to_record(self, depth: Depth, run_id: int, *, decoded_before: int) -> CheckedPart:
        """Return what is to be kept of the part.

        Parameters
        ----------
        decoded_before
            Blocks of runs with lesser numbers are decoded when the part was looked at in full.
        """
        part, known = self.part, self.part.known
        decoded = known.decoded_before if known is not None else None
        if self.is_over and depth is Depth.FULL and part.resume_after is None:
            decoded = decoded_before
        return CheckedPart(
            part.place.bucket_id,
            part.prefix,
            int(depth),
            self._begun_at if self.is_over else (known.checked_at if known is not None else None),
            None if self.is_over else self._position,
            decoded,
            run_id,
            Count(self._checked.objects, self._checked.bytes),
            None if self.is_over else self._begun_at,
        )
