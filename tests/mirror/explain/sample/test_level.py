"""Places vote on how levels are related, and SAME needs all of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mirror.explain.sample.level import Verdict, level_fit, sum_up
from mirror.explain.sample.relation import Fit, Match, NoMatch, Relation

SAME = Match(Fit(1, 0, 0, 1, 10, 0), is_mirrored_y=False, shift_zyx=(0.0,) * 3, is_identity=True, agreement=None)
NOISY = Match(Fit(2, 3, 1, 0.6, 10, 9), is_mirrored_y=False, shift_zyx=(0.0,) * 3, is_identity=False, agreement=None)
TURNED = Match(
    Fit(-2, 3, 1, -0.9, 10, 9), is_mirrored_y=True, shift_zyx=(0.0, 1.5, 0.0), is_identity=False, agreement=None
)
OTHER, NOTHING = (NoMatch(one, "") for one in (Relation.DIFFERENT, Relation.UNDECIDED))


@pytest.mark.parametrize(
    ("verdicts", "parts"),
    [
        pytest.param([], (Relation.UNDECIDED,), id="none"),
        pytest.param([NOTHING] * 3, (Relation.UNDECIDED,), id="nothing told"),
        pytest.param([SAME] * 3 + [NOTHING] * 9, (Relation.SAME,), id="all the same"),
        pytest.param([SAME] * 9 + [OTHER], (Relation.LINEAR,), id="not quite all"),
        pytest.param([SAME] * 9 + [NOISY], (Relation.LINEAR,), id="nearly the same"),
        pytest.param([NOISY, OTHER], (Relation.DIFFERENT,), id="no majority"),
        pytest.param(
            [TURNED] * 2 + [OTHER], (Relation.INVERTED, Relation.MIRRORED_Y, Relation.SHIFTED), id="all parts"
        ),
    ],
)
def test_most_places_decide(verdicts: Sequence[Verdict], parts: tuple[Relation, ...]) -> None:
    """More than half of the decided places give the level its relation."""
    assert sum_up(verdicts).parts == parts


def test_only_a_line_that_explains_is_used() -> None:
    """A's voxels are converted by a line that explains half of B or more, and by no other."""
    assert level_fit(sum_up([TURNED])) == TURNED.fit
    assert level_fit(sum_up([NOISY])) is None
    assert level_fit(sum_up([OTHER])) is None
