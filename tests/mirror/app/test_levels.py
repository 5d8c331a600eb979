"""How whole a level is, told by sums, and whether its rows are mirrored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from catalog import queries
from catalog.records import Count
from catalog.session import open_catalog
from mirror.app.levels import Known, level_lines, level_word, read_known, state_word, volume_lines
from mirror.app.lookup import find_places
from mirror.report.model import State
from tests.mirror.app.catalogs import HELA, write_catalog


@pytest.fixture
def known(tmp_path: Path) -> Known:
    """All that is known of jrc_hela-2."""
    settings = write_catalog(tmp_path)
    with open_catalog(settings.catalog) as catalog, catalog.read() as connection:
        (place,) = find_places(connection, settings, dataset=HELA)
        return read_known(connection, place)


@pytest.mark.parametrize(
    ("listed", "mirrored", "state"),
    [
        pytest.param(None, Count(), "none", id="nothing known"),
        pytest.param(None, Count(1, 1), "unknown", id="never listed"),
        pytest.param(Count(2, 20), Count(), "none", id="nothing there"),
        pytest.param(Count(2, 20), Count(1, 10), "partial", id="some"),
        pytest.param(Count(2, 20), Count(2, 20), "whole", id="all"),
        pytest.param(Count(2, 20), Count(3, 30), "whole", id="more than the bucket has"),
        pytest.param(Count(2, 20), Count(2, 19), "partial", id="as many of other sizes"),
    ],
)
def test_the_state_is_told_by_the_sums(listed: Count | None, mirrored: Count, state: State) -> None:
    """Whole is only what has at least as many objects and bytes as were listed."""
    assert state_word(listed, mirrored) == state


def test_a_voxel_size_below_0_says_that_rows_are_mirrored(known: Known) -> None:
    """Where no manifest says anything, the document's own sign does, and is named as the source."""
    arrays = [replace(one, array=replace(one.array, voxel_size_nm_xyz=(4.0, -4.0, 5.24))) for one in known.levels]
    mirrored = replace(known, levels=arrays, notes={})
    assert {line.mirrored_y for line in level_lines(mirrored)} == {True}
    assert {line.mirrored_y_source for line in volume_lines(mirrored)} == {"transform"}


def test_a_manifest_beats_the_document(known: Known) -> None:
    """What a manifest says of a volume counts, for and against."""
    prefix = next(volume.prefix for volume in known.volumes.values() if volume.path == "volumes/raw")
    note = queries.VolumeNote(is_mirrored_y=False, description="the EM", source="m.json")
    (raw,) = (line for line in volume_lines(replace(known, notes={prefix: note})) if line.volume == "volumes/raw")
    assert (raw.mirrored_y, raw.mirrored_y_source, raw.description) == (False, "m.json", "the EM")


def test_levels_come_by_number(known: Known) -> None:
    """s2 stands before s10."""
    raw = [one for one in known.levels if one.array.level_name == "s1"][-1]
    tenth = replace(
        raw, array=replace(raw.array, path="volumes/raw/s10", level_index=10, level_name="s10", volume_id=None)
    )
    second = replace(
        raw, array=replace(raw.array, path="volumes/raw/s2", level_index=2, level_name="s2", volume_id=None)
    )
    lines = level_lines(replace(known, levels=(tenth, second)))
    assert [line.level for line in lines] == ["s2", "s10"]


def test_what_was_mirrored_for_crops_and_never_listed_is_partial(known: Known) -> None:
    """It is told against the grid until a listing has it; what was never listed for another reason stays unknown."""
    raw = next(one for one in known.levels if one.array.level_name == "s0" and one.mirrored.objects)
    grid = (raw.array.n_blocks or 0) or 18
    raw = replace(raw, array=replace(raw.array, n_blocks=grid), listed=None, listed_at=None)
    cropped = replace(raw, is_cropped=True)
    assert (level_word(raw), level_word(cropped)) == ("unknown", "partial")
    assert cropped.most_objects == grid + 1
    full = replace(cropped, state=replace(cropped.state, mirrored=Count(grid + 1, 1)))
    assert level_word(full) == "unknown"
    (volume,) = (line for line in volume_lines(replace(known, levels=(cropped,))) if line.volume == "volumes/raw")
    assert volume.state == "partial"
