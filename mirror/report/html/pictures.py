"""What a reader can see of two buckets' voxels: the same slice of both, their difference, histograms."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = 24
"""Bytes up to the end of a PNG's width and height."""


@dataclass(frozen=True, slots=True)
class EvidencePicture:
    """One picture beside a report.

    Raises
    ------
    ValueError
        `png` is no PNG.
    """

    dataset: str
    where: str
    """What it shows a place of; pictures of one place stand side by side, in their order."""
    caption: str
    """What there is to see; stands below it, and in its place for who cannot see it."""
    png: bytes

    def __post_init__(self) -> None:
        """Refuse what a page cannot show."""
        if not self.png.startswith(_SIGNATURE) or len(self.png) < _HEAD:
            raise ValueError(f"the picture of {self.where} in {self.dataset} is no PNG")

    @property
    def width(self) -> int:
        """In pixels."""
        return self._size[0]

    @property
    def height(self) -> int:
        """In pixels."""
        return self._size[1]

    @property
    def _size(self) -> tuple[int, int]:
        width, height = struct.unpack(">II", self.png[_HEAD - 8 : _HEAD])
        return width, height

    @property
    def address(self) -> str:
        """The picture itself as an address, so that the page needs no other file."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


@dataclass(frozen=True, slots=True)
class EvidenceHistogram:
    """How often each value occurs in one place, drawn by the page itself."""

    dataset: str
    where: str
    """As of a picture: both of one place stand side by side."""
    caption: str
    counts: tuple[int, ...]
    """In equal steps from `low` to `high`."""
    low: float
    high: float


Evidence: TypeAlias = EvidencePicture | EvidenceHistogram


def evidence_of(dataset: str, evidence: Iterable[Evidence]) -> list[tuple[str, list[Evidence]]]:
    """Return what there is to see of a dataset, all of one place together, in their order."""
    own = [one for one in evidence if one.dataset == dataset]
    places = list(dict.fromkeys(one.where for one in own))
    own.sort(key=lambda one: places.index(one.where))
    return [(where, list(some)) for where, some in groupby(own, key=lambda one: one.where)]
