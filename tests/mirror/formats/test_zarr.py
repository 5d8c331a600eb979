"""Zarr containers of both versions: where OME-NGFF puts their levels, their axes, and what is odd."""

from __future__ import annotations

from typing import Any

import pytest

from mirror.formats.dataset import Array, FindingCode, Volume
from mirror.formats.layout import Dataset, Placement
from tests.mirror.formats.buckets import Bucket, discover, document, zarr_v2_document, zarr_v3_document

ROOT = "d/d.zarr"
AXES = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
SCALE = {"type": "scale", "scale": [5.24, 4.0, 4.0]}
MOVED = {"type": "translation", "translation": [2.62, 2.0, 1.0]}
SIZE = (4.0, 4.0, 5.24)


def multiscale(*steps: object, **fields: object) -> dict[str, Any]:
    """Return a multiscale of one level with the given steps."""
    return {"axes": AXES, "datasets": [{"path": "s0", "coordinateTransformations": steps}], **fields}


def version_4(*pyramids: object, array: bytes | None = None, attributes: bytes | None = None) -> Bucket:
    """Return a pyramid of OME-NGFF 0.4, which is zarr v2."""
    objects = {f"{ROOT}/.zgroup": document(zarr_format=2), f"{ROOT}/em/.zgroup": document(zarr_format=2)}
    objects[f"{ROOT}/em/.zattrs"] = document(multiscales=pyramids)
    objects[f"{ROOT}/em/s0/.zarray"] = array or zarr_v2_document([30, 70, 100])
    return objects | ({f"{ROOT}/em/s0/.zattrs": attributes} if attributes is not None else {})


def version_5(*pyramids: object, array: bytes | None = None) -> Bucket:
    """Return a pyramid of OME-NGFF 0.5, which is zarr v3."""
    group = document(zarr_format=3, node_type="group")
    attributes = {"ome": {"version": "0.5", "multiscales": pyramids}}
    named = document(zarr_format=3, node_type="group", attributes=attributes)
    array = array or zarr_v3_document([30, 70, 100])
    return {f"{ROOT}/zarr.json": group, f"{ROOT}/em/zarr.json": named, f"{ROOT}/em/s0/zarr.json": array}


def only(dataset: Dataset) -> tuple[Volume, Array]:
    """Return the one volume and its one array."""
    (volume,) = dataset.volumes()
    (array,) = volume.arrays
    return volume, array


STEPS: list[Any] = [
    pytest.param(multiscale(SCALE), Placement(SIZE, None, "coordinateTransformations"), id="scale"),
    pytest.param(multiscale(SCALE, MOVED), Placement(SIZE, (1.0, 2.0, 2.62), "coordinateTransformations"), id="both"),
    pytest.param(
        multiscale({"type": "identity"}, coordinateTransformations=[SCALE]),
        Placement(SIZE, None, "coordinateTransformations"),
        id="of the multiscale alone",
    ),
    pytest.param(
        multiscale(SCALE, MOVED, coordinateTransformations=[{"type": "scale", "scale": [2, 2, 2]}]),
        Placement((8.0, 8.0, 10.48), (2.0, 4.0, 5.24), "coordinateTransformations"),
        id="of the multiscale, after the level's",
    ),
    pytest.param(
        multiscale({"type": "scale", "scale": [0.00524, 0.004, 0.004]}, axes=[{**axis, "unit": "µm"} for axis in AXES]),
        Placement(SIZE, None, "coordinateTransformations"),
        id="micrometres",
    ),
    pytest.param(multiscale(), None, id="nothing"),
]


@pytest.mark.parametrize(("pyramid", "expected"), STEPS)
@pytest.mark.parametrize("version", [version_4, version_5], ids=["0.4", "0.5"])
def test_levels_are_placed_by_all_their_steps(version: Any, pyramid: object, expected: Placement | None) -> None:
    """Scale and translation of the level, then of the multiscale, in nanometres and x first."""
    dataset = discover(version(pyramid), "d/")
    _, array = only(dataset)
    assert dataset.findings == ()
    assert array.placement == expected
    assert array.facts is not None
    assert array.facts.axes_xyz == ("x", "y", "z")
    assert dataset.containers[0].version == {"version_4": "2", "version_5": "3"}[version.__name__]


@pytest.mark.parametrize(
    "pyramid",
    [
        pytest.param(multiscale(SCALE, axes=["z", "y", "x"]), id="no units"),
        pytest.param(multiscale(SCALE, axes=[{**axis, "unit": "parsec"} for axis in AXES]), id="unknown unit"),
        pytest.param(multiscale({"type": "scale", "scale": [4.0, 4.0]}), id="too few numbers"),
        pytest.param(multiscale({"type": "scale", "path": "elsewhere"}), id="numbers elsewhere"),
        pytest.param(multiscale({"type": "rotation"}), id="another step"),
        pytest.param(multiscale(SCALE, axes=None), id="no axes"),
        pytest.param(multiscale(7), id="no step"),
        pytest.param({"datasets": [{"path": "s0", "coordinateTransformations": 7}], "axes": 7}, id="nonsense"),
    ],
)
def test_odd_steps_are_a_finding_and_no_placement(pyramid: object) -> None:
    """The level is understood all the same."""
    dataset = discover(version_4(pyramid), "d/")
    _, array = only(dataset)
    assert array.placement is None
    assert array.level_index == 0
    assert array.facts is not None
    assert {finding.code for finding in dataset.findings} == {FindingCode.ODD_METADATA}


def test_the_first_pyramid_that_names_a_level_counts() -> None:
    """A second one of the same levels, perhaps in other units, changes nothing."""
    dataset = discover(version_4(multiscale(SCALE), multiscale({"type": "scale", "scale": [1, 1, 1]})), "d/")
    placement = only(dataset)[1].placement
    assert placement is not None
    assert placement.voxel_size_nm_xyz == SIZE


def test_channels_have_no_place_and_keep_their_name() -> None:
    """Only the spatial axes are placed; axes of the shape are all named, x first."""
    axes = [{"name": "c", "type": "channel"}, *AXES]
    pyramid = multiscale({"type": "scale", "scale": [1, 5.24, 4.0, 4.0]}, axes=axes)
    for objects in (
        version_4(pyramid, array=zarr_v2_document([2, 30, 70, 100])),
        version_5(pyramid, array=zarr_v3_document([2, 30, 70, 100])),
    ):
        _, array = only(discover(objects, "d/"))
        assert array.placement == Placement(SIZE, None, "coordinateTransformations")
        assert array.facts is not None
        assert (array.facts.shape_xyz, array.facts.axes_xyz) == ((100, 70, 30, 2), ("x", "y", "z", "c"))


def test_axes_in_fortrans_order_are_placed_by_their_names() -> None:
    """In Fortran's order the document has the fastest axis first, as N5 has it; names tell which is which."""
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "xyz"]
    pyramid = multiscale({"type": "scale", "scale": [4.0, 4.0, 5.24]}, axes=axes)
    _, array = only(discover(version_4(pyramid, array=zarr_v2_document([100, 70, 30], order="F")), "d/"))
    assert array.facts is not None
    assert (array.facts.shape_xyz, array.facts.axes_xyz) == ((100, 70, 30), ("x", "y", "z"))
    assert array.placement == Placement(SIZE, None, "coordinateTransformations")


@pytest.mark.parametrize(
    ("array", "attributes", "expected"),
    [
        (zarr_v3_document([30, 70, 100], dimension_names=["t", "b", "a"]), None, ("a", "b", "t")),
        (zarr_v3_document([30, 70, 100], dimension_names=["t", None, "a"]), None, None),
        (zarr_v2_document([30, 70, 100]), document(_ARRAY_DIMENSIONS=["t", "b", "a"]), ("a", "b", "t")),
        (zarr_v2_document([30, 70, 100]), document(_ARRAY_DIMENSIONS=["t", "b"]), None),
    ],
    ids=["dimension_names", "one without a name", "xarray", "too few"],
)
def test_axes_are_named_by_arrays_themselves(
    array: bytes, attributes: bytes | None, expected: tuple[str, ...] | None
) -> None:
    """Names of zarr v3 and of xarray, x first."""
    name = ".zarray" if b'"zarr_format": 2' in array else "zarr.json"
    objects = {f"{ROOT}/.zgroup": document(zarr_format=2), f"{ROOT}/a/{name}": array}
    _, found = only(discover(objects | ({f"{ROOT}/a/.zattrs": attributes} if attributes else {}), "d/"))
    assert found.facts is not None
    assert found.facts.axes_xyz == expected


def test_a_transform_as_n5_has_it_is_read_where_ome_says_nothing() -> None:
    """COSEM's first zarr arrays have N5's `transform` in their attributes, or in the group's levels."""
    transform = {"axes": ["z", "y", "x"], "scale": [5.24, 4, 4], "translate": [0, 0, 0], "units": ["nm"] * 3}
    own = only(discover(version_4(attributes=document(transform=transform)), "d/"))[1]
    assert own.placement == Placement(SIZE, (0, 0, 0), "transform")
    of_group = {"datasets": [{"path": "s0", "transform": transform}]}
    assert only(discover(version_4(of_group), "d/"))[1].placement == Placement(SIZE, (0, 0, 0), "multiscales")


def test_malformed_attributes_hide_no_array() -> None:
    """A damaged `.zattrs` is a finding; shape and chunks are known."""
    dataset = discover(version_4(attributes=b"{"), "d/")
    assert [(one.code, one.place) for one in dataset.findings] == [
        (FindingCode.MALFORMED_METADATA, f"{ROOT}/em/s0/.zattrs")
    ]
    assert only(dataset)[1].facts is not None


def test_a_fault_by_the_specification_is_a_finding() -> None:
    """Zarr's own rules judge what was written; the array is read all the same."""
    dataset = discover(version_4(array=zarr_v2_document([30], fill_value=-1)), "d/")
    assert [(one.code, one.place) for one in dataset.findings] == [(FindingCode.ODD_METADATA, f"{ROOT}/em/s0/.zarray")]
    assert "fill_value" in dataset.findings[0].found
    assert only(dataset)[1].facts is not None


def test_a_container_without_root_documents_has_its_arrays_version() -> None:
    """Where the root has neither `.zgroup` nor `zarr.json` the arrays tell."""
    dataset = discover({f"{ROOT}/a/zarr.json": zarr_v3_document([30])}, "d/")
    assert dataset.containers[0].version == "3"
