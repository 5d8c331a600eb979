"""Manifests of the project, of every era."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import MalformedDocumentError
from mirror.formats.kinds import VolumeKind, classify_volume
from mirror.formats.layout import FindingCode, Placement
from mirror.formats.manifest import Manifest, parse_manifest
from mirror.formats.source_url import SourceUrl

PLACE = "s3://b/jrc_hela-2/manifest.json"
BUCKET = "s3://janelia-cosem-datasets/jrc_hela-2"


def transform(scale: object = (5.24, 4.0, 4.0), translate: object = (0.0, 0.0, 0.0)) -> dict[str, Any]:
    """Return a transform as the project writes it."""
    return {
        "axes": ["z", "y", "x"],
        "units": ["nm", "nm", "nm"],
        "scale": list(scale) if isinstance(scale, tuple) else scale,
        "translate": list(translate) if isinstance(translate, tuple) else translate,
    }


def source(name: str, **fields: Any) -> dict[str, Any]:
    """Return a volume as the newest era writes it."""
    url = f"{BUCKET}/jrc_hela-2.n5/labels/{name}"
    return {"name": name, "description": "D", "url": url, "format": "n5", "transform": transform(), **fields}


def parse(document: object) -> Manifest:
    """Return the parsed manifest."""
    return parse_manifest(json.dumps(document).encode(), PLACE, {"janelia-cosem": "janelia-cosem-datasets"})


NEWEST: dict[str, Any] = {
    "name": "jrc_hela-2",
    "metadata": {"id": "jrc_hela-2", "title": "T", "imaging": {"duration": 25}},
    "sources": {
        "er_pred": source(
            "er_pred", transform=transform((5.24, -4.0, 4.0), (0.0, 6400.0, 0.0)), contentType="prediction"
        ),
        "endo_seg": source(
            "endo_seg",
            sampleType="label",
            subsources=[
                {
                    "name": "endo_mesh",
                    "url": f"{BUCKET}/neuroglancer/mesh/endo_seg",
                    "format": "neuroglancer_legacy_mesh",
                    "transform": transform((1.0, 1.0, 1.0)),
                    "ids": [],
                }
            ],
        ),
    },
    "views": [{"name": "V", "position": None}],
}


def test_the_newest_era() -> None:
    """Sources by name; a mesh is an entry of its own, below its segmentation."""
    manifest = parse(NEWEST)
    assert manifest.dataset == "jrc_hela-2"
    assert [(fact.name, fact.value, fact.source) for fact in manifest.facts][1:] == [
        ("title", "T", "manifest.json: metadata.title"),
        ("acquisition_duration_days", 25.0, "manifest.json: metadata.imaging.duration"),
    ]
    er, endo, mesh = manifest.volumes
    assert er.url == SourceUrl("janelia-cosem-datasets", "jrc_hela-2/jrc_hela-2.n5/labels/er_pred")
    assert er.placement == Placement((4.0, -4.0, 5.24), (0.0, 6400.0, 0.0), "transform")
    assert (er.is_mirrored_y, er.content_type, er.description, er.parent) == (True, "prediction", "D", None)
    assert (endo.is_mirrored_y, endo.sample_type, endo.format) == (False, "label", "n5")
    assert (mesh.name, mesh.parent, mesh.format) == ("endo_mesh", "endo_seg", "neuroglancer_legacy_mesh")
    assert (manifest.findings, manifest.unread) == ((), ())


@pytest.mark.parametrize("field", ["url", "URI", "path"])
@pytest.mark.parametrize("bucket", ["s3://janelia-cosem", "https://janelia-cosem.s3.amazonaws.com"])
def test_older_eras(field: str, bucket: str) -> None:
    """A list called `volumes`, the address under another name and in the bucket's old name."""
    volume = {"name": "er_pred", field: f"{bucket}/jrc_hela-2/jrc_hela-2.n5/labels/er_pred", "tags": [], "version": "0"}
    manifest = parse({"name": "jrc_hela-2", "volumes": [volume], "views": []})
    (found,) = manifest.volumes
    assert str(found.url) == f"{BUCKET}/jrc_hela-2.n5/labels/er_pred"
    assert (found.name, found.placement, found.is_mirrored_y) == ("er_pred", None, None)


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ({"x": 4.0, "y": -4, "z": 5.24}, (4.0, -4.0, 5.24)),
        ([5.24, -4, 4.0], (4.0, -4.0, 5.24)),
        ({"x": 4.0}, None),
        ([5.24, "4", 4.0], None),
        ([5.24, 4.0], None),
        ([0, 0, 0], None),
        ([10**400, 1, 1], None),
        (7, None),
    ],
    ids=["by name", "list", "an axis is absent", "text", "two numbers", "zero", "too large", "a number"],
)
def test_transforms(scale: object, expected: tuple[float, ...] | None) -> None:
    """By name or by the order of the axes; what cannot be read places nothing."""
    (volume,) = parse({"sources": [source("er_pred", transform={**transform(), "scale": scale})]}).volumes
    assert (volume.placement and volume.placement.voxel_size_nm_xyz) == expected


def test_a_transform_without_axes_and_units_is_the_projects() -> None:
    """z, y, x in nanometres; other units become nanometres."""
    bare = {"scale": [5.24, 4, 4]}
    micrometres = {"scale": [0.00524, 0.004, 0.004], "units": "um"}
    volumes = parse({"sources": [source("a", transform=bare), source("b", transform=micrometres)]}).volumes
    assert [volume.placement for volume in volumes] == [Placement((4.0, 4.0, 5.24), None, "transform")] * 2


def test_a_flip_that_lost_its_sign() -> None:
    """Another volume of the same manifest shows the way of a flip."""
    volumes = parse(
        {
            "sources": [
                source("a", transform=transform((5.24, -4.0, 4.0), (0.0, 6400.0, 0.0))),
                source("b", transform=transform((5.24, 4.0, 4.0), (0.0, 6400.0, 0.0))),
                source("c", transform=transform((5.24, 4.0, 4.0), (0.0, 100.0, 0.0))),
            ]
        }
    ).volumes
    assert [volume.is_mirrored_y for volume in volumes] == [True, True, False]


def test_odd_parts_are_findings_and_stay() -> None:
    """The rest is read."""
    document = {"name": 7, "sources": {"a": source("a", transform=3), "b": 5, "c": {"name": "c", "url": "labels/c"}}}
    manifest = parse(document)
    assert [volume.name for volume in manifest.volumes] == ["a", "c"]
    assert {finding.code for finding in manifest.findings} >= {FindingCode.ODD_METADATA}
    assert any("c: labels/c" in finding.found for finding in manifest.findings)
    assert manifest.document.as_document() == document


def test_a_name_that_stands_twice_is_told() -> None:
    """JSON keeps the last; the first is in the document's bytes alone."""
    manifest = parse_manifest(b'{"sources": {"a": {"url": "s3://b/1"}, "a": {"url": "s3://b/2"}}}', PLACE)
    assert [str(volume.url) for volume in manifest.volumes] == ["s3://b/2"]
    assert "a again" in [finding.found for finding in manifest.findings]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"datasets": {}}', b'{"sources":' + b"[" * 40 + b"]" * 40 + b"}", b'{"sources":' + b"[" * 9999],
    ids=["empty", "list", "something else", "deep", "very deep"],
)
def test_what_is_no_manifest_is_refused(body: bytes) -> None:
    """With its address."""
    with pytest.raises(MalformedDocumentError) as caught:
        parse_manifest(body, PLACE)
    assert caught.value.thing == PLACE


_NAMES = st.sampled_from(
    [
        "name",
        "url",
        "URI",
        "uri",
        "transform",
        "content_type",
        "contentType",
        "subsources",
        "model_extra",
        "faults",
        "x",
    ]
)
_EXTRA = st.dictionaries(
    _NAMES | st.text(max_size=6),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.text(max_size=6), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@st.composite
def _variants(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a manifest with fields at every level that nobody knows, or that are not what they should be."""
    odd_transform = {**transform(), **draw(_EXTRA)}
    mesh = {**source("mesh"), **draw(_EXTRA)}
    volume = {**source("v", transform=odd_transform, subsources=[mesh]), **draw(_EXTRA)}
    sources: object = draw(st.sampled_from([{"v": volume}, [volume]]))
    return {"name": "d", "metadata": draw(_EXTRA), "sources": sources, **draw(_EXTRA)}


@given(_variants())
def test_no_field_is_lost(document: dict[str, Any]) -> None:
    """What was read is given back, value for value and type for type, whatever stands there."""
    manifest = parse(document)
    read = json.loads(json.dumps(document))
    given_back = manifest.document.as_document()
    assert given_back == read
    assert json.dumps(given_back, sort_keys=True) == json.dumps(read, sort_keys=True)


@pytest.mark.samples
def test_all_samples_come_back_as_they_were(samples: Path) -> None:
    """And all volumes have an address, a place and an answer to whether they are mirrored."""
    paths = sorted((samples / "manifests").glob("*.json"))
    assert len(paths) > 20
    mirrored: dict[str, int] = {}
    for path in paths:
        manifest = parse_manifest(path.read_bytes(), f"s3://b/{path.name}")
        assert manifest.document.as_document() == json.loads(path.read_text())
        assert (manifest.findings, manifest.unread) == ((), ())
        assert manifest.dataset == path.stem
        assert all(volume.url is not None and volume.placement is not None for volume in manifest.volumes)
        mirrored[path.stem] = sum(bool(volume.is_mirrored_y) for volume in manifest.volumes)
    assert mirrored["jrc_hela-2"] > 20
    assert mirrored["jrc_ctl-id8-1"] == 0


@pytest.mark.samples
def test_the_manifests_kinds_are_those_of_the_paths(samples: Path) -> None:
    """But for ground truth, for which manifests have no word, and meshes."""
    for path in sorted((samples / "manifests").glob("*.json")):
        for volume in parse_manifest(path.read_bytes(), path.name).volumes:
            assert volume.url is not None
            inside = volume.url.key.partition(".n5/")[2] or volume.url.key.partition("/")[2]
            kind = classify_volume(inside).kind
            if kind not in (VolumeKind.GROUND_TRUTH, VolumeKind.MESH):
                assert kind.value == volume.content_type, volume.address
