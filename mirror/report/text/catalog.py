"""What `oomirror catalog` lists, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, groupby
from pathlib import PurePath
from typing import Protocol

from mirror.report.model import (
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
from mirror.report.numbers import (
    Units,
    format_bytes,
    format_count,
    format_seconds,
    plural,
)
from mirror.report.text.inventory import age, amount_cells, indented, mirrored_cells
from mirror.report.text.table import fill, plain, render_named_rows, render_table


def render_found(lines: Sequence[FoundLine], *, width: int | None = None) -> str:
    """Return a table of what a search found."""
    if not lines:
        return "Nothing has all these words."
    rows = [(line.place, line.bucket, line.title) for line in lines]
    return "\n".join(render_named_rows(("place", "bucket", "what"), rows, words=(0, 1, 2), width=width))


def render_known_datasets(
    lines: Sequence[DatasetLine], *, now: datetime, units: Units = Units.SI, width: int | None = None
) -> str:
    """Return a table of the datasets that the catalog knows."""
    if not lines:
        return "The catalog knows no dataset."
    rows = [
        (
            line.dataset,
            line.bucket,
            format_count(line.volumes),
            format_count(line.levels),
            amount_cells(line.listed, units)[1],
            mirrored_cells(line, units)[1],
            format_count(line.findings),
            age(line.discovered_at, now),
        )
        for line in lines
    ]
    header = ("dataset", "bucket", "volumes", "levels", "size", "share", "findings", "looked at")
    return render_table(header, rows, words=(0, 1, 7), width=width)


def render_runs(lines: Sequence[RunLine], *, now: datetime, units: Units = Units.SI, width: int | None = None) -> str:
    """Return a table of runs."""
    if not lines:
        return "There was no run."
    rows = [
        (
            f"{', '.join(line.datasets) or '-'} ({line.bucket})",
            str(line.run),
            line.kind,
            age(line.started_at, now),
            "-" if line.seconds is None else format_seconds(line.seconds),
            line.state if not line.exit else f"{line.state}, exit {line.exit}",
            *(("-", "-") if line.moved is None else amount_cells(line.moved, units)),
        )
        for line in lines
    ]
    header = ("datasets", "run", "kind", "started", "took", "state", "objects", "size")
    return render_table(header, rows, words=(0, 2, 5), width=width)


def render_findings(lines: Sequence[FindingLine], *, now: datetime, width: int | None = None) -> str:
    """Return the findings, by dataset and bucket: what each is, where, what was expected and what was found."""
    if not lines:
        return "Nothing odd was found."
    blocks = []
    for (dataset, bucket), group in groupby(lines, key=lambda line: (line.dataset, line.bucket)):
        text = [f"{plain(dataset)} in bucket {bucket}"]
        for line in group:
            text.append(f"  {line.severity}: {line.code}")
            if place := _below(line.place, line.dataset):
                text.append(f"    {plain(place)}")
            text.append(indented(_finding_words(line, now), width, "      "))
        blocks.append("\n".join(text))
    return "\n\n".join(blocks)


def _below(place: str, dataset: str) -> str:
    """Return a key or prefix below its dataset's folder; as it is where it does not lie there."""
    return place.removeprefix(folder) if (folder := _folder(place, dataset)) else place


def _folder(place: str, dataset: str) -> str:
    before, folder, _ = f"/{place}".partition(f"/{dataset}/")
    return f"{before}{folder}"[1:] if folder else ""


def _finding_words(line: FindingLine, now: datetime) -> str:
    parts = [f"expected {line.expected}"] if line.expected else []
    parts += [f"found {line.found}"] if line.found else []
    parts.append(f"seen {age(line.first_seen_at, now)}")
    if line.closed_at:
        parts.append(f"over {age(line.closed_at, now)}")
    return "; ".join(parts)


def render_facts(lines: Sequence[FactLine], *, width: int | None = None) -> str:
    """Return what documents say, by dataset: a line for each fact, and one for each place where it stands."""
    if not lines:
        return "No document said anything."
    text = []
    for dataset, group in groupby(lines, key=lambda line: line.dataset):
        said: dict[str, list[str]] = {}
        for line in group:
            said.setdefault(f"{line.name}: {_value(line.value)}", []).append(line.source)
        text.append(plain(dataset))
        for fact, sources in said.items():
            text += [indented(fact, width, "  "), *(f"      {plain(source)}" for source in sources)]
    return "\n".join(text)


def _value(value: object) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def render_objects(lines: Iterable[ObjectLine], *, units: Units = Units.SI) -> Iterator[str]:
    """Yield a table of objects a line at a time; keys stand last, below their dataset's folder, and are never cut."""
    for (bucket, dataset), group in groupby(lines, key=lambda line: (line.bucket, line.dataset)):
        first = next(group)
        folder = _folder(first.key, dataset)
        yield f"{plain(dataset)} in bucket {bucket}, keys below {plain(folder)}"
        yield f"{'size':>9}  bucket  share    verified   {'run':>4}  key"
        for line in chain([first], group):
            has = {True: "yes", False: "no", None: "?"}[line.in_bucket]
            verified = (line.verified or "-").replace("multipart_etag", "parts").replace("_", " ")
            run = "-" if line.run is None else str(line.run)
            facts = f"{format_bytes(line.size, units):>9}  {has:<6}  {_on_share(line):<7}  {verified:<9}  {run:>4}"
            yield f"{facts}  {plain(line.key.removeprefix(folder)) or '.'}"


def _on_share(line: ObjectLine) -> str:
    if not line.on_share:
        return "no"
    if line.current is False:
        return "other"  # In size or ETag than what the bucket lists.
    return "adopted" if line.adopted else "yes"


class _Objects(Protocol):
    """What was listed, and how much of it was shown."""

    n_listed: int
    n_shown: int
    n_rows: int
    is_cut: bool


def objects_left_out(objects: _Objects) -> str:
    """Return what a list of objects left out, as a sentence, or nothing."""
    if objects.is_cut:
        more = objects.n_listed - objects.n_rows
        return f"{format_count(more) if more > 0 else 'Some'} more; --limit shows as many as you say, 0 all."
    if (missing := objects.n_listed - objects.n_rows) > 0:
        return f"{plural(missing, 'object')} more are known as sums only: this is a published catalog, without blocks."
    return ""


def render_check(lines: Sequence[CheckLine], *, width: int | None = None) -> str:
    """Return what was looked at, and each fault."""
    text = []
    for line in lines:
        if line.good:
            text.append(f"{line.check}: good{f', {line.found}' if line.found else ''}")
            continue
        expected = f"; expected {line.expected}" if line.expected else ""
        text += [f"{line.check}: FAULT", indented(f"{line.place}{expected}; found {line.found}", width, "    ")]
    return "\n".join(text)


def render_upgrade(line: UpgradeLine) -> str:
    """Return what an upgrade did."""
    if line.before == line.after:
        return f"{line.catalog} is at revision {line.after} already."
    backup = f"What was before lies in {line.backup}" if line.backup else "It is too large to be copied first"
    return f"{line.catalog} came from revision {line.before} to {line.after}.\n{backup}."


def render_manifests(lines: Sequence[ManifestLine], *, width: int | None = None) -> str:
    """Return what became of each document, and the reasons of those that failed below."""
    rows = [
        (
            PurePath(line.source).name,
            line.dataset or "-",
            line.state,
            format_count(line.volumes),
            format_count(line.findings),
        )
        for line in lines
    ]
    table = render_table(("document", "dataset", "", "volumes", "findings"), rows, words=(0, 1, 2), width=width)
    failed = [fill(f"{line.source}: {line.reason}", width) for line in lines if line.state == "failed"]
    return "\n".join([table, *failed])
