"""One thread that fetches small objects without a pause: takes items as it has room, tells outcomes in groups."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from mirror.engine.fetch import Fetcher, Item, Outcome

FLUSH_OUTCOMES = 128
FLUSH_SECONDS = 0.05
"""Outcomes are told when there are this many, when the first of them is this old, or when nothing else comes."""

REST_SECONDS = 0.2
"""How soon a thread that is to rest sees that it is wanted."""

Told = tuple[int, Outcome]
"""The ticket of an item, and what became of it."""
Inbox = queue.SimpleQueue[Sequence[tuple[int, Item]] | None]
"""Items with their tickets, for whichever thread has room; None ends one thread."""


def fetch_from(
    inbox: Inbox, fetcher: Fetcher, *, in_flight: Callable[[], int], tell: Callable[[Sequence[Told]], object]
) -> None:
    """Fetch what comes into the inbox until it ends, or the fetcher is stopped.

    Parameters
    ----------
    in_flight
        Requests of this thread at a time; 0 lets it rest.
    tell
        Called in this thread with the outcomes of some items.

    Raises
    ------
    UnsafeError
        The share is full, read-only or gone: the run must end.
    """
    tray = _Tray(inbox, in_flight)
    with closing(fetcher.fetch_stream(tray.items(), in_flight=lambda: max(1, in_flight()))) as outcomes:
        for outcome in outcomes:
            if outcome is not None:
                tray.add(outcome)
            if tray.is_due(is_idle=outcome is None):
                tell(tray.clear())
    if told := tray.clear():
        tell(told)


def hand_out(inbox: Inbox, items: Sequence[tuple[int, Item]], n_threads: int) -> None:
    """Put items into the inbox: together for one thread, else one by one.

    What a thread has taken waits behind what it has in flight, while others may have nothing to do.
    """
    if n_threads == 1:
        inbox.put(items)
        return
    for item in items:
        inbox.put((item,))


class _Tray:
    """What a thread has taken and not told yet."""

    def __init__(self, inbox: Inbox, in_flight: Callable[[], int]) -> None:
        self._inbox = inbox
        self._in_flight = in_flight
        self._backlog: deque[tuple[int, Item]] = deque()
        self._tickets: dict[int, int] = {}
        self._told: list[Told] = []
        self._due = 0.0

    def items(self) -> Iterator[Item | None]:
        """Yield items as they come, None while there is none; wait only where nothing else is to be done."""
        while True:
            if not self._backlog and not self._in_flight():
                if not (self._tickets or self._told):
                    time.sleep(REST_SECONDS)
                yield None
                continue
            if not self._backlog:
                try:
                    more = self._inbox.get(block=not (self._tickets or self._told))
                except queue.Empty:
                    yield None
                    continue
                if more is None:
                    return
                self._backlog.extend(more)
            ticket, item = self._backlog.popleft()
            # By identity: two items may be equal, and each lives until it has its outcome.
            self._tickets[id(item)] = ticket
            yield item

    def add(self, outcome: Outcome) -> None:
        if not self._told:
            self._due = time.monotonic() + FLUSH_SECONDS
        self._told.append((self._tickets.pop(id(outcome.item)), outcome))

    def is_due(self, *, is_idle: bool) -> bool:
        # What is decided without a request comes without a pause, one None behind each.
        is_idle = is_idle and not self._backlog
        return bool(self._told) and (is_idle or len(self._told) >= FLUSH_OUTCOMES or time.monotonic() >= self._due)

    def clear(self) -> Sequence[Told]:
        told, self._told = self._told, []
        return told
