"""What a check found, in words: the answer first, lists cut, and what to do."""

from __future__ import annotations

from collections import Counter

import pytest

from mirror.report.model import Amount
from mirror.report.text.verification import SHOWN, render_verify, render_verify_problems
from mirror.report.verification import CheckedLevel, DamagedObject, LostObject, UnmendedObject, VerifyReport

SOME = Amount(objects=1000, bytes=2_000_000)
RAW = CheckedLevel(bucket="b", dataset="hela", volume="raw", level="s0", checked=SOME, damaged=Amount(), lost=Amount())


def damaged(number: int, kind: str = "content") -> DamagedObject:
    """Return a damaged object."""
    return DamagedObject(key=f"k{number}", path=f"b/k{number}", kind=kind, reason="why")  # type: ignore[arg-type]


def report(**fields: object) -> VerifyReport:
    """Return the report of a check that found nothing, but for what is given."""
    whole = {"runs": (7,), "depth": "full", "complete": True, "datasets": ("hela",), "checked": SOME, "ok": SOME}
    found = VerifyReport.model_validate({**whole, "levels": (RAW,), "seconds": 3.0, **fields})
    kinds = Counter([*(one.kind for one in found.damaged), *("lost" for _ in found.lost)])
    return found if found.kinds else found.model_copy(update={"kinds": dict(kinds)})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "All is whole: 1,000 objects (2.0 MB) looked at (every byte) in 3.0 s."),
        ({"checked": Amount(), "ok": Amount(), "levels": ()}, "Nothing was looked at"),
        ({"complete": False}, "Whole as far as it came: 1,000 objects"),
        ({"damaged": (damaged(1),)}, "1 object damaged: 1,000 objects"),
        ({"lost": (LostObject(key="k", path="b/k"),)}, "1 object lost: "),
        ({"damaged": (damaged(1), damaged(2, "stray"))}, "1 object damaged, 1 stray file: "),
        ({"damaged": (damaged(1), damaged(2, "unreadable"))}, "1 object damaged, 1 object that may not be read: "),
        ({"damaged": (damaged(1), damaged(2)), "repaired": 2}, "2 objects damaged; 2 mended: "),
        (
            {"damaged": (damaged(1), damaged(2)), "repaired": 1, "unrepaired": 1},
            "2 objects damaged; 1 mended, 1 could not be: ",
        ),
    ],
    ids=["whole", "nothing", "not all", "damaged", "lost", "stray", "unreadable", "mended", "some mended"],
)
def test_the_first_sentence_is_the_answer(fields: dict[str, object], sentence: str) -> None:
    """Whole or not, how many of what, and whether they are mended."""
    assert render_verify(report(**fields)).startswith(sentence)


def test_a_check_of_nothing_says_what_to_do() -> None:
    """It is a failure that a quiet run tells, too."""
    nothing = report(checked=Amount(), ok=Amount(), levels=())
    assert "`oomirror adopt` takes over" in render_verify(nothing)
    assert render_verify_problems(nothing).startswith("Nothing was looked at")


def test_lists_are_cut_and_counted() -> None:
    """Of many damaged objects some are named with kind and reason; how many more there are is said."""
    many = tuple(damaged(number) for number in range(SHOWN + 3))
    text = render_verify_problems(report(damaged=many))
    assert text.splitlines()[:2] == ["Damaged:", "  b/k0: content: why"]
    assert text.splitlines()[-1] == "  and 3 more; --json names all"
    assert render_verify_problems(report()) == ""


def test_what_is_only_counted_is_told_to_be() -> None:
    """Of millions the report names some thousands: the text says how many there are, and how many JSON names."""
    lost = tuple(LostObject(key=f"k{number}", path=f"b/k{number}") for number in range(SHOWN + 3))
    text = render_verify(report(lost=lost, lost_more=1_999_977, kinds={"lost": 2_000_000}))
    assert text.startswith("2,000,000 objects lost: ")
    assert "  and 1,999,980 more; --json names the first 23" in text


def test_what_to_do_next_is_said() -> None:
    """Damage can be repaired; what could not be is for sync; an unfinished check goes on; strays are left."""
    assert "--repair" in render_verify(report(damaged=(damaged(1),)))
    unmended = (UnmendedObject(key="k1", path="b/k1", reason="nobody has it"),)
    text = render_verify(report(damaged=(damaged(1),), unrepaired=1, unmended=unmended))
    assert "Not mended:\n  nobody has it\n    b/k1\n" in text
    assert "`oomirror sync` fetches" in text
    assert "goes on" in render_verify(report(complete=False, never_checked=SOME))
    assert "Strays stay" in render_verify(report(damaged=(damaged(1, "stray"),)))
    assert "the right to read" in render_verify(report(damaged=(damaged(1, "unreadable"),)))


def test_what_could_not_be_mended_is_told_by_reason() -> None:
    """One long reason of many objects is told once; how many more there are is said."""
    unmended = tuple(UnmendedObject(key=f"k{n}", path=f"b/k{n}", reason=f"why {n % 2}") for n in range(SHOWN + 1))
    lost = tuple(LostObject(key=one.key, path=one.path) for one in unmended)
    text = render_verify_problems(report(lost=lost, unrepaired=SHOWN + 9, unmended=unmended))
    assert (text.count("  why 0\n    b/k0\n    b/k2\n"), text.count("why")) == (1, 2)
    assert text.endswith(f"  and 9 more; --json names the first {SHOWN + 1}")


def test_strays_have_a_list_of_their_own_and_mended_objects_are_called_so() -> None:
    """A stray is not damaged; what was mended in the same run is told as found and mended."""
    text = render_verify(report(damaged=(damaged(1), damaged(2, "stray")), repaired=1))
    assert "Damaged, and mended now:\n  b/k1: content: why\n" in text
    assert "Strays:\n  b/k2: why\n" in text
    assert "--repair" not in text
