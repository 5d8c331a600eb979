"""The metadata check of a whole dataset."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.check import check_dataset
from mirror.formats.folder import Format
from mirror.formats.layout import Container, Dataset, Fact, FindingCode, Group, Volume
from mirror.formats.manifest import parse_manifest
from tests.mirror.formats.buckets import bucket_a, bucket_b, discover
from tests.mirror.formats.worlds import N5, PREFIX, dataset, level, pyramid, volume


def test_a_dataset_in_order_has_no_findings() -> None:
    """Two pyramids, a mask, a published size that is right."""
    fact = Fact("published_size_bytes", 244_531_200_000, "README.json: Size (GB)")
    mask = volume("labels/masks/foreground", level("labels/masks/foreground", None))
    assert check_dataset(dataset(pyramid("em/a", 5), pyramid("labels/er_pred", 3), mask, facts=(fact,))) == ()


def test_names_that_differ_by_case_alone() -> None:
    """Folders and loose folders, each pair once; not what lies below them."""
    paths = [f"groundtruth/{name}/labels/all" for name in ("Crop1", "crop1", "crop2")]
    made = dataset(
        *(volume(path, level(path, None)) for path in paths), loose=(f"{PREFIX}Skeletons/", f"{PREFIX}skeletons/")
    )
    twins = [finding for finding in check_dataset(made) if finding.code is FindingCode.CASE_TWINS]
    assert [(finding.place, finding.found) for finding in twins] == [
        (PREFIX, "Skeletons and skeletons"),
        (f"{N5}groundtruth/", "Crop1 and crop1"),
    ]


@pytest.mark.parametrize(
    ("form", "codec", "is_known"),
    [
        (Format.N5, "gzip", True),
        (Format.N5, "jpeg", False),
        (Format.PRECOMPUTED, "jpeg", True),
        (Format.PRECOMPUTED, "gzip", False),
        (Format.ZARR, "zlib", True),
        (Format.ZARR, "mystery", False),
        (Format.MESH, "draco", True),
    ],
    ids=str,
)
def test_codecs(form: Format, codec: str, is_known: bool) -> None:
    """Those that readers of the format know; one finding a volume."""
    arrays = [replace(level("em/a", n, (8, 8, 8), None, codec=codec), format=form) for n in range(2)]
    codes = [finding.code for finding in check_dataset(dataset(volume("em/a", *arrays)))]
    assert codes == ([] if is_known else [FindingCode.UNKNOWN_CODEC])


def test_the_sample_buckets_have_no_twins_and_no_unknown_codecs() -> None:
    """As discovery reads them; their levels all have one shape, which is no pyramid."""
    for objects in (bucket_a(), bucket_b()):
        codes = {finding.code for finding in check_dataset(discover(objects))}
        assert codes <= {FindingCode.NO_PYRAMID}


_TEXT = st.text(alphabet="aA/é ", max_size=6)
_VOLUMES = st.builds(
    lambda path, shape, size, codec: volume(path, level(path, 0, shape, size, size, codec=codec)),
    st.sampled_from(["em/a", "EM/a", "labels/x", "volumes/raw", ""]) | _TEXT,
    st.lists(st.integers(-2, 2**40), max_size=4).map(tuple),
    st.lists(st.floats(), max_size=4).map(tuple),
    _TEXT,
)


@given(st.lists(_VOLUMES, max_size=4), st.lists(_TEXT, max_size=3), st.lists(_TEXT, max_size=3))
def test_no_dataset_fails(volumes: list[Volume], keys: list[str], groups: list[str]) -> None:
    """Whatever was found."""
    made = dataset(
        *volumes,
        groups=tuple(Group(path, f"{N5}{path}/", ()) for path in groups),
        loose=tuple(PREFIX + k for k in keys),
    )
    sources = [
        {"url": f"s3://b/{PREFIX}{key}", "transform": {"scale": [1, -1, 1], "translate": [0, 8, 0]}} for key in keys
    ]
    manifest = parse_manifest(json.dumps({"sources": sources}).encode(), "manifest.json")
    check_dataset(made, [manifest], bucket="b")


def _listed(prefix: str, paths: list[str]) -> Dataset:
    container = f"{prefix}{prefix.strip('/')}.n5/"
    volumes = tuple(Volume(path, container, f"{container}{path}/", Format.N5, ()) for path in sorted(paths))
    return Dataset(prefix.strip("/"), prefix, (Container(Format.N5, container, volumes, ()),), (), (), ())


@pytest.mark.samples
def test_the_manifests_against_the_listing_of_bucket_a(samples: Path) -> None:
    """What the real listing has and the real manifests name, for two datasets."""
    listing = json.loads((samples / "bucket_a_volume_listing.json").read_text())
    for name in ("jrc_hela-2", "jrc_macrophage-2"):
        paths = listing[f"s3://janelia-cosem-datasets/{name}/{name}.n5"]
        path = samples / f"manifests/{name}.json"
        manifest = parse_manifest(path.read_bytes(), path.name)
        found = check_dataset(_listed(f"{name}/", paths), [manifest], bucket="janelia-cosem-datasets")
        in_n5 = [finding for finding in found if finding.place.endswith(".n5/")]
        assert {finding.code for finding in in_n5} <= {FindingCode.NOT_IN_MANIFEST, FindingCode.NAMED_BUT_ABSENT}
        assert len(in_n5) <= 2
