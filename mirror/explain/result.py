"""What an explanation is, as values: from the factors of one group of blocks up to a dataset. Sums are exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from mirror.explain.causes import ONLY_IN, Cause, Place, Side
from mirror.explain.headers import HeaderEvidence
from mirror.formats.kinds import VolumeKind
from mirror.formats.layout import ArrayFacts
from mirror.objects import Tally

NOTHING = Tally()


@dataclass(frozen=True, slots=True)
class Share:
    """One factor of the payload of one group of common blocks."""

    group: str
    """`interior`, `edge`, or `whole level` where blocks cannot be told apart."""
    cause: Cause
    a: Fraction
    b: Fraction
    log_ratio: Decimal | None
    """ln(a / b); None where one of them is 0."""
    bytes: int
    """What the factor makes of the difference, rounded so that the factors of a group sum exactly."""


@dataclass(frozen=True, slots=True)
class LevelSide:
    """What one bucket stores of a level."""

    facts: ArrayFacts | None
    """None where its metadata cannot be read."""
    blocks: Tally
    """Sound blocks inside its own grid: what the level's difference is made of."""
    one_sided: Tally = NOTHING
    """Of them, inside both grids, and not stored by the other."""
    outside: Tally = NOTHING
    """Of them, outside the other's grid."""
    headers: HeaderEvidence | None = None
    """None for formats whose blocks have no header."""


@dataclass(frozen=True, slots=True)
class LevelExplanation:
    """Why a paired level differs. `contributions` and `unexplained_bytes` sum to `difference_bytes`."""

    level: str
    a: LevelSide
    b: LevelSide
    contributions: Mapping[Cause, int]
    """Of each cause in `CONTRIBUTING`, signed: what A has more."""
    unexplained_bytes: int = 0
    shares: tuple[Share, ...] = ()
    n_common: Mapping[str, int] | None = None
    """Group to blocks that both store; cells where block sizes differ; None where blocks cannot be told apart."""
    notes: tuple[str, ...] = ()
    """Evidence as sentences."""
    is_approximate: bool = False
    """Exact in its sum; but what is laid side by side is not block and block."""
    sampled: tuple[str, ...] = ()
    """What a sample tells, as sentences."""
    parts: Mapping[Cause, int] | None = None
    """What a sample parts the contribution of `compression` into; sums to it."""

    @property
    def difference_bytes(self) -> int:
        """What A stores more."""
        return self.a.blocks.bytes - self.b.blocks.bytes


@dataclass(frozen=True, slots=True)
class OnlyIn:
    """Objects that one bucket has and the other has nothing to lay beside."""

    side: Side
    place: Place
    where: str
    listed: Tally
    reason: str
    examples: tuple[str, ...] = ()

    @property
    def cause(self) -> Cause:
        """`only_in_a` or `only_in_b`."""
        return ONLY_IN[self.side]

    @property
    def bytes(self) -> int:
        """Signed: what A has more by it."""
        return self.side.sign * self.listed.bytes


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Bytes that no cause accounts for."""

    where: str
    bytes: int
    """Signed: what A has more by it."""
    reason: str


@dataclass(frozen=True, slots=True)
class PairExplanation:
    """Why two volumes that show the same differ."""

    a_volume: str
    b_volume: str
    kind: VolumeKind
    reason: str
    """Why the two are a pair."""
    a: Tally
    """Every object of the volume: levels without partner, documents and strays too."""
    b: Tally
    levels: tuple[LevelExplanation, ...]
    """Finest first."""
    only: tuple[OnlyIn, ...] = ()
    unexplained: tuple[Unexplained, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def difference_bytes(self) -> int:
        """What A has more."""
        return self.a.bytes - self.b.bytes

    @property
    def where(self) -> str:
        """The pair as a place in a report."""
        return f"{self.a_volume} with {self.b_volume}"


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth knowing that moves no byte."""

    code: str
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class DatasetExplanation:
    """Why a dataset differs: its causes and all that is unexplained sum to `difference_bytes`."""

    dataset: str
    a: Tally
    b: Tally
    pairs: tuple[PairExplanation, ...]
    only: tuple[OnlyIn, ...] = ()
    """Outside of pairs."""
    unexplained: tuple[Unexplained, ...] = ()
    """Outside of pairs."""
    notes: tuple[Note, ...] = ()

    @property
    def difference_bytes(self) -> int:
        """What A has more."""
        return self.a.bytes - self.b.bytes

    @property
    def all_unexplained(self) -> tuple[Unexplained, ...]:
        """All that no cause accounts for, the largest first."""
        every = [*self.unexplained, *(one for pair in self.pairs for one in pair.unexplained)]
        return tuple(sorted(every, key=lambda one: (-abs(one.bytes), one.where)))

    @property
    def unexplained_bytes(self) -> int:
        """Their sum, signed."""
        return sum(one.bytes for one in self.all_unexplained)
