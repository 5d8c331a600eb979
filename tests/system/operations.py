"""What may be done to the lab of the state machine beside `sync`: a table, to which each new command adds a row.

Each takes the machine and what Hypothesis chose for it, does the thing, and checks what must be true of it; what must
hold after all of them the machine checks itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from mirror.app.refresh import RefreshRequest, refresh
from mirror.app.sync import SyncRequest, sync
from mirror.app.trash import list_trash, restore
from mirror.app.verify.request import VerifyRequest
from mirror.app.verify.run import verify
from mirror.errors import ExitCode, MirrorError
from mirror.quantities import parse_limit
from mirror.report.verification import VerifyReport
from tests.system.invariants import nothing_left_over, row_of
from tests.system.machine import MirrorMachine
from tests.system.oddlab import ODD, QUICK


@dataclass(frozen=True)
class Operation:
    """One row: what is done, and what is chosen for it."""

    act: Callable[..., None]
    chosen: Mapping[str, st.SearchStrategy[Any]] = field(default_factory=dict)


def refresh_once(machine: MirrorMachine, verify_share: bool) -> None:
    """Refresh the one mirror of the lab: as a whole sync, the share is as the bucket then."""
    machine.count("refresh")
    entry = {"dataset": ODD, "bucket": "b", "verify_share": verify_share}
    settings = machine.lab.settings(mirrors=[entry])
    with machine.watched():
        report = asyncio.run(refresh(settings, RefreshRequest(), policy=QUICK))
    (line,) = report.mirrors
    if not machine.server.objects:
        assert line.exit == ExitCode.FAILED  # No code of a refresh is 2 for what one of its mirrors lacks.
        return
    assert (line.exit, line.state, line.skipped) == (ExitCode.DONE, "done", ()), line
    nothing_left_over(machine.lab)
    machine.is_equal = not machine.lost and not machine.damaged


def verify_once(machine: MirrorMachine, is_full: bool) -> None:
    """Check the share: what is lost or damaged is found by name, and nothing else, and no file is touched."""
    machine.count("verify")
    files, bad = machine.files(), _bad(machine, is_full=is_full)
    report = _verify(machine, is_full=is_full, repair=False)
    assert machine.files() == files
    if report is not None:
        assert _named(report) == bad


def repair_once(machine: MirrorMachine) -> None:
    """Mend what is lost or damaged, by name: what is mended agrees with its row then."""
    machine.count("repair")
    bad = _bad(machine, is_full=True)
    with machine.watched():
        report = _verify(machine, is_full=True, repair=True)
    nothing_left_over(machine.lab)
    if report is None:
        return
    assert _named(report) == bad
    assert {key for key in bad & set(machine.server.objects) if key in _bad(machine, is_full=True)} == set()


def delete_once(machine: MirrorMachine, is_dry: bool) -> None:
    """Take away what the bucket has no more: nothing that it has, and each file lies in the trash byte for byte."""
    machine.count("sync --delete")
    before, trashed = machine.files(), _trash(machine)
    knobs: dict[str, Any] = {"delete": True, "max_delete": parse_limit("100%"), "dry_run": is_dry}
    request = SyncRequest((ODD,), bucket="b", **knobs)
    try:
        with machine.watched():
            asyncio.run(sync(machine.lab.settings(), request, policy=QUICK))
    except MirrorError as error:
        if error.exit_code not in (ExitCode.USAGE, ExitCode.UNSAFE):
            raise
        assert (machine.files(), _trash(machine)) == (before, trashed)
        return
    after = machine.files()
    gone = set(before) - set(after)
    assert gone & set(machine.server.objects) == set()
    assert not (is_dry and gone)
    new = [body for place, body in _trash(machine).items() if place not in trashed]
    assert [key for key in gone if before[key] not in new] == []
    nothing_left_over(machine.lab)


def restore_once(machine: MirrorMachine) -> None:
    """Give all that lies in the trash its name again: byte for byte, and over no other file."""
    machine.count("trash restore")
    settings, before = machine.lab.settings(), machine.files()
    for line in list_trash(settings):
        asyncio.run(restore(settings, line.run))
    after = machine.files()
    assert {key: after.get(key) for key in before} == before
    back = {key: body for key, body in after.items() if key not in before}
    machine.lost -= set(back)
    machine.damaged |= {key: body for key, body in back.items() if body not in machine.history.get(key, ())}
    machine.is_equal = machine.is_equal and not back


def _trash(machine: MirrorMachine) -> dict[str, bytes]:
    """Return what lies in the trash, by its place there."""
    folder = machine.lab.share / ".oomirror" / "trash"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _verify(machine: MirrorMachine, *, is_full: bool, repair: bool) -> VerifyReport | None:
    """Return what one check says; None where the catalog has nothing to be checked."""
    request = VerifyRequest((ODD,), "b").at_depth(quick=not is_full, full=is_full, repair=repair)
    try:
        return asyncio.run(verify(machine.lab.settings(), request, policy=QUICK))
    except MirrorError as error:
        if error.exit_code is not ExitCode.USAGE:
            raise
        return None


def _named(report: VerifyReport) -> set[str]:
    """Return what differs from its row; blocks that decode to nothing are what the bucket of these tests has."""
    return {one.key for one in report.lost} | {one.key for one in report.damaged if one.kind in ("size", "content")}


def _bad(machine: MirrorMachine, *, is_full: bool) -> set[str]:
    """Return the keys whose files are not what their rows say, by a naive second way."""
    files = machine.files()
    bad = set()
    for key, row in machine.rows().items():
        if row.xxh3 is None and key in files:
            continue
        body = files.get(key)
        if body is None or len(body) != row.size or (is_full and row_of(body).xxh3 != row.xxh3):
            bad.add(key)
    return bad


OPERATIONS: Mapping[str, Operation] = {
    "refresh": Operation(refresh_once, {"verify_share": st.booleans()}),
    "verify": Operation(verify_once, {"is_full": st.booleans()}),
    "repair": Operation(repair_once),
    "delete": Operation(delete_once, {"is_dry": st.booleans()}),
    "restore": Operation(restore_once),
}


def widened(machine: type[MirrorMachine]) -> type[MirrorMachine]:
    """Return the machine with a rule for each operation of the table."""
    rules = {f"do_{name}": _rule_of(one) for name, one in OPERATIONS.items()}
    return type("WideMachine", (machine,), rules)


def _rule_of(one: Operation) -> Callable[..., None]:
    typed_by_nobody: Any = rule  # Its overloads know of no strategies that come by name.
    made: Callable[..., None] = typed_by_nobody(**one.chosen)(one.act)
    return made
