"""`ls`, as a person reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest

from mirror.report.model import Amount, DatasetLine, LevelLine
from mirror.report.text.inventory import render_datasets, render_levels

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def _level(
    level: str | None, n_mirrored: int, state: Literal["none", "partial", "whole", "unknown"], n_listed: int | None = 9
) -> LevelLine:
    return LevelLine(
        bucket="b",
        dataset="jrc_hela-2",
        container="jrc_hela-2.n5",
        volume="volumes/raw",
        level=level,
        shape_zyx=(6368, 1600, 12000),
        data_type="uint8",
        listed=None if n_listed is None else Amount(objects=n_listed, bytes=1000),
        listed_whole_at="2026-01-02T09:00:00+00:00" if n_listed else None,
        mirrored=Amount(objects=n_mirrored, bytes=10 * n_mirrored),
        state=state,
    )


def test_datasets() -> None:
    """Each dataset has a line: what the bucket has, what the share has, and how old the listing is."""
    lines = (
        DatasetLine(bucket="a", dataset="jrc_hela-2", listed=None, listed_at=None, mirrored=Amount()),
        DatasetLine(
            bucket="b",
            dataset="jrc_hela-2",
            listed=Amount(objects=4, bytes=4000),
            listed_at="2026-01-02T09:00:00+00:00",
            mirrored=Amount(objects=1, bytes=1000),
        ),
    )
    assert render_datasets(lines, now=NOW) == (
        "dataset     bucket  objects    size  on share  share  listed\n"
        "jrc_hela-2  a             ?       ?         -      -  never\n"
        "jrc_hela-2  b             4  4.0 kB    1.0 kB   25 %  3 h ago"
    )


def test_levels() -> None:
    """Each level says whether the share has it whole, in part, or not at all, and how old the listing is."""
    lines = (_level("s0", 3, "partial"), _level("s1", 9, "whole"), _level("s2", 0, "none"))
    assert render_levels(lines, now=NOW) == (
        "jrc_hela-2 in bucket b, listed 3 h ago\n"
        "        shape z,y,x      type     size  objects on the share\n"
        "jrc_hela-2.n5/volumes/raw\n"
        "    s0  6368,1600,12000  uint8  1.0 kB  partial 3 of 9\n"
        "    s1  6368,1600,12000  uint8  1.0 kB  whole 9\n"
        "    s2  6368,1600,12000  uint8  1.0 kB  none of 9"
    )


def test_a_long_place_leaves_what_the_volume_shows_to_the_next_line() -> None:
    """So that no terminal breaks a word of it."""
    crop = {"volume": "volumes/groundtruth/0003/crop113/labels/ribosomes", "kind": "ground-truth"}
    (line,) = [_level(None, 9, "whole").model_copy(update={**crop, "organelle_class": "ribo"})]
    lines = render_levels((line,), now=NOW, width=80).splitlines()
    assert lines[2:4] == [f"jrc_hela-2.n5/{crop['volume']}", "  (ribo ground-truth)"]
    assert render_levels((line,), now=NOW).splitlines()[2].endswith("/ribosomes  (ribo ground-truth)")


def test_without_a_listing_the_share_speaks_alone() -> None:
    """Where the bucket was never listed whole, no part is claimed, and the command that lists it is named."""
    text = render_levels((_level(None, 3, "unknown", None),), now=NOW)
    assert text.startswith("jrc_hela-2 in bucket b, never listed whole")
    *_, level, hint = text.splitlines()
    assert level.endswith("3 (30 B)")
    assert hint.endswith("oomirror scan jrc_hela-2 --bucket b")


@pytest.mark.parametrize("n_listed", [470_000, 1_320_000])
def test_the_largest_level_fits_80_columns(n_listed: int) -> None:
    """A partial level of the largest dataset is no wider than 80 columns."""
    text = render_levels((_level("s0", n_listed - 1, "partial", n_listed),), now=NOW)
    assert max(map(len, text.splitlines())) <= 80


def test_the_long_form_says_where_voxels_lie_and_how_they_were_verified() -> None:
    """Each level has a second line; a volume says what it shows and that it is mirrored."""
    line = _level("s0", 3, "partial").model_copy(
        update={
            "kind": "prediction",
            "organelle_class": "er",
            "mirrored_y": True,
            "voxel_size_nm_zyx": (5.24, 4.0, 4.0),
            "block_size_zyx": (64, 64, 64),
            "codec": "gzip",
            "by_md5": 1,
            "by_size_only": 2,
            "adopted": 3,
            "verified_last_at": "2026-01-01T12:00:00+00:00",
        }
    )
    assert render_levels((line,), now=NOW, is_long=True).splitlines()[2:] == [
        "jrc_hela-2.n5/volumes/raw  (er prediction, mirrored in y)",
        "    s0  6368,1600,12000  uint8  1.0 kB  partial 3 of 9",
        "        voxels 5.24,4,4 nm, blocks 64,64,64 gzip; not published, md5 1 of 3,",
        "        size only 2 of 3, adopted, 1 d ago",
    ]


@pytest.mark.parametrize(
    ("width", "title"),
    [(None, "A HeLa cell, wild type"), (77, "A HeLa cell, wild"), (70, "")],
    ids=["file", "terminal", "narrow terminal"],
)
def test_a_title_stands_where_there_is_room(width: int | None, title: str) -> None:
    """Titles are cut to the terminal, and left out where too little would be left of them."""
    line = DatasetLine(
        bucket="b", dataset="jrc_hela-2", title="A HeLa cell, wild type", listed=None, listed_at=None, mirrored=Amount()
    )
    row = render_datasets((line,), now=NOW, width=width).splitlines()[1]
    assert row.partition("never")[2].strip() == title


def test_the_long_form_of_datasets() -> None:
    """Title, counts and the time of the last look stand below each dataset."""
    line = DatasetLine(
        bucket="b",
        dataset="jrc_hela-2",
        title="A HeLa cell",
        volumes=2,
        levels=1,
        discovered_at="2026-01-02T09:00:00+00:00",
        listed=None,
        listed_at=None,
        mirrored=Amount(),
    )
    text = render_datasets((line,), now=NOW, is_long=True)
    assert text.endswith("\n        A HeLa cell; 2 volumes, 1 level, 0 findings; looked at 3 h ago")


def test_nothing_known() -> None:
    """An empty list is a sentence."""
    assert render_datasets((), now=NOW) == "There is no dataset."
