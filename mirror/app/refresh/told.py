"""What several entries tell while they are at work side by side: with their names, and summed."""

from __future__ import annotations

from typing import assert_never

from mirror.engine.events import (
    DocumentsSeen,
    Event,
    EventSink,
    FolderFound,
    Listed,
    Note,
    ObjectFailed,
    ObjectsDone,
    Paced,
    Retried,
    TransferStarted,
)
from mirror.objects import Tally


class SideBySide:
    """Passes on the events of several runs at once as those of one: their transfers are summed, notes get a name."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self._left = Tally()

    def of(self, name: str) -> EventSink:
        """Return the sink of one run."""

        def take(event: Event) -> None:
            """Take one event of it."""
            self._take(name, event)

        return take

    def _take(self, name: str, event: Event) -> None:
        match event:
            case Note(text, is_detail):
                self._sink(Note(f"{name}: {text}", is_detail))
            case TransferStarted(planned):
                # What is left of the others begins anew with it, so that the rate is that of all from now on.
                self._left += planned
                self._sink(TransferStarted(self._left))
            case ObjectsDone(done):
                objects, n_bytes = self._left.objects - done.objects, self._left.bytes - done.bytes
                self._left = Tally(max(0, objects), max(0, n_bytes))
                self._sink(event)
            case Retried() | ObjectFailed():
                self._sink(event)
            case FolderFound() | Listed() | Paced() | DocumentsSeen():
                return  # How one of them lists, or is paced, says nothing of all; none imports.
            case _:
                assert_never(event)
