"""The lab's share: its marker, what lies in its folders, and the words for what its file system refuses.

Nothing under the share is written but `<bucket>/<key>` and `.oomirror/`.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from mirror.errors import MirrorError, UnsafeError
from mirror.keys import OWN_FOLDER, ShareRules

MARKER = "marker.json"
NOT_A_FILE = -1
"""Size of what stands in a folder of the share and is no regular file."""

FULL = {errno.ENOSPC, errno.EDQUOT}
GONE = {errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.EIO, errno.ENODEV, errno.ENXIO, errno.ETIMEDOUT}
"""What ends a run at once: nothing else will fit, nothing else will be there."""


class FileError(MirrorError):
    """One file could not get its name on the share; others can."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What `.oomirror/marker.json` says: which share this is, and what names it takes."""

    uuid: str
    created_at: str
    """ISO 8601, UTC."""
    rules: ShareRules

    def to_json(self) -> str:
        """Return the file's text."""
        rules = asdict(self.rules) | {"forbidden_characters": "".join(sorted(self.rules.forbidden_characters))}
        return json.dumps({"schema": 1, "uuid": self.uuid, "created_at": self.created_at, "rules": rules}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the marker that the file's text holds. Raises KeyError, ValueError or TypeError for other text."""
        document = json.loads(text)
        known = {field.name for field in fields(ShareRules)}
        rules: dict[str, Any] = {name: value for name, value in document["rules"].items() if name in known}
        rules["forbidden_characters"] = frozenset(rules["forbidden_characters"])
        return cls(str(uuid.UUID(document["uuid"])), document["created_at"], ShareRules(**rules))


class Share:
    """The root folder that holds `<bucket>/<key>`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.own = root / OWN_FOLDER

    def marker(self) -> Marker | None:
        """Return the marker, or None if the share has none.

        Raises
        ------
        UnsafeError
            The share is not there or cannot be read, or its marker is damaged.
        """
        path = self.own / MARKER
        try:
            return Marker.from_json(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UnsafeError("cannot read the share", str(self.root), found=error.strerror or str(error)) from error
        except (KeyError, ValueError, TypeError) as error:
            raise UnsafeError(
                "the share's marker is damaged", str(path), hint="Restore it, or run `oomirror init --new-share`."
            ) from error

    def write_marker(self, rules: ShareRules, *, marker_uuid: str | None = None) -> Marker:
        """Mark the share as one of ours, replacing a marker that is there; the folder is made if its parent exists.

        Raises
        ------
        UnsafeError
            The folder cannot be made or written.
        """
        marker = Marker(marker_uuid or str(uuid.uuid4()), datetime.now(UTC).isoformat(timespec="seconds"), rules)
        try:
            self.own.mkdir(parents=True, exist_ok=True)
            temporary = self.own / f"{MARKER}.{secrets.token_hex(4)}"
            temporary.write_text(marker.to_json(), encoding="utf-8")
            temporary.replace(self.own / MARKER)
        except OSError as error:
            raise unsafe_of(error, "cannot mark the share", self.root) from error
        return marker

    def free(self) -> tuple[int | None, int | None]:
        """Return free bytes and free inodes, each None where the share does not count them. Raises UnsafeError."""
        try:
            stat = os.statvfs(self.root)
        except OSError as error:
            raise unsafe_of(error, "cannot ask the share how much room it has", self.root) from error
        free_bytes = stat.f_bavail * stat.f_frsize if stat.f_blocks else None
        return free_bytes, stat.f_favail if stat.f_files else None

    def folder(self, relative: str) -> dict[str, int] | None:
        """Return name to bytes of what lies in a folder, `NOT_A_FILE` for what is no regular file; None without it."""
        try:
            with os.scandir(self.root / relative) as entries:
                return dict(_sizes(entries))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unsafe_of(error, "cannot read the folder", self.root / relative) from error


def _sizes(entries: Iterator[os.DirEntry[str]]) -> Iterator[tuple[str, int]]:
    for entry in entries:
        try:
            yield entry.name, entry.stat().st_size if entry.is_file() else NOT_A_FILE
        except FileNotFoundError:
            continue


def unsafe_of(error: OSError, what: str, path: object) -> UnsafeError:
    """Return the error that stops the run, with the words for what the share's file system said."""
    denied = f"You may not {'read' if what.startswith('cannot read') else 'write'} there: ask the owner of the share."
    hints = {
        errno.EROFS: "The share is mounted read-only.",
        errno.EACCES: denied,
        errno.EPERM: denied,
        errno.ENOENT: "Is the share mounted?",
    }
    number = error.errno or 0
    if number in FULL:
        hint = "The share is full: make room, then run the same command again; it goes on where it stopped."
    elif number in GONE:
        hint = "The share went away: mount it, then run the same command again; it goes on where it stopped."
    else:
        hint = hints.get(number, "")
    return UnsafeError(what, str(path), found=error.strerror or str(error), hint=hint)
