"""What is known of a shard of any size, read as it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from catalog.records import MirroredObject
from mirror.app.state import KnownInOrder

_keys = st.text(st.sampled_from("ab/0\u00e9\U0001f600"), max_size=4)


@given(st.dictionaries(_keys, st.integers(0, 9)), st.lists(_keys, max_size=12), st.booleans())
def test_rows_in_order_are_a_dict(sizes: dict[str, int], asked: list[str], in_order: bool) -> None:
    """Whatever is asked for, in whatever order, also twice: the answer is that of a dict."""
    rows: list[MirroredObject] = sorted(
        (("p/" + key, size, b"e", 1) for key, size in sizes.items()), key=lambda row: row[0].encode()
    )
    looked_up: list[str] = []

    def look_up(keys: Sequence[str]) -> list[MirroredObject]:
        """Return the rows of these keys."""
        looked_up.extend(keys)
        return [row for row in rows if row[0] in keys]

    if in_order:
        asked.sort(key=str.encode)
    known = KnownInOrder("p/", iter(rows), look_up)
    assert [known.get(key) for key in asked] == [(sizes[key], b"e") if key in sizes else None for key in asked]
    assert not (in_order and looked_up)
