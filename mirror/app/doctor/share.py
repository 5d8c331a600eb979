"""The share: there, ours, writable, with room, and a file system that does what a mirror needs."""

from __future__ import annotations

from collections.abc import Iterator

from mirror.app.short_look import cached
from mirror.app.workplace import checked_marker
from mirror.config import Settings
from mirror.keys import ShareRules
from mirror.lock import live_tokens
from mirror.plan import SPARE_BYTES
from mirror.report.doctor import Diagnosis, note, ok, problem
from mirror.report.numbers import format_bytes, format_count, plural
from mirror.store.mounts import is_network, mount_here
from mirror.store.probe import Behaviour, probe_behaviour
from mirror.store.share import Share
from mirror.store.trash import trashed_runs

_SKEW_SECONDS = 60.0
_FEW_INODES = 100_000

KNOWN_OF = {
    "cifs": "it takes no name with : or a dot at its end, and may be blind to case; mount it with `serverino,hard`",
    "nfs": "mount it with `hard`, so that a server that is away for a while is waited for",
    "fuse": "what a rename and an fsync are worth is up to its server",
}
"""By how the kernel's name of a file system begins."""


def look_at_share(settings: Settings) -> Iterator[Diagnosis]:
    """Yield what is to be said of the share. Raises UnsafeError where it is not there, not ours or not writable.

    Files are made and removed in a folder of ours on it.
    """
    share = Share(settings.share_root())
    marker = checked_marker(share)
    yield ok("share", f"{share.root}: marked {marker.uuid}")
    mount = mount_here(share.root)
    yield _file_system(mount.kind if mount is not None else "")
    yield from cached(mount)
    yield from _room(share)
    behaviour = probe_behaviour(share)
    yield ok("writable", "files can be made, renamed and removed")
    yield from behaves(behaviour, marker.rules)
    yield from _left_overs(share)


def _file_system(kind: str) -> Diagnosis:
    if not is_network(kind):
        return ok("file system", kind or "not told by this system")
    words = next((words for start, words in KNOWN_OF.items() if kind.startswith(start)), "a network file system")
    return note("file system", f"{kind}: {words}")


def _room(share: Share) -> Iterator[Diagnosis]:
    n_bytes, inodes = share.free()
    if n_bytes is None:
        yield ok("room", "not counted by the share")
    else:
        said = f"{format_bytes(n_bytes)} free"
        yield ok("room", said) if n_bytes > SPARE_BYTES else problem("room", said, "Make room on the share.")
    if inodes is None:
        yield ok("inodes", "not counted by the share")
    elif inodes < _FEW_INODES:
        yield problem("inodes", f"{format_count(inodes)} free", "A level is many small files: make room for them.")
    else:
        yield ok("inodes", f"{format_count(inodes)} free")


def behaves(found: Behaviour, marked: ShareRules) -> Iterator[Diagnosis]:
    """Yield what is to be said of a file system.

    Parameters
    ----------
    marked
        What names the share took when it was marked.
    """
    if not found.replaces_by_rename:
        yield problem("rename", "a file cannot be replaced by a rename", "No mirror is safe there: use another share.")
    if found.fsync_fault:
        advice = 'What was committed may be lost at a power cut; `transfer.fsync = "off"` says that this is known.'
        yield problem("fsync", f"refused: {found.fsync_fault}", advice)
    else:
        yield ok("fsync", "files and folders can be forced to the disk")
    yield _names(found.rules, marked)
    if not found.takes_long_paths:
        yield problem("paths", "paths of 1,024 bytes are refused", "Mount the share nearer to the root.")
    if found.time_step_seconds is None:
        yield note("times", "a file's time cannot be set", "Nothing depends on it: files have the time of their fetch.")
    else:
        step = f"in steps of {found.time_step_seconds:g} s" if found.time_step_seconds else "finer than a second"
        yield ok("times", f"can be set, {step}")
    if not found.excludes_by_flock:
        yield note("flock", "does not keep a second process out", "Nothing depends on it: our locks are files.")
    yield from _clock(found.clock_ahead_seconds)


def _names(found: ShareRules, marked: ShareRules) -> Diagnosis:
    limits = [f"up to {found.max_name_bytes} bytes", "case does not matter" if found.is_case_blind else "case matters"]
    if found.forbidden_characters:
        limits.append(f"none with {' '.join(sorted(found.forbidden_characters))}")
    if found.refuses_device_names:
        limits.append("none as CON or aux")
    if found.refuses_trailing_dot:
        limits.append("none with a dot at its end")
    said = ", ".join(limits)
    if found != marked:
        advice = "It is not mounted as it was; if the change is meant, `oomirror init --new-share` marks it anew."
        return problem("names", f"{said}: not as when it was marked", advice)
    return ok("names", said)


def _clock(ahead_seconds: float) -> Iterator[Diagnosis]:
    if abs(ahead_seconds) > _SKEW_SECONDS:
        word = "ahead of" if ahead_seconds > 0 else "behind"
        found = f"the share's is {abs(ahead_seconds):.0f} s {word} this machine's"
        yield note("clock", found, "Set the wrong one (NTP). No decision of a run depends on it.")


def _left_overs(share: Share) -> Iterator[Diagnosis]:
    alive = live_tokens(share)
    rooms = share.own / "tmp"
    stale = [room for room in (rooms.iterdir() if rooms.is_dir() else ()) if room.name not in alive]
    if stale:
        yield note("left-overs", f"of {plural(len(stale), 'killed run')}", "The next sync removes them.")
    if alive:
        holders = ", ".join(sorted({f"process {one.pid} on {one.host}" for one in alive.values()}))
        yield note("locks", f"held by {holders}")
    if runs := trashed_runs(share):
        oldest = f"{runs[0].begun_at:%Y-%m-%d}"
        yield note("trash", f"of {plural(len(runs), 'run')}, since {oldest}", "`oomirror trash` shows and empties it.")
