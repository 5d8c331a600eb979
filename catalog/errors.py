"""What can go wrong with the catalog, as values: what could not be done, to which thing, what to do next."""

from __future__ import annotations

from typing import ClassVar


class CatalogError(Exception):
    """Root of the errors of `catalog`: carries its parts as fields, so that no report parses words.

    Parameters
    ----------
    what
        What could not be done, without a full stop: "cannot open the catalog".
    thing
        To which thing: the catalog's URL without its password, or its file.
    expected, found
        Both printed where they are given.
    hint
        What the user can do next, as a sentence.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, thing: str = "", *, expected: str = "", found: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.thing = thing
        self.expected = expected
        self.found = found
        self.hint = hint

    def __str__(self) -> str:
        sentence = f"{self.what}: {self.thing}" if self.thing else self.what
        if self.expected:
            sentence += f"; expected {self.expected}"
        if self.found:
            sentence += f"{',' if self.expected else ';'} found {self.found}"
        return f"{sentence}. {self.hint}".rstrip() if self.hint else sentence


class CatalogUrlError(CatalogError, ValueError):
    """The catalog's URL is not one that can be opened."""

    exit_code = 2


class CatalogMissingError(CatalogError, FileNotFoundError):
    """There is no catalog at that place."""


class CatalogLockedError(CatalogError):
    """Another process kept the catalog locked for longer than the busy time-out."""


class NoRoomError(CatalogError):
    """The disk has no room for what was to be done; nothing was."""

    exit_code = 5


class CatalogDamagedError(CatalogError):
    """The file is not a database, or its pages do not fit together."""


class CatalogNewerError(CatalogError):
    """The catalog was written by a newer oomirror."""


class OtherShareError(CatalogError):
    """The catalog holds the state of another share."""

    exit_code = 5


class QueryError(CatalogError, ValueError):
    """A query of the user's own that is none, or that would do more than read."""

    exit_code = 2


class ImportFailedError(CatalogError):
    """Foreign documents cannot be read or not be read any further: no server, no access, no document at all."""


class NothingToImportError(ImportFailedError):
    """There is no document at that place: an empty file, an empty collection, no such collection."""


class ImportUsageError(CatalogError, ValueError):
    """What is to be imported is nothing that can be: no such file, of no known kind, an address that is none."""

    exit_code = 2
