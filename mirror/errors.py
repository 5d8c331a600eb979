"""What can go wrong, as values: what could not be done, to which thing, expected against found, what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, ClassVar


class ExitCode(IntEnum):
    """Exit codes of the command line; documented in `--help` and README.md."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    DIFFERENCES = 3
    INCOMPLETE = 4
    UNSAFE = 5
    LOCKED = 6
    INTERRUPTED = 130
    TERMINATED = 143


class MirrorError(Exception):
    """Root of the errors of `mirror`: carries its parts as fields, so that no report parses words.

    Parameters
    ----------
    what
        What could not be done, without a full stop: "cannot list the dataset".
    thing
        To which thing: a full `s3://` URL, a path, a crop number.
    expected, found
        Both printed where they are given.
    hint
        What the user can do next, as a sentence.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

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

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the constructor: that of a subclass has arguments of its own, and errors come from other processes.
        return _remade, (type(self), self.args), self.__dict__


def _remade(kind: type[MirrorError], arguments: tuple[Any, ...]) -> MirrorError:
    error = kind.__new__(kind, *arguments)
    error.args = arguments  # Those that are OSErrors, too, leave this to their constructor.
    return error


class UsageError(MirrorError, ValueError):
    """The command line or the configuration asks for something that cannot be."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """A configuration file, a variable of the environment or a flag holds what cannot be used."""


class UnknownNameError(UsageError, LookupError):
    """A dataset, bucket, volume or scale that does not exist; the hint names the near ones that do."""


def near_names(name: str, names: Iterable[str], n: int = 3) -> tuple[str, ...]:
    """Return up to `n` of `names` that `name` may have meant, the nearest first; also by their last component.

    >>> near_names("Mito_seg", ["labels/mito_seg", "labels/er_seg", "em/fibsem-uint16"])
    ('labels/mito_seg', 'labels/er_seg')
    """
    from difflib import get_close_matches  # imports half of `re` and `heapq`, for a message that is rare

    spellings: dict[str, str] = {}
    for candidate in sorted(names, reverse=True):
        spellings[candidate.lower()] = candidate
        spellings.setdefault(candidate.rsplit("/", 1)[-1].lower(), candidate)
    close = get_close_matches(name.lower(), spellings, n=2 * n, cutoff=0.5)
    return tuple(dict.fromkeys(spellings[spelling] for spelling in close))[:n]


def known_hint(name: str, known: Iterable[str]) -> str:
    """Return the hint of an unknown name: the nearest of the known ones, or all of them, numbers in their order.

    A number is not near to another one that has some of its digits.

    >>> known_hint("shaer", ["share", "catalog"])
    'Did you mean share?'
    >>> known_hint("77", ["113", "7", "13"])
    'Known are 7, 13, 113.'
    """
    names = sorted(known, key=_with_numbers_in_order)
    near = () if name.isdecimal() else near_names(name, names, 1)
    return f"Did you mean {near[0]}?" if near else f"Known are {', '.join(names)}."


def _with_numbers_in_order(name: str) -> tuple[tuple[str, int], ...]:
    return tuple((words, int(digits or -1)) for words, digits in re.findall(r"([^0-9]*)([0-9]*)", name))


class MalformedDocumentError(MirrorError, ValueError):
    """A document that others wrote cannot be understood; `thing` is its place."""


class DamagedBlockError(MirrorError, ValueError):
    """A block whose bytes are no block: `part` says whether `header` or `payload` is at fault."""

    def __init__(self, what: str, thing: str = "", *, part: str, expected: str = "", found: str = "") -> None:
        super().__init__(what, thing, expected=expected, found=found)
        self.part = part


class StoreError(MirrorError):
    """A bucket could not be read."""


class UnreachableError(StoreError, ConnectionError):
    """The endpoint does not answer."""


class AccessDeniedError(StoreError, PermissionError):
    """The bucket answers, and refuses."""


class ExpiredCredentialsError(AccessDeniedError):
    """The credentials were good, and are too old now."""


class WrongRegionError(StoreError):
    """The bucket lies in another region than was asked.

    `region` is where, if the answer told it, else empty.
    """

    def __init__(self, what: str, thing: str = "", *, region: str = "", found: str = "") -> None:
        hint = f'Set region = "{region}".' if region else "Set region, or endpoint_url, to where it lies."
        super().__init__(what, thing, found=region or found, hint=hint)
        self.region = region


class ObjectNotFoundError(StoreError, FileNotFoundError):
    """The bucket or the object is not there."""


class ObjectChangedError(StoreError):
    """The object is no longer the one that was listed (If-Match failed)."""


class TooLargeError(StoreError):
    """The object is larger by now than what is read in one piece."""


class SlowDownError(StoreError):
    """The server asks for fewer requests (503 SlowDown, 429).

    `retry_after_seconds` is the server's own wish where it sent one, else None.
    """

    def __init__(
        self, what: str, thing: str = "", *, found: str = "", retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(what, thing, found=found)
        self.retry_after_seconds = retry_after_seconds


class BrokenTransferError(StoreError):
    """A body that broke off, stalled, has the wrong length or does not match its checksum: worth another try."""


class UnsafeError(MirrorError):
    """Refused or stopped for safety: no room, share gone, read-only, unmarked or foreign."""

    exit_code = ExitCode.UNSAFE


class LockedError(MirrorError):
    """Another run holds the lock."""

    exit_code = ExitCode.LOCKED
