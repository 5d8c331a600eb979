"""Looking at the files of one folder, as deep as is asked. Called in threads."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import xxhash

from mirror.engine.scrub.damage import Damage, Depth
from mirror.engine.scrub.shape import HEADER_BYTES, BlockShape
from mirror.errors import DamagedBlockError
from mirror.store.share import GONE, unsafe_of

BUFFER_BYTES = 1 << 18
"""Files up to here are read by one call; as much stays in the processor's cache."""
LARGE_BYTES = 1 << 22
"""Of larger files the system need not remember what was read: it would forget what others work with."""
DECODED_BYTES = 1 << 28
"""Blocks that are larger are compared and not decoded: their bytes would all be in memory."""
# A pipe of that name must not be waited for.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_ABSENT = {errno.ENOENT, errno.ENOTDIR}
_NO_FILE = {errno.ELOOP, errno.ENXIO}
_DENIED = {errno.EACCES, errno.EPERM}
# EIO is a bad sector, ENXIO a socket.
_NOT_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM} | (GONE - {errno.EIO, errno.ENXIO})
"""What says nothing of the file, but of us or of the share: the run ends."""


class Wanted(NamedTuple):
    """One file, and what it must be."""

    name: str
    size: int
    """Bytes."""
    hash: bytes | None
    """xxh3-128; None where nobody knows it."""
    md5: bytes | None = None
    """To be computed and compared: nothing else ever proved the bytes."""
    is_to_decode: bool = False
    """Whether it was never decoded; only blocks are."""


class Odd(NamedTuple):
    """A file that is not what it must be."""

    position: int
    """In the batch."""
    damage: Damage
    reason: str
    is_hash_same: bool = False
    """Whether all its bytes are those that were written: then it came so."""


class Proven(NamedTuple):
    """A file of which more is known now than before."""

    position: int
    hash: bytes
    is_md5_same: bool | None
    """None where no MD5 was to be compared."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Files of one folder."""

    folder: str
    """Path on the share, absolute."""
    files: Sequence[Wanted]
    depth: Depth
    shape: BlockShape | None = None
    """None where no file of it is a block that can be told by its header."""
    is_whole_folder: bool = False
    """Whether all that belongs into the folder is in the batch, so that others are to be named."""

    @property
    def n_bytes(self) -> int:
        """Of all files."""
        return sum(one.size for one in self.files)


@dataclass(slots=True)
class Seen:
    """What came of a batch."""

    odd: list[Odd] = field(default_factory=list)
    proven: list[Proven] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Names in the folder that are not in the batch."""
    n_tries: int = 0
    """Files that were tried to be read; 1 where their folder was not to be had."""
    n_io_errors: int = 0
    """How often the disk gave none: where it mostly does not, the share is gone (`IoErrors`)."""


class Looker:
    """Looks at batches one after the other; each thread has its own, for the buffer.

    Raises
    ------
    UnsafeError
        From all methods: the share is gone, or the process has no room: nothing is known of the file.
    """

    def __init__(self) -> None:
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)

    def look(self, batch: Batch) -> Seen:
        """Return what is odd about the files of a batch, and what is known of them now."""
        seen = Seen()
        try:
            folder = os.open(batch.folder, _FOLDER)
        except OSError as error:
            self._without_folder(batch, error, seen)
            return seen
        seen.n_tries = len(batch.files)
        try:
            self._look_at_all(batch, folder, seen)
            if batch.is_whole_folder:
                names = {one.name for one in batch.files}
                seen.unknown += sorted(set(os.listdir(folder)) - names)
        except OSError as error:
            if error.errno != errno.EIO:
                raise unsafe_of(error, "cannot read the folder", batch.folder) from error
            seen.n_io_errors += 1  # The files that are known were looked at; others cannot be named.
        finally:
            os.close(folder)
        return seen

    def _without_folder(self, batch: Batch, error: OSError, seen: Seen) -> None:
        """Tell of each file what is told of its folder."""
        seen.n_tries = 1
        if error.errno in _DENIED:
            damage, reason = Damage.UNREADABLE, f"its folder may not be read: {error.strerror}"
        elif error.errno == errno.EIO:
            damage, reason = Damage.CONTENT, f"its folder cannot be read: {error.strerror}"
            seen.n_io_errors += 1
        elif error.errno == errno.ENOENT:
            damage, reason = Damage.LOST, "its folder is not there"
        elif error.errno in _ABSENT | _NO_FILE:
            damage, reason = Damage.LOST, "what should be its folder is none"
        else:
            raise unsafe_of(error, "cannot read the folder", batch.folder) from error
        seen.odd += [Odd(position, damage, reason) for position in range(len(batch.files))]

    def _look_at_all(self, batch: Batch, folder: int, seen: Seen) -> None:
        positions: Sequence[int] = range(len(batch.files))
        if batch.depth is Depth.FULL:
            # What was read at one go and agrees is most of all; every other file is looked at with care.
            positions = self._read_at_one_go(batch, folder)
        elif batch.depth is Depth.QUICK or batch.shape is None:
            positions = self._measure(batch, folder)
        for position in positions:
            self._look_at(batch, folder, position, seen)

    def _read_at_one_go(self, batch: Batch, folder: int) -> Sequence[int]:
        """Return the positions of the files that are not whole for certain after one read."""
        open_, read, close, digest_of = os.open, os.readv, os.close, xxhash.xxh3_128_digest
        view, shape = self._view, batch.shape
        buffers, rest = [view], []
        for position, (name, size, digest, md5, is_to_decode) in enumerate(batch.files):
            if size >= BUFFER_BYTES or digest is None or md5 is not None or (is_to_decode and shape is not None):
                rest.append(position)
                continue
            try:
                file = open_(name, _READ, dir_fd=folder)
            except OSError:
                rest.append(position)
                continue
            try:
                n_read = read(file, buffers)
            except OSError:
                n_read = -1
            finally:
                close(file)
            if n_read != size or digest_of(view[:n_read]) != digest:
                rest.append(position)
        return rest

    def _measure(self, batch: Batch, folder: int) -> Sequence[int]:
        """Return the positions of what is no file of its size."""
        rest = []
        for position, one in enumerate(batch.files):
            try:
                found = os.stat(one.name, dir_fd=folder)
            except OSError:
                rest.append(position)
                continue
            if found.st_size != one.size or not stat.S_ISREG(found.st_mode):
                rest.append(position)
        return rest

    def _look_at(self, batch: Batch, folder: int, position: int, seen: Seen) -> None:
        wanted = batch.files[position]
        place = f"{batch.folder}/{wanted.name}"
        try:
            try:
                with _opened(wanted.name, folder) as file:
                    self._look_into(batch, file, position, seen)
            except OSError as error:
                if error.errno != errno.ESTALE:
                    raise
                # On NFS, so does a file that a sync replaced meanwhile.
                with _opened(wanted.name, folder) as file:
                    self._look_into(batch, file, position, seen)
        except OSError as error:
            odd = _odd_of(error, wanted.name, folder, place)
            seen.odd.append(Odd(position, *odd))
            seen.n_io_errors += error.errno == errno.EIO

    def _look_into(self, batch: Batch, file: int, position: int, seen: Seen) -> None:
        wanted = batch.files[position]
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            seen.odd.append(Odd(position, Damage.NOT_A_FILE, f"it is {_kind_word(found.st_mode)}"))
        elif found.st_size != wanted.size:
            reason = f"it has {found.st_size:,} B, not {wanted.size:,}"
            seen.odd.append(Odd(position, Damage.SIZE, reason))
        elif batch.depth is Depth.FULL:
            self._read(batch, file, position, seen)
        elif batch.depth is Depth.HEADERS and batch.shape is not None:
            head = os.pread(file, HEADER_BYTES, 0)
            if (odd := _odd_block(batch, position, head, is_whole=False)) is not None:
                seen.odd.append(odd)

    def _read(self, batch: Batch, file: int, position: int, seen: Seen) -> None:
        """Read all of a file, and compare it by all that is known of it."""
        wanted = batch.files[position]
        is_block = batch.shape is not None and batch.shape.index_of(wanted.name) is not None
        kept = bytearray() if wanted.is_to_decode and is_block and wanted.size <= DECODED_BYTES else None
        n_read, digest, md5 = self._digests(file, wanted, kept)
        if n_read != wanted.size:
            reason = f"it has {n_read:,} B, not {wanted.size:,}"
            seen.odd.append(Odd(position, Damage.SIZE, reason))
            return
        if wanted.hash is not None and digest != wanted.hash:
            reason = f"its bytes are not those that were written: xxh3-128 {digest.hex()}, not {wanted.hash.hex()}"
            seen.odd.append(Odd(position, Damage.CONTENT, reason))
            return
        is_other = md5 is not None and md5 != wanted.md5
        if wanted.md5 is not None or wanted.hash is None:
            seen.proven.append(Proven(position, digest, None if md5 is None else not is_other))
        if kept is not None and not is_other and (odd := _odd_block(batch, position, kept, is_whole=True)) is not None:
            seen.odd.append(odd)

    def _digests(self, file: int, wanted: Wanted, kept: bytearray | None) -> tuple[int, bytes, bytes | None]:
        """Return how many bytes there are, their xxh3-128, and their MD5 where it is wanted."""
        digest = xxhash.xxh3_128()
        md5 = hashlib.md5(usedforsecurity=False) if wanted.md5 is not None else None
        is_large, n_read = wanted.size >= LARGE_BYTES, 0
        if is_large:
            _advise(file, "POSIX_FADV_SEQUENTIAL")
        while n := os.readv(file, [self._view]):
            n_read += n
            chunk = self._view[:n]
            digest.update(chunk)
            if md5 is not None:
                md5.update(chunk)
            if kept is not None:
                kept += chunk
            if n_read > wanted.size:
                break  # It grows while it is read.
        if is_large:
            _advise(file, "POSIX_FADV_DONTNEED")
        return n_read, digest.digest(), None if md5 is None else md5.digest()


@contextmanager
def _opened(name: str, folder: int) -> Iterator[int]:
    file = os.open(name, _READ, dir_fd=folder)
    try:
        yield file
    finally:
        os.close(file)


def _odd_block(batch: Batch, position: int, body: bytes | bytearray, *, is_whole: bool) -> Odd | None:
    """Return what is odd about a block, as far as its own bytes tell; all of them are there if it `is_whole`."""
    wanted, shape = batch.files[position], batch.shape
    index = shape.index_of(wanted.name) if shape is not None else None
    if shape is None or index is None:
        return None
    place = f"{batch.folder}/{wanted.name}"
    try:
        header = shape.parse_header(memoryview(body), index, place)
        if is_whole:
            shape.check_voxels(memoryview(body), header, place)
    except DamagedBlockError as error:
        damage = Damage.HEADER if error.part == "header" else Damage.DECODE
        expected = f"expected {error.expected}, " if error.expected else ""
        # Whoever read all of it compared it before.
        return Odd(position, damage, f"{error.what}: {expected}found {error.found}", is_whole)
    return None


def _odd_of(error: OSError, name: str, folder: int, place: str) -> tuple[Damage, str]:
    """Return what is said of a file that cannot be opened or read.

    Raises
    ------
    UnsafeError
        That tells nothing of the file.
    """
    if error.errno in _NOT_OURS:
        raise unsafe_of(error, "cannot read the file", place) from error
    if error.errno in _ABSENT:
        with suppress(OSError):
            os.lstat(name, dir_fd=folder)
            return Damage.NOT_A_FILE, "it is a link that leads nowhere"
        return Damage.LOST, "it is not there"
    if error.errno in _NO_FILE:
        return Damage.NOT_A_FILE, "it is no regular file"
    if error.errno in _DENIED:
        return Damage.UNREADABLE, f"it may not be read: {error.strerror}"
    return Damage.CONTENT, f"it cannot be read: {error.strerror}"


def _kind_word(mode: int) -> str:
    return "a folder" if stat.S_ISDIR(mode) else "no regular file"


def _advise(file: int, advice: str) -> None:
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(file, 0, 0, getattr(os, advice))
