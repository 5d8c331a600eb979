"""What names a share takes: found by trying, once, when it is marked."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from mirror.errors import UnsafeError
from mirror.keys import ShareRules
from mirror.store.share import Share, unsafe_of

_SUSPECT_CHARACTERS = '<>:"|?*\\'


def probe_rules(share: Share) -> ShareRules:
    """Return what names the share takes, by making and removing files in a folder of ours on it.

    Raises
    ------
    UnsafeError
        The share cannot be written.
    """
    folder = share.own / "tmp" / f"probe-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True)  # The share itself too, where it is new; its parent was seen to be there.
    except OSError as error:
        raise unsafe_of(error, "cannot write on the share", share.root) from error
    try:
        return _rules(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rules(folder: Path) -> ShareRules:
    if not _takes(folder, "plain"):
        raise UnsafeError("cannot write on the share", str(folder), hint="Is it full or read-only?")
    limits = os.statvfs(folder)
    return ShareRules(
        max_name_bytes=_longest_name(folder, limits.f_namemax or 255),
        forbidden_characters=frozenset(c for c in _SUSPECT_CHARACTERS if not _takes(folder, f"a{c}b")),
        refuses_device_names=not _takes(folder, "aux"),
        refuses_trailing_dot=not _takes(folder, "dot."),
        is_case_blind=_is_case_blind(folder),
    )


def _takes(folder: Path, name: str) -> bool:
    """Return whether the share keeps a file under just this name (some servers take it and keep another)."""
    try:
        (folder / name).write_bytes(b"x")
        return name in os.listdir(folder)
    except (OSError, ValueError):
        return False


def _longest_name(folder: Path, limit: int) -> int:
    """Return the longest name in bytes: eCryptfs says 143 only when it is tried."""
    for n_bytes in sorted({limit, 255, 143}, reverse=True):
        if n_bytes <= limit and _takes(folder, "n" * n_bytes):
            return n_bytes
    return 64


def _is_case_blind(folder: Path) -> bool:
    (folder / "case").write_bytes(b"lower")
    (folder / "CASE").write_bytes(b"upper")
    return (folder / "case").read_bytes() == b"upper"
