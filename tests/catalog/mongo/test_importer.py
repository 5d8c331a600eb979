"""Importing: what comes into the catalog, again, after a cut, and after changes; on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from catalog import queries
from catalog.errors import ImportFailedError
from catalog.mongo.documents import Document, Unreadable
from catalog.mongo.importer import import_source, preview_import
from catalog.mongo.report import ImportReport
from catalog.records import CropRecord, ImportKind
from catalog.session import Catalog
from catalog.tables import metadata
from tests.catalog.mongo.sources import (
    Clock,
    MemorySource,
    crop_fields,
    document,
    evaluation_fields,
    text_of,
    training_fields,
)

CROPS = [document(crop_fields(str(number), alias=f"crop {number}")) for number in range(7)]
RESULTS = [document(evaluation_fields(_id=number, value=number / 7), str(number)) for number in range(7)]


def evaluations(items: Sequence[Document | Unreadable], **more: Any) -> MemorySource:
    """Return a source of evaluations."""
    return MemorySource(items, kind=ImportKind.EVALUATIONS, place="/dumps/evaluation.bson", **more)


def dump(catalog: Catalog, *, without: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Return the rows of all tables, but for some columns."""
    rows = {}
    with catalog.read() as connection:
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if column.name not in without]
            if not columns:
                continue
            query = table.select().with_only_columns(*columns)
            rows[table.name] = sorted(text_of(dict(row)) for row in connection.execute(query).mappings())
    return rows


DATES = ("pass_number", "started_at", "finished_at", "first_seen_at", "changed_at", "replaced_at")


def put(catalog: Catalog, source: MemorySource, **options: Any) -> ImportReport:
    """Import with a clock of our own, in small batches."""
    return import_source(catalog, source, **{"clock": Clock(), "batch": 2, **options})


def crop(catalog: Catalog, number: str, version: str | None = None) -> CropRecord | None:
    """Return a crop of the catalog."""
    with catalog.read() as connection:
        return queries.find_crop(connection, number, version)


def issues(catalog: Catalog) -> list[tuple[str, str, str]]:
    """Return document, code and field of each issue."""
    with catalog.read() as connection:
        return [(one.document_key, one.code, one.field) for one in queries.import_issues(connection)]


def test_crops_and_evaluations_come_into_the_catalog(catalog: Catalog) -> None:
    """Each document is kept, and has its record; the report counts them."""
    report = put(catalog, MemorySource(CROPS))
    assert (report.seen, report.new, report.n_unreadable, report.version) == (7, 7, 0, "0003")
    assert report.by_dataset == {"jrc_hela-2": 7}
    assert report.by_state == {"present_annotated": 35, "present_unannotated": 7, "absent_annotated": 217}
    assert put(catalog, evaluations(RESULTS)).new == 7
    with catalog.read() as connection:
        assert [one.number for one in queries.crops(connection)] == [str(number) for number in range(7)]
        found = list(queries.evaluations(connection, queries.EvaluationFilter()))
        assert [one.evaluation.value for one in found] == [number / 7 for number in range(7)]
        assert [one.kind for one in queries.import_sources(connection)] == ["crops", "evaluations"]
    assert issues(catalog) == []


@pytest.mark.parametrize("source", [MemorySource(CROPS), evaluations(RESULTS)], ids=["crops", "evaluations"])
def test_importing_twice_changes_nothing(catalog: Catalog, source: MemorySource) -> None:
    """Not a row, but for the number of the pass and the times that it began and ended."""
    put(catalog, source)
    before = dump(catalog, without=("pass_number", "started_at", "finished_at"))
    report = put(catalog, source)
    assert (report.new, report.changed, report.unchanged, report.vanished) == (0, 0, 7, 0)
    assert dump(catalog, without=("pass_number", "started_at", "finished_at")) == before


@pytest.mark.parametrize("make", [MemorySource, evaluations], ids=["crops", "evaluations"])
def test_a_cut_at_any_document_is_made_good_by_the_next_import(
    catalog: Catalog, make: Callable[..., MemorySource]
) -> None:
    """What was committed stays, the next import goes on behind it, and all ends as if nothing had happened."""
    items = CROPS if make is MemorySource else RESULTS
    put(catalog, make(items))
    undisturbed = dump(catalog, without=(*DATES, "place", "id", "source_id", "crop_id", "document_id"))
    for cut in (1, 2, 3, 6):
        place = f"/cut at {cut}"
        broken = make(items, fails_after=cut)
        broken.place = place
        with pytest.raises(ImportFailedError):
            put(catalog, broken)
        whole = make(items)
        whole.place = place
        report = put(catalog, whole)
        n_committed = cut - cut % 2
        assert (report.is_resumed, report.seen, report.new) == (n_committed > 0, 7 - n_committed, 7 - n_committed)
    again = dump(catalog, without=(*DATES, "place", "id", "source_id", "crop_id", "document_id"))
    for table in ("crop", "crop_label"):
        assert again[table] == undisturbed[table]
    for table in ("source_document", "evaluation", "import_source"):
        assert again[table] == sorted(undisturbed[table] * 5)


def test_a_changed_document_is_kept_as_it_was(catalog: Catalog) -> None:
    """The old one stays beside it, and what is made of it is made anew."""
    put(catalog, MemorySource(CROPS))
    put(catalog, evaluations(RESULTS))
    clock = Clock()
    changed = document(crop_fields("3", alias="renamed"), "3")
    report = put(catalog, MemorySource([*CROPS[:3], changed, *CROPS[4:]]), clock=clock)
    assert (report.changed, report.unchanged) == (1, 6)
    assert crop(catalog, "3") is not None
    assert crop(catalog, "3").alias == "renamed"  # type: ignore[union-attr]
    put(catalog, evaluations([document(evaluation_fields(_id=0, value=float("nan")), "0"), *RESULTS[1:]]))
    with catalog.read() as connection:
        (before,) = queries.earlier_documents(connection, 1, "3")
        assert (before.reason, b"crop 3" in before.body) == ("changed", True)
        first = next(queries.evaluations(connection, queries.EvaluationFilter())).evaluation
        assert (first.value, first.value_word) == (None, "nan")


def test_what_vanished_is_dropped_only_when_asked(catalog: Catalog) -> None:
    """Without it, it is counted; with it, it is kept as an earlier document, and its crop is gone."""
    put(catalog, MemorySource(CROPS))
    report = put(catalog, MemorySource(CROPS[1:]))
    assert (report.vanished, report.dropped) == (1, 0)
    assert crop(catalog, "0") is not None
    report = put(catalog, MemorySource(CROPS[4:]), prune=True)
    assert (report.vanished, report.dropped) == (4, 4)
    with catalog.read() as connection:
        assert [one.number for one in queries.crops(connection)] == ["4", "5", "6"]
        (dropped,) = queries.earlier_documents(connection, 1, "0")
        assert dropped.reason == "dropped"
    put(catalog, evaluations(RESULTS))
    put(catalog, evaluations(RESULTS[:2]), prune=True)
    assert len(dump(catalog)["evaluation"]) == 2


def test_nothing_is_dropped_while_something_cannot_be_read(catalog: Catalog) -> None:
    """What cannot be read may be just what seems to have vanished."""
    put(catalog, MemorySource(CROPS))
    broken = Unreadable("document 1", "BSON", "rubbish")
    report = put(catalog, MemorySource([broken, *CROPS[1:]]), prune=True)
    assert (report.vanished, report.dropped, report.n_unreadable) == (1, 0, 1)
    assert [one.place for one in report.failed] == ["document 1"]
    assert issues(catalog) == [("document 1", "unreadable", "")]
    put(catalog, MemorySource(CROPS))
    assert issues(catalog) == []


@pytest.mark.parametrize("n_before", [0, 1], ids=["before its first document", "after it"])
def test_an_import_that_is_overtaken_hides_no_document(catalog: Catalog, n_before: int) -> None:
    """What a later pass saw stays seen, also where the slow one writes it after: to --prune it has not vanished."""
    changed = [*RESULTS[:6], document(evaluation_fields(_id=6, value=0.5), "6")]
    put(catalog, evaluations(RESULTS))

    class Slow(MemorySource):
        """Is overtaken by another import while it reads."""

        def documents(self, after: str | None = None) -> Iterator[Document | Unreadable]:
            """Yield as others do, some of them before the other import."""
            for number, one in enumerate(super().documents(after)):
                if number == n_before:
                    put(catalog, evaluations(RESULTS))
                yield one

    report = put(catalog, Slow(changed, kind=ImportKind.EVALUATIONS, place="/dumps/evaluation.bson"))
    assert (report.changed, report.unchanged, report.vanished, report.n_unreadable) == (1, 6, 0, 0)
    with catalog.read() as connection:
        (source,) = queries.import_sources(connection)
        assert source.id is not None
        assert queries.count_vanished(connection, source.id, source.pass_number) == 0


def test_a_pass_that_was_cut_remembers_what_it_could_not_read(catalog: Catalog) -> None:
    """Its second half does not drop what its first half could not read."""
    put(catalog, MemorySource(CROPS))
    items: list[Document | Unreadable] = [Unreadable("document 1", "BSON", "rubbish"), *CROPS[1:]]
    with pytest.raises(ImportFailedError):
        put(catalog, MemorySource(items, fails_after=4))
    report = put(catalog, MemorySource(items), prune=True)
    assert (report.is_resumed, report.vanished, report.dropped) == (True, 1, 0)


def test_a_crop_is_what_all_its_documents_say(catalog: Catalog) -> None:
    """The training dump lacks offset and resolution, and takes neither away; without the database they are gone."""
    database = MemorySource([document(crop_fields("1"))], place="lab", collection="crops/v0003")
    put(catalog, database, clock=Clock())
    clock = Clock()
    for _ in range(100):
        clock()
    training = MemorySource([document(training_fields("1", dimensions={"x": 4, "y": 4, "z": 4}))])
    put(catalog, training, clock=clock)
    record = crop(catalog, "1")
    assert record is not None
    assert (record.shape_xyz, record.offset_xyz, record.completion) == ((4, 4, 4), (3125, 25, 2975), -1)
    assert issues(catalog) == [("1", "documents-disagree", "dimensions")]
    put(catalog, MemorySource([document(crop_fields("2"))], place="lab", collection="crops/v0003"), prune=True)
    record = crop(catalog, "1")
    assert record is not None
    assert (record.shape_xyz, record.offset_xyz, issues(catalog)) == ((4, 4, 4), None, [])


def test_crops_that_differ_only_in_number_stay_apart(catalog: Catalog) -> None:
    """Nothing is ever merged by content: 37 of the real training crops are alike."""
    put(catalog, MemorySource([document(training_fields(str(number))) for number in range(5)]))
    with catalog.read() as connection:
        assert len(queries.crops(connection)) == 5


def test_two_documents_of_one_crop_in_one_source_are_told(catalog: Catalog) -> None:
    """They have ids of their own, and the newest counts where both say something."""
    both = [document(crop_fields("1", _id=1), "a"), document(crop_fields("1", _id=2, alias="other"), "b")]
    put(catalog, MemorySource(both))
    assert {(key, code) for key, code, _ in issues(catalog)} == {("a", "duplicate-crop"), ("a", "documents-disagree")}
    record = crop(catalog, "1")
    assert record is not None
    assert record.alias == "other"


def test_a_document_that_changes_its_number_moves(catalog: Catalog) -> None:
    """The crop that nobody tells of any more is gone."""
    put(catalog, MemorySource([document(crop_fields("1"), "a")]))
    put(catalog, MemorySource([document(crop_fields("2"), "a")]))
    assert crop(catalog, "1") is None
    assert crop(catalog, "2") is not None


def test_issues_go_when_what_is_odd_is_mended(catalog: Catalog) -> None:
    """And stay, with the date on which they were first seen, while it is not."""
    odd = [document(crop_fields("1", alias=5, completion="x")), document(crop_fields("2"))]
    put(catalog, MemorySource(odd))
    with catalog.read() as connection:
        before = {one.field: one.first_seen_at for one in queries.import_issues(connection)}
    clock = Clock()
    for _ in range(50):
        clock()
    put(catalog, MemorySource([document(crop_fields("1", alias=6)), odd[1]]), clock=clock)
    with catalog.read() as connection:
        (left,) = queries.import_issues(connection)
    assert (left.field, left.found, left.first_seen_at) == ("alias", "6", before["alias"])


def test_labels_beyond_the_papers_are_learnt(catalog: Catalog) -> None:
    """By the name that is met first; another name is odd."""
    labels = crop_fields()["labels"]
    some = [
        document(crop_fields(number, labels=labels | {"present_partial_annotation": [[38, name]]}))
        for number, name in (("1", "Actin"), ("2", "actin filaments"))
    ]
    put(catalog, MemorySource(some))
    with catalog.read() as connection:
        assert queries.find_labels(connection, "Actin") == (38,)
    assert issues(catalog) == [("2", "label-name", "labels 38")]


def test_what_is_not_understood_is_kept_and_told(catalog: Catalog) -> None:
    """It has no crop, and the import says so."""
    report = put(catalog, MemorySource([*CROPS, document({"note": "moved"}, "x")]))
    assert (report.new, report.n_not_understood) == (8, 1)
    assert [(one.key, one.expected) for one in report.failed] == [("x", "the crop's number")]
    assert len(dump(catalog)["source_document"]) == 8


@pytest.mark.parametrize(
    ("items", "what"),
    [
        pytest.param([], "no document to import", id="empty"),
        pytest.param([document({"a": 1}, "x")], "none of the 1 documents", id="others"),
        pytest.param([Unreadable("line 1", "JSON", "<html>")], "none of the 1 documents", id="unreadable"),
    ],
)
def test_a_source_without_a_document_of_its_kind_writes_nothing(catalog: Catalog, items: list[Any], what: str) -> None:
    """It is another file, or another database: and what was known stays."""
    put(catalog, MemorySource(CROPS))
    before = dump(catalog)
    with pytest.raises(ImportFailedError, match=what):
        put(catalog, MemorySource(items), prune=True)
    assert dump(catalog) == before


def test_another_ground_truth_makes_other_crops(catalog: Catalog) -> None:
    """A number belongs to a version; the same file under another version tells of other crops."""
    source = MemorySource(CROPS[:2], version=None)
    assert put(catalog, source).version == "0003"
    put(catalog, source, ground_truth="0004")
    assert crop(catalog, "1", "0003") is None
    assert crop(catalog, "1", "0004") is not None


def test_a_dry_run_counts_and_writes_nothing(catalog: Catalog) -> None:
    """It says what an import would do, with a catalog and without one."""
    fresh = preview_import(None, MemorySource(CROPS))
    assert (fresh.is_dry_run, fresh.new, fresh.by_dataset) == (True, 7, {"jrc_hela-2": 7})
    put(catalog, MemorySource(CROPS))
    before = dump(catalog)
    changed = [document(crop_fields("3", alias=7), "3"), *CROPS[4:], document(crop_fields("9"))]
    report = preview_import(catalog, MemorySource(changed), batch=2)
    assert (report.new, report.changed, report.unchanged, report.vanished) == (1, 1, 3, 3)
    assert report.issues == {"text-as-number": 1}
    assert dump(catalog) == before


def test_text_that_no_database_takes_is_stored_escaped(catalog: Catalog) -> None:
    """NUL and half a surrogate pair in keys, columns, others and issues."""
    odd = "a\0b\ud800"
    put(catalog, MemorySource([document(crop_fields("1", alias=odd, note={odd: odd}), odd)]))
    record = crop(catalog, "1")
    assert record is not None
    assert (record.alias, record.others["note"]) == ("a\\x00b\\ud800", {"a\\x00b\\ud800": "a\\x00b\\ud800"})
    assert put(catalog, MemorySource([document(crop_fields("1", alias=odd, note={odd: odd}), odd)])).unchanged == 1


def test_progress_is_told_batch_by_batch(catalog: Catalog) -> None:
    """How many documents were seen so far."""
    seen: list[int] = []
    put(catalog, MemorySource(CROPS), on_seen=seen.append)
    assert seen == [2, 4, 6, 7]


def test_a_source_is_not_read_again_for_its_bad_beginning(catalog: Catalog) -> None:
    """Documents before the first that is understood are kept in memory, some thousands."""
    source = MemorySource([Unreadable("line 1", "JSON", "rubbish"), *CROPS])
    put(catalog, source)
    assert source.n_read == 8


def test_no_more_than_some_thousands_are_kept(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """After more bad documents than that the source is read from its start."""
    monkeypatch.setattr("catalog.mongo.understood.HELD_BACK", 3)
    source = MemorySource([*(Unreadable(f"line {number}", "JSON", "rubbish") for number in range(5)), *CROPS])
    assert put(catalog, source).n_unreadable == 5
    assert source.n_read == 6 + 12
