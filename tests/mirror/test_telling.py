"""Who listens, and who does not."""

from __future__ import annotations

import asyncio

from mirror.telling import tell, told_by


def test_what_is_told_reaches_who_listens() -> None:
    """Inside of the body, also from its threads; outside of it nobody hears."""
    outer: list[str] = []
    inner: list[str] = []
    tell("nobody")
    with told_by(outer.append):
        tell("first")
        with told_by(inner.append):
            asyncio.run(asyncio.to_thread(tell, "second"))
        tell("third")
    tell("nobody")
    assert (outer, inner) == (["first", "third"], ["second"])
