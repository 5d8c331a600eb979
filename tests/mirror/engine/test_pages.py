"""The pages of a listing: what a server may tell, and what is asked for again or refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.engine.pages import Pages, check_page, is_ascending
from mirror.engine.retry import Retrier, RetryPolicy
from mirror.errors import BrokenTransferError
from mirror.objects import RemoteObject
from mirror.store.base import ListPage


def page(*keys: str, folders: tuple[str, ...] = (), token: str | None = None) -> ListPage:
    """Return a page with these keys."""
    return ListPage(tuple(RemoteObject(key, 1, "e", 0) for key in keys), folders, token)


class FakeLister:
    """Answers each token with what it was given, the first answer first, the last one for ever."""

    def __init__(self, answers: Mapping[str | None, list[ListPage]]) -> None:
        self.answers = {token: list(pages) for token, pages in answers.items()}
        self.n_asked = 0

    async def list_page(self, prefix: str, *, token: str | None = None, **_: object) -> ListPage:
        """Return one page."""
        assert prefix == "d/"
        self.n_asked += 1
        pages = self.answers[token]
        return pages.pop(0) if len(pages) > 1 else pages[0]


async def keys_of(lister: FakeLister, prefix: str = "d/", delimiter: str = "") -> list[str]:
    """Return all keys that a listing gives."""

    async def sleep(seconds: float) -> None:
        """Do not wait."""
        await asyncio.sleep(0)

    pages = Pages(lister, Retrier(sleep, RetryPolicy()), prefix, delimiter=delimiter)
    return [one.key async for page in pages for one in page.objects]


async def test_pages_come_to_their_end() -> None:
    """Each token is asked for once, and an empty page in the middle is a page."""
    lister = FakeLister({None: [page("d/a", token="1")], "1": [page(token="2")], "2": [page("d/b")]})
    assert await keys_of(lister) == ["d/a", "d/b"]
    assert lister.n_asked == 3


@pytest.mark.parametrize(
    "wrong", [page("d/b", token="1"), page("e/b"), page("d", "d/b")], ids=["loop", "other", "short"]
)
async def test_a_wrong_page_is_asked_for_again(wrong: ListPage) -> None:
    """What it told is forgotten, and the right page goes on from there."""
    lister = FakeLister({None: [page("d/a", token="1")], "1": [wrong, page("d/b")]})
    assert await keys_of(lister) == ["d/a", "d/b"]
    assert lister.n_asked == 3


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_tokens_that_lead_back(length: int) -> None:
    """A listing without an end is one error that names its prefix, after as many tries as the policy has."""
    tokens = [str(n) for n in range(length)]
    answers: dict[str | None, list[ListPage]] = {None: [page("d/a", token="0")]}
    answers |= {token: [page(token=tokens[(n + 1) % length])] for n, token in enumerate(tokens)}
    lister = FakeLister(answers)
    with pytest.raises(BrokenTransferError, match="does not come to its end: d/"):
        await keys_of(lister)
    assert lister.n_asked == length + RetryPolicy().attempts


STRAYS = {
    "key": (page("d/a", "e/b"), "e/b"),
    "key before": (page("c/a", "d/b"), "c/a"),
    "key among unsorted ones": (page("d/z", "x", "d/a"), "x"),
    "key in a deeper folder": (page("d/a/b"), "d/a/b"),
    "folder": (page(folders=("d/a/", "e/a/")), "e/a/"),
    "folder in a deeper one": (page(folders=("d/a/b/",)), "d/a/b/"),
    "folder without its slash": (page(folders=("d/a",)), "d/a"),
    "folder that is the prefix": (page(folders=("d/",)), "d/"),
}


@pytest.mark.parametrize(("wrong", "found"), STRAYS.values(), ids=STRAYS.keys())
def test_what_does_not_lie_in_the_folder(wrong: ListPage, found: str) -> None:
    """A page with a delimiter tells what lies directly in the folder; anything else is named."""
    with pytest.raises(BrokenTransferError, match=f"not asked for: d/; found {found}$"):
        check_page(wrong, "d/", "/")


def test_odd_names_are_no_strays() -> None:
    """A folder's own marker, and a child whose name is empty, are what a bucket may have."""
    check_page(page("d/", "d/a", folders=("d//", "d/b/")), "d/", "/")
    check_page(page("d/", "d//", "d/a/b"), "d/")
    check_page(page("a", folders=("b/",)), "", "/")


_keys = st.lists(st.text("ab/é\U0001f600", max_size=4), max_size=6)


@given(_keys, st.sampled_from(["", "a", "a/"]))
def test_strays_as_a_look_at_each_key_finds_them(keys: list[str], prefix: str) -> None:
    """A page is refused exactly if one of its keys has another beginning."""
    if all(key.startswith(prefix) for key in keys):
        check_page(page(*keys), prefix)
    else:
        with pytest.raises(BrokenTransferError):
            check_page(page(*keys), prefix)


@given(_keys)
def test_order_is_that_of_the_bytes(keys: list[str]) -> None:
    """Ascending is what S3 says: sorted by UTF-8 bytes, none twice."""
    assert is_ascending(keys) == (keys == sorted(set(keys), key=str.encode))
