"""What the sampled places say together: the relation of two levels, and the line that leads from A's values to B's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from mirror.explain.sample.align import Shift
from mirror.explain.sample.recode import LEAST_EXPLAINED
from mirror.explain.sample.relation import Fit, Match, NoMatch, Relation

Verdict = Match | NoMatch


@dataclass(frozen=True, slots=True)
class LevelRelation:
    """How two levels are related, as far as sampled."""

    parts: tuple[Relation, ...]
    """As `Match.parts`; DIFFERENT or UNDECIDED alone where there is none."""
    n_places: Mapping[Relation, int]
    """Places by what was found there."""
    fit: Fit | None
    """The line of the places with these parts, None where there is none."""
    shift_zyx: Shift | None
    """Their median."""

    @property
    def relation(self) -> Relation:
        """The one word for it."""
        return self.parts[0] if len(self.parts) == 1 else Relation.COMBINED


def sum_up(verdicts: Sequence[Verdict]) -> LevelRelation:
    """Return the relation that most of the decided places have, more than half; else that the levels differ.

    SAME is said of a level only if every decided place is; among others such a place is on the line b = a. Places that
    tell nothing have no vote.
    """
    n_places = dict(sorted(Counter(one.relation for one in verdicts).items()))
    parts = _parts(verdicts)
    chosen = [one for one in verdicts if isinstance(one, Match) and _vote(one) == _on_a_line(parts)]
    if not chosen:
        return LevelRelation(parts, n_places, None, None)
    shifts = zip(*(one.shift_zyx for one in chosen), strict=True)
    return LevelRelation(parts, n_places, _joined([one.fit for one in chosen]), tuple(map(median, shifts)))


def _parts(verdicts: Sequence[Verdict]) -> tuple[Relation, ...]:
    decided = [one for one in verdicts if one.relation is not Relation.UNDECIDED]
    if not decided:
        return (Relation.UNDECIDED,)
    if all(one.relation is Relation.SAME for one in decided):
        return (Relation.SAME,)
    votes = Counter(map(_vote, decided))
    parts, n = max(votes.items(), key=lambda one: (one[1], one[0]))
    return parts if 2 * n > len(decided) else (Relation.DIFFERENT,)


def _vote(verdict: Verdict) -> tuple[Relation, ...]:
    return _on_a_line(verdict.parts) if isinstance(verdict, Match) else (verdict.relation,)


def _on_a_line(parts: tuple[Relation, ...]) -> tuple[Relation, ...]:
    return (Relation.LINEAR,) if parts == (Relation.SAME,) else parts


def _joined(fits: Sequence[Fit]) -> Fit:
    """Return the median line; one place of resin alone must not turn it."""
    return Fit(
        median(fit.slope for fit in fits),
        median(fit.offset for fit in fits),
        median(fit.residual for fit in fits),
        median(fit.correlation for fit in fits),
        sum(fit.n_voxels for fit in fits),
        sum(fit.n_different for fit in fits),
    )


def level_fit(level: LevelRelation) -> Fit | None:
    """Return the line by which A's voxels can be stored in B's type, None where it explains too little of B."""
    return level.fit if level.fit is not None and level.fit.correlation**2 >= LEAST_EXPLAINED else None
