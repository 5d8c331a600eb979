"""What an import did, as text."""

from __future__ import annotations

from mirror.report.imports import DocumentCounts, FailedDocumentLine, ImportReport, SourceReport
from mirror.report.text.imports import render_failed, render_import

SOURCE = SourceReport(
    kind="crops",
    place="mongodb://db:27017",
    collection="crops/v0003",
    version="0003",
    complete=True,
    resumed=True,
    documents=DocumentCounts(seen=30_024, new=30_000, unchanged=1, vanished=2, unreadable=23),
    crops_by_dataset={"": 1, "jrc_hela-2": 30_000},
    labels_by_state={"absent_annotated": 5},
    issues={"wrong-type": 2},
    failed=tuple(
        FailedDocumentLine(place=f"line {number}", key="", expected="JSON", found="\x1b[31m") for number in range(23)
    ),
    error=None,
    seconds=2.0,
)


def report(*sources: SourceReport, dry_run: bool = False) -> ImportReport:
    """Return a report of some sources."""
    return ImportReport(dry_run=dry_run, sources=sources, left_out=("crops/setups: neither crops nor evaluations",))


def test_what_was_done_is_told_source_by_source() -> None:
    """Counts, a rate where it took a while, what vanished, and twenty of what failed."""
    lines = render_import(report(SOURCE)).splitlines()
    assert lines[:9] == [
        "Crops from mongodb://db:27017 crops/v0003, ground truth 0003",
        "  30,024 documents in 2.0 s, 15,012 a second: 30,000 new, 1 unchanged, 2 vanished, 23 unreadable.",
        "  An earlier import was cut; this one went on behind it.",
        "  What changed before that place since, the next import sees.",
        "  What vanished from the source stays in the catalog; --prune drops it.",
        "  crops: of no dataset 1, jrc_hela-2 30,000",
        "  labels: absent_annotated 5",
        "  issues: wrong-type 2; `oomirror catalog issues` lists them",
        "  failed: line 0: expected JSON, found \\x1b[31m",
    ]
    assert lines[-2:] == [
        "  and 3 more; --json lists the first thousand.",
        "Left out: crops/setups: neither crops nor evaluations",
    ]


def test_a_dry_run_tells_what_would_be() -> None:
    """Without a time."""
    assert "30,024 documents would be imported: 30,000 new" in render_import(report(SOURCE, dry_run=True))


def test_a_source_that_failed_tells_why() -> None:
    """And nothing else; quiet tells only failures."""
    failed = SOURCE.model_copy(
        update={"error": "cannot read it", "failed": (), "complete": False, "documents": DocumentCounts()}
    )
    text = render_import(report(failed))
    assert text.splitlines()[1] == "  failed: cannot read it"
    assert render_failed(report(failed)) == "  failed: cannot read it"
    fine = SOURCE.model_copy(update={"failed": (), "documents": DocumentCounts(seen=1, new=1)})
    assert render_failed(report(fine)) == ""
