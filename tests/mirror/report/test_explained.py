"""An explanation as a report: the sums are kept, and the lab's question is answered in one sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mirror.explain.causes import COMPRESSION_PARTS, Cause, Place
from mirror.explain.dataset import explain_dataset
from mirror.explain.result import DatasetExplanation
from mirror.explain.stored import OtherObjects, StoredDataset, StoredVolume
from mirror.formats.folder import Format
from mirror.objects import Tally
from mirror.report.answer import TITLES
from mirror.report.explained import diff_report
from mirror.report.explanation import DiffReport, WaterfallStep
from mirror.report.json import document
from tests.mirror.explain.builders import HEADER_BYTES, RAW, alike, dataset, facts, level, volume

RAW_A, RAW_B = "em/fibsem-uint16", "volumes/raw"
SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "diff-buckets.json"


def _raw(path: str, data_type: str, payload: int, n_levels: int = 1) -> StoredVolume:
    levels = []
    for index in range(n_levels):
        known = facts((16 >> index,) * 3, data_type=data_type)
        levels.append(level(known, alike(known, HEADER_BYTES + payload), index=index))
    return volume(path, *levels)


def _both(name: str = "jrc_x") -> tuple[StoredDataset, StoredDataset]:
    mesh = StoredVolume("neuroglancer/mesh/er_seg", Format.MESH, (), Tally(3, 5000))
    loose = OtherObjects(Place.LOOSE_FILE, "README.md", Tally(1, 10))
    a = dataset(_raw(RAW_A, "uint16", 105, 2), mesh, others=(loose,), name=name)
    return a, dataset(_raw(RAW_B, "uint8", 59), name=name)


def _check_waterfall(steps: tuple[WaterfallStep, ...], a_bytes: int, b_bytes: int) -> None:
    at = b_bytes
    for step in steps:
        assert step.start_bytes == at
        at += step.bytes
        assert step.end_bytes == at
    assert at == a_bytes


def _check(report: DiffReport) -> None:
    """Check that every sum of the report is kept at every height."""
    assert report.difference_bytes == report.a.bytes - report.b.bytes
    assert report.difference_bytes == sum(one.difference_bytes for one in report.datasets)
    assert sum(one.bytes for one in report.causes_total) == report.difference_bytes
    _check_waterfall(report.waterfall, report.a.bytes, report.b.bytes)
    for one in report.datasets:
        assert sum(cause.bytes for cause in one.causes) == one.difference_bytes - one.unexplained_bytes
        assert sum(cause.bytes for cause in one.causes_total) == one.difference_bytes
        assert sum(odd.bytes for odd in one.unexplained) == one.unexplained_bytes
        _check_waterfall(one.waterfall, one.a.bytes, one.b.bytes)
        for pair in one.pairs:
            assert sum(cause.bytes for cause in pair.causes) == pair.difference_bytes - pair.unexplained_bytes
            _check_waterfall(pair.waterfall, pair.a.bytes, pair.b.bytes)
            for known in pair.levels:
                contributed = sum(known.contributions.model_dump().values())
                assert contributed + known.unexplained_bytes == known.difference_bytes == known.a_bytes - known.b_bytes


def test_the_report_keeps_all_sums_and_fits_its_schema() -> None:
    """Sums are those of the explanation, at every height, and the JSON document fits the published schema."""
    report = diff_report([explain_dataset(*_both("jrc_x")), explain_dataset(*_both("jrc_y"))])
    _check(report)
    made = json.loads(document(report))
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(made)
    assert made["schema"] == 1
    first = made["datasets"][0]
    assert {"dataset", "a", "b", "difference_bytes", "causes", "unexplained_bytes", "pairs"} <= first.keys()
    assert {"cause", "bytes", "where", "evidence"} <= first["causes"][0].keys()
    assert {"a_volume", "b_volume", "kind", "levels"} <= first["pairs"][0].keys()
    assert set(first["pairs"][0]["levels"][0]["contributions"]) == {
        "voxels",
        "bytes_per_voxel",
        "compression",
        "headers",
        "one_sided_blocks",
        "edge_padding",
    }


def test_causes_are_ranked_and_unexplained_comes_first() -> None:
    """Causes come by their bytes; what is unexplained comes before all of them, and is none of `causes`."""
    a, b = _both()
    report = diff_report([explain_dataset(replace(a, total=a.total + Tally(1, 3)), b)])
    _check(report)
    (one,) = report.datasets
    sizes = [abs(cause.bytes) for cause in one.causes]
    assert sizes == sorted(sizes, reverse=True)
    assert one.causes_total[0].cause is Cause.UNEXPLAINED
    assert one.waterfall[0].cause is Cause.UNEXPLAINED
    assert all(cause.cause is not Cause.UNEXPLAINED for cause in one.causes)


def test_sizes_are_told_in_both_units() -> None:
    """GB are 10^9 bytes and GiB 2^30, which Explorer calls GB."""
    a, b = _both()
    report = diff_report([explain_dataset(replace(a, total=Tally(1, 2**40)), b)])
    assert (report.a.gb, report.a.gib) == (1099.512, 1024.0)
    (finding,) = report.datasets[0].findings
    assert finding.text.startswith("Windows' Explorer shows A's 1.1 TB as 1.0 TB and B's ")


def test_a_sample_parts_compression() -> None:
    """Where a sample parted `compression`, its parts stand in its place, and sum to it."""
    explained = explain_dataset(*_both())
    (pair,) = explained.pairs
    (known,) = pair.levels
    whole = known.contributions[Cause.COMPRESSION]
    parts = dict.fromkeys(COMPRESSION_PARTS, 0) | {Cause.COMPRESSION_TYPE: whole + 5, Cause.COMPRESSION_CONTENT: -5}
    parted = replace(explained, pairs=(replace(pair, levels=(replace(known, parts=parts),)),))
    report = diff_report([parted])
    _check(report)
    causes = {cause.cause: cause.bytes for cause in report.datasets[0].causes}
    assert Cause.COMPRESSION not in causes
    assert causes[Cause.COMPRESSION_TYPE] == whole + 5
    shown = report.datasets[0].pairs[0].levels[0]
    assert shown.compression_parts is not None
    assert sum(shown.compression_parts.model_dump().values()) == shown.contributions.compression == whole


def test_every_cause_has_a_title() -> None:
    """No cause is left without words."""
    assert set(TITLES) == set(Cause)


def _answer(a: StoredDataset | None, b: StoredDataset | None) -> str:
    return diff_report([explain_dataset(a, b)]).answer


ANSWERS: dict[str, tuple[StoredDataset | None, StoredDataset | None, str]] = {
    "type and compression": (
        dataset(_raw(RAW_A, "uint16", 105)),
        dataset(_raw(RAW_B, "uint8", 59)),
        (
            "A's raw is 1.5 times B's (8.5 kB against 5.6 kB) because A stores each voxel in 2 bytes (uint16) and B in "
            "1 byte (uint8) (+3.5 kB); beside that, A's voxels compress to 82.0 % of their size and B's to 92.2 % "
            "(-596 B)."
        ),
    ),
    "a level more": (
        dataset(_raw(RAW_A, "uint8", 60, 2)),
        dataset(_raw(RAW_B, "uint8", 60)),
        "A's raw is 1.2 times B's (6.7 kB against 5.7 kB) because A has the level s1, which B lacks (+1.0 kB).",
    ),
    "the same": (
        dataset(_raw(RAW_A, "uint8", 60)),
        dataset(_raw(RAW_B, "uint8", 60)),
        "A's raw is as large as B's (5.7 kB against 5.7 kB).",
    ),
    "smaller": (
        dataset(_raw(RAW_A, "uint8", 30)),
        dataset(_raw(RAW_B, "uint8", 60)),
        (
            "A's raw is 0.66 times B's (3.7 kB against 5.7 kB) because A's voxels compress to 46.9 % of their size "
            "and B's to 93.8 % (-1.9 kB)."
        ),
    ),
    "no raw pair": (
        dataset(_raw("labels/er_pred", "uint8", 60)),
        dataset(_raw("volumes/labels/mito_pred", "uint8", 6)),
        (
            "A's jrc_x is 2.6 times B's (5.7 kB against 2.2 kB) because A alone has labels/er_pred (+5.7 kB); beside "
            "that, B alone has volumes/labels/mito_pred (-2.2 kB)."
        ),
    ),
    "one bucket": (dataset(_raw(RAW_A, "uint8", 60)), None, "A's jrc_x takes 5.7 kB, and B has none."),
    "nothing": (dataset(), dataset(), "Neither bucket stores any jrc_x."),
}


@pytest.mark.parametrize(("a", "b", "words"), ANSWERS.values(), ids=ANSWERS.keys())
def test_the_question_is_answered_in_the_first_sentence(
    a: StoredDataset | None, b: StoredDataset | None, words: str
) -> None:
    """Sizes, ratio and the largest causes with their bytes, in plain words."""
    assert _answer(a, b) == words


def test_large_sizes_are_answered_in_both_units() -> None:
    """From 1 GB on: GB as papers count and GiB, which Explorer calls GB."""
    known = facts(compression=RAW)
    sizes = [level(known, alike(known, n)) for n in (3 * 10**9, 2 * 10**9)]
    a, b = (dataset(volume(path, one)) for path, one in zip((RAW_A, RAW_B), sizes, strict=True))
    assert "(24.0 GB or 22.4 GiB against 16.0 GB or 14.9 GiB)" in _answer(a, b)


def test_a_level_that_cannot_be_read_hides_no_type() -> None:
    """What the other levels are is told all the same."""
    lost = level(None, {}, index=1, strays=Tally(1, 50))
    known = {RAW_A: facts(data_type="uint16", compression=RAW), RAW_B: facts(compression=RAW)}
    a, b = (dataset(volume(path, level(one, alike(one, 50)), lost)) for path, one in known.items())
    assert "2 bytes (uint16) and B in 1 byte (uint8)" in _answer(a, b)


def test_what_is_unexplained_is_said_first() -> None:
    """A sentence does not hide what nobody knows."""
    known = facts(data_type="odd", compression=RAW)
    a = dataset(volume(RAW_A, level(known, alike(known, 900))))
    assert "because of causes not found (+" in _answer(a, dataset(_raw(RAW_B, "uint8", 50)))


def test_several_datasets_are_answered_together() -> None:
    """The first sentence is over all that were asked for; each dataset has one of its own."""
    report = diff_report([explain_dataset(*_both("jrc_x")), explain_dataset(*_both("jrc_y"))])
    assert report.answer.startswith("A's raw is ")
    assert [one.answer for one in report.datasets] == [report.datasets[0].answer] * 2


def _explained(parts: Mapping[str, tuple[StoredDataset, StoredDataset]]) -> list[DatasetExplanation]:
    return [explain_dataset(a, b) for a, b in parts.values()]


def test_pairs_come_with_the_em_first() -> None:
    """The lab's question is about raw: it stands first, whatever is larger."""
    a, b = _both()
    labels_a, labels_b = _raw("labels/er_pred", "uint8", 90_000), _raw("volumes/labels/er_pred", "uint8", 9)
    some = {"x": (dataset(labels_a, *a.volumes), dataset(labels_b, *b.volumes))}
    (one,) = diff_report(_explained(some)).datasets
    assert [pair.a_volume for pair in one.pairs] == [RAW_A, "labels/er_pred"]
