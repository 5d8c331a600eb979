"""What a check came to: all of it counted, the first of what is wrong by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

from mirror.app.verify.parts import LineName, Part
from mirror.app.verify.rows import Claim
from mirror.app.verify.shortlist import Shortlist
from mirror.engine.scrub import Damage
from mirror.objects import Tally
from mirror.report.verification import NAMED


@dataclass(frozen=True, slots=True)
class Found:
    """An object that is not what its row says."""

    part: Part
    claim: Claim
    damage: Damage
    reason: str
    is_upstream: bool
    """Whether its bytes are those that came from the bucket."""

    @property
    def name(self) -> tuple[str, str]:
        """Bucket and key."""
        return self.part.place.bucket, self.claim.key


@dataclass(frozen=True, slots=True)
class Unmended:
    """An object that a repair could not mend, and why."""

    bucket: str
    key: str
    reason: str

    @property
    def name(self) -> tuple[str, str]:
        """Bucket and key."""
        return self.bucket, self.key


@dataclass(slots=True)
class Outcome:
    """What a check came to, filled as it goes; its size does not grow with what is wrong."""

    checked: dict[LineName, Tally] = field(default_factory=dict)
    """By bucket, dataset, volume and level."""
    wrong: dict[tuple[LineName, Damage], Tally] = field(default_factory=dict)
    """By the same and the kind."""
    n_named: int = NAMED
    """How many objects of each list are known by name."""
    damaged: Shortlist[Found] = field(init=False)
    """Strays, too."""
    lost: Shortlist[Found] = field(init=False)
    unmended: Shortlist[Unmended] = field(init=False)
    upgraded: Tally = field(default_factory=Tally)
    """Objects of which only the length had been compared, and that are proven now."""

    def __post_init__(self) -> None:
        self.damaged, self.lost = Shortlist(self.n_named), Shortlist(self.n_named)
        self.unmended = Shortlist(self.n_named)

    def add_checked(self, part: Part, tally: Tally) -> None:
        """Count objects that were looked at."""
        self.checked[part.line] = self.checked.get(part.line, Tally()) + tally

    def add(self, found: Found) -> None:
        """Take an object that is wrong: each once."""
        name = found.part.line, found.damage
        self.wrong[name] = self.wrong.get(name, Tally()).plus(found.claim.size)
        (self.lost if found.damage is Damage.LOST else self.damaged).add(found.name, found)

    def wrong_of(self, line: LineName, *, is_lost: bool) -> Tally:
        """Return what is lost, or what is damaged, of a line; strays are none of it."""
        kinds = [Damage.LOST] if is_lost else [one for one in Damage if one not in (Damage.LOST, Damage.STRAY)]
        return sum((self.wrong.get((line, kind), Tally()) for kind in kinds), Tally())

    def to_mend(self, bucket: str | None = None) -> Tally:
        """Return all that is wrong but strays: in one bucket, or in all."""
        some = (
            tally
            for (line, kind), tally in self.wrong.items()
            if kind is not Damage.STRAY and bucket in (None, line[0])
        )
        return sum(some, Tally())

    def leave_all(self, reason: str) -> None:
        """Say of all that is wrong but strays that it was not mended."""
        for one in chain(self.damaged, self.lost):
            if one.damage is not Damage.STRAY:
                self.unmended.add(one.name, Unmended(*one.name, reason))
        self.unmended.n_all = self.to_mend().objects

    def n_by_kind(self) -> dict[Damage, int]:
        """Return how many objects of each kind there are, in the order of the kinds; none of which there are none."""
        found = {kind: sum(one.objects for (_, of), one in self.wrong.items() if of is kind) for kind in Damage}
        return {kind: n for kind, n in found.items() if n}
