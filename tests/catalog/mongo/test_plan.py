"""What is to be done with documents."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from catalog.mongo.bodies import content_hash
from catalog.mongo.documents import Document, Unreadable
from catalog.mongo.plan import Incoming, incoming, plan_batch
from catalog.queries.imports import KnownDocument


def coming(key: str, value: int) -> Incoming:
    """Return a document that says a number."""
    one = incoming(Document(key, {"value": value}, f"document {key}"))
    assert isinstance(one, Incoming)
    return one


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
)
def test_each_document_is_sorted_by_what_is_known_of_it(before: dict[str, int], now: dict[str, int]) -> None:
    """New, changed or unchanged: as two dictionaries compare."""
    known = {
        key: KnownDocument(number, content_hash({"value": value}), 1)
        for number, (key, value) in enumerate(before.items())
    }
    plan = plan_batch([coming(key, value) for key, value in now.items()], known, 2, is_resumed=False)
    assert {one.key for one in plan.new} == now.keys() - before.keys()
    assert {one.key for one, _ in plan.unchanged} == {key for key in now if before.get(key) == now[key]}
    assert {one.key for one, _ in plan.changed} == {key for key in now if key in before and before[key] != now[key]}
    assert plan.bodies.keys() == {one.key for one in (*plan.new, *(one for one, _ in plan.changed))}
    assert plan.refused == []


def test_a_second_document_with_one_key_is_refused() -> None:
    """In the same batch and in an earlier one of the pass; where the pass was cut, it may be the first once more."""
    plan = plan_batch([coming("a", 1), coming("a", 2)], {}, 1, is_resumed=False)
    assert [one.place for one in plan.refused] == ["document a"]
    known = {"a": KnownDocument(1, content_hash({"value": 1}), 3)}
    assert len(plan_batch([coming("a", 1)], known, 3, is_resumed=False).refused) == 1
    assert len(plan_batch([coming("a", 1)], known, 3, is_resumed=True).unchanged) == 1


def test_what_is_nested_too_deeply_cannot_be_read() -> None:
    """Where Python cannot follow it, and where it only just can."""
    fields: dict[str, Any] = {"value": 1}
    for depth in range(5000):
        fields = {"value": fields}
        if depth == 250:
            one = incoming(Document("a", fields, "line 1"))
            assert isinstance(one, Incoming)
            (refused,) = plan_batch([one], {}, 1, is_resumed=False).refused
            assert "200 deep" in refused.expected
    assert isinstance(incoming(Document("a", fields, "line 1")), Unreadable)
