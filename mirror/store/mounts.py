"""What the operating system says of mounted shares: how Windows names a folder that is mounted here."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
_OCTAL = re.compile(r"\\([0-7]{3})")
_SMB = {"cifs", "smb3", "smbfs"}


def unc_path(folder: Path, mounts: str) -> str | None:
    r"""Return the UNC path of a folder that lies on an SMB share, or None if it does not, or that cannot be told.

    Parameters
    ----------
    folder
        Absolute, without symbolic links.
    mounts
        Text of `/proc/self/mounts`.

    >>> unc_path(Path("/mnt/lab/OpenOrganelle"), "//nas/cell\\040lab /mnt/lab cifs rw 0 0")
    '\\\\nas\\cell lab\\OpenOrganelle'
    """
    entries = [line.split() for line in mounts.splitlines()]
    found = [(_text(entry[0]), Path(_text(entry[1])), entry[2]) for entry in entries if len(entry) >= 3]
    # The last of the longest: what is mounted later hides what was mounted there before.
    above = [(len(point.parts), number) for number, (_, point, _) in enumerate(found) if folder.is_relative_to(point)]
    if not above:
        return None
    source, point, kind = found[max(above)[1]]
    if kind not in _SMB or not source.startswith("//"):
        return None
    below = folder.relative_to(point).as_posix()
    whole = source.rstrip("/") if below == "." else f"{source.rstrip('/')}/{below}"
    return whole.replace("/", "\\")


def unc_of(folder: Path) -> str | None:
    """Return the UNC path of a folder as this machine has it mounted, or None."""
    try:
        return unc_path(folder.resolve(), MOUNTS.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def _text(field: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)
