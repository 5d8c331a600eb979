"""Crops, what is odd about the documents that tell of them, and evaluations, as text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain, groupby

from mirror.report.crops import (
    BestLine,
    CropLine,
    CropReport,
    DocumentLine,
    EvaluationLine,
    GroundTruth,
    IssueLine,
)
from mirror.report.numbers import Units, format_axes, format_bytes, format_count, plural
from mirror.report.text.inventory import indented
from mirror.report.text.table import plain, render_table, stream_table

_NO_EVALUATION = "There is no such evaluation."
_STATE_WORDS = {
    "present_annotated": "present",
    "present_partial_annotation": "partly annotated",
    "present_unannotated": "present, not annotated",
    "absent_annotated": "absent",
}


def render_crops(lines: Sequence[CropLine], *, width: int | None = None) -> str:
    """Return a table of crops, below the names of their datasets."""
    if not lines:
        return "There is no such crop."
    rows = [
        (
            line.number,
            line.role,
            format_axes(line.shape_zyx),
            format_axes(line.offset_zyx),
            format_count(line.present_annotated + line.present_partial_annotation),
            _on_share(line.ground_truth),
        )
        for line in lines
    ]
    header = ("crop", "for", "voxels z,y,x", "start z,y,x", "labels", "ground truth on share")
    head, *table = render_table(header, rows, words=(1, 5), width=width, indent=" ").splitlines()
    text = [head]
    for dataset, group in groupby(zip(table, lines, strict=True), key=lambda pair: pair[1].dataset):
        text += [plain(dataset or "of no dataset"), *(row for row, _ in group)]
    return "\n".join(text)


def render_crop(report: CropReport, *, units: Units = Units.SI, width: int | None = None) -> str:
    """Return all that is known of a crop."""
    return "\n".join(
        [
            *_head(report, units),
            *_labels(report, width),
            *_others(report, width),
            *_documents(report.documents),
            *(_issue_lines(report.issues, width) if report.issues else ()),
        ]
    )


def render_issues(lines: Sequence[IssueLine], *, width: int | None = None) -> str:
    """Return issues, by source: what each is, of which document, what was expected and what was found."""
    if not lines:
        return "Nothing odd was found in the documents that were imported."
    blocks = []
    for (kind, place, collection), group in groupby(lines, key=lambda one: (one.kind, one.place, one.collection)):
        head = plain(" ".join(filter(None, (kind, "of", place, collection))))
        blocks.append("\n".join([head, *_issue_lines(tuple(group), width)]))
    return "\n\n".join(blocks)


def render_evaluations(lines: Iterator[EvaluationLine]) -> Iterator[str]:
    """Yield a table of evaluations a line at a time."""
    first = next(lines, None)
    if first is None:
        yield _NO_EVALUATION
        return
    header = ("value", "metric", "label", "crop", "setup", "iteration", "dataset")
    yield from stream_table(header, map(_result_row, chain([first], lines)), words=(1, 2, 4, 6))


def _result_row(line: EvaluationLine) -> tuple[str, ...]:
    value = line.value_word or ("-" if line.value is None else f"{line.value:.6g}")
    iteration = "-" if line.iteration is None else format_count(line.iteration)
    words = (line.metric or "-", line.label or "-", line.crop or "-", line.setup or "-")
    return value, *words, iteration, line.dataset or "-"


def render_best(lines: Sequence[BestLine], *, width: int | None = None) -> str:
    """Return a table of the best setups and iterations."""
    if not lines:
        return _NO_EVALUATION
    rows = [
        (
            line.label or "-",
            line.dataset or "-",
            _metric(line),
            line.setup or "-",
            "-" if line.iteration is None else format_count(line.iteration),
            f"{line.value:.6g}",
            format_count(line.crops),
            format_count(line.candidates),
        )
        for line in lines
    ]
    header = ("label", "dataset", "metric", "setup", "iteration", "mean", "crops", "of")
    return render_table(header, rows, words=(0, 1, 2, 3), width=width)


def _metric(line: BestLine) -> str:
    params = f" {json.dumps(line.metric_params, sort_keys=True)}" if line.metric_params else ""
    return f"{line.metric}{params}"


def _on_share(places: Sequence[GroundTruth]) -> str:
    return ", ".join(f"{one.state} ({one.bucket})" for one in places) or "-"


def _head(report: CropReport, units: Units) -> Iterator[str]:
    yield plain(
        f"Crop {report.number} of {report.dataset or 'no dataset'}, ground truth {report.version}, {report.role}"
    )
    said = {
        "parent": report.parent,
        "kind of cell": report.biotype,
        "alias": report.alias,
        "completion": None if report.completion is None else str(report.completion),
        "raw voxels z,y,x": format_axes(report.shape_zyx) if report.shape_zyx else None,
        "start z,y,x": format_axes(report.offset_zyx) if report.offset_zyx else _no_start(report),
        "nominal nm z,y,x": format_axes(report.resolution_nm_zyx) if report.resolution_nm_zyx else None,
    }
    for name, value in said.items():
        if value is not None:
            yield plain(f"  {name}: {value}")
    for one in report.ground_truth:
        size = f"{plural(one.mirrored.objects, 'object')}, {format_bytes(one.mirrored.bytes, units)}"
        yield f"  ground truth in bucket {one.bucket}: {plural(one.arrays, 'array')}; on the share: {one.state}, {size}"
        yield plain(f"    {one.prefix}")


def _no_start(report: CropReport) -> str:
    return f"no document tells it; `oomirror crops locate {report.number}` asks other sources"


def _labels(report: CropReport, width: int | None) -> Iterator[str]:
    for state, words in _STATE_WORDS.items():
        names = [f"{one.label} {one.name}" for one in report.labels if one.state == state]
        if names:
            yield indented(f"{words}: {', '.join(names)}", width, "  ")


def _others(report: CropReport, width: int | None) -> Iterator[str]:
    for name, value in report.others.items():
        yield indented(f"{name}: {json.dumps(value, ensure_ascii=False)}", width, "  ")


def _documents(documents: Sequence[DocumentLine] | None) -> Iterator[str]:
    if documents is None:
        yield "Its documents are not in the published catalog, and neither is what is odd about them."
        return
    yield f"{plural(len(documents), 'document')}, the newest first:"
    for one in documents:
        yield plain(f"  {' '.join(filter(None, (one.place, one.collection)))}: {one.document}")
        if one.body is not None:
            yield f"    {json.dumps(one.body)}"


def _issue_lines(issues: Sequence[IssueLine], width: int | None) -> Iterator[str]:
    for one in issues:
        where = " ".join(filter(None, (one.document, one.field)))
        yield plain(f"  {one.severity}: {one.code}" + (f": {where}" if where else ""))
        yield indented(f"expected {one.expected}; found {one.found}", width, "    ")
