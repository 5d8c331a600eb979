"""Bytes forced to the disk, and written whole: what the operating system offers, in words of ours."""

from __future__ import annotations

import errno
import os

from mirror.checksum import Bytes

NOT_KNOWN = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM}
"""What network file systems say that know no forcing to the disk: then nobody can do more."""


def write_all(descriptor: int, data: Bytes, offset: int | None = None) -> None:
    """Write every byte, at `offset` or at the descriptor's place. Raises OSError."""
    rest = memoryview(data)
    while rest:
        n_bytes = os.write(descriptor, rest) if offset is None else os.pwrite(descriptor, rest, offset)
        rest = rest[n_bytes:]
        offset = None if offset is None else offset + n_bytes


def sync_file_system(path: str) -> None:
    """Force all that was written to the file system of `path` to its disk, if it knows that. Raises OSError."""
    import ctypes  # A tenth of the start of a command that reads; only a run that writes needs it.

    descriptor = os.open(path, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "syncfs"):
            os.sync()
        elif libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            if number not in NOT_KNOWN:
                raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)


def fsync_folder(path: str) -> None:
    """Force a folder's names to the disk, where its file system knows that. Raises OSError."""
    fsync_file(path)  # By the same call; the difference is what it does.


def fsync_file(path: str) -> None:
    """Force a file's bytes to the disk, where its file system knows that. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync(descriptor: int) -> None:
    """Force an open file's bytes to the disk, where its file system knows that. Raises OSError."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_KNOWN:
            raise
