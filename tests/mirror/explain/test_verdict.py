"""The verdict on an object."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from mirror.explain.verdict import Content, Evidence, Upstream, Verdict, judge

ONE, OTHER = Content(10, b"\x01" * 16), Content(12, b"\x02" * 16)
LISTED = Evidence(
    upstream=Upstream.LISTED,
    listed=ONE,
    recorded=None,
    file_size=None,
    is_share_seen=True,
    is_block=True,
    is_inside_grid=True,
    is_chosen=False,
)
ABSENT = replace(LISTED, upstream=Upstream.ABSENT, listed=None)
UNKNOWN = replace(LISTED, upstream=Upstream.UNKNOWN, listed=None)
HERE = replace(LISTED, recorded=ONE, file_size=10)


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        pytest.param(HERE, Verdict.ON_SHARE, id="all agree"),
        pytest.param(replace(HERE, upstream=Upstream.UNKNOWN, listed=None), Verdict.ON_SHARE, id="never listed"),
        pytest.param(replace(HERE, listed=OTHER), Verdict.OUTDATED, id="another one in the bucket"),
        pytest.param(replace(HERE, listed=Content(10, b"\x03" * 16)), Verdict.OUTDATED, id="another of its length"),
        pytest.param(replace(HERE, upstream=Upstream.ABSENT, listed=None), Verdict.GONE_UPSTREAM, id="gone upstream"),
        pytest.param(replace(HERE, recorded=Content(10)), Verdict.IN_DOUBT, id="in doubt"),
        pytest.param(replace(HERE, file_size=9), Verdict.DAMAGED, id="too short"),
        pytest.param(replace(HERE, file_size=-1), Verdict.DAMAGED, id="no file"),
        pytest.param(replace(HERE, file_size=None), Verdict.LOST, id="lost"),
        pytest.param(replace(HERE, file_size=None, recorded=Content(10)), Verdict.LOST, id="lost, in doubt"),
        pytest.param(replace(HERE, file_size=None, is_share_seen=False), Verdict.RECORDED, id="share not mounted"),
        pytest.param(replace(LISTED, file_size=10), Verdict.NOT_ADOPTED, id="file without row"),
        pytest.param(replace(LISTED, file_size=9), Verdict.FOREIGN, id="file of another length without row"),
        pytest.param(replace(ABSENT, file_size=9), Verdict.FOREIGN, id="file that the bucket has not"),
        pytest.param(replace(UNKNOWN, file_size=9), Verdict.NOT_ADOPTED, id="file, never listed"),
        pytest.param(LISTED, Verdict.NOT_CHOSEN, id="not chosen"),
        pytest.param(replace(LISTED, is_chosen=True), Verdict.NOT_MIRRORED, id="chosen, did not come"),
        pytest.param(ABSENT, Verdict.ABSENT_UPSTREAM, id="absent upstream"),
        pytest.param(replace(ABSENT, is_chosen=True), Verdict.ABSENT_UPSTREAM, id="absent, though chosen"),
        pytest.param(replace(ABSENT, is_inside_grid=False), Verdict.OUTSIDE_GRID, id="outside the grid"),
        pytest.param(replace(ABSENT, is_block=False), Verdict.UNKNOWN, id="no such object"),
        pytest.param(UNKNOWN, Verdict.NEVER_LISTED, id="a block, never listed"),
        pytest.param(replace(UNKNOWN, is_block=False), Verdict.UNKNOWN, id="nothing is known"),
        pytest.param(replace(UNKNOWN, has_rows=False), Verdict.NO_ROWS, id="published catalog"),
        pytest.param(
            replace(UNKNOWN, has_rows=False, file_size=10), Verdict.NO_ROWS, id="published catalog, file there"
        ),
    ],
)
def test_the_verdict(evidence: Evidence, verdict: Verdict) -> None:
    """Each combination of bucket, catalog and share has its word."""
    assert judge(evidence) is verdict


def test_every_combination_has_a_verdict() -> None:
    """None is left out, and only what was verified is ever said to be on the share."""
    flags = (True, False)
    listings = ((Upstream.LISTED, ONE), (Upstream.ABSENT, None), (Upstream.UNKNOWN, None))
    for (upstream, listed), recorded, size in product(listings, (None, ONE, OTHER, Content(10)), (None, -1, 10, 12)):
        for seen, block, inside, chosen, rows in product(flags, repeat=5):
            verdict = judge(Evidence(upstream, listed, recorded, size, seen, block, inside, chosen, rows))
            if verdict in (Verdict.ON_SHARE, Verdict.OUTDATED, Verdict.GONE_UPSTREAM):
                assert recorded is not None
                assert size == recorded.size
