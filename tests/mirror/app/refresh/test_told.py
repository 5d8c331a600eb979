"""Several runs that tell at once, as one."""

from __future__ import annotations

from mirror.app.refresh.told import SideBySide
from mirror.engine.events import Event, FolderFound, Listed, Note, ObjectFailed, ObjectsDone, Paced, TransferStarted
from mirror.objects import Tally


def test_runs_side_by_side_are_summed_and_named() -> None:
    """A second transfer begins with what is left of the first; sentences get names; listings and paces are dropped."""
    seen: list[Event] = []

    def take(event: Event) -> None:
        """Keep an event."""
        seen.append(event)

    together = SideBySide(take)
    x, y = together.of("x"), together.of("y")
    x(FolderFound(1))
    x(TransferStarted(Tally(10, 100)))
    x(ObjectsDone(Tally(4, 40)))
    y(Listed(1, 1, 1))
    y(TransferStarted(Tally(2, 20)))
    y(Paced(1, "server"))
    y(Note("a word", is_detail=True))
    x(ObjectFailed("k", "why"))
    assert seen == [
        TransferStarted(Tally(10, 100)),
        ObjectsDone(Tally(4, 40)),
        TransferStarted(Tally(8, 80)),
        Note("y: a word", is_detail=True),
        ObjectFailed("k", "why"),
    ]
