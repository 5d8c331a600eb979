"""What `--crops` and `--padding` spell."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mirror.errors import UsageError

ALL_WORD = "all"
_NUMBER = re.compile(r"[0-9A-Za-z_.]+")


@dataclass(frozen=True, slots=True)
class CropSpec:
    """Which crops are meant, and how much of raw around each; `str` spells it in the one canonical way.

    >>> str(CropSpec(("113", "1", "1"))), CropSpec(None, padding=8).is_all
    ('1,113', True)
    """

    numbers: tuple[str, ...] | None
    """As the documents spell them, which is text; None: all that the dataset has."""
    padding: int = 0
    """Voxels of the finest raw on each side of each box."""

    def __post_init__(self) -> None:
        """Refuse a padding that would cut from the box; put the numbers in order, each once."""
        if self.padding < 0:
            raise UsageError("not a padding", str(self.padding), expected="a number of voxels, 0 or more")
        if self.numbers is not None:
            object.__setattr__(self, "numbers", tuple(sorted(set(self.numbers), key=in_order)))

    @property
    def is_all(self) -> bool:
        """Whether no crop is named."""
        return self.numbers is None

    def __str__(self) -> str:
        return ALL_WORD if self.numbers is None else ",".join(self.numbers)


def in_order(number: str) -> tuple[int, str]:
    """Return what sorts 9 before 10, though both are text."""
    return len(number), number


def parse_crops(spec: str, *, padding: int = 0) -> CropSpec:
    """Return the crops that `spec` spells: `1`, `1,113` or `all`.

    Raises
    ------
    UsageError
        It names none, or `all` beside others; a padding below 0.

    >>> parse_crops("113, 1").numbers
    ('1', '113')
    """
    words = [word.strip() for word in spec.split(",")]
    if words == [ALL_WORD]:
        return CropSpec(None, padding)
    wrong = next((word for word in words if word == ALL_WORD or _NUMBER.fullmatch(word) is None), None)
    if wrong is not None:
        raise UsageError("not a choice of crops", repr(spec), expected="1,113 or all", found=repr(wrong))
    return CropSpec(tuple(words), padding)
