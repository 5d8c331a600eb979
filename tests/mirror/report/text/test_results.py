"""What was done, as a person reads it."""

from __future__ import annotations

import pytest

from mirror.report.model import Amount, FailedObject, ScanReport, SkippedObject, SyncReport, Verified
from mirror.report.text.results import render_problems, render_scans, render_sync, render_syncs

NOTHING = SyncReport(
    run=2, dry_run=False, complete=True, bucket="b", datasets=("jrc_hela-2",), planned=Amount(), seconds=2.0
)
DONE = NOTHING.model_copy(
    update={
        "transferred": Amount(objects=3, bytes=4000),
        "up_to_date": Amount(objects=1, bytes=10),
        "verified": Verified(md5=Amount(objects=2, bytes=3000), size_only=Amount(objects=1, bytes=1000)),
    }
)


def test_what_was_fetched_and_how_it_was_verified() -> None:
    """The amount, the time and the rate are told, and each way of verifying that was used."""
    assert render_sync(DONE) == (
        "Mirrored 3 objects (4.0 kB) of jrc_hela-2 from bucket b in 2.0 s, 2.0 kB/s.\n"
        "There already: 1 object (10 B).\n"
        "Verified: 2 by MD5, 1 by size only."
    )


def test_nothing_to_do_is_said() -> None:
    """A second run says that nothing had to be fetched."""
    assert render_sync(NOTHING) == "Nothing had to be fetched for jrc_hela-2 from bucket b; it took 2.0 s."


def test_a_run_that_was_not_wanted_did_nothing() -> None:
    """Where the user said no, nothing is claimed."""
    assert render_sync(NOTHING.model_copy(update={"run": None})) == "Nothing was done for jrc_hela-2 from bucket b."


def test_an_unfinished_run_says_how_to_go_on() -> None:
    """A run that `--max-duration` ended says so."""
    assert "goes on from here" in render_sync(DONE.model_copy(update={"complete": False}))


def test_time_that_was_up_before_anything_was_fetched_is_said() -> None:
    """The same command would come no further: it needs more time than listing takes."""
    said = render_sync(NOTHING.model_copy(update={"complete": False, "planned": Amount(objects=2, bytes=9)}))
    assert said.endswith("2 objects are left. Listing alone took longer than --max-duration: give it a longer one.")


def test_each_failure_is_listed() -> None:
    """Every failed and every refused object is named with its reason; folder markers are only counted."""
    report = DONE.model_copy(
        update={
            "failed": (FailedObject(key="a", path="b/a", reason="gone"),),
            "skipped": (SkippedObject(key="x//y", reason="odd"), SkippedObject(key="x/", reason="is a folder marker")),
            "refused": 1,
        }
    )
    assert render_problems(report) == ("Failed: 1 object:\n  a: gone\nLeft out: 1 object:\n  x//y: odd")
    assert "Passed over, as they hold nothing: 1 folder marker.\n" in render_sync(report)
    assert render_problems(DONE) == ""


def test_adoption_says_what_it_took_over() -> None:
    """An adoption tells what came into the catalog, bucket by bucket; without any it says so."""
    report = NOTHING.model_copy(update={"adopted": Amount(objects=2, bytes=20)})
    assert render_syncs((report,)) == "Adopted 2 objects (20 B) of jrc_hela-2 of bucket b in 2.0 s."
    assert render_syncs(()) == "Nothing of the buckets' lies on the share."


@pytest.mark.parametrize(("findings", "said"), [(0, "2 arrays; 1.5 s"), (1, "2 arrays, 1 finding; 1.5 s")])
def test_a_scan_says_what_it_saw(findings: int, said: str) -> None:
    """A scan tells objects, volumes and arrays, and what it found odd."""
    report = ScanReport(
        run=1,
        bucket="b",
        dataset="d",
        listed=Amount(objects=1, bytes=5),
        volumes=1,
        arrays=2,
        findings=findings,
        seconds=1.5,
    )
    assert render_scans((report,)) == f"d in bucket b: 1 object (5 B), 1 volume, {said}."
