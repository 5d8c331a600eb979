"""The first of very many: what a report names of a million losses, in memory that does not grow with them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Shortlist(Generic[T]):
    """Keeps values in the order of their keys, the first of them only, and counts all.

    Parameters
    ----------
    limit
        How many are kept.

    Examples
    --------
    >>> some = Shortlist[str](limit=2)
    >>> for key in ("c", "a", "b"):
    ...     some.add(("b", key), key)
    >>> list(some), some.n_all
    (['a', 'b'], 3)
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keys: list[tuple[str, str]] = []
        self._values: dict[tuple[str, str], T] = {}
        self.n_all = 0

    def add(self, key: tuple[str, str], value: T) -> None:
        """Take a value: its bucket and key, which no other value has."""
        self.n_all += 1
        if len(self._keys) == self._limit:
            if key > self._keys[-1]:
                return
            del self._values[self._keys.pop()]
        insort(self._keys, key)
        self._values[key] = value

    def __iter__(self) -> Iterator[T]:
        return (self._values[key] for key in self._keys)
