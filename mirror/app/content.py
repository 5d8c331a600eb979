"""Objects whose ETag changed upstream: how many came with other content, and how many were only uploaded again."""

from __future__ import annotations

from dataclasses import dataclass, field

from catalog.queries import Contents
from mirror.engine.fetch import Done
from mirror.objects import Tally

COUNTER = "contents"
"""Name under which a run's counters have this."""


@dataclass(slots=True)
class ContentCounts:
    """What was fetched in the place of an older version, by how it compares with it."""

    reuploaded: Tally = field(default_factory=Tally)
    """The same bytes: only the ETag is another, as after an upload in other parts."""
    other: Tally = field(default_factory=Tally)
    """Other bytes."""
    other_same_size: Tally = field(default_factory=Tally)
    """Those of `other` whose length stayed: nothing but the ETag told."""
    unknown: Tally = field(default_factory=Tally)
    """The catalog has no hash of the older version."""

    def add(self, done: Done, before: Contents | None) -> None:
        """Count an object that is on the share.

        Parameters
        ----------
        before
            Of the older version; None where the catalog had no row.
        """
        size, digest = before or (None, None)
        if digest is None:
            self.unknown = self.unknown.plus(done.size)
        elif digest == done.xxh3:
            self.reuploaded = self.reuploaded.plus(done.size)
        else:
            self.other = self.other.plus(done.size)
            if size == done.size:
                self.other_same_size = self.other_same_size.plus(done.size)

    def as_counters(self) -> dict[str, dict[str, int]]:
        """Return the counts as a run keeps them."""
        names = ("reuploaded", "other", "other_same_size", "unknown")
        tallies = {name: getattr(self, name) for name in names}
        return {name: {"objects": one.objects, "bytes": one.bytes} for name, one in tallies.items()}
