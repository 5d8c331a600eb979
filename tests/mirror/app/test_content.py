"""Objects that changed upstream, by how their content compares with what was there before."""

from __future__ import annotations

import pytest

from catalog.queries import Contents
from mirror.app.content import ContentCounts
from mirror.diff import Kind
from mirror.engine.fetch import Done, Item
from mirror.objects import Verification

OLD, NEW = b"o" * 16, b"n" * 16


@pytest.mark.parametrize(
    ("before", "counted"),
    [
        pytest.param((3, NEW), ["reuploaded"], id="same-bytes"),
        pytest.param((3, OLD), ["other", "other_same_size"], id="same-size"),
        pytest.param((4, OLD), ["other"], id="other-size"),
        pytest.param((3, None), ["unknown"], id="no-hash"),
        pytest.param(None, ["unknown"], id="no-row"),
    ],
)
def test_content_tells_what_an_etag_cannot(before: Contents | None, counted: list[str]) -> None:
    """The hash decides; where there is none, that is said."""
    item = Item(Kind.CHANGED, "k", "b/k", 3, "e", 0, None, None)
    counts = ContentCounts()
    counts.add(Done(item, 3, "e", NEW, Verification.MD5, is_adopted=False, replaced=False), before)
    counters = counts.as_counters()
    assert sorted(name for name, one in counters.items() if one["objects"]) == counted
    assert {one["bytes"] for one in counters.values() if one["objects"]} == {3}
