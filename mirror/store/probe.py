"""What names a share takes: found by trying, once, when it is marked."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mirror.errors import UnsafeError
from mirror.keys import ShareRules
from mirror.store.share import GONE, Share, unsafe_of

_RETURN_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
_SUSPECT_CHARACTERS = '<>:"|?*\\'


def probe_rules(share: Share, *, sleep: Callable[[float], object] = time.sleep) -> ShareRules:
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
        return _rules(_Probe(folder, sleep))
    except OSError as error:
        raise unsafe_of(error, "cannot find out what names the share takes", share.root) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Probe:
    """A folder of ours, to try names in."""

    folder: Path
    sleep: Callable[[float], object]

    def takes(self, name: str) -> bool:
        """Return whether the share keeps a file under just this name (some servers take it and keep another)."""
        try:
            (self.folder / name).write_bytes(b"x")
            return name in os.listdir(self.folder)
        except ValueError:
            return False
        except OSError as error:
            if error.errno in GONE:
                self._wait_until_it_answers()
            return False

    def _wait_until_it_answers(self) -> None:
        """Wait for a share that went away over a name that it did not like. Raises OSError if it stays away.

        Some break off the connection then (smbnetfs); the names that come after that are not at fault.
        """
        for seconds in _RETURN_SECONDS:
            try:
                (self.folder / "again").write_bytes(b"x")
            except OSError:
                self.sleep(seconds)
            else:
                return
        (self.folder / "again").write_bytes(b"x")


def _rules(probe: _Probe) -> ShareRules:
    folder = probe.folder
    if not probe.takes("plain"):
        raise UnsafeError("cannot write on the share", str(folder), hint="Is it full or read-only?")
    limits = os.statvfs(folder)
    return ShareRules(
        max_name_bytes=_longest_name(probe, limits.f_namemax or 255),
        forbidden_characters=frozenset(c for c in _SUSPECT_CHARACTERS if not probe.takes(f"a{c}b")),
        refuses_device_names=not probe.takes("aux"),
        refuses_trailing_dot=not probe.takes("dot."),
        is_case_blind=_is_case_blind(folder),
    )


def _longest_name(probe: _Probe, limit: int) -> int:
    """Return the longest name in bytes: eCryptfs says 143 only when it is tried."""
    for n_bytes in sorted({limit, 255, 143}, reverse=True):
        if n_bytes <= limit and probe.takes("n" * n_bytes):
            return n_bytes
    return 64


def _is_case_blind(folder: Path) -> bool:
    (folder / "case").write_bytes(b"lower")
    (folder / "CASE").write_bytes(b"upper")
    return (folder / "case").read_bytes() == b"upper"
