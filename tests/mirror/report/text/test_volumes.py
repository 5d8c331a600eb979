"""`oomirror catalog volumes|levels`, as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

from mirror.report.model import Amount, LevelLine, State, VolumeLine
from mirror.report.text.volumes import render_level_table, render_volumes

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def volume(path: str, state: State = "partial", *, mirrored_y: bool | None = None) -> VolumeLine:
    """Return a volume of the largest size."""
    return VolumeLine(
        bucket="b",
        dataset="jrc_hela-2",
        container="jrc_hela-2.n5",
        format="n5",
        format_version="2.0.0",
        volume=path,
        prefix=f"jrc_hela-2/jrc_hela-2.n5/{path}/",
        kind="segmentation",
        organelle_class="mito-mem",
        organelle="mitochondria membrane",
        description=None,
        mirrored_y=mirrored_y,
        mirrored_y_source=None if mirrored_y is None else "manifest.json",
        levels=("s0", "s1", "s5"),
        shape_zyx=(6368, 1600, 12000),
        voxel_size_nm_zyx=(5.24, 4.0, 4.0),
        data_type="uint16",
        block_size_zyx=(64, 64, 64),
        codec="gzip",
        listed=Amount(objects=470_000, bytes=122_300_000_000),
        listed_at="2026-01-02T09:00:00+00:00",
        mirrored=Amount(objects=1, bytes=122_299_999_999),
        state=state,
        present=True,
    )


def level(name: str, stored: Amount | None) -> LevelLine:
    """Return a level of raw."""
    return LevelLine(
        bucket="b",
        dataset="jrc_hela-2",
        container="jrc_hela-2.n5",
        volume="volumes/raw",
        kind="em",
        level=name,
        shape_zyx=(6368, 1600, 12000),
        data_type="uint8",
        axes_zyx=("z", "y", "x"),
        voxel_size_nm_zyx=(5.24, 4.0, 4.0),
        translation_nm_zyx=(0.0, 0.0, 0.0),
        placement_source="transform",
        block_size_zyx=(64, 64, 64),
        codec="gzip",
        grid_blocks=470_000,
        stored=stored,
        absent_blocks=None if stored is None else 470_000 - stored.objects,
        voxel_bytes=122_265_600_000,
        listed=stored,
        mirrored=Amount(),
        state="none",
    )


def test_volumes() -> None:
    """Grouped by container; a part of a volume is never shown as all of it."""
    assert render_volumes([volume("volumes/labels/mito-mem_seg")]) == (
        "jrc_hela-2 in bucket b, jrc_hela-2.n5 (n5)\n"
        "  volume                       kind          organelle  levels      size  share\n"
        "  volumes/labels/mito-mem_seg  segmentation  mito-mem   s0-s5   122.3 GB  >99 %"
    )
    assert render_volumes([]) == "There is no such volume."


def test_volumes_fit_a_terminal() -> None:
    """A long path stands whole on a line of its own where the terminal has 80 columns, and in its row in a file."""
    path = "volumes/groundtruth/0003/crop12/labels/ribosomes"
    lines = [volume(path, "whole"), volume("volumes/raw")]
    narrow = render_volumes(lines, width=80)
    assert max(map(len, narrow.splitlines())) <= 80
    assert narrow.splitlines()[2:4] == [
        f"  {path}",
        "               segmentation  mito-mem   s0-s5   122.3 GB  100 %",
    ]
    assert f"  {path}  segmentation" in render_volumes(lines)


def test_the_long_form_of_volumes() -> None:
    """Voxels, type, codec, and whether rows are stored in the opposite order, by what source."""
    text = render_volumes([volume("volumes/labels/er_pred", mirrored_y=True)], is_long=True)
    words = " ".join(text.splitlines()[3:]).split()
    expected = (
        "6368,1600,12000 voxels of 5.24,4,4 nm, uint16, gzip, mirrored in y (manifest.json), mitochondria membrane"
    )
    assert " ".join(words) == expected


def test_levels() -> None:
    """Blocks of the grid, those that are absent, bytes of the voxels and as stored."""
    lines = [level("s0", Amount(objects=469_990, bytes=99_000_000_000)), level("s1", None)]
    text = render_level_table(lines, now=NOW, width=80)
    assert text.splitlines() == [
        "jrc_hela-2 in bucket b",
        "        block z,y,x  codec   blocks  absent    voxels   stored  share",
        "jrc_hela-2.n5/volumes/raw  (em)",
        "    s0  64,64,64     gzip   470,000      10  122.3 GB  99.0 GB      -",
        "    s1  64,64,64     gzip   470,000       ?  122.3 GB        ?      ?",
    ]
    assert render_level_table([], now=NOW) == "There is no such level."


def test_the_long_form_of_levels() -> None:
    """Shape, axes and place in the world, with the field that says so."""
    text = render_level_table([level("s0", None)], now=NOW, is_long=True)
    words = " ".join(" ".join(text.splitlines()[4:]).split())
    assert words == "shape 6368,1600,12000 uint8, axes z,y,x, voxels 5.24,4,4 nm at 0,0,0 (transform)"
