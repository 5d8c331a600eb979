"""What a user should know beside a command's answer, where the command has no stream of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Tell = Callable[[str], None]


def _say_nothing(sentence: str) -> None:
    """Do nothing: nobody listens."""


# Not an argument of each reading command: one that forgot it would read another machine's catalog in silence.
_listener: ContextVar[Tell] = ContextVar("listener", default=_say_nothing)


def tell(sentence: str) -> None:
    """Say a sentence to who listens."""
    _listener.get()(sentence)


@contextmanager
def told_by(listener: Tell) -> Iterator[None]:
    """Let a function take the sentences that are said in the body, in its threads and tasks too."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
