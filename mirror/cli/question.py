"""The one question that `sync` asks: whether a large plan is meant. Only a person at a terminal is asked."""

from __future__ import annotations

import sys

from mirror.cli.output import is_terminal, put_words
from mirror.cli.signals import on_stop, raise_stop


def can_ask() -> bool:
    """Return whether someone is there to answer."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def ask(question: str) -> bool:
    """Return whether the answer is yes; an empty one is no.

    Raises
    ------
    InterruptedRunError, TerminatedRunError
        A signal came instead: it ends the waiting at once.
    """
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    with on_stop(raise_stop):
        answer = sys.stdin.readline()
    if not answer:
        put_words("")
    return answer.strip().lower() in ("y", "yes")
