"""The pages of one listing, one after the other, each checked: it lies under its prefix, and there is an end.

A page that is wrong would make a wrong plan, in silence: keys of another prefix, a token that leads back.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import lt
from typing import Self

from mirror.engine.lists_in_flight import ListSlots
from mirror.engine.retry import Retrier
from mirror.errors import BrokenTransferError
from mirror.store.base import Lister, ListPage


class Pages:
    """Iterates over the pages of a LIST; `async for` ends after the last one.

    A page that is wrong is asked for again, as one that broke off. Cancelling leaves nothing behind.

    Parameters
    ----------
    slots
        Those of the bucket; None where a listing waits for no others.

    Raises
    ------
    MirrorError
        A page could not be had after all tries.
    """

    def __init__(
        self, lister: Lister, retrier: Retrier, prefix: str, *, delimiter: str = "", slots: ListSlots | None = None
    ) -> None:
        self._lister = lister
        self._retrier = retrier
        self._prefix = prefix
        self._delimiter = delimiter
        self._slots = slots
        self._token: str | None = None
        self._used: set[str] = set()
        self._is_at_end = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ListPage:
        if self._is_at_end:
            raise StopAsyncIteration
        page = await self._retrier.run(self._prefix, self._turn)
        self._token = page.next_token
        if page.next_token is None:
            self._is_at_end = True
        else:
            self._used.add(page.next_token)
        return page

    async def _turn(self) -> ListPage:
        return await (self._page() if self._slots is None else self._slots.run(self._page))

    async def _page(self) -> ListPage:
        page = await self._lister.list_page(self._prefix, delimiter=self._delimiter, token=self._token)
        check_page(page, self._prefix, self._delimiter)
        if page.next_token in self._used:
            raise BrokenTransferError(
                "the listing does not come to its end",
                self._prefix,
                expected="a new continuation token",
                found="an old one",
            )
        return page


def check_page(page: ListPage, prefix: str, delimiter: str = "") -> None:
    """Check that all that a page tells lies under the prefix that was listed, in its folder if there is a delimiter.

    Raises
    ------
    BrokenTransferError
        Something does not.
    """
    keys = [one.key for one in page.objects]
    # Between two keys of one prefix, in their order, lie only others of it.
    ends = [keys[0], keys[-1]] if len(keys) > 1 and is_ascending(keys) else keys
    stray = next((key for key in ends if not key.startswith(prefix)), None)
    if stray is None and delimiter:
        start = len(prefix)
        deep = (key for key in keys if key.find(delimiter, start) >= 0)
        odd = (folder for folder in page.folders if not _is_child(folder, prefix, delimiter))
        stray = next(deep, None) or next(odd, None)
    if stray is not None:
        raise BrokenTransferError("the listing tells what was not asked for", prefix, found=stray)


def _is_child(folder: str, prefix: str, delimiter: str) -> bool:
    return folder.startswith(prefix) and folder.find(delimiter, len(prefix)) == len(folder) - len(delimiter)


def is_ascending(keys: Sequence[str]) -> bool:
    """Return whether each key is greater than the one before: S3's order, and none twice.

    Code points have the order of their UTF-8 bytes.

    >>> is_ascending(["a", "b"]), is_ascending(["a", "a"]), is_ascending(["b", "a"])
    (True, False, False)
    """
    return all(map(lt, keys, keys[1:]))
