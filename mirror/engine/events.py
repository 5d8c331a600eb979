"""What the engine tells while it works: a stream of frozen events to a sink. The engine knows no terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mirror.objects import Tally


@dataclass(frozen=True, slots=True)
class FolderFound:
    """A folder of a dataset was looked at for volumes."""

    folders: int
    """So far in this dataset."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Listing went on."""

    objects: int
    """So far in this run."""
    shards_done: int
    shards: int


@dataclass(frozen=True, slots=True)
class TransferStarted:
    """The plan is being run."""

    planned: Tally
    doing: str = "mirroring"
    """What is done with the objects, as the progress calls it."""


@dataclass(frozen=True, slots=True)
class ObjectsDone:
    """Objects got their names on the share, and their rows in the catalog; or were looked at."""

    done: Tally


@dataclass(frozen=True, slots=True)
class Paced:
    """How many requests are in flight from now on, and what keeps it from being faster."""

    in_flight: int
    limited_by: str
    """`network`, `server`, `share`, `CPU`, `bandwidth limit` or `concurrency` (as the user fixed it)."""


@dataclass(frozen=True, slots=True)
class Retried:
    """An object or a page is tried again."""

    thing: str
    reason: str
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class ObjectFailed:
    """An object is given up for this run."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentsSeen:
    """An import of foreign documents went on."""

    documents: int
    """So far of this source."""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the user."""

    text: str
    is_detail: bool = False
    """Said only to those who want to know more (`-v`)."""


Event = FolderFound | Listed | TransferStarted | ObjectsDone | Paced | Retried | ObjectFailed | DocumentsSeen | Note


class EventSink(Protocol):
    """Takes events; called in the event loop's thread, must return at once."""

    def __call__(self, event: Event) -> None:
        """Take one event."""


def ignore(event: Event) -> None:
    """Do nothing: the default sink."""
