"""What differs, object by object, against a naive second implementation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.diff import Kind, Step, case_twins, compare, conflicts, conflicts_in_order
from mirror.keys import Refusal
from mirror.objects import pack_etag

OLD, NEW = "0" * 32, "1" * 32

ROWS: dict[str, tuple[tuple[int, str] | None, int | None, bool, Kind]] = {
    "nowhere": (None, None, False, Kind.NEW),
    "only on the share, same size": (None, 5, False, Kind.ADOPT),
    "only on the share, other size": (None, 4, False, Kind.REPLACE),
    "only on the share, empty": (None, 0, False, Kind.REPLACE),
    "a folder stands there": (None, -1, False, Kind.NEW),
    "known": ((5, NEW), None, False, Kind.UP_TO_DATE),
    "known, looked at, there": ((5, NEW), 5, True, Kind.UP_TO_DATE),
    "known, looked at, gone": ((5, NEW), None, True, Kind.LOST),
    "known, looked at, cut": ((5, NEW), 3, True, Kind.LOST),
    "known, looked at, a folder": ((5, NEW), -1, True, Kind.LOST),
    "known with another ETag": ((5, OLD), 5, False, Kind.CHANGED),
    "known with another size": ((4, NEW), 4, False, Kind.CHANGED),
    "known with another ETag, looked at": ((5, OLD), None, True, Kind.CHANGED),
}


@pytest.mark.parametrize(("known", "on_share", "looks", "kind"), ROWS.values(), ids=ROWS.keys())
def test_kind(known: tuple[int, str] | None, on_share: int | None, looks: bool, kind: Kind) -> None:
    """What the catalog and the share have of an object of 5 bytes decides what is done with it."""
    rows = {"0/0/0": (known[0], pack_etag(known[1]))} if known else {}
    sizes = {} if on_share is None else {"0": on_share}
    (step,) = compare([("0/0/0", 5, NEW, 7)], rows, {"0/0": sizes}.get, looks_at_share=looks)
    assert step == Step(kind, "0/0/0", 5, NEW, 7)


_names = st.sampled_from(["a", "b", "0/a", "0/b", "0/1/a", "1/a"])
_sizes = st.integers(0, 3)
_etags = st.sampled_from([OLD, NEW, f"{OLD}-2", "an ETag of its own"])


@given(
    st.dictionaries(_names, st.tuples(_sizes, _etags)),
    st.dictionaries(_names, st.tuples(_sizes, _etags)),
    st.dictionaries(_names, st.integers(-1, 3)),
    st.booleans(),
)
def test_compare_agrees_with_a_naive_one(
    bucket: dict[str, tuple[int, str]],
    catalog: dict[str, tuple[int, str]],
    share: dict[str, int],
    looks: bool,
) -> None:
    """Each listed object gets one step, in the listing's order, and the step that the words of DESIGN.md give it."""
    rows = [(key, *facts, 0) for key, facts in bucket.items()]
    known = {key: (size, pack_etag(etag)) for key, (size, etag) in catalog.items()}
    steps = list(compare(rows, known, _folders(share).get, looks_at_share=looks))
    assert [step.suffix for step in steps] == list(bucket)
    for step in steps:
        assert step.kind is _naive(bucket[step.suffix], catalog.get(step.suffix), share.get(step.suffix), looks)


def _naive(listed: tuple[int, str], known: tuple[int, str] | None, on_share: int | None, looks: bool) -> Kind:
    if known == listed:
        return Kind.LOST if looks and on_share != listed[0] else Kind.UP_TO_DATE
    if known is not None:
        return Kind.CHANGED
    if on_share is None or on_share == -1:
        return Kind.NEW
    return Kind.ADOPT if on_share == listed[0] else Kind.REPLACE


def _folders(share: Mapping[str, int]) -> dict[str, dict[str, int]]:
    folders: dict[str, dict[str, int]] = {}
    for key, size in share.items():
        folder, _, name = key.rpartition("/")
        folders.setdefault(folder, {})[name] = size
    return folders


def test_the_share_is_asked_for_unknown_objects_only() -> None:
    """A second run looks at no folder; one new object makes it look at one."""
    asked: list[str] = []

    def folder_sizes(folder: str) -> None:
        asked.append(folder)

    known = {f"0/{n}": (1, pack_etag(OLD)) for n in range(9)}
    rows = [(key, 1, OLD, 0) for key in known]
    list(compare(rows, known, folder_sizes, looks_at_share=False))
    assert asked == []
    list(compare([*rows, ("1/0", 1, OLD, 0)], known, folder_sizes, looks_at_share=False))
    assert asked == ["1"]


CLASHES: dict[str, tuple[list[str], bool, dict[str, Refusal]]] = {
    "none": (["a", "ab", "a.b/c"], False, {}),
    "folder wins": (["a", "a/b"], False, {"a": Refusal.FILE_AND_FOLDER}),
    "deep": (["a", "a/b/c/d", "a/b/c"], False, {"a": Refusal.FILE_AND_FOLDER, "a/b/c": Refusal.FILE_AND_FOLDER}),
    "marker makes a folder": (["a", "a/"], False, {"a": Refusal.FILE_AND_FOLDER}),
    "twins told apart": (["A", "a"], False, {}),
    "twins": (["a", "A", "aB", "Ab", "c"], True, {"a": Refusal.CASE_TWIN, "aB": Refusal.CASE_TWIN}),
    "file and folder by case": (["A", "a/b"], True, {"A": Refusal.FILE_AND_FOLDER}),
    "file and folder told apart": (["A", "a/b"], False, {}),
}


@pytest.mark.parametrize(("keys", "blind", "refused"), CLASHES.values(), ids=CLASHES.keys())
def test_conflicts(keys: list[str], blind: bool, refused: dict[str, Refusal]) -> None:
    """Keys that cannot stand beside the others are refused, whatever the order they come in."""
    assert conflicts(keys, is_case_blind=blind) == refused
    assert conflicts(reversed(keys), is_case_blind=blind) == refused


_odd_keys = st.text(st.sampled_from("aAb/-\u00e9"), max_size=5)


@given(st.lists(_odd_keys, max_size=12), st.booleans())
def test_keys_in_order_conflict_as_any_do(keys: list[str], blind: bool) -> None:
    """In constant memory the same is found, or nothing is said; in order and without capitals it is found."""
    expected = conflicts(keys, is_case_blind=blind)
    assert conflicts_in_order(keys, is_case_blind=blind) in (None, expected)
    keys.sort(key=str.encode)
    found = conflicts_in_order(keys, is_case_blind=blind)
    assert found == (None if blind and any(key != key.lower() for key in keys) else expected)


_components = st.lists(st.sampled_from(["a", "A", "b"]), min_size=1, max_size=3)


@given(st.sets(_components.map("/".join), max_size=8), st.booleans())
def test_what_is_left_fits_on_the_share(keys: set[str], blind: bool) -> None:
    """Keys that are not refused make different files, none of which is a folder of another."""
    left = keys - set(conflicts(keys, is_case_blind=blind))
    spelled = [key.lower() if blind else key for key in left]
    assert len(set(spelled)) == len(left)
    assert not set(spelled) & {folder for key in spelled for folder in _folders_above(key)}


@given(st.sets(_components.map("/".join), max_size=8))
def test_one_of_each_is_left(keys: set[str]) -> None:
    """Nothing is refused for its case but beside one that is kept or is itself a folder."""
    refused = conflicts(keys, is_case_blind=True)
    for key, reason in refused.items():
        if reason is Refusal.CASE_TWIN:
            assert any(other != key and other.lower() == key.lower() for other in keys)


def _folders_above(key: str) -> Iterable[str]:
    parts = key.split("/")
    return ("/".join(parts[:n]) for n in range(1, len(parts)))


def test_case_twins() -> None:
    """Of folders that differ by case only, the first in byte order is kept."""
    assert case_twins(["b/", "B/", "bB/", "BB/", "c/"]) == {"b/", "bB/"}
    assert case_twins([]) == frozenset()
