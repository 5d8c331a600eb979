"""Where crops lie, from what a catalog holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.session import open_catalog
from mirror.app.crops.locate import locate_crop
from mirror.config import Settings, load_settings
from mirror.crops.box import Box
from mirror.crops.place import CropSource
from tests.mirror.app.crops.builders import (
    CROP_1,
    put_crop,
    put_ground_truth,
    put_raw,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

OFFSET_1 = (25864.0, 900.0, 2400.0)
SHAPE_1 = (1000, 1000, 200)
BOX_1 = Box((600, 225, 6466), (100, 500, 500))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings whose catalog has nothing but its tables."""
    folder: Path = tmp_path_factory.mktemp("crops")
    return load_settings(None, {"catalog": f"sqlite:///{folder}/catalog.db", "share": folder / "share"})


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    """A transaction that leaves nothing behind."""
    with open_catalog(settings.catalog) as catalog, catalog.begin() as open_one:
        yield open_one
        open_one.rollback()


def test_crop_1_of_b_lies_where_its_attribute_says(connection: Connection, settings: Settings) -> None:
    """The box of crop 1 in B's raw, and in its levels, by the offset in nominal nanometres."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1)
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1, label="ribosomes")
    put_crop(connection, CROP_1)
    found = locate_crop(connection, settings, "1", bucket="b")
    assert found.box == BOX_1
    assert found.source is CropSource.B_ATTRIBUTE
    assert [(one.array.level_name, one.box.start_zyx, one.blocks.n_blocks) for one in found.boxes_at_levels] == [
        ("s0", (600, 225, 6466), 2 * 9 * 8),
        ("s1", (300, 112, 3233), 2 * 5 * 5),
        ("s2", (150, 56, 1616), 1 * 3 * 3),
    ]
    assert [(one.label, one.where.box.shape_zyx) for one in found.ground_truth] == [
        ("all", (200, 1000, 1000)),
        ("ribosomes", (200, 1000, 1000)),
    ]
    assert found.size_nm_zyx == (524.0, 2000.0, 2000.0)
    assert found.remarks == ()
    assert found.disagreements == ()
