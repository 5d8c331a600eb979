"""What `oomirror catalog` lists, as a person reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from mirror.report.model import (
    Amount,
    CheckLine,
    DatasetLine,
    FactLine,
    FindingLine,
    FoundLine,
    ManifestLine,
    ObjectLine,
    RunLine,
    UpgradeLine,
)
from mirror.report.text import catalog

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
EARLIER = "2026-01-02T09:00:00+00:00"


def test_found() -> None:
    """What a search found has its place, and what it is."""
    line = FoundLine(bucket="b", dataset="d", kind="volume", place="d/er_seg/", title="ER segmentation")
    assert catalog.render_found([line]).splitlines()[1] == "d/er_seg/  b       ER segmentation"
    assert catalog.render_found([]) == "Nothing has all these words."


def test_a_long_place_that_was_found_is_not_cut() -> None:
    """It is there to be copied: it stands above its row where there is no room."""
    place = "heinrich-2021a/jrc_hela-2/jrc_hela-2.n5/volumes/labels/mito_seg/"
    line = FoundLine(bucket="b", dataset="d", kind="volume", place=place, title="mitochondria segmentation")
    assert catalog.render_found([line], width=80).splitlines()[1] == place


def test_manifests_are_named_as_files() -> None:
    """Without the folders before them, which are all alike and take the room of the names; a failure has them."""
    source = "/lab/manifests/jrc_hela-2.json"
    line = ManifestLine(source=source, dataset=None, state="failed", volumes=0, findings=0, reason="no JSON")
    _, row, failure = catalog.render_manifests([line], width=80).splitlines()
    assert row.split()[0] == "jrc_hela-2.json"
    assert failure == "/lab/manifests/jrc_hela-2.json: no JSON"


def test_datasets() -> None:
    """Counts, size in the bucket, the share's part, and when it was looked at."""
    line = DatasetLine(
        bucket="b",
        dataset="jrc_hela-2",
        volumes=81,
        levels=400,
        findings=2,
        discovered_at=EARLIER,
        listed=Amount(objects=4, bytes=4000),
        listed_at=EARLIER,
        mirrored=Amount(objects=1, bytes=1000),
    )
    assert catalog.render_known_datasets([line], now=NOW) == (
        "dataset     bucket  volumes  levels    size  share  findings  looked at\n"
        "jrc_hela-2  b            81     400  4.0 kB   25 %         2  3 h ago"
    )
    assert catalog.render_known_datasets([], now=NOW) == "The catalog knows no dataset."


@pytest.mark.parametrize(
    ("state", "code", "words"), [("done", 0, "done"), ("done", 4, "done, exit 4"), ("running", None, "running")]
)
def test_runs(state: str, code: int | None, words: str) -> None:
    """A run says what it moved, how long it took and how it ended."""
    line = RunLine(
        run=12,
        kind="sync",
        bucket="b",
        datasets=("jrc_hela-2",),
        started_at=EARLIER,
        finished_at=None,
        seconds=200.0,
        state=state,
        exit=code,
        moved=Amount(objects=606, bytes=16_500_000),
        adopted=None,
        host="node1",
        pid=1,
        version="0.1.0",
        selection={},
    )
    row = catalog.render_runs([line], now=NOW).splitlines()[1]
    assert row.split("  ")[0] == "jrc_hela-2 (b)"
    assert f"sync  3 h ago  3 min 20 s  {words}" in row
    assert row.endswith("606  16.5 MB")
    assert catalog.render_runs([], now=NOW) == "There was no run."


def test_findings() -> None:
    """Each finding has its place on one line, and what was expected and found on the next."""
    line = FindingLine(
        bucket="b",
        dataset="d",
        severity="warning",
        code="permuted-axes",
        place="d/raw/s1/",
        expected="z,y,x",
        found="y,z,x",
        origin="metadata",
        first_seen_at=EARLIER,
        closed_at=None,
    )
    assert catalog.render_findings([line], now=NOW) == (
        "d in bucket b\n  warning: permuted-axes\n    raw/s1/\n      expected z,y,x; found y,z,x; seen 3 h ago"
    )
    whole = line.model_copy(update={"place": ""})
    assert catalog.render_findings([whole], now=NOW).splitlines()[1:] == [
        "  warning: permuted-axes",
        "      expected z,y,x; found y,z,x; seen 3 h ago",
    ]
    over = line.model_copy(update={"closed_at": EARLIER})
    assert catalog.render_findings([over], now=NOW).endswith("seen 3 h ago; over 3 h ago")
    assert catalog.render_findings([], now=NOW) == "Nothing odd was found."


def test_facts() -> None:
    """A fact has its sources below it, said once where several say the same."""
    lines = [FactLine(dataset="d", name="year", value=2017, source=f"s3://x/{one}") for one in "ab"]
    assert catalog.render_facts(lines) == "d\n  year: 2017\n      s3://x/a\n      s3://x/b"
    assert catalog.render_facts([]) == "No document said anything."


def test_objects() -> None:
    """Keys stand last and whole; a copy that differs from the bucket's object is told."""
    line = ObjectLine(
        key="d/raw/s0/0/0/0",
        bucket="b",
        dataset="d",
        size=1500,
        etag="0" * 32,
        in_bucket=True,
        on_share=True,
        current=False,
        verified="size_only",
        adopted=True,
        run=7,
    )
    absent = line.model_copy(
        update={"on_share": False, "current": None, "verified": None, "adopted": None, "run": None}
    )
    same = line.model_copy(update={"current": True, "verified": "multipart_etag"})
    assert list(catalog.render_objects([line, same, absent])) == [
        "d in bucket b, keys below d/",
        "     size  bucket  share    verified    run  key",
        "   1.5 kB  yes     other    size only     7  raw/s0/0/0/0",
        "   1.5 kB  yes     adopted  parts         7  raw/s0/0/0/0",
        "   1.5 kB  yes     no       -             -  raw/s0/0/0/0",
    ]


@pytest.mark.parametrize(
    ("listed", "rows", "is_cut", "words"),
    [
        (10, 10, False, ""),
        (1500, 1000, True, "500 more;"),
        (0, 5, True, "Some more;"),
        (10, 4, False, "6 objects more are known as sums only"),
    ],
    ids=["all", "cut", "cut and not counted", "published"],
)
def test_what_a_list_of_objects_left_out(listed: int, rows: int, words: str, *, is_cut: bool) -> None:
    """How many are missing, and why."""
    left = catalog.objects_left_out(SimpleNamespace(n_listed=listed, n_shown=rows, n_rows=rows, is_cut=is_cut))
    assert left.startswith(words)
    assert bool(left) == bool(words)


def test_check() -> None:
    """What is good is a word, a fault has its place, what was expected and what was found."""
    good = CheckLine(check="pages", good=True, place="", expected="", found="")
    bad = CheckLine(check="sums", good=False, place="s3://x/", expected="3", found="4")
    text = catalog.render_check([good, bad])
    assert text == "pages: good\nsums: FAULT\n    s3://x/; expected 3; found 4"


def test_upgrade() -> None:
    """From where to where, and where the copy lies; or that nothing had to be done."""
    line = UpgradeLine(catalog="sqlite:///c.db", before="0001", after="0002", backup="/c.db.0001.bak")
    assert catalog.render_upgrade(line).splitlines() == [
        "sqlite:///c.db came from revision 0001 to 0002.",
        "What was before lies in /c.db.0001.bak.",
    ]
    assert "too large" in catalog.render_upgrade(line.model_copy(update={"backup": None}))
    assert catalog.render_upgrade(line.model_copy(update={"before": "0002"})).endswith("already.")
