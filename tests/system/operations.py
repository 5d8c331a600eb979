"""What may be done to the lab of the state machine beside `sync`: a table, to which each new command adds a row.

Each takes the machine and what Hypothesis chose for it, does the thing, and checks what must be true of it; what must
hold after all of them the machine checks itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from mirror.app.refresh import RefreshRequest, refresh
from mirror.app.scan import scan
from mirror.app.sync import SyncRequest, sync
from mirror.app.trash import list_trash, restore
from mirror.app.verify.mend import NOT_WHOLE
from mirror.app.verify.request import VerifyRequest
from mirror.app.verify.run import verify
from mirror.errors import ExitCode, MirrorError
from mirror.quantities import parse_limit
from mirror.report.verification import VerifyReport
from tests.faults import BUCKET, Stored
from tests.system.invariants import Row, files_below, nothing_left_over, row_of
from tests.system.machine import LEVELS, OTHER_BUCKET, OTHER_KEYS, MirrorMachine
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
        assert _named(report) == bad, (_named(report) - bad, bad - _named(report))


def repair_once(machine: MirrorMachine) -> None:
    """Mend what is lost or damaged: all that one of the buckets has as it was mirrored, and nothing else, by name.

    What our bucket has no more comes from the other one, where that has the same bytes and the catalog knows of it.
    """
    machine.count("repair")
    bad, was = _bad(machine, is_full=True), _claims(machine)
    with machine.watched():
        report = _verify(machine, is_full=True, repair=True)
    if report is None:
        return
    if report.checked.objects:  # Else no dataset was locked, and what a killed run left stays.
        nothing_left_over(machine.lab)
    assert _named(report) == bad, (_named(report) - bad, bad - _named(report))
    reasons = {one.key: one.reason for one in report.unmended}
    still = bad & _bad(machine, is_full=True)
    assert still == bad & set(reasons), (still, reasons)
    here = {key for key in bad if _has(machine.server.objects.get(key), was[key])}
    assert {reasons[key] for key in here & set(reasons)} <= {NOT_WHOLE}, reasons
    elsewhere = {key for key in bad & set(OTHER_KEYS) - here if _has(machine.other[OTHER_KEYS[key]], was[key])}
    assert [key for key in elsewhere if "bucket a does not have it either" in reasons.get(key, "")] == []
    machine.scene.tolls.from_other += len(elsewhere - set(reasons))


def rescue_once(machine: MirrorMachine, key: str) -> None:
    """Lose a block here and in our bucket: the other one has it still, and a repair takes it from there."""
    machine.count("lose in both places")
    machine.sync_all()
    body, is_level = machine.files().get(key), machine.is_level(LEVELS[0])
    if body is None or key not in machine.rows():
        return
    machine.put_beside(OTHER_KEYS[key], Stored(body))
    asyncio.run(scan(machine.lab.settings(), [ODD], bucket="a"))
    machine.drop(key)
    machine.lose_file(key)
    repair_once(machine)
    assert not is_level or machine.files().get(key) == body


def _has(stored: Stored | None, was: Row) -> bool:
    return stored is not None and row_of(stored.body).xxh3 == was.xxh3


def _claims(machine: MirrorMachine) -> dict[str, Row]:
    """Return what each file must be: by its row, else by what was found damaged."""
    return _known_damage(machine) | {key: row for key, row in machine.rows().items() if row.etag}


def scan_other_once(machine: MirrorMachine) -> None:
    """List the other bucket: the catalog knows of it then, and nothing on the share changes."""
    machine.count("scan the other bucket")
    before = machine.files()
    asyncio.run(scan(machine.lab.settings(), [ODD], bucket="a"))
    assert machine.files() == before


def sync_other_once(machine: MirrorMachine) -> None:
    """Mirror the other bucket beside ours: its files are its objects then, and ours are untouched."""
    machine.count("sync the other bucket")
    before, rows = machine.files(), machine.rows()
    report = asyncio.run(sync(machine.lab.settings(), SyncRequest((ODD,), bucket="a"), policy=QUICK))
    assert (report.complete, report.failed, report.skipped) == (True, (), ())
    files = files_below(machine.lab.share / OTHER_BUCKET)
    assert {key: path.read_bytes() for key, path in files.items()} == {
        key: stored.body for key, stored in machine.other.items()
    }
    # What a killed run of ours left stays for the next one of ours.
    assert (machine.files(), machine.rows()) == (before, rows)


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
    if not is_dry:
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
    """Return the keys whose files are not what rows or known damage say, by a naive second way."""
    files, rows = machine.files(), machine.rows()
    bad = {key for key, was in _known_damage(machine).items() if _is_still_bad(was, rows.get(key), files.get(key))}
    for key, row in rows.items():
        body = files.get(key)
        is_other = body is None or len(body) != row.size
        if row.etag and (is_other or (is_full and row.xxh3 is not None and row_of(body or b"").xxh3 != row.xxh3)):
            bad.add(key)  # Of a row in doubt, which has no ETag, nothing is claimed.
    return bad


def _known_damage(machine: MirrorMachine) -> dict[str, Row]:
    """Return what earlier checks found damaged, with what it must be; asked of SQLite itself."""
    query = (
        "SELECT d.key, d.size, d.etag, d.hash FROM damaged_object d JOIN bucket b ON b.id = d.bucket_id WHERE b.url = ?"
    )
    with closing(sqlite3.connect(machine.lab.catalog)) as connection:
        return {key: Row(*row) for key, *row in connection.execute(query, [f"s3://{BUCKET}"])}


def _is_still_bad(was: Row, row: Row | None, body: bytes | None) -> bool:
    """Return whether no run mirrored an object anew since it was found damaged, and its file is not what it was."""
    if row is not None and row.etag:
        return False
    return body is None or (len(body), row_of(body).xxh3) != (was.size, was.xxh3)


OPERATIONS: Mapping[str, Operation] = {
    "refresh": Operation(refresh_once, {"verify_share": st.booleans()}),
    "verify": Operation(verify_once, {"is_full": st.booleans()}),
    "repair": Operation(repair_once),
    "delete": Operation(delete_once, {"is_dry": st.booleans()}),
    "restore": Operation(restore_once),
    "rescue": Operation(rescue_once, {"key": st.sampled_from(sorted(OTHER_KEYS))}),
    "scan_other": Operation(scan_other_once),
    "sync_other": Operation(sync_other_once),
}


def widened(machine: type[MirrorMachine]) -> type[MirrorMachine]:
    """Return the machine with a rule for each operation of the table."""
    rules = {f"do_{name}": _rule_of(one) for name, one in OPERATIONS.items()}
    return type("WideMachine", (machine,), rules)


def _rule_of(one: Operation) -> Callable[..., None]:
    typed_by_nobody: Any = rule  # Its overloads know of no strategies that come by name.
    made: Callable[..., None] = typed_by_nobody(**one.chosen)(one.act)
    return made
