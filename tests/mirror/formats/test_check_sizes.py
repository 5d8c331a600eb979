"""Published sizes against those of the EM."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.check_sizes import check_published_size, check_voxel_sizes
from mirror.formats.layout import Fact, FindingCode
from tests.mirror.formats.worlds import dataset, level, pyramid, volume

VOXELS = 12000 * 1600 * 6368 * 2
GT = "volumes/groundtruth/0003/crop1/labels/all"


def test_a_nominal_size_is_told_once_a_kind() -> None:
    """Ground truth at 2 nm on every axis, where two of its voxels are one of the EM, of 5.24 nm in z."""
    crops = [
        volume(path, level(path, None, (1000, 1000, 200), (2.0, 2.0, 2.0)))
        for path in (GT, GT.replace("crop1", "crop3"))
    ]
    mask = volume("volumes/masks/foreground", level("volumes/masks/foreground", None, size=(4.0, 4.0, 5.24)))
    (finding,) = check_voxel_sizes(dataset(pyramid("volumes/raw", 3), *crops, mask))
    assert finding.code is FindingCode.NOMINAL_RESOLUTION
    assert finding.place.endswith(f"{GT}/")
    assert finding.expected == "2 x 2 x 2.62 nm, in proportion to the EM"
    assert finding.found == "2 x 2 x 2 nm in 2 arrays of kind ground-truth"


def test_cubes_are_right_where_the_em_has_cubes() -> None:
    """And for light microscopy and resampled EM, which have sizes of their own."""
    lm = volume("lm/er_palm", level("lm/er_palm", 0, size=(26.0, 26.0, 26.0)))
    resampled = volume("volumes/subsampled/raw/8", level("volumes/subsampled/raw/8", None, size=(8.0, 8.0, 8.0)))
    assert list(check_voxel_sizes(dataset(pyramid("em/a", 2), lm, resampled))) == []
    cubes = pyramid("em/a", 2, size=(4.0, 4.0, 4.0))
    crop = volume(GT, level(GT, None, size=(2.0, 2.0, 2.0)))
    assert list(check_voxel_sizes(dataset(cubes, crop))) == []
    assert list(check_voxel_sizes(dataset(crop))) == []


@pytest.mark.parametrize(
    ("published", "found"),
    [
        (VOXELS, None),
        (246e9, None),
        (238e9, "238 GB, 2.7% less"),
        (476e9, "476 GB, 1.95 times as much, about twice"),
        (119e9, "119 GB, 0.487 times as much, about half"),
        (1e12, "1000 GB, 4.09 times as much"),
    ],
    ids=["equal", "within 1 %", "2.7 % under", "doubled", "halved", "something else"],
)
def test_published_bytes(published: float, found: str | None) -> None:
    """Against the voxels of the finest level, 244.5 GB."""
    fact = Fact("published_size_bytes", published, "README.json: Size (GB)")
    findings = list(check_published_size(dataset(pyramid("em/fibsem-uint16", 3), facts=(fact,))))
    assert [finding.found for finding in findings] == ([] if found is None else [found])
    assert all(finding.expected == "244.5 GB of voxels, within 1 %" for finding in findings)
    assert all(finding.place == "jrc_hela-2/README.json" for finding in findings)


def test_of_several_em_the_nearest_counts() -> None:
    """A dataset that has 8 and 16 bits may have published either."""
    eight = volume("em/fibsem-uint8", level("em/fibsem-uint8", 0, data_type="uint8"))
    fact = Fact("published_size_bytes", VOXELS // 2, "README.json: Size (GB)")
    assert list(check_published_size(dataset(pyramid("em/fibsem-uint16", 1), eight, facts=(fact,)))) == []


_VALUES = st.floats() | st.integers(-5, 10**30) | st.text(max_size=3) | st.just((1.0,))


@given(_VALUES, st.lists(st.floats(), max_size=4).map(tuple), st.integers(-5, 2**70))
def test_no_values_fail(value: object, size: tuple[float, ...], n: int) -> None:
    """Whatever documents say."""
    fact = Fact("published_size_bytes", value, "README.json: x")  # type: ignore[arg-type]
    em = volume("em/a", level("em/a", 0, (n, n, n), size, size))
    crop = volume(GT, level(GT, None, (n,), (1.0, 1.0, 1.0), None))
    made = dataset(em, crop, pyramid("em/b", 1), facts=(fact,))
    list(check_published_size(made))
    list(check_voxel_sizes(made))
