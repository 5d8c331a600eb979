"""Shutting a run out whose lock is stale: it may wake up at any moment, and must not write then.

The order keeps two runs from ever writing at a time. First its files in the locks get another name, so that it holds
none, and opens no room any more; the locks stay taken. Then its room goes, so that no file gets a name out of it. Then
the files go, and the locks are free. Whoever is killed in between leaves what the next one does again.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from mirror.store.share import Share
from mirror.store.staging import remove_room

_ASIDE = ".stale"
_NAME = re.compile(rf"([0-9a-f]{{16}})(?:{re.escape(_ASIDE)})?")
IN_USE = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY}
"""What servers say of a file that somebody reads at this moment: another one who asks for the lock, for one."""
_BUSY_SECONDS = (0.05, 0.1, 0.2, 0.4)


def token_of(name: str) -> str | None:
    """Return the token of the run that a file in a lock is of, also of one set aside; None of another's file."""
    match = _NAME.fullmatch(name)
    return match and match[1]


def files_of(share: Share, name: str) -> Iterator[Path]:
    """Yield the files of that name, or pattern, in all locks of a share."""
    return (share.own / "locks").glob(f"*/*.lock/{name}")


def set_aside(share: Share, name: str, sleep: Callable[[float], object]) -> str | None:
    """Take from a stale run all that it could still write with, its locks still being taken; return its token.

    None where the name is not that of a run's file: there is nothing to take away. Doing it again is nothing.

    Raises
    ------
    OSError
        The run could still write.
    """
    token = token_of(name)
    if token is not None:
        for file in files_of(share, token):
            try:
                patiently(partial(file.rename, f"{file}{_ASIDE}"), sleep)
            except OSError:
                if os.path.lexists(file):  # Else another one did the same; or we did, and the answer was lost.
                    raise
        remove_room(share, token)
    return token


def free(share: Share, token: str, sleep: Callable[[float], object]) -> None:
    """Let go of all locks of a run that was set aside. Raises OSError where nobody can."""
    for file in files_of(share, f"{token}{_ASIDE}"):
        patiently(partial(file.unlink, missing_ok=True), sleep)
        with suppress(OSError):
            file.parent.rmdir()


def patiently(act: Callable[[], object], sleep: Callable[[float], object]) -> None:
    """Do something to a file; wait a moment for who has it open."""
    for seconds in _BUSY_SECONDS:
        try:
            act()
        except OSError as error:
            if error.errno not in IN_USE:
                raise
            sleep(seconds)
        else:
            return
    act()
