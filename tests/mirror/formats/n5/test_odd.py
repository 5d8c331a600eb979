"""What attributes say against themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mirror.formats.layout import FindingCode
from mirror.formats.n5.attributes import parse_attributes
from mirror.formats.n5.odd import odd_attributes

PLACE = "s3://b/x.n5/em/attributes.json"


def transform(*scale: float, axes: str = "zyx", unit: str = "nm") -> dict[str, Any]:
    """Return a transform of the scale."""
    return {"axes": list(axes), "scale": list(scale), "translate": [0.0] * len(scale), "units": [unit] * len(scale)}


def codes(**document: Any) -> list[FindingCode]:
    """Return the codes of what is odd."""
    return [finding.code for finding in odd_attributes(parse_attributes(json.dumps(document).encode(), PLACE), PLACE)]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"transform": transform(5.24, 4, 4), "pixelResolution": {"dimensions": [4, 4, 5.24], "unit": "nm"}}, []),
        ({"transform": transform(5.24, -4, 4), "pixelResolution": [4, 4, 5.24]}, []),
        ({"transform": transform(0.00524, 0.004, 0.004, unit="um"), "pixelResolution": [4, 4, 5.24]}, []),
        ({"transform": transform(10.48, 8, 8), "pixelResolution": [4, 4, 5.24], "downsamplingFactors": [2, 2, 2]}, []),
        (
            {"transform": transform(5.24, 4, 4), "pixelResolution": {"dimensions": [5.24, 4, 4], "unit": "nm"}},
            [FindingCode.RESOLUTION_DIFFERS],
        ),
        ({"transform": transform(5.24, 4, 4), "pixelResolution": [4, 4]}, [FindingCode.RESOLUTION_DIFFERS]),
        (
            {
                "pixelResolution": [4, 4, 4],
                "multiscales": [{"datasets": [{"path": "s0", "transform": transform(5.24, 4, 4)}]}],
            },
            [FindingCode.RESOLUTION_DIFFERS],
        ),
        (
            {"transform": transform(4, 5.24, 4, axes="yzx"), "pixelResolution": [4, 4, 4]},
            [FindingCode.AXES_PERMUTED],
        ),
        ({"transform": 7, "pixelResolution": [4, 4, 4]}, [FindingCode.ODD_METADATA]),
        ({"transform": transform(1, 1, 1, unit="parsec"), "pixelResolution": [4, 4, 4]}, []),
    ],
    ids=[
        "the same",
        "mirrored",
        "in other units",
        "of a level",
        "reversed",
        "two axes",
        "of a group",
        "permuted",
        "unreadable",
        "an odd unit",
    ],
)
def test_contradictions(document: dict[str, Any], expected: list[FindingCode]) -> None:
    """Each is one finding, and none is reported twice."""
    assert codes(**document) == expected


def test_the_finding_says_both_sizes() -> None:
    """x, y, z in nanometres."""
    attributes = parse_attributes(
        json.dumps({"transform": transform(5.24, 4, 4), "pixelResolution": [4, 4, 4]}).encode(), PLACE
    )
    (finding,) = odd_attributes(attributes, PLACE)
    assert (finding.place, finding.expected, finding.found) == (
        PLACE,
        "pixelResolution 4 x 4 x 5.24 nm, as transform says",
        "4 x 4 x 4 nm",
    )
