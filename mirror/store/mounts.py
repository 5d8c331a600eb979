"""What the operating system says of mounted shares: how Windows names a folder that is mounted here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

MOUNTS = Path("/proc/self/mounts")
_OCTAL = re.compile(r"\\([0-7]{3})")
_SMB = {"cifs", "smb3", "smbfs"}
_NETWORK = {"9p", "afs", "beegfs", "ceph", "gpfs", "lustre", "virtiofs"}


class Mount(NamedTuple):
    """A file system where it is mounted."""

    source: str
    point: Path
    kind: str
    """As the kernel calls it."""
    options: tuple[str, ...] = ()
    """As `acregmax=60`, those that were not given too."""


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
    mount = mount_of(folder, mounts)
    if mount is None or mount.kind not in _SMB or not mount.source.startswith("//"):
        return None
    below = folder.relative_to(mount.point).as_posix()
    whole = mount.source.rstrip("/") if below == "." else f"{mount.source.rstrip('/')}/{below}"
    return whole.replace("/", "\\")


def mount_of(folder: Path, mounts: str) -> Mount | None:
    r"""Return the mount that a folder lies on; parameters as of `unc_path`.

    >>> mount_of(Path("/mnt/lab/x"), "/dev/sda1 / ext4 rw 0 0\nnas:/vol /mnt/lab nfs4 rw 0 0").kind
    'nfs4'
    """
    entries = [line.split() for line in mounts.splitlines()]
    found = [
        Mount(_text(entry[0]), Path(_text(entry[1])), entry[2], tuple(entry[3].split(",")))
        for entry in entries
        if len(entry) >= 4
    ]
    # The last of the longest: what is mounted later hides what was mounted there before.
    above = [(len(one.point.parts), number) for number, one in enumerate(found) if folder.is_relative_to(one.point)]
    return found[max(above)[1]] if above else None


def mount_here(folder: Path) -> Mount | None:
    """Return the mount that a folder of this machine lies on, None where nothing says."""
    try:
        return mount_of(folder.resolve(), MOUNTS.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def file_system_of(folder: Path) -> str:
    """Return the type of the file system that a folder of this machine lies on, empty where nothing says."""
    mount = mount_here(folder)
    return mount.kind if mount is not None else ""


def is_network(kind: str) -> bool:
    """Return whether a type of file system lies on another machine, or may.

    >>> is_network("nfs4"), is_network("fuse.sshfs"), is_network("ext4")
    (True, True, False)
    """
    return kind in _SMB | _NETWORK or kind.startswith(("nfs", "fuse"))


def unc_of(folder: Path) -> str | None:
    """Return the UNC path of a folder as this machine has it mounted, or None."""
    try:
        return unc_path(folder.resolve(), MOUNTS.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def _text(field: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)
