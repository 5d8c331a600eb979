"""Pictures beside a report."""

from __future__ import annotations

import base64

import pytest

from mirror.report.html.pictures import EvidencePicture, pictures_of
from tests.mirror.report.differences import png


def test_a_picture_carries_itself() -> None:
    """Its address is its bytes; its size is that of the PNG."""
    one = EvidencePicture("d", "w", "c", png(7, 5))
    assert base64.b64decode(one.address.removeprefix("data:image/png;base64,")) == one.png
    assert (one.width, one.height) == (7, 5)


@pytest.mark.parametrize("data", [b"", b"GIF89a", png(1, 1)[:20]])
def test_what_is_no_png_is_refused(data: bytes) -> None:
    """It says of which place it is."""
    with pytest.raises(ValueError, match="picture of w in d is no PNG"):
        EvidencePicture("d", "w", "c", data)


def test_pictures_of_one_place_stand_together() -> None:
    """In the order in which they came; those of other datasets are left out."""
    some = [
        EvidencePicture(dataset, where, caption, png(1, 1))
        for dataset, where, caption in (("d", "s1", "a"), ("d", "s0", "b"), ("e", "s1", "c"), ("d", "s1", "d"))
    ]
    found = [(where, [one.caption for one in group]) for where, group in pictures_of("d", some)]
    assert found == [("s1", ["a", "d"]), ("s0", ["b"])]
