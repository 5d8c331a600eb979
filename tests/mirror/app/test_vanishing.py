"""What a listing has, however it was cut into shards."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.app.vanishing import Listed
from mirror.engine.listing import ListedShard, Shard
from mirror.engine.spool import Spool
from mirror.objects import Tally

TOP = "d/d.n5/raw/"
NAMES = st.sampled_from(["0", "1", "10", "attributes.json"])
KEYS = st.builds(lambda parts: TOP + "/".join(parts), st.lists(NAMES, min_size=1, max_size=3))


def _listed(spool: Spool, prefix: str, keys: Sequence[str], *, is_direct: bool) -> ListedShard:
    rows = [(key[len(prefix) :], 1, "", 0) for key in keys]
    page = spool.add(rows)
    return ListedShard(Shard(prefix, objects=() if is_direct else None), (page,), Tally(len(rows), len(rows)), b"")


def _cut(spool: Spool, keys: Sequence[str], *, depth: int, prefix: str = TOP) -> list[ListedShard]:
    """Cut a listing as the surveyor does: what lies in a folder, and its folders down to a depth."""
    if not depth:
        return [_listed(spool, prefix, keys, is_direct=False)]
    direct = [key for key in keys if "/" not in key[len(prefix) :]]
    shards = [_listed(spool, prefix, direct, is_direct=True)]
    folders = sorted({key[len(prefix) :].partition("/")[0] for key in set(keys) - set(direct)})
    for name in folders:
        below = f"{prefix}{name}/"
        inside = [key for key in keys if key.startswith(below)]
        shards += _cut(spool, inside, depth=depth - 1, prefix=below)
    return shards


@given(st.sets(KEYS, max_size=12), st.lists(KEYS, max_size=12), st.integers(0, 2))
@settings(max_examples=50, deadline=None)
def test_has_what_was_listed(listed: set[str], asked: list[str], depth: int) -> None:
    """A key is there if and only if a page has it, in whatever order keys are asked for."""
    with Spool() as spool:
        found = Listed(_cut(spool, sorted(listed), depth=depth), spool)
        assert [found.has(key) for key in asked] == [key in listed for key in asked]
