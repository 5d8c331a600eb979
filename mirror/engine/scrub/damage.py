"""How deep a look goes, and what it may find."""

from __future__ import annotations

import re
from enum import IntEnum, StrEnum


class Depth(IntEnum):
    """How much of a file is looked at. Stored as a small integer in the catalog; a greater one sees all of a lesser."""

    QUICK = 1
    """That it is there, and as long."""
    HEADERS = 2
    """Also the headers of blocks."""
    FULL = 3
    """Every byte."""

    @property
    def word(self) -> str:
        """The name in JSON and in tables: quick, headers, full."""
        return self.name.lower()


class Damage(StrEnum):
    """What can be wrong with a file of the share."""

    LOST = "lost"
    """It is not there."""
    SIZE = "size"
    CONTENT = "content"
    """Its bytes are others than those that were written, or the disk does not give them."""
    HEADER = "header"
    """It begins as no block of its place can."""
    DECODE = "decode"
    """Its voxels cannot be restored."""
    NOT_A_FILE = "not_a_file"
    """A folder, or something else, has its name."""
    UNREADABLE = "unreadable"
    """We may not read it, so that nothing is known of it."""
    STRAY = "stray"
    """Nobody knows it: no listing, no run."""


_UNFINISHED = re.compile(r"\.[0-9a-f]{8}\.oo")
_OF_DESKTOPS = frozenset({"Thumbs.db", "desktop.ini", ".DS_Store"})
"""Windows and macOS leave them in any folder that somebody opens; they say nothing of the mirror."""


def may_be_stray(name: str) -> bool:
    """Return whether a file of that name, which nobody knows, is worth a word: not what desktops and we leave behind.

    >>> [may_be_stray(name) for name in ("notes.txt", "Thumbs.db", ".0123abcd.oo")]
    [True, False, False]
    """
    return name not in _OF_DESKTOPS and _UNFINISHED.fullmatch(name) is None
