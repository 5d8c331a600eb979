"""Pictures beside a report."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import pytest

from mirror.report.html.pictures import EvidencePicture, evidence_of
from mirror.report.png import encode_png


def test_a_picture_carries_itself() -> None:
    """Its address is its bytes; its size is that of the PNG."""
    one = EvidencePicture("d", "w", "c", encode_png(np.zeros((5, 7))))
    assert base64.b64decode(one.address.removeprefix("data:image/png;base64,")) == one.png
    assert (one.width, one.height) == (7, 5)


@pytest.mark.parametrize("data", [b"", b"GIF89a", encode_png(np.zeros((1, 1)))[:20]])
def test_what_is_no_png_is_refused(data: bytes) -> None:
    """It says of which place it is."""
    with pytest.raises(ValueError, match="picture of w in d is no PNG"):
        EvidencePicture("d", "w", "c", data)


def test_a_grey_picture_holds_its_pixels() -> None:
    """Row by row from the top, each behind the number of its filter, with the sums that PNG asks for."""
    data = encode_png(np.arange(6).reshape(2, 3))
    at, chunks = 8, {}
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        named, check = data[at + 4 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        assert struct.unpack(">I", check) == (zlib.crc32(named),)
        chunks[named[:4]] = named[4:]
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert zlib.decompress(chunks[b"IDAT"]) == b"\0\0\1\2\0\3\4\5"
    assert EvidencePicture("d", "w", "c", data).height == 2


def test_pictures_of_one_place_stand_together() -> None:
    """In the order in which they came; those of other datasets are left out."""
    some = [
        EvidencePicture(dataset, where, caption, encode_png(np.zeros((1, 1))))
        for dataset, where, caption in (("d", "s1", "a"), ("d", "s0", "b"), ("e", "s1", "c"), ("d", "s1", "d"))
    ]
    found = [(where, [one.caption for one in group]) for where, group in evidence_of("d", some)]
    assert found == [("s1", ["a", "d"]), ("s0", ["b"])]
