"""What the locks of a share tell those who hold none: who works where, and who has lost his lock."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mirror.errors import LockedError, UnsafeError
from mirror.lock.fence import files_of, token_of
from mirror.lock.holder import Holder
from mirror.store.share import MARKER, Share, unsafe_of


def check_held(share: Share, token: str) -> None:
    """Check that a run still holds its locks: one that was taken over has lost all of them.

    To be called after its room is made, and before anything is written in it: from then on it is the room that tells.

    Raises
    ------
    LockedError
        It holds none.
    UnsafeError
        The share cannot be read, or is not there any more.
    """
    try:
        if any(True for _ in files_of(share, token)):
            return
        is_there = (share.own / MARKER).exists()
    except OSError as error:
        raise unsafe_of(error, "cannot read the locks", share.own) from error
    if not is_there:
        raise UnsafeError("the share went away", str(share.root), hint="Is it mounted?")
    raise LockedError(
        "this run lost its lock, because it stood still for too long",
        str(share.own / "locks"),
        found="no lock of this run",
        hint="Nothing was written after that. Run the same command again; it goes on where this one stopped.",
    )


def read_holder(path: Path) -> Holder | None:
    """Return who the lock says holds it; None if it is not there or cannot be read."""
    try:
        return next((Holder.of_file(file.name, file.read_bytes()) for file in path.iterdir()), None)
    except OSError:
        return None


def is_held(share: Share, bucket: str, dataset: str) -> bool:
    """Return whether somebody holds the lock of a dataset who is not known to be dead."""
    path = share.own / "locks" / bucket / f"{dataset}.lock"
    try:
        return any(not _holder_in(file).is_known_dead for file in path.iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True  # Who cannot look cannot say that nobody is there.


def live_tokens(share: Share) -> dict[str, Holder]:
    """Return the holders of all locks on the share whose process is not known to be dead, by token.

    One whose file cannot be read or understood counts as one that lives.

    Raises
    ------
    UnsafeError
        The locks cannot be read.
    """
    try:
        found = {token_of(path.name) or path.name: _holder_in(path) for path in files_of(share, "*")}
    except OSError as error:
        raise UnsafeError("cannot read the locks", str(share.own), found=str(error)) from error
    return {token: holder for token, holder in found.items() if not holder.is_known_dead}


def live_tokens_now(share: Share) -> dict[str, Holder]:
    """Return the same, of the server's own word where a listing may be kept here for a minute (NFS).

    Who is to be taken for dead because his lock is not seen must be asked for so. Raises as `live_tokens`.
    """
    locks = share.own / "locks"
    for folder in (locks, *locks.glob("*")):
        with suppress(OSError):  # Of another user, say: then it is as good as it is.
            os.utime(folder)  # A change of our own tells our side that there were others'.
    return live_tokens(share)


def sweep_locks(share: Share) -> None:
    """Let go of the locks, and drafts of such, of processes known to be dead: nobody else may want the same."""
    with suppress(OSError):  # Left for the next one.
        for path in (*files_of(share, "*"), *(share.own / "locks").glob("*/*.new/*")):
            if token_of(path.name) == path.name and _holder_in(path).is_known_dead:
                path.unlink(missing_ok=True)
                with suppress(OSError):  # Somebody has it by now.
                    path.parent.rmdir()


def _holder_in(path: Path) -> Holder:
    try:
        return Holder.of_file(path.name, path.read_bytes())
    except OSError:
        return Holder.of_file(path.name, b"")
