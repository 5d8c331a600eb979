"""What a group of tasks that ended with errors says to the user."""

from __future__ import annotations

from collections.abc import Iterator

from mirror.errors import MirrorError


def first_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that the user should read of those that ended a group of tasks: ours before others."""
    leaves = list(_leaves(errors))
    return next((error for error in leaves if isinstance(error, MirrorError)), leaves[0])


def _leaves(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
