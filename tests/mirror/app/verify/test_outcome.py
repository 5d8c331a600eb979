"""What a check came to, where very much is wrong."""

from __future__ import annotations

import tracemalloc

from catalog.records import ArrayRecord
from mirror.app.lookup import Place
from mirror.app.verify.outcome import Found, Outcome
from mirror.app.verify.parts import Part
from mirror.app.verify.rows import Claim
from mirror.engine.scrub import Damage
from mirror.objects import Tally
from tests.mirror.app.verify.conftest import RAW, Lab

ARRAY = ArrayRecord(1, "hela.n5/", "raw/s0", "n5", (8, 8, 8), (8, 8, 8), "uint8", {}, level_name="s0")
PART = Part(Place("b", 1, "s3://bucket", "hela", "hela/"), "hela.n5/raw/s0/", ARRAY, Tally())


def found(number: int, damage: Damage = Damage.LOST) -> Found:
    """Return an object of ten bytes."""
    return Found(PART, Claim(f"hela.n5/raw/s0/{number:07}", 10, b"", None, 0, 1), damage, "why", is_upstream=False)


def test_all_is_counted_by_line_and_kind() -> None:
    """Losses, damage and strays apart; what would be mended is all but strays."""
    outcome = Outcome()
    for number, damage in enumerate([Damage.LOST, Damage.SIZE, Damage.STRAY, Damage.UNREADABLE, Damage.LOST]):
        outcome.add(found(number, damage))
    assert outcome.n_by_kind() == {Damage.LOST: 2, Damage.SIZE: 1, Damage.UNREADABLE: 1, Damage.STRAY: 1}
    assert outcome.wrong_of(PART.line, is_lost=True) == Tally(2, 20)
    assert outcome.wrong_of(PART.line, is_lost=False) == Tally(2, 20)
    assert (outcome.to_mend(), outcome.to_mend("a")) == (Tally(4, 40), Tally())
    outcome.leave_all("no")
    assert (outcome.unmended.n_all, [one.key[-1] for one in outcome.unmended]) == (4, ["0", "1", "3", "4"])


def test_a_level_that_is_gone_takes_no_more_memory_than_some_losses() -> None:
    """Twenty thousand losses are counted, and held in the memory of those that are named."""
    outcome = Outcome(n_named=100)
    tracemalloc.start()
    for number in range(20_000):
        outcome.add(found(number))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (outcome.lost.n_all, len(list(outcome.lost))) == (20_000, 100)
    assert peak_bytes < 500_000


def test_a_report_names_some_and_counts_all(lab: Lab) -> None:
    """What is not named is counted, in the lists and by kind, now and on the next night."""
    blocks = [path for path in lab.file(RAW).rglob("*") if path.is_file() and path.name.isdecimal()]
    for path in blocks:
        path.unlink()
    for _ in range(2):
        report = lab.verify(n_named=2)
        assert [one.key for one in report.lost] == sorted(str(path.relative_to(lab.file(""))) for path in blocks)[:2]
        assert (report.lost_more, report.kinds) == (len(blocks) - 2, {"lost": len(blocks)})
        assert report.checked.objects - report.ok.objects == len(blocks)
