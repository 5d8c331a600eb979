"""Where crops lie, from what a catalog holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog import queries
from catalog.session import open_catalog
from mirror.app.crops.locate import locate_crop, locate_in_volume
from mirror.config import Settings, load_settings
from mirror.crops.box import Box
from mirror.crops.place import CropSource
from mirror.errors import ExitCode, MirrorError, UnknownNameError, UsageError
from tests.mirror.app.crops.builders import (
    CROP_1,
    CROP_113,
    HELA,
    ROW_1,
    put_crop,
    put_ground_truth,
    put_raw,
    put_rows,
    put_volume,
    put_zarr_ground_truth,
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


def test_crop_113_of_b_lies_where_its_attribute_says(connection: Connection, settings: Settings) -> None:
    """The validation crop begins at z 2975, y 25, x 3125; its document agrees, counted in raw voxels."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 113, (12500.0, 100.0, 11900.0), (1000, 1000, 500))
    put_crop(connection, CROP_113)
    found = locate_crop(connection, settings, "113", bucket="b")
    assert found.box == Box((2975, 25, 3125), (250, 500, 500))
    assert [one.claim.source for one in found.agreements] == [CropSource.MONGO_OFFSET]
    assert found.disagreements == ()


def test_a_document_alone_places_a_crop_in_b(connection: Connection, settings: Settings) -> None:
    """Without ground truth in the catalog the document's offset rules; nothing is said of label images."""
    put_raw(connection, settings, "b")
    put_crop(connection, CROP_113)
    found = locate_crop(connection, settings, "113", bucket="b")
    assert found.source is CropSource.MONGO_OFFSET
    assert found.box.start_zyx == (2975, 25, 3125)
    assert found.ground_truth == ()


def test_each_bucket_has_its_own_answer_for_crop_1(connection: Connection, settings: Settings) -> None:
    """In B z 600 by its attribute, z 598 in A by its zarr, and each answer names the other."""
    put_raw(connection, settings, "a")
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1)
    put_zarr_ground_truth(connection, settings, 1, (25863.0, 899.0, 3132.21), SHAPE_1)
    put_rows(connection, ROW_1)
    in_b = locate_crop(connection, settings, "1", bucket="b")
    in_a = locate_crop(connection, settings, "1", bucket="a")
    assert (in_b.box.start_zyx, in_b.source) == ((600, 225, 6466), CropSource.B_ATTRIBUTE)
    assert (in_a.box.start_zyx, in_a.source) == ((598, 225, 6466), CropSource.A_ATTRIBUTE)
    others = {one.claim.source for one in in_b.disagreements}
    assert others == {CropSource.A_ATTRIBUTE, CropSource.CELLMAP_MANIFEST}
    assert [one.claim.source for one in in_a.agreements] == [CropSource.CELLMAP_MANIFEST]
    assert [one.claim.source for one in in_a.disagreements] == [CropSource.B_ATTRIBUTE]
    assert [len(one.where.levels) for one in in_a.ground_truth] == [2]


def test_the_table_places_a_crop_of_b_only_where_both_raw_have_one_grid(
    connection: Connection, settings: Settings
) -> None:
    """Without A's raw it only contradicts; the error says what to scan. With it, it places."""
    put_raw(connection, settings, "b")
    put_crop(connection, CROP_1)
    put_rows(connection, ROW_1)
    with pytest.raises(MirrorError) as caught:
        locate_crop(connection, settings, "1", bucket="b")
    assert caught.value.exit_code is ExitCode.FAILED
    assert "cellmap_manifest does not" in caught.value.found
    assert "`oomirror scan jrc_hela-2 --bucket a --metadata-only`" in caught.value.hint
    assert "`oomirror scan jrc_hela-2 --bucket b --metadata-only`" in caught.value.hint
    put_raw(connection, settings, "a")
    found = locate_crop(connection, settings, "1", bucket="b")
    assert (found.box.start_zyx, found.source) == ((598, 225, 6466), CropSource.CELLMAP_MANIFEST)


def test_the_table_does_not_place_where_the_grids_differ(connection: Connection, settings: Settings) -> None:
    """Raw of another shape is another raw."""
    put_raw(connection, settings, "b")
    put_raw(connection, settings, "a", shape_xyz=(12000, 1600, 6400))
    put_rows(connection, ROW_1)
    with pytest.raises(MirrorError, match=r"which has .6400, 1600, 12000. voxels and not"):
        locate_crop(connection, settings, "1", bucket="b")
    assert locate_crop(connection, settings, "1", bucket="a").box.start_zyx == (598, 225, 6466)


def test_raw_without_a_voxel_size_gets_it_from_the_table(connection: Connection, settings: Settings) -> None:
    """Twice the table's voxel, where the crop's dimensions confirm it; else nm are not told and the table is mute."""
    put_raw(connection, settings, "a", voxel_xyz=None)
    put_rows(connection, ROW_1)
    with pytest.raises(MirrorError, match="no source places the crop"):
        locate_crop(connection, settings, "1", bucket="a")
    put_crop(connection, CROP_1)
    found = locate_crop(connection, settings, "1", bucket="a")
    assert found.box.start_zyx == (598, 225, 6466)
    assert found.raw.lattice.voxel_size_nm_zyx == (5.24, 4.0, 4.0)


def test_without_any_voxel_size_there_are_no_nanometres(connection: Connection, settings: Settings) -> None:
    """B's attribute needs none."""
    put_raw(connection, settings, "b", voxel_xyz=None)
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1)
    found = locate_crop(connection, settings, "1", bucket="b")
    assert found.box == BOX_1
    assert found.start_nm_zyx is None
    assert found.size_nm_zyx is None


def test_raw_that_is_mirrored_in_y(connection: Connection, settings: Settings) -> None:
    """Rows are counted as they are stored, from the other end; agreement is judged upright."""
    put_raw(connection, settings, "b", mirrored_y=True)
    put_ground_truth(connection, settings, 113, (12500.0, 100.0, 11900.0), (1000, 1000, 500))
    put_crop(connection, CROP_113)
    found = locate_crop(connection, settings, "113", bucket="b")
    assert found.box == Box((2975, 1600 - 525, 3125), (250, 500, 500))
    assert found.upright_box.start_zyx == (2975, 25, 3125)
    assert len(found.agreements) == 1
    assert found.start_nm_zyx == (15589.0, 100.0, 12500.0)


def test_other_volumes_of_the_dataset(connection: Connection, settings: Settings) -> None:
    """A prediction that is mirrored in y and twice as coarse; a volume that is not there."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1)
    put_volume(
        connection,
        settings,
        "b",
        "volumes/labels/er_pred",
        levels=("s0", "s1"),
        shape_xyz=(6000, 800, 3184),
        voxel_xyz=(8.0, 8.0, 10.48),
        translation_xyz=(2.0, 2.0, 2.62),
        mirrored_y=True,
    )
    located = locate_crop(connection, settings, "1", bucket="b")
    there = locate_in_volume(connection, located, "volumes/labels/er_pred")
    # Rows 225 to 725 of raw touch 112 to 363 of every second, which lie at 800-363 to 800-112 from the other end.
    assert there.box == Box((300, 437, 3233), (50, 251, 250))
    assert there.levels[1].box == Box((150, 218, 1616), (25, 126, 126))
    with pytest.raises(UnknownNameError, match=r"Did you mean volumes/labels/er_pred\?"):
        locate_in_volume(connection, located, "volumes/labels/er_prad")


def test_padding_stops_at_the_edge_of_raw(connection: Connection, settings: Settings) -> None:
    """A box with a margin, at each level, and not beyond what the array has."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, (40.0, 400.0, 400.0), (128, 128, 128))
    raw = locate_crop(connection, settings, "1", bucket="b").raw.padded(64)
    assert raw.box == Box((36, 36, 0), (192, 192, 138))
    assert raw.levels[1].box == Box((18, 18, 0), (96, 96, 69))
    assert raw.levels[0].blocks.n_blocks == 4 * 4 * 3


@pytest.mark.parametrize(
    ("offset", "shape", "remark"),
    [
        pytest.param((4.8, 0.0, 0.0), (20, 20, 20), "rounded to the nearest", id="not whole"),
        pytest.param((47992.0, 0.0, 0.0), (20, 20, 20), "800 of its 1,000 voxels lie outside", id="outside"),
    ],
)
def test_what_must_be_known_is_remarked(
    connection: Connection, settings: Settings, offset: tuple[float, ...], shape: tuple[int, ...], remark: str
) -> None:
    """A start that was rounded and voxels outside of raw are told in a sentence."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, offset, shape)
    found = locate_crop(connection, settings, "1", bucket="b")
    assert len(found.remarks) == 1
    assert remark in found.remarks[0]


def test_upper_case_folders_and_other_versions(connection: Connection, settings: Settings) -> None:
    """`Crop1` is crop 1; of a number with two versions the one that is meant must be said."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1, folder="Crop")
    assert locate_crop(connection, settings, "1", bucket="b").version == "0003"
    put_ground_truth(connection, settings, 1, (40.0, 40.0, 40.0), (8, 8, 8), version="0004")
    with pytest.raises(UsageError, match=r"jrc_hela-2 0003, jrc_hela-2 0004.*--ground-truth"):
        locate_crop(connection, settings, "1", bucket="b")
    found = locate_crop(connection, settings, "1", bucket="b", version="0004")
    assert found.box == Box((10, 10, 10), (4, 4, 4))
    assert [one.version for one in found.ground_truth] == ["0004"]


def test_one_number_in_two_datasets(connection: Connection, settings: Settings) -> None:
    """The dataset must be said; one that has no such crop is refused."""
    for dataset in (HELA, "jrc_hela-3"):
        put_raw(connection, settings, "b", dataset=dataset)
        put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1, dataset=dataset)
    with pytest.raises(UsageError, match=r"jrc_hela-2 0003, jrc_hela-3 0003.*--dataset"):
        locate_crop(connection, settings, "1", bucket="b")
    assert locate_crop(connection, settings, "1", bucket="b", dataset="jrc_hela-3").dataset == "jrc_hela-3"
    with pytest.raises(UnknownNameError, match="no such crop: crop 1"):
        locate_crop(connection, settings, "1", bucket="b", dataset="jrc_sum159-1")


def test_a_document_without_a_dataset_needs_one(connection: Connection, settings: Settings) -> None:
    """It belongs to the dataset that is named."""
    put_raw(connection, settings, "b")
    put_crop(connection, replace(CROP_113, dataset=None))
    with pytest.raises(MirrorError, match="--dataset"):
        locate_crop(connection, settings, "113", bucket="b")
    assert locate_crop(connection, settings, "113", bucket="b", dataset=HELA).box.start_zyx == (2975, 25, 3125)


def test_a_number_that_nothing_names(connection: Connection, settings: Settings) -> None:
    """Known numbers are named; a catalog without crops says what to import."""
    with pytest.raises(UnknownNameError, match="import-manifest"):
        locate_crop(connection, settings, "112", bucket="b")
    put_crop(connection, CROP_113)
    with pytest.raises(UnknownNameError, match=r"Known are 113\.") as caught:
        locate_crop(connection, settings, "112", bucket="b")
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_dataset_or_its_raw_that_the_catalog_does_not_know(connection: Connection, settings: Settings) -> None:
    """The hint is the command that reads it."""
    put_crop(connection, CROP_113)
    with pytest.raises(UnknownNameError, match="`oomirror scan jrc_hela-2 --bucket b`"):
        locate_crop(connection, settings, "113", bucket="b")
    put_ground_truth(connection, settings, 113, (12500.0, 100.0, 11900.0), (1000, 1000, 500))
    with pytest.raises(MirrorError, match="`oomirror scan jrc_hela-2 --bucket b --metadata-only`") as caught:
        locate_crop(connection, settings, "113", bucket="b")
    assert caught.value.exit_code is ExitCode.FAILED


def test_an_offset_beside_another_field_is_still_read(connection: Connection, settings: Settings) -> None:
    """Ground truth whose place was taken from pixelResolution has its offset in the document that is kept."""
    put_raw(connection, settings, "b")
    path = "volumes/groundtruth/0003/crop1/labels/all"
    put_volume(
        connection,
        settings,
        "b",
        path,
        shape_xyz=SHAPE_1,
        voxel_xyz=(2.0, 2.0, 2.0),
        translation_xyz=None,
        placement="pixelResolution",
    )
    document = {
        "dimensions": SHAPE_1,
        "blockSize": [128] * 3,
        "dataType": "uint64",
        "compression": {"type": "gzip"},
        "pixelResolution": {"dimensions": [2.0] * 3, "unit": "nm"},
        "offset": OFFSET_1,
        "offset_unit": "nm",
    }
    key = f"heinrich-2021a/{HELA}/{HELA}.n5/{path}/attributes.json"
    bucket_id = queries.bucket_id(connection, str(settings.bucket("b").url))
    queries.put_documents(connection, [(bucket_id, key, b"e", json.dumps(document).encode(), b"h")])
    assert locate_crop(connection, settings, "1", bucket="b").box == BOX_1


def test_the_mistake_of_dividing_by_the_true_spacing_is_not_made(connection: Connection, settings: Settings) -> None:
    """On raw of 5.24 nm in z the answer is z 600, and not 2400 / 5.24 = 458."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1)
    found = locate_crop(connection, settings, "1", bucket="b")
    assert found.raw.lattice.voxel_size_nm_zyx == (5.24, 4.0, 4.0)
    assert found.box.start_zyx[0] == 600
    assert found.start_nm_zyx == (3144.0, 900.0, 25864.0)


def test_a_start_half_way_between_two_voxels_places_nothing(connection: Connection, settings: Settings) -> None:
    """The error says so, and what else could place the crop."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, (25866.0, 900.0, 2400.0), SHAPE_1)
    with pytest.raises(MirrorError, match=r"6466\.50 \(z,y,x\) lies half-way between two voxels.*import-manifest"):
        locate_crop(connection, settings, "1", bucket="b")
