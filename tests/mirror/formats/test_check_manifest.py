"""A manifest against the bucket."""

from __future__ import annotations

import json
from typing import Any

from mirror.formats.check_manifest import check_manifest
from mirror.formats.layout import Finding, FindingCode
from mirror.formats.manifest import Manifest, parse_manifest
from tests.mirror.formats.worlds import N5, dataset, level, pyramid, volume

BUCKET = "janelia-cosem-datasets"


def manifest(*keys: str, y: tuple[float, float] = (4.0, 0.0)) -> Manifest:
    """Return a manifest that names the keys, each with the size and way in y."""
    transform = {
        "axes": ["z", "y", "x"],
        "units": ["nm"] * 3,
        "scale": [5.24, y[0], 4.0],
        "translate": [0.0, y[1], 0.0],
    }
    sources: dict[str, Any] = {
        key: {"name": key, "url": f"s3://{BUCKET}/{key}", "transform": transform} for key in keys
    }
    return parse_manifest(json.dumps({"name": "d", "sources": sources}).encode(), "x/manifest.json")


def findings_of(made: Manifest, *paths: str, bucket: str | None = None) -> list[Finding]:
    """Return what is odd where the bucket has volumes at the paths."""
    return list(check_manifest(dataset(*(volume(path, level(path, 0)) for path in paths)), made, bucket))


def test_what_both_have_is_in_order() -> None:
    """A volume, and an array or a group named in its stead."""
    made = manifest(f"{N5}em/a", f"{N5}labels/b/s0")
    assert findings_of(made, "em/a", "labels/b") == []


def test_what_the_bucket_lacks() -> None:
    """One finding a container, and one a folder that is not there."""
    made = manifest(f"{N5}em/a", f"{N5}labels/b", f"{N5}labels/c", "jrc_hela-2/neuroglancer/mesh/b")
    found = findings_of(made, "em/a")
    assert [(finding.code, finding.place, finding.found) for finding in found] == [
        (FindingCode.NAMED_BUT_ABSENT, N5, "none of labels/b, labels/c"),
        (FindingCode.NAMED_BUT_ABSENT, "jrc_hela-2/neuroglancer/", "no mesh/b"),
    ]


def test_what_the_manifest_lacks() -> None:
    """One note for all of a container, ten by name."""
    paths = [f"labels/l{n:02}" for n in range(13)]
    (finding,) = findings_of(manifest(f"{N5}em/a"), "em/a", *paths)
    assert (finding.code, finding.place) == (FindingCode.NOT_IN_MANIFEST, N5)
    assert finding.found.startswith("13 more: labels/l00, labels/l01, ")
    assert finding.found.endswith("labels/l09 and 3 more")


def test_a_manifest_of_another_place_says_nothing() -> None:
    """Of another bucket, or another folder of this one."""
    made = manifest(f"{N5}em/a")
    assert findings_of(made, "em/b", bucket="janelia-cosem-publications") == []
    assert findings_of(manifest("heinrich-2021a/x/em/a"), "em/b") == []
    assert len(findings_of(made, "em/b", bucket=BUCKET)) == 2


def test_a_flip_by_the_whole_height_misses_by_one_voxel() -> None:
    """1600 rows of 4 nm have their last centre at 6396 nm; one note for all that share the fault."""
    made = manifest(f"{N5}labels/a", f"{N5}labels/b", y=(-4.0, 6400.0))
    (finding,) = findings_of(made, "labels/a", "labels/b")
    assert (finding.code, finding.place) == (FindingCode.HALF_OPEN_FLIP, f"{N5}labels/a/")
    assert finding.expected == "translate 6396 nm in y: row j of 1600 is row 1599 - j of the EM"
    assert finding.found == "translate 6400 nm in manifest.json, as in 1 more"


def test_a_flip_to_the_last_centre_is_right() -> None:
    """And so is what is not mirrored."""
    assert findings_of(manifest(f"{N5}labels/a", y=(-4.0, 6396.0)), "labels/a") == []
    assert list(check_manifest(dataset(pyramid("em/a", 2)), manifest(f"{N5}em/a"))) == []
