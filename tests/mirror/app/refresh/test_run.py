"""A refresh of several entries: in turn, whatever becomes of one of them, and what it tells of the bucket."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from catalog.errors import NoRoomError
from mirror.app.refresh import RefreshRequest, RefreshRunsError, refresh
from mirror.app.refresh.tell import word_of
from mirror.engine.events import Event, TransferStarted
from mirror.errors import ConfigError, ExitCode, UnknownNameError, UnsafeError
from mirror.keys import OWN_FOLDER
from mirror.report.refresh import RefreshReport
from mirror.report.text.refresh import render_refresh_problems
from tests.mirror.app.refresh.labs import N_BLOCKS, Clock, Notes, block, fill, held, lab_of, run, states
from tests.servers import Bucket

X, Y, Z = ({"dataset": f"jrc_{letter}"} for letter in "xyz")


def test_what_changed_upstream_is_told(bucket: Bucket, tmp_path: Path) -> None:
    """New, changed and vanished objects are told by entry, of changed ones which have other content; none is lost."""
    fill(bucket, "jrc_x", "jrc_y")
    settings = lab_of(bucket, tmp_path, [X, Y])
    first = run(settings)
    assert (states(first), first.exit, first.complete) == (["done", "done"], 0, True)
    assert [line.transferred.objects for line in first.mirrors] == [N_BLOCKS + 1] * 2
    assert first.new.objects == 0  # There is no listing before.

    bucket.put(block("jrc_x", 0), b"BLOCK 0 of jrc_x")  # As long as before.
    bucket.put(block("jrc_x", 1), b"longer than it was before")
    bucket.put_parts(block("jrc_x", 2), b"block 2 of jrc_x", part_bytes=5 << 20)
    bucket.put("jrc_x/README", b"new")
    bucket.delete(block("jrc_y", 2))
    second = run(settings)
    x, y = second.mirrors
    assert [one.objects for one in (x.new, x.changed, x.vanished)] == [1, 3, 0]
    contents = x.contents
    counts = (contents.other, contents.other_same_size, contents.reuploaded, contents.unknown)
    assert [one.objects for one in counts] == [2, 1, 1, 0]
    assert [one.objects for one in (y.new, y.changed, y.vanished, y.transferred)] == [0, 0, 1, 0]
    assert (settings.share_root() / bucket.name / block("jrc_y", 2)).read_bytes() == b"block 2 of jrc_y"
    assert (second.exit, second.is_change, run(settings).is_change) == (0, True, False)


def test_one_that_fails_ends_no_other(bucket: Bucket, tmp_path: Path) -> None:
    """A dataset that is gone is a failure of its entry alone: exit 1, the others are mirrored and published."""
    fill(bucket, "jrc_x", "jrc_y")
    settings = lab_of(bucket, tmp_path, [X, Z, Y])
    report = run(settings)
    assert states(report) == ["done", "failed", "done"]
    assert (report.exit, report.complete) == (ExitCode.FAILED, False)
    problem = report.mirrors[1].problem
    assert problem is not None
    assert problem.what == "no such dataset"
    assert (settings.share_root() / OWN_FOLDER / "catalog.sqlite").is_file()
    with closing(sqlite3.connect(tmp_path / "c.db")) as connection:
        runs = connection.execute("SELECT kind, datasets, state FROM run ORDER BY id").fetchall()
    assert runs == [("sync", '["jrc_x"]', "done"), ("sync", '["jrc_y"]', "done")]


def test_a_fault_of_ours_with_one_ends_no_other(bucket: Bucket, tmp_path: Path) -> None:
    """An error that nobody thought of is told in the line of its entry, its traceback as a detail."""
    fill(bucket, "jrc_x", "jrc_y")
    settings = lab_of(bucket, tmp_path, [X, Y])
    notes = Notes()
    faults = iter([RuntimeError("nobody thought of this")])

    def fail(event: Event) -> None:
        """Be a sink with a fault."""
        notes(event)
        if isinstance(event, TransferStarted) and (fault := next(faults, None)) is not None:
            raise fault

    report = run(settings, sink=fail)
    assert (states(report), report.exit) == (["failed", "done"], 1)
    assert report.mirrors[0].problem is not None
    assert report.mirrors[0].problem.found == "RuntimeError: nobody thought of this"
    assert any("Traceback" in text for text in notes.texts)


def test_a_full_disk_below_the_catalog_is_unsafe(bucket: Bucket, tmp_path: Path) -> None:
    """Exit 5, as of a share without room: the next one may fit, and has its turn."""
    fill(bucket, "jrc_x", "jrc_y")
    settings = lab_of(bucket, tmp_path, [X, Y])
    faults = iter([NoRoomError("no room left for the catalog", "c.db")])

    def fail(event: Event) -> None:
        """Meet a full disk."""
        if isinstance(event, TransferStarted) and (fault := next(faults, None)) is not None:
            raise fault

    report = run(settings, sink=fail)
    assert (states(report), report.exit) == (["unsafe", "done"], ExitCode.UNSAFE)
    assert [line.exit for line in report.mirrors] == [ExitCode.UNSAFE, ExitCode.DONE]


def test_a_dataset_that_another_run_holds_is_told(bucket: Bucket, tmp_path: Path) -> None:
    """Its entry is locked, exit 6; the others go on."""
    fill(bucket, "jrc_x", "jrc_y")
    settings = lab_of(bucket, tmp_path, [X, Y])
    with held(settings.share_root() / OWN_FOLDER / "locks" / bucket.name / "jrc_x.lock"):
        report = run(settings, jobs=2)
    assert (states(report), report.exit) == (["locked", "done"], ExitCode.LOCKED)


def test_two_refreshes_of_a_catalog_do_not_overlap(bucket: Bucket, tmp_path: Path) -> None:
    """The second one does nothing, and says who is at work."""
    fill(bucket, "jrc_x")
    settings = lab_of(bucket, tmp_path, [X])
    locks: list[Path] = []
    run(
        settings,
        sink=Notes("x/jrc_x: begun", lambda: locks.extend((settings.share_root() / OWN_FOLDER).rglob("*.lock"))),
    )
    (lock,) = locks
    with (
        held(lock),
        pytest.raises(RefreshRunsError, match=f"another refresh is at work: {lock}; found process {os.getpid()}"),
    ):
        run(settings)


def test_a_share_that_is_not_there_ends_it_at_once(bucket: Bucket, tmp_path: Path) -> None:
    """Without the share's mark nothing is written and no entry has its turn: that is an error, as of any command."""
    fill(bucket, "jrc_x")
    settings = lab_of(bucket, tmp_path, [X, Y])
    marker = settings.share_root() / OWN_FOLDER / "share.json"
    found = next(path for path in marker.parent.iterdir() if path.is_file())
    found.unlink()
    for dry_run in (False, True):
        with pytest.raises(UnsafeError, match="not marked"):
            run(settings, dry_run=dry_run)
    assert not (settings.share_root() / bucket.name).exists()


def test_a_share_that_goes_away_ends_it_for_all(bucket: Bucket, tmp_path: Path) -> None:
    """The entry at work says why, those after it are not begun, and the next refresh does the rest."""
    fill(bucket, "jrc_x", "jrc_y", "jrc_z")
    settings = lab_of(bucket, tmp_path, [X, Y, Z])
    root = settings.share_root()
    away = root.with_name("unmounted")
    report = run(settings, sink=Notes("x/jrc_x: done", lambda: root.rename(away)))
    assert (states(report), report.exit) == (["done", "unsafe", "not_reached"], ExitCode.UNSAFE)
    assert not root.exists()
    away.rename(root)
    # Of a process that lives, as this one does, a lock that nobody could remove is believed for a minute.
    shutil.rmtree(root / OWN_FOLDER / "locks")
    assert states(run(settings)) == ["done"] * 3


def test_time_that_is_up_begins_nothing_new_and_the_next_refresh_goes_on(bucket: Bucket, tmp_path: Path) -> None:
    """Exit 0, not complete; the next one begins with what had no turn, and comes to an end."""
    fill(bucket, "jrc_x", "jrc_y", "jrc_z")
    settings = lab_of(bucket, tmp_path, [X, Y, Z])
    clock = Clock()

    def tick() -> None:
        """Let an hour pass."""
        clock.now += 3600

    def night(at: str) -> tuple[list[str], list[str]]:
        """Return how the entries ended, and which were begun."""
        notes = Notes(at, tick)
        request = RefreshRequest(max_duration_seconds=60)
        report = asyncio.run(refresh(settings, request, sink=notes, clock=clock))
        assert (report.exit, report.complete) == (0, "not_reached" not in states(report))
        return states(report), [text[: len("x/jrc_x")] for text in notes.texts if "begun" in text]

    assert night("x/jrc_x: done") == (["done", "not_reached", "not_reached"], ["x/jrc_x"])
    assert night("x/jrc_y: done") == (["not_reached", "done", "not_reached"], ["x/jrc_y"])
    assert night("never") == (["done"] * 3, ["x/jrc_z", "x/jrc_x", "x/jrc_y"])


def test_time_that_does_not_even_suffice_to_list_is_said(bucket: Bucket, tmp_path: Path) -> None:
    """A mirror whose listing takes longer than all the time there is would never come further; who came late will."""
    fill(bucket, "jrc_x", "jrc_y")
    settings = lab_of(bucket, tmp_path, [X, Y])
    clock = Clock()

    def refreshed(at: str, seconds: float) -> RefreshReport:
        """Refresh in a minute, of which some time passes when something is said."""

        def tick() -> None:
            """Let it pass."""
            clock.now += seconds

        request = RefreshRequest(max_duration_seconds=60)
        return asyncio.run(refresh(settings, request, sink=Notes(at, tick), clock=clock))

    report = refreshed("x/jrc_x: begun", 61)
    assert (states(report), report.exit) == (["stopped", "not_reached"], 0)
    assert [line.only_listed for line in report.mirrors] == [True, False]
    words = "Listing alone took longer than --max-duration: give it a longer one."
    assert f"nothing fetched. {words}" in word_of(report).text
    assert render_refresh_problems(report).splitlines()[1:] == [f"x/jrc_x: {words}"]

    report = refreshed("x/jrc_y: done", 60 - 1e-9)
    assert (states(report), [line.only_listed for line in report.mirrors]) == (["stopped", "done"], [False, False])


def test_entries_side_by_side_never_share_a_dataset(bucket: Bucket, tmp_path: Path) -> None:
    """Two at a time, of which two of the same dataset follow each other: none is locked out, all is mirrored."""
    fill(bucket, "jrc_x", "jrc_y")
    fill(bucket, "jrc_x", array="other/s0")
    settings = lab_of(bucket, tmp_path, [{**X, "volumes": ["raw"]}, {**X, "volumes": ["!raw"]}, Y])
    notes = Notes()
    report = run(settings, sink=notes, jobs=2)
    assert (states(report), report.exit) == (["done"] * 3, 0)
    begun = [text.partition(":")[0] for text in notes.texts if ": begun" in text]
    assert begun == ["x/jrc_x", "x/jrc_y", "x/jrc_x"]


def test_a_dry_run_writes_nothing(bucket: Bucket, tmp_path: Path) -> None:
    """It tells what would be fetched, and leaves no run, no lock and no file."""
    fill(bucket, "jrc_x", "jrc_y")
    settings = lab_of(bucket, tmp_path, [X, Y])
    before = sorted(settings.share_root().rglob("*"))
    report = run(settings, dry_run=True, names=("jrc_y",))
    assert [line.name for line in report.mirrors] == ["x/jrc_y"]
    assert [line.planned.objects for line in report.mirrors] == [N_BLOCKS + 1]
    assert sorted(settings.share_root().rglob("*")) == before
    with closing(sqlite3.connect(tmp_path / "c.db")) as connection:
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (0,)


def test_what_is_excluded_is_no_failure(odd_bucket: Bucket, tmp_path: Path) -> None:
    """A key that no file can have makes exit 4, until it is excluded by its text or by a glob; it stays named."""
    odd_bucket.put("jrc_x/x//y", b"1")
    outcomes = []
    for exclude in ([], ["jrc_x/x//y"], ["jrc_x/x/**"]):
        report = run(lab_of(odd_bucket, tmp_path, [{**X, "exclude": exclude}]))
        (line,) = report.mirrors
        outcomes.append((report.exit, line.state, line.refused_objects, [one.key for one in line.skipped]))
    assert outcomes == [(4, "incomplete", 1, ["jrc_x/x//y"]), *[(0, "done", 0, ["jrc_x/x//y"])] * 2]
    with closing(sqlite3.connect(tmp_path / "c.db")) as connection:
        chosen = connection.execute("SELECT json_extract(selection, '$.jrc_x.exclude') FROM run ORDER BY id").fetchall()
    assert [json.loads(one or "[]") for (one,) in chosen] == [[], ["jrc_x/x//y"], ["jrc_x/x/**"]]


def test_names_and_entries_that_are_not_there_are_refused(bucket: Bucket, tmp_path: Path) -> None:
    """A name that no entry has is told with the nearest, and no entries at all are a fault of the configuration."""
    settings = lab_of(bucket, tmp_path, [X])
    with pytest.raises(UnknownNameError, match=r"no entry of \[\[mirrors\]\]: x/jrc_y\. Did you mean x/jrc_x\?"):
        run(settings, names=("x/jrc_y",))
    with pytest.raises(ConfigError, match="nothing to refresh"):
        run(lab_of(bucket, tmp_path, []))
