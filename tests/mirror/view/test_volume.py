"""A volume of the share: voxel by voxel what others read, and never zeros where nothing was mirrored."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices

from mirror.app.sync import SyncRequest
from mirror.crops.box import Box
from mirror.errors import DamagedBlockError, MirrorError, UnknownNameError, UnsafeError, UsageError
from mirror.keys import ShareRules
from mirror.selection import SelectionSpec, parse_scales, parse_volumes
from mirror.store.share import Share
from mirror.view import BlockLostError, BlockNotMirroredError, NotOnShareError, VolumeView, open_crop, open_volume
from tests.labs import HELA, Lab

RAW_B = f"heinrich-2021a/{HELA}/{HELA}.n5/volumes/raw/"
_LEVELS = [
    ("volumes/raw", "s0", "b"),
    ("volumes/raw", "s3", "b"),
    ("volumes/labels/mito_seg", "s1", "b"),
    ("volumes/masks/foreground", None, "b"),
    ("volumes/groundtruth/0003/crop1/labels/all", None, "b"),
    ("em/fibsem-uint16", "s1", "a"),
    ("labels/mito_pred", "s2", "a"),
]


def opened(lab: Lab, volume: str, level: str | None = None, **knobs: Any) -> VolumeView:
    """Open a volume of jrc_hela-2."""
    return open_volume(f"{HELA}/{volume}", level, config=lab.config, **knobs)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(("volume", "level", "bucket"), _LEVELS)
def test_whole_levels_are_what_zarr_reads(mirrored: Lab, volume: str, level: str | None, bucket: str) -> None:
    """Every voxel, the type and the shape, of whole and truncated blocks, padded ones, and of those that are absent."""
    import zarr

    view = opened(mirrored, volume, level, bucket=bucket)
    container, _, inside = str(view.path).partition(".n5/")
    expected = zarr.open(zarr.N5FSStore(f"{container}.n5"), "r")[inside][:]
    np.testing.assert_array_equal(np.asarray(view), expected)
    assert (view.shape, view.dtype, view.ndim) == (expected.shape, expected.dtype, expected.ndim)
    assert (view.size, view.nbytes, len(view)) == (expected.size, expected.nbytes, len(expected))


@pytest.mark.parametrize(
    ("volume", "level"),
    [("neuroglancer/em/fibsem-uint8.precomputed", "s1"), ("recon-1/em/fibsem-uint8", "s0")],
    ids=["precomputed", "zarr"],
)
def test_other_formats_are_z_first_too(mirrored: Lab, volume: str, level: str) -> None:
    """Precomputed mirrors the EM in y; zarr's finest level is the second of the others."""
    from mirror.demo.pyramid import levels, mean_of_cubes
    from mirror.demo.specimen import Scale, grow

    expected = list(levels(grow(HELA, Scale.TINY).image_uint8(), 3, mean_of_cubes))[1]
    view = opened(mirrored, volume, level, bucket="a")
    np.testing.assert_array_equal(view[::1, :: -1 if "precomputed" in volume else 1], expected)


def test_facts_are_z_first(mirrored: Lab) -> None:
    """Shape, size of a voxel, and place of the first one, with the levels that the bucket has."""
    view = opened(mirrored, "raw", "s1")
    assert view.shape == (50, 65, 75)
    assert view.voxel_size_nm_zyx == (10.48, 8.0, 8.0)
    assert view.translation_nm_zyx == (2.62, 2.0, 2.0)
    assert (view.axes, view.block_shape) == (("z", "y", "x"), (64, 64, 64))
    assert view.levels == ("s0", "s1", "s2", "s3", "s4")
    assert (view.dataset, view.bucket, view.volume, view.level) == (HELA, "b", "volumes/raw", "s1")
    assert view.prefix == f"{RAW_B}s1/"
    assert view.path == mirrored.folder(view.prefix)
    assert repr(view) == f"<VolumeView {HELA}/volumes/raw s1 of bucket b: uint8 (50, 65, 75)>"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_basic_index_reads_what_numpy_reads(mirrored: Lab, data: st.DataObject) -> None:
    """From the decoded array, with the same shape and type."""
    view = opened(mirrored, "volumes/raw", "s2")
    whole = np.asarray(view)
    index = data.draw(basic_indices(view.shape, allow_newaxis=True))
    found = view[index]
    np.testing.assert_array_equal(found, whole[index])
    assert found.shape == whole[index].shape
    assert found.dtype == whole[index].dtype


def test_it_iterates_and_converts_as_an_array(mirrored: Lab) -> None:
    """Slices along z, one after the other; a type that is asked for; no array without a copy."""
    view = opened(mirrored, "volumes/raw", "s4")
    whole = np.asarray(view)
    assert [part.sum() for part in view] == [part.sum() for part in whole]
    assert np.asarray(view, "float32").dtype == np.float32
    with pytest.raises(ValueError, match="only by a copy"):
        np.asarray(view, copy=False)
    np.testing.assert_array_equal(view.tensorstore[1:3].read().result(), whole[1:3])


@pytest.mark.parametrize(
    ("path", "level", "volume", "found"),
    [
        ("raw", None, "volumes/raw", "s0"),
        ("volumes/raw/s2", None, "volumes/raw", "s2"),
        (f"{HELA}.n5/volumes/raw", "s2", "volumes/raw", "s2"),
        ("volumes/masks/foreground", None, "volumes/masks/foreground", None),
    ],
    ids=["the word raw", "the level in the path", "the container in the path", "without levels"],
)
def test_volumes_are_found(mirrored: Lab, path: str, level: str | None, volume: str, found: str | None) -> None:
    """By their path, in the ways in which people write it; without a level the finest is meant."""
    view = opened(mirrored, path, level)
    assert (view.volume, view.level) == (volume, found)


@pytest.mark.parametrize(
    ("path", "level", "error", "words"),
    [
        ("jrc_hela2/raw", None, UnknownNameError, "Did you mean jrc_hela-2?"),
        (f"{HELA}/volumes/labels/mito_sec", None, UnknownNameError, "volumes/labels/mito_seg"),
        (f"{HELA}/raw", "s9", UnknownNameError, "s0, s1, s2, s3, s4"),
        (f"{HELA}/volumes/masks/foreground", "s0", UnknownNameError, "has no levels"),
        (f"{HELA}/em/fibsem-uint16", None, UnknownNameError, '--bucket a, in Python bucket="a"'),
        (HELA, None, UsageError, "DATASET/VOLUME"),
    ],
    ids=["dataset", "volume", "level", "no levels", "other bucket", "no volume"],
)
def test_unknown_names_say_what_is_near(
    mirrored: Lab, path: str, level: str | None, error: type[UsageError], words: str
) -> None:
    """Each with exit code 2 on the command line."""
    with pytest.raises(error) as caught:
        open_volume(path, level, config=mirrored.config)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_level_that_is_not_here_names_the_command(empty_lab: Lab) -> None:
    """The catalog knows the level; the share has nothing of it."""
    empty_lab.scan()
    with pytest.raises(NotOnShareError) as caught:
        opened(empty_lab, "raw", "s2")
    assert "oomirror sync jrc_hela-2 --volumes volumes/raw --scales s2" in str(caught.value)
    assert "Fetch just what is needed with --fetch-missing, in Python fetch_missing=True" in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_a_share_that_is_not_mounted_is_not_taken_for_an_empty_one(empty_lab: Lab) -> None:
    """To mirror the level would be the wrong advice."""
    empty_lab.scan()
    empty_lab.settings.share_root().rename(empty_lab.settings.share_root().with_name("away"))
    with pytest.raises(UnsafeError, match=r"the share is not there.* Is it mounted"):
        opened(empty_lab, "raw", "s2")


@pytest.mark.parametrize("what", ["unmarked", "of another catalog", "of another catalog than the published one"])
def test_a_share_that_is_not_ours_is_not_read(spoilt: Lab, what: str) -> None:
    """What lies there may be anything, and what is missing tells nothing."""
    share = Share(spoilt.root)
    if what == "unmarked":
        (share.own / "marker.json").unlink()
    else:
        share.write_marker(ShareRules())
    if what.endswith("published one"):
        (spoilt.config.parent / "catalog.db").unlink()
    with pytest.raises(UnsafeError, match="not marked" if what == "unmarked" else "another share"):
        opened(spoilt, "raw", "s2")
    with pytest.raises(UnsafeError):
        open_crop(1, config=spoilt.config).raw  # noqa: B018  read at the first look


def lay(lab: Lab, mirrored: Lab, *names: str) -> None:
    """Put files of raw s0 on the share by hand."""
    for name in names:
        target = lab.folder(f"{RAW_B}s0/{name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(mirrored.folder(f"{RAW_B}s0/{name}"), target)


def test_what_was_never_mirrored_is_not_zero(empty_lab: Lab, mirrored: Lab) -> None:
    """The error names volume, level, how many blocks of how many, the first ones, the box, and the command."""
    empty_lab.scan()
    lay(empty_lab, mirrored, "attributes.json", "1/0/0")
    view = opened(empty_lab, "raw", "s0")
    here = (slice(0, 64), slice(0, 64), slice(64, 128))
    np.testing.assert_array_equal(view[here], opened(mirrored, "raw", "s0")[here])
    with pytest.raises(BlockNotMirroredError) as caught:
        view[3, 60:70, 100:140]
    error = caught.value
    assert isinstance(error, LookupError)
    assert not isinstance(error, IndexError)  # Else a loop over the volume would end there in silence.
    assert error.missing_xyz == ((1, 1, 0), (2, 0, 0), (2, 1, 0))
    assert (error.volume, error.level, error.n_touched) == (f"{HELA}/volumes/raw", "s0", 4)
    assert error.box == Box((3, 60, 100), (1, 10, 40))
    for words in ("3 of the 4 blocks", "[3:4, 60:70, 100:140]", "1/1/0, 2/0/0, 2/1/0", "--scales s0"):
        assert words in str(error)


def test_what_the_bucket_does_not_have_is_zero(mirrored: Lab) -> None:
    """The newest listing lacks the block, so that it is 0 in the source, too."""
    view = opened(mirrored, "volumes/labels/er_mito_contacts", "s0")
    stored = {path.relative_to(view.path).as_posix() for path in view.path.glob("*/*/*")}
    assert "2/0/0" not in stored, "the sample has this block now"
    assert not view[:64, :64, 128:].any()


def test_what_was_lost_is_neither_zero_nor_unknown(spoilt: Lab) -> None:
    """The catalog says that it was mirrored: the error sends to verify."""
    view = opened(spoilt, "raw", "s0")
    (view.path / "1/1/1").unlink()
    with pytest.raises(BlockLostError, match="oomirror verify jrc_hela-2") as caught:
        np.asarray(view)
    assert caught.value.missing_xyz == ((1, 1, 1),)
    assert caught.value.exit_code == 3


def test_damage_is_told(spoilt: Lab) -> None:
    """A block that cannot be decoded is neither voxels nor a fault of ours."""
    view = opened(spoilt, "raw", "s0")
    (view.path / "1/1/1").write_bytes(b"no block")
    with pytest.raises(DamagedBlockError, match="1/1/1"):
        np.asarray(view)


def test_a_chunk_of_zarr_that_is_lost_is_told(spoilt: Lab) -> None:
    """Its row stands by its key."""
    view = opened(spoilt, "recon-1/em/fibsem-uint8", "s1", bucket="a")
    chunk = next(path for path in sorted(view.path.rglob("*")) if path.is_file() and path.name.isdecimal())
    chunk.unlink()
    with pytest.raises(BlockLostError):
        np.asarray(view)


def test_the_published_catalog_tells_whole_levels(spoilt: Lab) -> None:
    """It has no rows: of a whole level a missing block is absent, of a partial one it is not zero."""
    (spoilt.config.parent / "catalog.db").unlink()
    contacts = opened(spoilt, "volumes/labels/er_mito_contacts", "s0")
    assert not contacts[:64, :64, 128:].any()


def test_the_published_catalog_tells_partial_levels(empty_lab: Lab, mirrored: Lab) -> None:
    """It says that not all of the level is here, and the error says who said so."""
    spec = SelectionSpec(volumes=parse_volumes(["raw"]), scales=parse_scales("s4"))
    empty_lab.scan()
    empty_lab.sync(SyncRequest((HELA,), "b", spec))
    (empty_lab.config.parent / "catalog.db").unlink()
    lay(empty_lab, mirrored, "attributes.json", "1/0/0")
    view = opened(empty_lab, "raw", "s0")
    assert view[0, 0, 64] > 0
    with pytest.raises(BlockNotMirroredError, match="the published catalog knows no single blocks"):
        view[0, 0, 0]


def test_without_any_catalog_a_missing_block_is_not_zero(spoilt: Lab) -> None:
    """Volumes are found by their files; nothing tells whether the bucket has what is not here."""
    whole = np.asarray(opened(spoilt, "raw", "s0"))
    (spoilt.root / ".oomirror" / "catalog.sqlite").unlink()
    (spoilt.config.parent / "catalog.db").unlink()
    view = opened(spoilt, "raw", "s0")
    np.testing.assert_array_equal(np.asarray(view), whole)
    assert view.voxel_size_nm_zyx == (5.24, 4.0, 4.0)
    (view.path / "1/1/1").unlink()
    with pytest.raises(BlockNotMirroredError, match="without a catalog"):
        np.asarray(view)


@pytest.mark.parametrize("compression", [{"type": "lz4", "blockSize": 65536}, {"type": "lz4", "id": "lz4"}])
def test_lz4_is_decoded_though_tensorstore_does_not(spoilt: Lab, compression: dict[str, Any]) -> None:
    """Either kind of it; missing blocks raise as those of other codecs."""
    from mirror.explain.sample.codecs import compress
    from mirror.formats.n5.block import BlockHeader
    from mirror.formats.n5.compression import JavaLz4Compression, ZarrLz4Compression

    codec = ZarrLz4Compression() if "id" in compression else JavaLz4Compression()
    view = opened(spoilt, "raw", "s1")
    whole = np.asarray(view)
    document = view.path / "attributes.json"
    document.write_text(json.dumps(json.loads(document.read_text()) | {"compression": compression}))
    for x, y, z in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)):
        block = whole[64 * z : 64 * z + 64, 64 * y : 64 * y + 64, 64 * x : 64 * x + 64]
        body = BlockHeader.plain(block.shape[::-1]).encode() + compress(block.tobytes(), codec, 1)
        (view.path / f"{x}/{y}/{z}").write_bytes(body)
    view = opened(spoilt, "raw", "s1")
    np.testing.assert_array_equal(np.asarray(view), whole)
    np.testing.assert_array_equal(view[3:60:7, 64, ::-3], whole[3:60:7, 64, ::-3])
    (view.path / "1/1/0").unlink()
    with pytest.raises(BlockLostError):
        opened(spoilt, "raw", "s1")[0, 64, 64]
    (view.path / "0/0/0").write_bytes(b"\0\0\0\3")
    with pytest.raises(DamagedBlockError, match=r"0/0/0.*header"):
        opened(spoilt, "raw", "s1")[0, 0, 0]


@pytest.mark.parametrize(
    ("attributes", "said"),
    [({"compression": {"type": "nope"}}, "the compression nope"), ({"dataType": "string"}, "expected numbers")],
    ids=["codec", "type"],
)
def test_what_cannot_be_decoded_is_not_opened(spoilt: Lab, attributes: dict[str, Any], said: str) -> None:
    """Said at once, not at the first block."""
    document = opened(spoilt, "raw", "s1").path / "attributes.json"
    document.write_text(json.dumps(json.loads(document.read_text()) | attributes))
    with pytest.raises(MirrorError, match=said):
        opened(spoilt, "raw", "s1")


def test_no_file_stays_open(mirrored: Lab) -> None:
    """However many views are opened and read."""
    np.asarray(opened(mirrored, "raw", "s1"))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        np.asarray(opened(mirrored, "raw", "s0"))
    assert len(os.listdir("/proc/self/fd")) <= before


def test_only_the_blocks_that_are_touched_are_read(spoilt: Lab) -> None:
    """All others may be damaged."""
    view = opened(spoilt, "raw", "s0")
    expected = np.asarray(view)[70, 70, 70]
    for path in view.path.glob("*/*/*"):
        if path.relative_to(view.path).as_posix() != "1/1/1":
            path.write_bytes(b"no block")
    assert opened(spoilt, "raw", "s0")[70, 70, 70] == expected


def test_share_of_an_older_name_is_read(spoilt: Lab) -> None:
    """Folders filled under an alias of the bucket open as well."""
    os.rename(spoilt.root / "janelia-cosem-datasets", spoilt.root / "janelia-cosem")
    view = opened(spoilt, "em/fibsem-uint16", "s2", bucket="a")
    assert view.path == Path(spoilt.root / "janelia-cosem" / view.prefix)
    assert view[0].any()
