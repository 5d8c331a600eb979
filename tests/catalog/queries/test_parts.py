"""Which parts of two listings are compared with each other."""

from __future__ import annotations

import pytest

from catalog.queries.parts import Part, differing_parts
from catalog.records import Count, ShardRecord

D = "jrc/"
A = "jrc/jrc.n5/raw/s0/"
B = "jrc/jrc.n5/raw/s1/"


def shards(*names: str) -> tuple[ShardRecord, ...]:
    """Return shards spelled `prefix#content`: equal spellings are one shard."""
    return tuple(ShardRecord(hash(name), 1, None, name.partition("#")[0], name.encode(), Count(1, 1)) for name in names)


def spelled(part: Part) -> tuple[str, list[str], list[str], bool]:
    """Return a part as its prefix and the spellings of its shards, before and after."""
    sides = ([shard.digest.decode() for shard in side] for side in (part.before, part.after))
    return (part.prefix, *sides, part.is_by_name)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("before", "after", "chosen", "parts"),
    [
        pytest.param([D, A], [D, A], None, [], id="nothing differs"),
        pytest.param(
            [D, A, f"{A}0/#1", f"{A}1/"],
            [D, A, f"{A}0/#2", f"{A}1/"],
            None,
            [(f"{A}0/", [f"{A}0/#1"], [f"{A}0/#2"], False)],
            id="one slab",
        ),
        pytest.param(
            [D, A, f"{A}0/"],
            [D, A],
            None,
            [(A, [f"{A}0/"], [], False)],
            id="a slab that is gone, all others too",
        ),
        pytest.param(
            [D, f"{A}#whole"],
            [D, A, f"{A}0/", f"{A}1/"],
            None,
            [(A, [f"{A}#whole"], [A, f"{A}0/", f"{A}1/"], False)],
            id="an array that was one shard is cut into slabs",
        ),
        pytest.param(
            [D, A, f"{A}0/#whole", f"{A}1/"],
            [D, A, f"{A}0/", f"{A}0/0/", f"{A}0/1/", f"{A}1/"],
            None,
            [(f"{A}0/", [f"{A}0/#whole"], [f"{A}0/", f"{A}0/0/", f"{A}0/1/"], False)],
            id="a slab is cut into rows",
        ),
        pytest.param(
            [D, "jrc/other/"],
            [D, "jrc/other/a/"],
            None,
            [("jrc/other/", ["jrc/other/"], ["jrc/other/a/"], False)],
            id="an array is found in what was a plain folder",
        ),
        pytest.param(
            [f"{D}#1", A], [f"{D}#2", A], None, [(D, [f"{D}#1"], [f"{D}#2"], False)], id="loose files of two alike"
        ),
        pytest.param(
            [f"{D}#1", A, B],
            [f"{D}#2", f"{A}#2"],
            D,
            [(D, [f"{D}#1"], [f"{D}#2"], True), (A, [A], [f"{A}#2"], False)],
            id="what only one of two choices has is not compared",
        ),
        pytest.param(
            [D, A, f"{A}0/", f"{A}1/"],
            [D, A, f"{A}1/"],
            D,
            [(f"{A}0/", [f"{A}0/"], [], False)],
            id="a slab that is gone from an array of both choices",
        ),
        pytest.param([D, "jrc/other/"], [D, "jrc/other/a/"], D, [], id="a folder of which the other chose a part"),
        pytest.param([""], ["#2"], None, [("", [""], ["#2"], False)], id="a prefix that is empty"),
    ],
)
def test_parts(before: list[str], after: list[str], chosen: str | None, parts: list[object]) -> None:
    """Shards of both listings are left out; the others come together where one covers what the other has."""
    found = differing_parts(shards(*before), shards(*after), chosen=chosen)
    assert [spelled(part) for part in found] == parts
