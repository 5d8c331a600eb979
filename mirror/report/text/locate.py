"""`oomirror crops locate` as text that can be pasted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mirror.report.locate import LocateReport, SourceLine, VolumeBox
from mirror.report.numbers import format_axes, format_count, plural
from mirror.report.text.table import fill, plain, render_named_rows, render_table

_READERS = {"n5": 'zarr.open(zarr.N5FSStore({place}), mode="r")', "zarr": 'zarr.open({place}, mode="r")'}


def render_located(report: LocateReport, *, width: int | None = None) -> str:
    """Return where the crop lies: the slice of raw, its levels, ground truth, and who says so."""
    version = f" ({report.version})" if report.version else ""
    lines = [fill(plain(f"Crop {report.number}{version} of {report.dataset} in bucket {report.bucket}."), width)]
    if report.size_nm_zyx is not None:
        size, start = format_axes(report.size_nm_zyx), format_axes(report.start_nm_zyx)
        lines += [f"It measures {size} nm (z,y,x).", f"It begins {start} nm from the corner of raw."]
    else:
        lines.append(fill("The size of a raw voxel is not known, so neither is that of the crop in nm.", width))
    lines += ["", *_volume_lines("raw", report.raw, width)]
    if report.volume is not None:
        lines += ["", *_volume_lines("volume", report.volume, width)]
    lines += ["", *_label_lines(report, width)]
    lines += ["", *(fill(plain(_source_sentence(one)), width) for one in report.sources)]
    return "\n".join([*lines, *(fill(plain(one), width) for one in report.remarks)])


def _volume_lines(name: str, box: VolumeBox, width: int | None) -> Iterator[str]:
    """Yield the lines that open the volume in Python, its slice, and a table of its levels."""
    shown = box.levels[0]
    place = box.share_path or f"{box.url.removesuffix(f'{box.volume}/')}"
    reader = _READERS.get(box.format)
    if reader is None:
        yield plain(f"# {box.url}{shown.level}")
    else:
        yield plain(f"{name} = {reader.format(place=repr(place))}[{shown.path!r}]")
    yield f"{name}{_slices(shown.start_zyx, shown.stop_zyx)}"
    if box.mirrored_y:
        yield fill(f"{plain(box.volume)} is stored mirrored in y: these are its rows as they are stored.", width)
    rows = [
        (one.level, _slices(one.start_zyx, one.stop_zyx), format_axes(one.array_shape_zyx), format_count(one.blocks))
        for one in box.levels
    ]
    yield render_table(("level", "voxels z,y,x", "of", "blocks"), rows, words=(0, 1), width=width, indent="  ")


def _label_lines(report: LocateReport, width: int | None) -> Iterator[str]:
    if not report.labels:
        yield fill(f"The catalog knows no ground truth of it in bucket {report.bucket}.", width)
        return
    rows = [
        (f"{one.container}/{one.volume}", format_axes(one.shape_zyx), plural(sum(one.blocks.values()), "block"))
        for one in report.labels
    ]
    yield from render_named_rows(("ground truth", "voxels z,y,x", ""), rows, words=(0,), width=width)


def _source_sentence(line: SourceLine) -> str:
    start = format_axes(line.start_zyx)
    if line.rules:
        return f"Placed by {line.source} ({line.where}): {line.reason}."
    match line.agrees:
        case True:
            verdict = "agrees"
        case False:
            verdict = f"disagrees: start {start}, shape {format_axes(line.shape_zyx)}"
        case None:
            verdict = f"cannot be compared: {line.reason}"
    return f"{line.source} {verdict} ({line.where})."


def _slices(start_zyx: Sequence[int], stop_zyx: Sequence[int]) -> str:
    return f"[{', '.join(f'{a}:{b}' for a, b in zip(start_zyx, stop_zyx, strict=True))}]"
