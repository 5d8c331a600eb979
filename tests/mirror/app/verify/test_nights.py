"""Checks that are spread over nights, that are killed, and that go on beside a sync."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from catalog import queries
from catalog.records import RunKind, RunState
from mirror.app.state import BucketState
from mirror.app.verify import VerifyRequest
from mirror.app.verify.choice import choose
from mirror.app.verify.feed import Clock
from mirror.app.verify.keeper import Keeper
from mirror.app.verify.outcome import Outcome
from mirror.app.verify.parts import parts_of
from mirror.app.verify.rows import Ticket, batches_of
from mirror.diff import Kind
from mirror.engine.fetch import Done, Item
from mirror.engine.scrub import Batch, Depth, Looker
from mirror.errors import UnsafeError
from mirror.objects import Verification
from mirror.quantities import Budget
from mirror.report.verification import VerifyReport
from mirror.selection import parse_scales, parse_volumes
from tests.mirror.app.verify.conftest import BLOCK, HOME, OTHER_BLOCK, Lab, Nights, kinds

FIRST = datetime(2026, 3, 1, 3, tzinfo=UTC)


def checked(lab: Lab) -> dict[str, Any]:
    """Return when each part was looked at in full, by its prefix."""
    with lab.catalog() as catalog, catalog.read() as connection:
        (bucket_id,) = [one for one, url in queries.buckets(connection).items() if HOME in url]
        return {
            prefix: part.checked_at
            for prefix, part in queries.checked_parts(connection, bucket_id, "", depth=Depth.FULL).items()
        }


@pytest.mark.parametrize("budget", [Budget(share=0.25), Budget(n_bytes=200_000), Budget(seconds=3)], ids=str)
def test_nights_cover_all_and_begin_with_the_oldest(lab: Lab, budget: Budget) -> None:
    """Each night looks at some, never at what was looked at since, until all was; then the oldest come again."""
    nights = Nights(FIRST)
    reports: list[VerifyReport] = []
    seen: list[set[str]] = []
    while not reports or reports[-1].never_checked.objects:
        before = checked(lab)
        seconds_a_look = 0.25 if budget.seconds else 0.0
        reports.append(lab.verify(clock=nights.clock(seconds_a_look=seconds_a_look), budget=budget))
        seen.append({prefix for prefix, moment in checked(lab).items() if moment != before.get(prefix)})
        nights.moment += timedelta(days=1)
        assert len(reports) < 50
    assert len(reports) > 2
    assert sum(len(some) for some in seen[:-1]) == len(set().union(*seen[:-1]))
    assert not any(one.complete for one in reports[:-1])
    assert sum(one.checked.objects for one in reports) >= lab.verify(Depth.QUICK).checked.objects
    before = checked(lab)
    lab.verify(clock=nights.clock(seconds_a_look=0.25 if budget.seconds else 0.0), budget=budget)
    again = {prefix for prefix, moment in checked(lab).items() if moment != before[prefix]}
    assert max((before[prefix] for prefix in again), default=FIRST) <= min(
        before[prefix] for prefix in before.keys() - again
    )


def test_damage_stays_told_on_nights_that_do_not_come_to_it(lab: Lab) -> None:
    """What an earlier night found is looked at again and told by every night, until it is mended."""
    lab.file(BLOCK).unlink()
    assert kinds(lab.verify(Depth.QUICK)) == {BLOCK: "lost"}
    report = lab.verify(budget=Budget(n_bytes=1))
    assert (kinds(report), report.complete) == ({BLOCK: "lost"}, False)


def test_a_check_that_is_stopped_goes_on_in_the_middle_of_a_part(lab: Lab) -> None:
    """With room for one folder a night, every object is looked at once: no part is begun anew."""
    some: dict[str, Any] = {"volumes": parse_volumes(["volumes/raw"]), "scales": parse_scales("s0")}
    reports = [lab.verify(budget=Budget(n_bytes=1), **some)]
    while reports[-1].never_checked.objects:
        reports.append(lab.verify(budget=Budget(n_bytes=1), **some))
    raw = [level for report in reports for level in report.levels if level.volume == "volumes/raw"]
    assert sum(level.checked.objects for level in raw) == lab.verify(Depth.QUICK, **some).levels[-1].checked.objects
    assert max(level.checked.objects for level in raw) < 5


def test_a_part_that_took_many_nights_was_looked_at_since_the_first(lab: Lab) -> None:
    """The time that is kept of a part is that of its beginning: what was seen first may be gone since."""
    nights, stopped_at = Nights(FIRST), dict[str, datetime]()
    while True:
        lab.verify(clock=nights.clock(), budget=Budget(n_bytes=1))
        with lab.catalog() as catalog, catalog.read() as connection:
            (bucket_id,) = [one for one, url in queries.buckets(connection).items() if HOME in url]
            parts = queries.checked_parts(connection, bucket_id, "", depth=Depth.FULL)
        over = [prefix for prefix in stopped_at if parts[prefix].checked_at]
        if over:
            break
        for prefix, part in parts.items():
            if part.resume_after:
                stopped_at.setdefault(prefix, nights.moment)
        nights.moment += timedelta(days=1)
    assert [parts[prefix].checked_at for prefix in over] == [stopped_at[prefix] for prefix in over]
    assert stopped_at[over[0]] < nights.moment


def test_a_check_without_a_budget_looks_at_what_a_stopped_one_had_seen(lab: Lab) -> None:
    """It begins each part anew: what was whole last night, before the part was left in its middle, may be gone."""
    with lab.catalog() as catalog, catalog.read() as connection:
        (bucket_id,) = [one for one, url in queries.buckets(connection).items() if HOME in url]
    seen: list[str] = []
    while not seen:
        lab.verify(budget=Budget(n_bytes=1), volumes=parse_volumes(["volumes/raw"]), scales=parse_scales("s0"))
        with lab.catalog() as catalog, catalog.read() as connection:
            parts = queries.checked_parts(connection, bucket_id, "", depth=Depth.FULL)
        seen = [prefix + part.resume_after for prefix, part in parts.items() if part.resume_after and "/s0/" in prefix]
    lab.file(seen[0]).unlink()
    assert kinds(lab.verify()) == {seen[0]: "lost"}


def test_a_check_that_is_killed_loses_what_it_had_not_recorded(lab: Lab) -> None:
    """Killed in the middle it leaves nothing that hinders the next one, which finds the damage and closes its run."""
    lab.file(BLOCK).unlink()
    looks = count()

    def tick() -> float:
        if next(looks) == 8:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.0

    if not (child := os.fork()):
        lab.verify(clock=Clock(seconds=tick))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert kinds(lab.verify()) == {BLOCK: "lost"}
    with lab.catalog() as catalog, catalog.read() as connection:
        states = [run.state for run in queries.runs(connection) if run.kind is RunKind.VERIFY]
    assert states == [RunState.DONE, RunState.FAILED]


@dataclass(frozen=True)
class Beside:
    """A check that has read its rows, and not looked yet."""

    state: BucketState
    keeper: Keeper
    outcome: Outcome
    batches: list[tuple[Ticket, Batch]]
    run_id: int

    def look(self) -> dict[str, str]:
        """Look at all files and return what is damaged."""
        for ticket, batch in self.batches:
            self.keeper.hand_out(ticket)
            self.keeper.take(ticket, batch, Looker().look(batch))
        self.keeper.flush()
        return {one.claim.key: one.damage.value for one in (*self.outcome.damaged, *self.outcome.lost)}


def refuse() -> None:
    """Say that the share is gone."""
    raise UnsafeError("the share went away")


@pytest.fixture
def beside(lab: Lab) -> Iterator[Beside]:
    """A check of the blocks of raw that has read its rows."""
    with lab.catalog() as catalog, catalog.begin() as connection:
        chosen = choose(connection, lab.settings, VerifyRequest(bucket="b"))
        parts = [one for one in parts_of(connection, chosen, depth=Depth.FULL) if one.slab]
        url = parts[0].place.url
        run_id = queries.start_run(
            connection,
            kind=RunKind.VERIFY,
            bucket_id=parts[0].place.bucket_id,
            datasets=[],
            selection={},
            started_at=FIRST,
            host="node",
            pid=1,
            version="0",
        )
    with lab.catalog() as catalog:
        state, outcome = BucketState.of(catalog, url, "heinrich-2021a/"), Outcome()
        keeper = Keeper(
            catalog,
            state,
            run_id,
            depth=Depth.FULL,
            decoded_before=run_id,
            check_share=lambda: None if lab.share.is_dir() else refuse(),
            now=lambda: FIRST,
            outcome=outcome,
        )
        batches = [one for part in parts for one in batches_of(catalog, part, lab.share, depth=Depth.FULL)]
        yield Beside(state, keeper, outcome, batches, run_id)


def item_of(state: BucketState, key: str, etag: str = "0" * 32) -> Item:
    """Return an item as a sync has it."""
    at = state.place_of(key)
    assert at is not None
    return Item(Kind.CHANGED, key, f"{HOME}/{key}", 4, etag, 0, *at)


def test_a_file_that_a_sync_replaces_meanwhile_is_no_damage(lab: Lab, beside: Beside) -> None:
    """Between doubt and commit, and after it, a file that is not what was read of its row is left to the sync."""
    for key, is_committed in ((BLOCK, False), (OTHER_BLOCK, True)):
        item = item_of(beside.state, key)
        beside.state.doubt([item])
        lab.file(key).write_bytes(b"new\n")
        if is_committed:
            done = Done(item, 4, item.etag, bytes(16), Verification.MD5, is_adopted=False, replaced=True)
            beside.state.commit(beside.run_id, [done])
    assert beside.look() == {}


def test_what_was_never_mirrored_is_not_lost(lab: Lab, beside: Beside) -> None:
    """Of a level that is there in part only what the catalog says was mirrored is looked at."""
    beside.state.forget([item_of(beside.state, BLOCK)])
    lab.file(BLOCK).unlink()
    report = lab.verify()
    assert kinds(report) == {}
    assert report.ok == report.checked


def test_what_is_bad_while_its_row_stands_is_damage(lab: Lab, beside: Beside) -> None:
    """A file that changed without a run is told, and its row speaks for it no longer."""
    lab.file(BLOCK).write_bytes(b"old\n")
    lab.file(OTHER_BLOCK).unlink()
    assert beside.look() == {BLOCK: "size", OTHER_BLOCK: "lost"}
    with lab.catalog() as catalog, catalog.read() as connection:
        rows = beside.keeper.recorded(connection, [BLOCK, OTHER_BLOCK])
    assert {key: row.etag for key, row in rows.items()} == {BLOCK: b""}


def test_a_share_that_went_away_in_the_middle_changes_no_row(lab: Lab, beside: Beside) -> None:
    """Files that are gone with the share's mark are not said to be lost: the check ends, the rows stay."""
    shutil.rmtree(lab.share)
    with pytest.raises(UnsafeError):
        lab.verify(Depth.QUICK)
    with pytest.raises(UnsafeError):
        beside.look()
    with lab.catalog() as catalog, catalog.read() as connection:
        assert BLOCK in beside.keeper.recorded(connection, [BLOCK])
