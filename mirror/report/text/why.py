"""`oomirror why` as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from mirror.report.model import BlockStory, FolderStory, ObjectStory, RunBrief, WhyLevel, WhyReport
from mirror.report.numbers import Units, format_age, format_amount, format_bytes, format_count, format_utc, plural
from mirror.report.text.table import fill, plain, render_table


def render_why(report: WhyReport, *, now: datetime, units: Units = Units.SI, width: int | None = None) -> str:
    """Return the story: what it is, what became of it, then what each source says."""
    lines = [plain(report.url), fill(_what(report), width)]
    if report.object is not None:
        lines += ["", fill(_verdict(report, report.object), width), ""]
        lines += [fill(f"{label}: {plain(text)}", width) for label, text in _said(report, report.object, now)]
    elif report.folder is not None:
        lines += ["", *_folder_lines(report.folder, now, units, width), ""]
    lines += [fill(f"{label}: {plain(text)}", width) for label, text in _around(report)]
    lines += [fill(f"Also: {plain(one)} (see --bucket)", width) for one in report.also]
    return "\n".join(lines)


def _what(report: WhyReport) -> str:
    where = f"{report.dataset} in bucket {report.bucket}" if report.dataset else f"bucket {report.bucket}"
    if report.volume:
        kind = ", ".join(word for word in (report.volume_kind, report.organelle_class) if word)
        volume = f"volume {report.volume}{f' ({kind})' if kind else ''} of {where}"
        where = f"level {report.level} of {volume}" if report.level else volume
    match report.thing:
        case "block" if report.object is not None and report.object.block is not None:
            return plain(_block(report.object.block, where))
        case "level" | "volume":
            return plain(f"{where[:1].upper()}{where[1:]}.")
        case "dataset":
            return plain(f"Dataset {where}.")
        case "container":
            return plain(f"Container {report.container} of {where}.")
        case thing:
            return plain(f"{_THINGS[thing]} {where}.")


_THINGS = {
    "block": "A block of",
    "metadata": "Metadata of",
    "mesh": "A mesh of",
    "loose file": "A file beside the containers of",
    "stray": "A stray, which no reader asks for, in",
    "folder": "A folder of",
}


def _block(block: BlockStory, where: str) -> str:
    index = ",".join(map(str, block.index_xyz))
    slices = ", ".join(f"{start}:{stop}" for start, stop in zip(block.start_zyx, block.stop_zyx, strict=True))
    axes, order = {3: ("z,y,x", "x,y,z"), 2: ("y,x", "x,y")}.get(
        len(block.index_xyz), ("slowest axis first", "x first")
    )
    if not block.is_inside:
        return f"Place {index} ({order}) of {where}, which lies outside the array's grid."
    edge = " It is an edge block: the array ends in it." if block.is_edge else ""
    return f"Block {index} ({order}) of {where}. It holds the voxels [{slices}] ({axes}).{edge}"


_VERDICTS: Mapping[str, str] = {
    "on-share": "It is on the share, as it was verified.",
    "outdated": "It is on the share as it was verified, but the bucket has another one by now. {sync} fetches it.",
    "gone-upstream": "It is on the share as it was verified, and the bucket has it no more. It stays.",
    "in-doubt": "It is on the share, in doubt: a run that was replacing it did not finish. {sync} settles it.",
    "damaged": "What lies on the share is not what was verified: it has another length. {look} mends it.",
    "lost": "It was on the share and is not there any more: lost here. {look} fetches it again.",
    "recorded": "It was verified on the share, which cannot be seen from here.",
    "not-adopted": "A file lies on the share that the catalog does not know, so nothing says what is in it. "
    "`oomirror adopt {dataset}` compares it with the bucket's object and takes it.",
    "foreign": "A file lies on the share that is not the bucket's: the catalog does not know it, and the bucket has "
    "none there, or one of another length.",
    "not-chosen": "It is not on the share: no sync chose it. {sync} does.",
    "not-mirrored": "It is not on the share, though a sync chose it: that run was stopped, or failed with it, or is "
    "older than the object. {sync} fetches it, or says why not.",
    "absent-upstream": "The bucket does not store this block, so it is not lost: it reads as 0, there as on the share.",
    "outside-grid": "There is no such block, in the bucket or on the share, and no reader asks for it.",
    "never-listed": "It is not on the share. Whether the bucket has it is not known: "
    "`oomirror scan {dataset} --bucket {bucket}` lists it.",
    "no-rows": "This catalog tells levels, not single blocks: it is a published copy. The one of the machine that "
    "mirrors knows more.",
}


def _verdict(report: WhyReport, story: ObjectStory) -> str:
    choice = f" --volumes {report.volume}" if report.volume else ""
    choice += f" --scales {report.level}" if report.level else ""
    sync = f"oomirror sync {report.dataset} --bucket {report.bucket}{choice}"
    parts = {"sync": f"`{sync}`", "look": f"`{sync} --verify-share`"}
    sentence = _VERDICTS[story.verdict].format(**parts, dataset=report.dataset, bucket=report.bucket)
    if story.verdict in ("on-share", "recorded") and story.upstream is None:
        sentence += " No listing tells whether the bucket still has it so."
    return plain(sentence)


def _said(report: WhyReport, story: ObjectStory, now: datetime) -> Iterator[tuple[str, str]]:
    yield "In the bucket", _upstream(story, now)
    yield "On the share", _file(report, story)
    if story.recorded is not None:
        way = _WAYS[story.recorded.verified_by]
        adopted = "; it lay there already and was adopted" if story.recorded.adopted else ""
        digest = f"; xxh3 {story.recorded.xxh3}" if story.recorded.xxh3 else ""
        yield "Verified", f"{way} by {_run(report, story.recorded.run)}{adopted}{digest}."


_WAYS = {
    "md5": "by MD5",
    "multipart_etag": "by the ETag of a multipart upload",
    "checksum": "by one of S3's checksums",
    "size_only": "by its length alone, for the bucket offers no more,",
}


def _upstream(story: ObjectStory, now: datetime) -> str:
    seen = story.upstream
    if seen is None:
        return "not known; no listing in this catalog covers it."
    moment = f"at the listing of {_moment(seen.listed_at, now)} (run {seen.run})"
    if not seen.is_listed:
        before = f"; it was still there at {_moment(seen.was_listed_at, now)}" if seen.was_listed_at else ""
        return f"not there {moment}{before}."
    modified = f", last modified {_moment(seen.last_modified, now)}" if seen.last_modified else ""
    return f"there {moment}: {plural(seen.size or 0, 'byte')}, ETag {seen.etag}{modified}."


def _file(report: WhyReport, story: ObjectStory) -> str:
    if report.path is None:
        return "not known; no share is configured."
    if not story.share_is_seen:
        return f"{report.path} cannot be seen from here; the catalog has {'a' if story.recorded else 'no'} row of it."
    if story.file is None:
        return f"no file {report.path}{'; the catalog has a row of it' if story.recorded else ''}."
    size = "no regular file" if story.file.size is None else plural(story.file.size, "byte")
    row = "" if story.recorded is None else f"; the catalog has {plural(story.recorded.size, 'byte')}"
    return f"{story.file.path}, {size}{row if story.recorded and story.recorded.size != story.file.size else ''}."


def _folder_lines(story: FolderStory, now: datetime, units: Units, width: int | None) -> Iterator[str]:
    listed = f"listed {_moment(story.listed_at, now)}" if story.listed_at else "never listed whole"
    yield fill(f"What the bucket has, {listed}, and what the share has:", width)
    if story.levels:
        yield from _level_lines(story.levels, units)
    if story.other_mirrored is not None:
        known = "?" if story.other_listed is None else format_count(story.other_listed.objects)
        what = "Other files" if story.levels else "Objects"
        yield f"{what} on the share: {format_amount(story.other_mirrored, units)} of {known}."
    if any(
        level.blocks_listed is not None and level.blocks_listed < (level.blocks_in_grid or 0) for level in story.levels
    ):
        yield fill("Blocks that the bucket does not store were never there: they read as 0.", width)


def _level_lines(levels: Sequence[WhyLevel], units: Units) -> Iterator[str]:
    header = ("", "blocks in the bucket", "size", "objects on the share")
    rows = [_level_row(level, units) for level in levels]
    head, *lines = render_table(header, rows, words=(0, 3), indent="    ").splitlines()
    yield head
    by_line = zip(lines, levels, strict=True)
    for volume, group in groupby(by_line, key=lambda pair: pair[1].volume):
        yield plain(volume)
        yield from (line for line, _ in group)


def _level_row(level: WhyLevel, units: Units) -> tuple[str, ...]:
    grid = "?" if level.blocks_in_grid is None else format_count(level.blocks_in_grid)
    stored = "?" if level.blocks_listed is None else format_count(level.blocks_listed)
    size = "?" if level.listed is None else format_bytes(level.listed.bytes, units)
    return level.level or "-", f"{stored} of {grid}", size, _on_share(level)


def _on_share(level: WhyLevel) -> str:
    n, of = level.mirrored.objects, None if level.listed is None else level.listed.objects
    if not n:
        return "none" if level.is_chosen else "none; not chosen"
    words = f"{format_count(n)} of {'?' if of is None else format_count(of)}"
    if of is not None and n >= of:
        words = f"all {format_count(n)}"
    return words if level.is_published else f"{words}; does not open yet"


def _around(report: WhyReport) -> Iterator[tuple[str, str]]:
    # What lies above the volumes is part of every choice.
    if report.volume if report.object is None else report.object.verdict != "outside-grid":
        yield "Chosen", _chosen(report)
    for one in report.findings:
        found = f": expected {one.expected}, found {one.found}" if one.expected or one.found else ""
        yield "Finding", f"{one.severity}, {one.code}, at {one.place}{found}."
    partner = report.partner
    if partner.url is None:
        yield "Partner in the other bucket", f"none: {partner.reason}."
    else:
        yield "Partner in the other bucket", f"{partner.url}{_partner_state(report)}: {partner.reason}."


def _partner_state(report: WhyReport) -> str:
    partner = report.partner
    if partner.is_mirrored is None:
        return ""
    listed = {True: "listed", False: "not stored there", None: "never listed"}[partner.is_listed]
    return f" ({listed}; {'on the share' if partner.is_mirrored else 'not on the share'})"


def _chosen(report: WhyReport) -> str:
    if report.chosen_by is not None:
        return f"by {_run(report, report.chosen_by)}."
    last = next((run for run in report.runs if run.kind == "sync"), None)
    if last is None:
        return "by no sync; there was none of this dataset."
    return f"by no sync; the last one was {_run(report, last.run)}."


def _run(report: WhyReport, number: int) -> str:
    run = next((one for one in report.runs if one.run == number), None)
    return f"run {number}" if run is None else f"run {number}, {_described(run)}"


def _described(run: RunBrief) -> str:
    words = f"{run.kind} of {format_utc(datetime.fromisoformat(run.started_at))}"
    if run.kind == "sync" and run.scales is not None:
        scales = "all scales" if run.scales == "all" else f"scales {run.scales}"
        volumes = " ".join(run.volumes) or ("" if run.crops else "all volumes")
        crops = f"what crops touch: {', '.join(run.crops)}" if run.crops else ""
        words += f" ({', '.join(part for part in (scales, volumes, crops) if part)})"
    return words


def _moment(text: str, now: datetime) -> str:
    moment = datetime.fromisoformat(text)
    return f"{format_utc(moment)}, {format_age(moment, now)}"
