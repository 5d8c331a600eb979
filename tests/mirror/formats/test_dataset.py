"""A dataset built from what discovery listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mirror.errors import UsageError
from mirror.formats.dataset import Dataset, FindingCode, Format, KeyKind, Volume, build_dataset, classify_key
from mirror.formats.folder import Folder
from mirror.formats.kinds import VolumeKind
from tests.mirror.formats.buckets import (
    Bucket,
    array,
    array_document,
    bucket_a,
    bucket_b,
    discover,
    document,
    pyramid,
    scale,
    walk,
    zarr_v3_document,
)

ROOT = "jrc_hela-2/jrc_hela-2.n5"
VERSION = {f"{ROOT}/attributes.json": document(n5="2.0.0")}


def volumes_of(dataset: Dataset, name: Format = Format.N5) -> dict[str, Volume]:
    """Return the volumes of one format by path."""
    return {volume.path: volume for volume in dataset.volumes() if volume.format is name}


def codes_of(dataset: Dataset) -> list[tuple[FindingCode, str]]:
    """Return what was found to be odd, and where."""
    return [(finding.code, finding.place) for finding in dataset.findings]


def test_bucket_a_holds_its_volumes_with_their_levels() -> None:
    """Pyramids, an array without levels and the raw volume are found in A's layout, and nothing is odd."""
    dataset = discover(bucket_a())
    volumes = volumes_of(dataset)
    levels = {path: [one.level_name for one in volume.arrays] for path, volume in volumes.items()}
    assert levels == {
        "em/fibsem-uint16": ["s0", "s1", "s2", "s3", "s4"],
        "labels/masks/foreground": [None],
        "labels/mito_pred": ["s0", "s1", "s2"],
        "labels/mito_seg": ["s0", "s1"],
    }
    assert [path for path, volume in volumes.items() if volume.classification.kind is VolumeKind.EM] == [
        "em/fibsem-uint16"
    ]
    assert dataset.findings == ()
    assert dataset.formats == {Format.N5, Format.ZARR, Format.PRECOMPUTED, Format.MESH}


def test_bucket_b_holds_its_volumes_and_loose_folders() -> None:
    """Raw, labels, masks, subsampled raw and ground truth are volumes; skeletons are loose."""
    dataset = discover(bucket_b())
    assert sorted(volumes_of(dataset)) == [
        "volumes/groundtruth/0003/crop1/labels/all",
        "volumes/labels/er_pred",
        "volumes/labels/er_seg",
        "volumes/masks/foreground",
        "volumes/raw",
        "volumes/subsampled/raw/2x",
    ]
    assert [volume.path for volume in dataset.volumes() if volume.classification.kind is VolumeKind.EM] == [
        "volumes/raw"
    ]
    assert dataset.loose_folders == ("jrc_hela-2/skeletons/",)
    assert [file.key for file in dataset.loose_files] == ["jrc_hela-2/"]


def test_an_array_knows_its_place_and_its_size() -> None:
    """Prefix, level, grid, bytes, slabs and the document to publish last are those of the array's folder."""
    level = volumes_of(discover(bucket_a()))["em/fibsem-uint16"].arrays[1]
    assert (level.path, level.level_index) == ("em/fibsem-uint16/s1", 1)
    assert level.prefix == f"{ROOT}/em/fibsem-uint16/s1/"
    assert level.metadata_keys == (f"{level.prefix}attributes.json",)
    assert level.folders == ("0", "1")
    assert (level.n_blocks, level.raw_bytes) == (4, 100 * 70 * 30)


def test_zarr_levels_count_by_place() -> None:
    """In zarr the multiscales document says which level an array is, whatever its name."""
    volume = volumes_of(discover(bucket_a()), Format.ZARR)["recon-1/em/fibsem-uint8"]
    assert volume.classification.kind is VolumeKind.EM
    found = [(one.level_index, one.level_name, one.n_blocks, one.raw_bytes) for one in volume.arrays]
    assert found == [(0, "full", 8, 128**3), (1, "half", 1, 64**3)]
    assert volume.arrays[0].metadata_keys == (f"{volume.prefix}full/.zarray",)


def test_zarr_version_3_is_read_as_well() -> None:
    """Levels, shards and element sizes of `zarr.json` are understood, in the OME place too."""
    root = "jrc_hela-2/jrc_hela-2.zarr"
    attributes = {"ome": {"multiscales": [{"datasets": [{"path": "a"}, {"path": "b"}]}]}}
    objects = {f"{root}/zarr.json": document(node_type="group", attributes=attributes)}
    for name in "ab":
        objects[f"{root}/{name}/zarr.json"] = zarr_v3_document([65, 64])
        objects[f"{root}/{name}/c/0/0"] = b"shard"
    dataset = discover(objects)
    arrays = [one for volume in dataset.volumes() for one in volume.arrays]
    assert [(one.level_index, one.n_blocks, one.raw_bytes) for one in arrays] == [(0, 2, 8320), (1, 2, 8320)]
    assert dataset.findings == ()


@pytest.mark.parametrize(
    "metadata",
    [b"{", b"{}", document(shape=[1], chunks=[0]), document(shape=[1], chunks=[1, 1]), document(shape="x", chunks=[1])],
    ids=["cut off", "empty", "empty chunk", "axes differ", "odd shape"],
)
def test_a_malformed_zarr_array_is_a_finding(metadata: bytes) -> None:
    """What a damaged `.zarray` stands above is kept, not understood."""
    root = "jrc_hela-2/jrc_hela-2.zarr"
    dataset = discover({f"{root}/.zgroup": b"{}", f"{root}/a/.zarray": metadata, f"{root}/a/0.0": b"chunk"})
    assert codes_of(dataset) == [(FindingCode.MALFORMED_METADATA, f"{root}/a/.zarray")]
    assert [one.is_understood for volume in dataset.volumes() for one in volume.arrays] == [False]


def test_precomputed_scales_are_levels_by_place() -> None:
    """Each scale of `info` is an array at its place; paths begin in the dataset's folder."""
    volume = volumes_of(discover(bucket_a()), Format.PRECOMPUTED)["neuroglancer/em/fibsem-uint8.precomputed"]
    found = [(one.level_index, one.level_name, one.n_blocks, one.raw_bytes) for one in volume.arrays]
    assert found == [(0, "s0", 4, 210_000), (1, "s1", 2, 105_000)]
    assert volume.classification.kind is VolumeKind.EM


def test_a_mesh_is_a_volume_taken_whole() -> None:
    """A mesh has no arrays, its path begins in the dataset's folder, and its `info` says what it is."""
    volume = volumes_of(discover(bucket_a()), Format.MESH)["neuroglancer/mesh/mito_seg"]
    assert volume.arrays == ()
    assert volume.prefix == "jrc_hela-2/neuroglancer/mesh/mito_seg/"
    assert volume.mesh_type == "neuroglancer_multilod_draco"


def test_an_odd_info_of_a_mesh_is_a_finding() -> None:
    """The mesh is there all the same; without an `info` nothing is odd."""
    place = "jrc_hela-2/neuroglancer/mesh"
    dataset = discover({f"{place}/a/info": b"[]", f"{place}/a/1:0": b"", f"{place}/b/1:0": b""})
    assert codes_of(dataset) == [(FindingCode.MALFORMED_METADATA, f"{place}/a/info")]
    found = {path: volume.mesh_type for path, volume in volumes_of(dataset, Format.MESH).items()}
    assert found == {"neuroglancer/mesh/a": None, "neuroglancer/mesh/b": None}


def test_a_precomputed_volume_without_info_is_taken_whole() -> None:
    """Without a readable `info` the volume is one lump, and that is a finding."""
    place = "jrc_hela-2/neuroglancer/em/x.precomputed/"
    dataset = discover({f"{place}s0/0-1_0-1_0-1": b""})
    assert codes_of(dataset) == [(FindingCode.MALFORMED_METADATA, f"{place}info")]
    assert [volume.arrays for volume in dataset.volumes()] == [()]


def test_a_scale_without_its_folder_is_a_finding_and_a_stray_folder_is_kept() -> None:
    """`info` may name folders that are absent or lie elsewhere; folders that it does not name are not lost."""
    place = "jrc_hela-2/neuroglancer/x/"
    info = document(data_type="uint8", scales=[scale("a"), {"key": "../b"}, 7])
    dataset = discover({f"{place}info": info, f"{place}a/0-1_0-1_0-1": b"", f"{place}c/x": b""})
    assert codes_of(dataset) == [(FindingCode.LEVEL_ABSENT, f"{place}info")] * 2
    (volume,) = dataset.volumes()
    assert [(one.path, one.is_understood) for one in volume.arrays] == [
        ("neuroglancer/x/a", True),
        ("neuroglancer/x/c", False),
    ]


@pytest.mark.parametrize(
    ("objects", "code", "place"),
    [
        pytest.param(
            pyramid(f"{ROOT}/volumes/raw", 1),
            FindingCode.ROOT_WITHOUT_ATTRIBUTES,
            f"{ROOT}/attributes.json",
            id="root without attributes",
        ),
        pytest.param(
            {f"{ROOT}/attributes.json": document(n5="5.0.0")},
            FindingCode.NEWER_FORMAT,
            f"{ROOT}/attributes.json",
            id="newer format",
        ),
        pytest.param(
            VERSION | array(f"{ROOT}/a") | {f"{ROOT}/a/attributes.json": b"{"},
            FindingCode.MALFORMED_METADATA,
            f"{ROOT}/a/attributes.json",
            id="malformed array",
        ),
        pytest.param(
            VERSION | {f"{ROOT}/a/attributes.json": array_document(data_type="uint17"), f"{ROOT}/a/0/0/0": b""},
            FindingCode.MALFORMED_METADATA,
            f"{ROOT}/a/attributes.json",
            id="array of no type",
        ),
        pytest.param(
            VERSION | array(f"{ROOT}/a/s0") | {f"{ROOT}/a/attributes.json": b"[]"},
            FindingCode.MALFORMED_METADATA,
            f"{ROOT}/a/attributes.json",
            id="malformed group",
        ),
        pytest.param(
            VERSION | {f"{ROOT}/a/0/0/0": b""},
            FindingCode.NO_METADATA,
            f"{ROOT}/a/attributes.json",
            id="blocks without metadata",
        ),
        pytest.param(
            VERSION | pyramid(f"{ROOT}/a", 2, named=3), FindingCode.LEVEL_ABSENT, f"{ROOT}/a/s2", id="level absent"
        ),
        pytest.param(
            VERSION | pyramid(f"{ROOT}/a", 3, named=2),
            FindingCode.LEVEL_NOT_NAMED,
            f"{ROOT}/a/s2",
            id="level not named",
        ),
        pytest.param(
            VERSION | {f"{ROOT}/a/attributes.json": document(axes=7)},
            FindingCode.ODD_METADATA,
            f"{ROOT}/a/attributes.json",
            id="odd part",
        ),
        pytest.param(
            VERSION | {f"{ROOT}/a/attributes.json": document(transform={"axes": ["y", "z", "x"]})},
            FindingCode.AXES_PERMUTED,
            f"{ROOT}/a/attributes.json",
            id="permuted axes",
        ),
    ],
)
def test_what_is_odd_is_a_finding_and_never_a_failure(objects: Bucket, code: FindingCode, place: str) -> None:
    """Each fault gives one finding with its place."""
    assert codes_of(discover(objects)) == [(code, place)]


def test_a_level_with_a_malformed_document_is_still_that_level() -> None:
    """A level whose document is damaged can be chosen by scale; its content is plain objects."""
    objects = VERSION | pyramid(f"{ROOT}/a", 2) | {f"{ROOT}/a/s1/attributes.json": b"{"}
    found = [(one.level_index, one.is_understood) for one in volumes_of(discover(objects))["a"].arrays]
    assert found == [(0, True), (1, False)]


def test_a_document_that_could_not_be_read_is_told() -> None:
    """Access denied on one document costs one array its structure, not the run."""
    objects = VERSION | array(f"{ROOT}/a")
    place = f"{ROOT}/a/attributes.json"
    folders = walk(objects, "jrc_hela-2/", unreadable=frozenset({place}))
    dataset = build_dataset("jrc_hela-2", "jrc_hela-2/", folders)
    assert codes_of(dataset) == [(FindingCode.MALFORMED_METADATA, place)]


def test_a_folder_that_was_not_listed_is_kept_as_it_is() -> None:
    """What discovery could not list is not lost: it is one lump, and a finding."""
    objects = VERSION | array(f"{ROOT}/a")
    folders = walk(objects, "jrc_hela-2/")
    del folders[f"{ROOT}/a/"]
    dataset = build_dataset("jrc_hela-2", "jrc_hela-2/", folders)
    assert codes_of(dataset) == [(FindingCode.NOT_LISTED, f"{ROOT}/a/")]
    assert [(one.path, one.is_understood) for volume in dataset.volumes() for one in volume.arrays] == [("a", False)]
    only_root = {"jrc_hela-2/": folders["jrc_hela-2/"]}
    assert codes_of(build_dataset("jrc_hela-2", "jrc_hela-2/", only_root)) == [(FindingCode.NOT_LISTED, f"{ROOT}/")]


def test_an_array_at_the_containers_root_is_a_volume() -> None:
    """Levels directly in the root make one volume with an empty path; a pyramid's other arrays are their own."""
    dataset = discover(VERSION | array(f"{ROOT}/s0") | array(f"{ROOT}/mask"))
    assert {path: len(volume.arrays) for path, volume in volumes_of(dataset).items()} == {"": 1, "mask": 1}


def test_an_empty_dataset_is_empty() -> None:
    """Nothing listed gives a dataset with nothing, not an error."""
    dataset = build_dataset("d", "d/", {})
    assert (dataset.containers, dataset.loose_files, dataset.findings) == ((), (), ())
    assert build_dataset("d", "d/", {"d/": Folder("d/", ("x",), (), {})}).loose_folders == ("d/x/",)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("README.json", KeyKind.LOOSE_FILE),
        ("notes/a/b.txt", KeyKind.LOOSE_FILE),
        ("jrc_hela-2.n5/", KeyKind.FOLDER_MARKER),
        ("jrc_hela-2.n5/attributes.json", KeyKind.CONTAINER),
        ("jrc_hela-2.n5/em/notes.txt", KeyKind.STRAY),
        ("jrc_hela-2.n5/em/fibsem-uint16/attributes.json", KeyKind.GROUP),
        ("jrc_hela-2.n5/em/fibsem-uint16/s0/attributes.json", KeyKind.LEVEL),
        ("jrc_hela-2.n5/labels/masks/foreground/attributes.json", KeyKind.ARRAY),
        ("jrc_hela-2.n5/em/fibsem-uint16/s0/1/1/0", KeyKind.BLOCK),
        ("jrc_hela-2.n5/em/fibsem-uint16/s0/2/0/0", KeyKind.STRAY),
        ("jrc_hela-2.n5/em/fibsem-uint16/s0/00/1/2", KeyKind.STRAY),
        ("jrc_hela-2.n5/em/fibsem-uint16/s0/1/1", KeyKind.STRAY),
        ("jrc_hela-2.zarr/.zgroup", KeyKind.CONTAINER),
        ("jrc_hela-2.zarr/recon-1/em/fibsem-uint8/full/.zarray", KeyKind.LEVEL),
        ("jrc_hela-2.zarr/recon-1/em/fibsem-uint8/full/1/0/1", KeyKind.BLOCK),
        ("jrc_hela-2.zarr/recon-1/em/fibsem-uint8/full/x", KeyKind.STRAY),
        ("neuroglancer/em/fibsem-uint8.precomputed/info", KeyKind.GROUP),
        ("neuroglancer/em/fibsem-uint8.precomputed/s0/0-64_0-64_0-30", KeyKind.BLOCK),
        ("neuroglancer/viewer_states/one.json", KeyKind.STRAY),
        ("neuroglancer/mesh/mito_seg/1:0", KeyKind.MESH),
    ],
)
def test_a_key_is_told_what_it_is(key: str, kind: KeyKind) -> None:
    """Every kind of key of a dataset is recognised; a block outside the grid is a stray."""
    assert classify_key(discover(bucket_a()), f"jrc_hela-2/{key}") is kind


def test_a_key_of_another_dataset_is_refused() -> None:
    """A key that does not lie in the dataset is an error that shows the prefix."""
    with pytest.raises(UsageError, match="jrc_hela-2/"):
        classify_key(discover(bucket_a()), "jrc_hela-22/README.json")


@pytest.mark.samples
def test_every_volume_of_a_real_listing_is_found(samples: Path) -> None:
    """The volumes of four real datasets of bucket A become volumes, the EM among them as raw."""
    listed = json.loads((samples / "bucket_a_volume_listing.json").read_text())
    for url, paths in listed.items():
        name, container = url.split("/")[-2:]
        objects = {f"{name}/{container}/attributes.json": document(n5="2.0.0")}
        for path in paths:
            objects |= pyramid(f"{name}/{container}/{path}", 2)
        dataset = discover(objects, f"{name}/")
        assert sorted(volumes_of(dataset)) == sorted(paths)
        assert [volume.path for volume in dataset.volumes() if volume.classification.kind is VolumeKind.EM] == [
            "em/fibsem-uint16"
        ]
        assert dataset.findings == ()
