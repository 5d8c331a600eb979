"""Where N5 arrays lie, in every way that writers have put it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.layout import Array, FindingCode, Placement
from mirror.formats.n5.attributes import ArrayAttributes, parse_attributes
from mirror.formats.n5.placement import placement_of
from tests.mirror.formats.buckets import discover, document

ROOT = "jrc_hela-2/jrc_hela-2.n5"
ARRAY: dict[str, Any] = {
    "dataType": "uint16",
    "dimensions": [100, 70, 30],
    "blockSize": [64, 64, 64],
    "compression": {"type": "gzip", "level": -1, "useZlib": False},
}
ZYX = {"axes": ["z", "y", "x"], "scale": [5.24, 4.0, 4.0], "translate": [0.0, 1.0, 2.0], "units": ["nm"] * 3}
SIZE = (4.0, 4.0, 5.24)
ORIGIN = (2.0, 1.0, 0.0)
PIXELS = {"dimensions": [4.0, 4.0, 5.24], "unit": "nm"}
CROP = {"resolution": [2.0, 2.0, 2.0], "resolution_unit": "nm", "offset": [25864.0, 900.0, 2400.0], "offset_unit": "nm"}


def levels_of(group: dict[str, object] | None, *arrays: dict[str, object]) -> tuple[list[Array], list[FindingCode]]:
    """Return the levels s0.. of a group with the given attributes, and what was found to be odd."""
    objects = {f"{ROOT}/attributes.json": document(n5="4.0.0")}
    if group is not None:
        objects[f"{ROOT}/em/attributes.json"] = document(**group)
    for number, fields in enumerate(arrays):
        objects[f"{ROOT}/em/s{number}/attributes.json"] = document(**{**ARRAY, **fields})
    dataset = discover(objects)
    (volume,) = dataset.volumes()
    return list(volume.arrays), [finding.code for finding in dataset.findings]


def multiscales(transform: object) -> dict[str, object]:
    """Return the attributes of a group that names s0."""
    return {"multiscales": [{"datasets": [{"path": "s0", "transform": transform}]}]}


def of_pixels(value: object, **fields: object) -> dict[str, object]:
    """Return attributes with a `pixelResolution`."""
    return {"pixelResolution": value, **fields}


@pytest.mark.parametrize(
    ("own", "group", "expected"),
    [
        pytest.param({"transform": ZYX}, None, Placement(SIZE, ORIGIN, "transform"), id="own transform"),
        pytest.param({}, multiscales(ZYX), Placement(SIZE, ORIGIN, "multiscales"), id="multiscales"),
        pytest.param(of_pixels(PIXELS), None, Placement(SIZE, None, "pixelResolution"), id="pixelResolution, unit"),
        pytest.param(
            of_pixels({"dimensions": [0.004, 0.004, 0.00524], "units": ["µm", "um", "micron"]}),
            None,
            Placement(SIZE, None, "pixelResolution"),
            id="pixelResolution, units",
        ),
        pytest.param(of_pixels([4.0, 4.0, 5.24]), None, Placement(SIZE, None, "pixelResolution"), id="bare list"),
        pytest.param(
            of_pixels([40.0, 40.0, 52.4], units=["angstrom"] * 3),
            None,
            Placement(SIZE, None, "pixelResolution"),
            id="bare list beside units",
        ),
        pytest.param(
            of_pixels([2.0, 2.0, 2.62], downsamplingFactors=[2, 2, 2]),
            None,
            Placement(SIZE, None, "pixelResolution"),
            id="times own factors",
        ),
        pytest.param({}, of_pixels(PIXELS), Placement(SIZE, None, "pixelResolution"), id="the group's, at s0"),
        pytest.param(CROP, None, Placement((2.0, 2.0, 2.0), (25864.0, 900.0, 2400.0), "resolution"), id="ground truth"),
        pytest.param({}, CROP, Placement((2.0, 2.0, 2.0), (25864.0, 900.0, 2400.0), "resolution"), id="its group's"),
        pytest.param({"transform": {"scale": SIZE[::-1]}}, None, Placement(SIZE, None, "transform"), id="no axes"),
        pytest.param(
            {"transform": {**ZYX, "scale": [5.24, -4.0, 4.0]}},
            None,
            Placement((4.0, -4.0, 5.24), ORIGIN, "transform"),
            id="mirrored",
        ),
        pytest.param(
            of_pixels([9, 9, 9]),
            multiscales(ZYX),
            Placement(SIZE, ORIGIN, "multiscales"),
            id="the group's transform before its own resolution",
        ),
        pytest.param({"transform": {"axes": ["z", "y", "x"]}}, None, None, id="a transform that says nothing"),
        pytest.param({}, None, None, id="nothing"),
        pytest.param(
            {"dimensions": [9, 8], "blockSize": [4, 4], **of_pixels([4, 5])},
            None,
            Placement((4.0, 5.0), None, "pixelResolution"),
            id="two axes",
        ),
        pytest.param(
            {
                "dimensions": [9, 8, 7, 2],
                "blockSize": [4, 4, 4, 1],
                "transform": {"axes": ["c", "z", "y", "x"], "scale": [1, 5.24, 4, 4], "units": ["", "nm", "nm", "nm"]},
            },
            None,
            Placement(SIZE, None, "transform"),
            id="channels",
        ),
    ],
)
def test_the_best_of_all_sources_counts(
    own: dict[str, object], group: dict[str, object] | None, expected: Placement | None
) -> None:
    """Each way of writing it gives nanometres, x first, and the source that was read."""
    (array,), odd = levels_of(group, own)
    assert set(odd) <= {FindingCode.RESOLUTION_DIFFERS}
    assert array.placement == expected


def test_its_own_transform_counts_before_all_others() -> None:
    """And that its own `pixelResolution` says something else is a finding."""
    own = {"transform": ZYX, **of_pixels([9, 9, 9]), **CROP}
    (array,), odd = levels_of(multiscales({**ZYX, "scale": [1, 1, 1]}), own)
    assert odd == [FindingCode.RESOLUTION_DIFFERS]
    assert array.placement == Placement(SIZE, ORIGIN, "transform")


def test_permuted_axes_are_read_by_their_names() -> None:
    """A transform with axes y,z,x gives the values of x, y and z, and the order is a finding."""
    transform = {"axes": ["y", "z", "x"], "scale": [4.0, 5.24, 3.0], "translate": [1.0, 2.0, 3.0], "units": ["nm"] * 3}
    (array,), odd = levels_of(None, {"transform": transform})
    assert array.placement == Placement((3.0, 4.0, 5.24), (3.0, 1.0, 2.0), "transform")
    assert odd == [FindingCode.AXES_PERMUTED]


def test_scales_of_the_group_enlarge_its_resolution() -> None:
    """`scales` or `downsamplingFactors` of a group give each level its size; a level beyond them is not placed."""
    factors = [[1, 1, 1], [2, 2, 1]]
    for name in ("scales", "downsamplingFactors"):
        arrays, odd = levels_of({"pixelResolution": PIXELS, name: factors}, {}, {}, {})
        assert odd == []
        found = [array.placement.voxel_size_nm_xyz if array.placement else None for array in arrays]
        assert found == [(4.0, 4.0, 5.24), (8.0, 8.0, 5.24), None]


@pytest.mark.parametrize(
    "own",
    [
        pytest.param({"transform": {**ZYX, "units": ["parsec"] * 3}}, id="unit"),
        pytest.param(of_pixels({"dimensions": [1, 1, 1], "unit": "pixel"}), id="pixels as unit"),
        pytest.param({"transform": {**ZYX, "scale": [4.0, 4.0]}}, id="too few sizes"),
        pytest.param({"transform": {**ZYX, "axes": ["x", "x", "y"]}}, id="an axis twice"),
        pytest.param({"transform": {**ZYX, "axes": ["a", "b", "c"]}}, id="unknown axes"),
        pytest.param({"transform": {**ZYX, "scale": [0.0, 4.0, 4.0]}}, id="no size"),
        pytest.param({"transform": {**ZYX, "scale": [float("nan"), 4.0, 4.0]}}, id="not a number"),
        pytest.param({**CROP, "offset_unit": "um"}, id="two units"),
        pytest.param(of_pixels(PIXELS, downsamplingFactors=[2, 2]), id="too few factors"),
    ],
)
def test_an_odd_place_is_a_finding_and_no_placement(own: dict[str, object]) -> None:
    """The array is understood all the same."""
    (array,), odd = levels_of(None, own)
    assert array.placement is None
    assert array.is_understood
    assert odd == [FindingCode.ODD_METADATA]


@pytest.mark.parametrize(
    ("own", "group", "expected"),
    [
        ({"axes": ["x", "y", "z"]}, None, ("x", "y", "z")),
        ({}, {"axes": ["x", "y", "z"]}, ("x", "y", "z")),
        ({"transform": {"axes": ["z", "y", "x"]}}, None, ("x", "y", "z")),
        ({}, {"axes": ["x", "y"]}, None),
        ({}, None, None),
    ],
    ids=["own", "the group's", "the transform's, turned", "too few", "none"],
)
def test_axes_are_named_in_the_order_of_the_shape(
    own: dict[str, object], group: dict[str, object] | None, expected: tuple[str, ...] | None
) -> None:
    """`axes` are x first already, those of a `transform` are turned."""
    (array,), _ = levels_of(group, own)
    assert array.facts is not None
    assert array.facts.axes_xyz == expected


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
_known = {field.alias or name for name, field in ArrayAttributes.model_fields.items()} | {"compressionType"}
_extra = st.dictionaries(st.text(max_size=8).filter(lambda name: name not in _known), _json, max_size=4)


@given(st.permutations(list({**ARRAY, "transform": ZYX, **CROP}.items())), _extra)
def test_neither_order_nor_unknown_fields_change_what_is_read(
    items: list[tuple[str, Any]], extra: dict[str, Any]
) -> None:
    """Facts and place stay, and unknown fields come through the model as they were."""
    read = parse_attributes(json.dumps({**extra, **dict(items)}).encode(), "place")
    plain = parse_attributes(json.dumps({**ARRAY, "transform": ZYX, **CROP}).encode(), "place")
    assert isinstance(read, ArrayAttributes)
    assert isinstance(plain, ArrayAttributes)
    assert read.facts == plain.facts
    assert placement_of(read, None, None, None) == placement_of(plain, None, None, None)
    assert read.model_extra == extra
    written = json.loads(read.model_dump_json(by_alias=True, exclude_unset=True))
    assert written == {**extra, **dict(items)}
