"""What the doctor looks at, in short, before a sync writes on the share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mirror.engine.events import EventSink, Note
from mirror.errors import UnsafeError
from mirror.keys import ShareRules
from mirror.lock import STALE_SECONDS
from mirror.report.doctor import Diagnosis, note
from mirror.store.mounts import Mount, is_network, mount_here
from mirror.store.probe import is_case_blind
from mirror.store.staging import Staging

_CACHE_OPTIONS = ("actimeo", "acregmax", "acdirmax")
"""How long, in seconds, NFS and SMB believe what they were told of a file or a folder."""


def look_in_short(staging: Staging, marked: ShareRules, sink: EventSink) -> None:
    """Look whether the share still tells names by case as it did when it was marked, and how it is mounted.

    Marker, catalog, room and lock are looked at elsewhere; the rest of the doctor's looks ends no run that could go on.

    Parameters
    ----------
    staging
        Is opened and closed.
    sink
        Takes what is worth knowing.

    Raises
    ------
    UnsafeError
        As of `check_case`; or the share cannot be written.
    LockedError
        The run has lost its lock.
    """
    share = staging.share
    with staging:
        is_blind = is_case_blind(share, staging.folder)
    check_case(share.root, marked, is_blind=is_blind)
    for words in mount_words(mount_here(share.root)):
        sink(Note(words))


def check_case(root: Path, marked: ShareRules, *, is_blind: bool) -> None:
    """Check that a share tells names by case as it did when it was marked: by that, keys were refused or were not.

    Raises
    ------
    UnsafeError
        Names that differ by case alone are one file now, or are no more.
    """
    if is_blind == marked.is_case_blind:
        return
    words = {True: "names that differ by case are one file", False: "names that differ by case are two files"}
    raise UnsafeError(
        "the share does not take names as when it was marked",
        str(root),
        expected=words[marked.is_case_blind],
        found=words[is_blind],
        hint="Mount it as it was; if the change is meant, `oomirror init --new-share` marks it anew.",
    )


def mount_words(mount: Mount | None) -> Iterator[str]:
    """Yield what a run says of a mount, as sentences."""
    return (f"The share is {one.found}. {one.advice}" for one in cached(mount))


def cached(mount: Mount | None) -> Iterator[Diagnosis]:
    """Yield what is to be said of a network mount that believes too long what it was told once."""
    if mount is None or not is_network(mount.kind):
        return
    options = dict(one.partition("=")[::2] for one in mount.options)
    slow = [f"{name}={options[name]}" for name in _CACHE_OPTIONS if _seconds(options.get(name, "")) > STALE_SECONDS]
    if slow:
        found = f"mounted with {', '.join(slow)}: what another machine writes is seen as late"
        advice = f"Mount it with actimeo={STALE_SECONDS:.0f} or less: whose lock seems to stand is taken for dead."
        yield note("mount", found, advice)
    if "nocto" in options:
        found = "mounted with nocto: a file that another machine has written is not looked at anew when it is opened"
        yield note("mount", found, "Mount it without nocto.")


def _seconds(value: str) -> int:
    return int(value) if value.isdecimal() else 0
