"""The hot path: one object from GET to its name on the share, in a worker thread."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from mirror.checksum import MIB, Bytes, Proof, Source, proof_of_etag, xxh3, xxh3_of
from mirror.diff import Kind
from mirror.engine.throttle import UNTHROTTLED, Throttle
from mirror.errors import BrokenTransferError, MirrorError, StoreError, UnsafeError
from mirror.objects import Verification, etag_parts
from mirror.store.base import Ask, Body, BulkReader, Lull
from mirror.store.share import FileError
from mirror.store.staging import Staging

LARGE_BYTES = 16 * MIB
"""From here on an object is fetched by ranges, never held whole in memory."""
CHUNK_BYTES = MIB
_SECONDS_PER_OBJECT = 0.0002
"""What a small object takes in Python, about (docs/performance.md)."""
_MD5_SECONDS_PER_BYTE = 3e-9
MAX_THREADS = 64
_MAX_BYTES = 256 * MIB
"""Of the objects that all threads hold, about."""


class ChecksumMode(StrEnum):
    """How much is compared: all that the bucket offers, or the length alone."""

    AUTO = "auto"
    SIZE = "size"


class Item(NamedTuple):
    """One object to be fetched or adopted."""

    kind: Kind
    key: str
    relative: str
    """`<bucket>/<key>`: its place on the share."""
    size: int
    etag: str
    last_modified: int
    array_id: int | None
    """The catalog's number of the array that the block belongs to; None for all other objects."""
    block: tuple[int, int, int] | None
    """The block's place in the grid, x, y, z."""


class Done(NamedTuple):
    """An object that lies on the share under its name, and what was found out about it."""

    item: Item
    size: int
    etag: str
    """As GET gave it: the object may have changed since it was listed."""
    xxh3: bytes
    verification: Verification
    is_adopted: bool
    replaced: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """An object that did not make it."""

    item: Item
    error: MirrorError
    is_final: bool
    """False where the careful transport should try."""


Outcome = Done | Problem


class Load(NamedTuple):
    """How threads spent their time so far, in seconds of one thread."""

    waited: float | None
    """For answers; None where nobody can tell."""
    share: float
    """For files on the share."""


class UnprovenError(BrokenTransferError):
    """The bytes came, and their ETag does not prove them: HEAD must tell more."""


class NotBegunError(MirrorError):
    """An object that was not asked for when the time was up: the next run fetches it."""


class UndecidedError(BrokenTransferError):
    """A file lies on the share, and the ETag does not prove it: HEAD must tell more."""


Guard = Callable[["Item", str, bytes, Source], MirrorError | None]
"""Told an item, its ETag, its xxh3-128 and its bytes before it gets its name: what speaks against that, or None."""

Judge = Callable[[Source], Verification]
"""Says how bytes are proven. Raises BrokenTransferError if they are not the bucket's."""


def refuse_nothing(_item: Item, _etag: str, _digest: bytes, _source: Source) -> MirrorError | None:
    """Let every file have its name: the default guard."""
    return None


class Fetcher:
    """Fetches small objects in batches. Thread-safe.

    Parameters
    ----------
    reader
        Gives the bulk reader.
    url_of
        Key to full `s3://` URL, for errors.
    may_fetch
        False: files on the share are only compared (`oomirror adopt`).
    aliases
        Folders of the share that were filled under an older name of the bucket.
    throttle
        Holds back the next request while the bandwidth is used up.
    guard
        Asked before a file gets its name: what it refuses is a problem of the item, and nothing is replaced.
    """

    def __init__(
        self,
        reader: Callable[[], BulkReader],
        staging: Staging,
        share_root: str,
        url_of: Callable[[str], str],
        *,
        mode: ChecksumMode = ChecksumMode.AUTO,
        large_bytes: int = LARGE_BYTES,
        may_fetch: bool = True,
        aliases: Sequence[str] = (),
        throttle: Throttle = UNTHROTTLED,
        guard: Guard = refuse_nothing,
    ) -> None:
        self._reader = reader
        self._staging = staging
        self._share_root = share_root
        self._url_of = url_of
        self._mode = mode
        self._large_bytes = large_bytes
        self._may_fetch = may_fetch
        self._aliases = tuple(aliases)
        self._throttle = throttle
        self._guard = guard
        self._stopped = threading.Event()
        self._share_seconds = 0.0
        self._is_time_up = False

    @property
    def load(self) -> Load:
        """How the threads spent their time so far; about, for nothing is locked."""
        reader = self._reader()
        return Load(reader.waited_seconds if reader.has_ring else None, self._share_seconds)

    def stop(self) -> None:
        """Let the threads end after the object that each is at."""
        self._stopped.set()

    def ask_no_more(self) -> None:
        """Give back, with NotBegunError, what is not asked for yet; what is in flight comes to its end."""
        self._is_time_up = True

    def is_large(self, item: Item) -> bool:
        """Return whether the object is fetched by ranges."""
        return item.size >= self._large_bytes and self._may_fetch

    @property
    def has_ring(self) -> bool:
        """Whether one thread keeps many requests in flight; else it is one request a thread."""
        return self._may_fetch and self._reader().has_ring

    def n_threads(self, mean_bytes: int, n_cores: int) -> int:
        """Return how many threads with a ring each serve objects of that size best; writes a few files to find out.

        One, where small objects go to a fast share: threads that have nothing to wait for wait for Python's lock,
        which the share's answers and the MD5 of larger objects leave free.

        Raises
        ------
        UnsafeError
            The share is full, read-only or gone.
        """
        by_share = math.ceil(self._staging.seconds_per_file() / _SECONDS_PER_OBJECT)
        by_md5 = min(n_cores, math.ceil(mean_bytes * _MD5_SECONDS_PER_BYTE / _SECONDS_PER_OBJECT))
        in_memory = max(4, _MAX_BYTES // max(1, mean_bytes))
        return max(1, min(by_share + by_md5, MAX_THREADS, in_memory))

    def fetch_stream(
        self, items: Iterator[Item | None], *, in_flight: Callable[[], int]
    ) -> Generator[Outcome | None, None, None]:
        """Yield what became of each item, in no order; None where nothing did for a moment.

        Parameters
        ----------
        items
            Taken as there is room; None is "nothing yet".
        in_flight
            Requests at a time, at most; asked again and again.

        Raises
        ------
        UnsafeError
            The share is full, read-only or gone: the run must end.
        """
        wanted: dict[str, list[Item]] = {}
        decided: list[Outcome] = []

        def asks() -> Iterator[Ask | Lull]:
            """Ask for what must be fetched; what the share has already is decided here."""
            for item in items:
                if item is None:
                    yield Lull.DRY
                    continue
                if self._is_time_up:
                    decided.append(Problem(item, NotBegunError("there was no time left", item.key), is_final=False))
                    yield Lull.BUSY
                    continue
                if (outcome := self._decided(item)) is not None:
                    decided.append(outcome)
                    yield Lull.BUSY
                    continue
                while self._throttle.is_closed() and not self._is_time_up:
                    yield Lull.DRY
                self._throttle.take(item.size)
                wanted.setdefault(item.key, []).append(item)
                yield Ask(item.key, item.size)

        stream = self._reader().stream(asks(), in_flight=in_flight, is_stopped=self._stopped.is_set)
        with closing(stream):
            for answer in stream:
                if decided:
                    yield from decided
                    decided.clear()
                yield None if answer is None else self._outcome_of_answer(wanted, *answer)
        yield from decided

    def _outcome_of_answer(self, wanted: dict[str, list[Item]], key: str, answer: Body | StoreError) -> Outcome | None:
        items = wanted[key]
        item = items.pop()
        if not items:
            del wanted[key]
        return self._outcome(item, partial(self._take, item, answer))

    def _outcome(self, item: Item, attempt: Callable[[], Done | None]) -> Outcome | None:
        try:
            return attempt()
        except UnsafeError:
            raise
        except FileError as error:
            return Problem(item, error, is_final=True)
        except MirrorError as error:
            return Problem(item, error, is_final=False)

    def _decided(self, item: Item) -> Outcome | None:
        if self._may_fetch and item.kind is not Kind.ADOPT:
            return None
        return self._outcome(item, partial(self._adopt_or_pass, item))

    def _adopt_or_pass(self, item: Item) -> Done | None:
        if item.kind is Kind.ADOPT and (done := self.adopt(item)) is not None:
            return done
        self.check_may_fetch(item)
        return None

    def _take(self, item: Item, answer: Body | StoreError) -> Done:
        if isinstance(answer, StoreError):
            raise answer
        return self.keep(item, answer, self.verify(item, answer))

    def check_may_fetch(self, item: Item) -> None:
        """Raise FileError where files are only compared: the one at the item's place is not the bucket's object."""
        if not self._may_fetch:
            raise FileError(
                "the file is not the bucket's object", item.relative, hint="`oomirror sync` fetches it again."
            )

    def adopt(self, item: Item, judge: Judge | None = None) -> Done | None:
        """Return the file that lies at the item's place as adopted, or None if it is not the bucket's object.

        A file under an alias gets a second name at the item's place, and keeps its own.

        Parameters
        ----------
        judge
            None: the ETag decides.

        Raises
        ------
        UndecidedError
            The ETag alone does not decide.
        """
        judge = judge or partial(self._by_etag, item)
        if (done := self._adopt_file(item, f"{self._share_root}/{item.relative}", judge)) is not None:
            return done
        for alias in self._aliases:
            path = f"{self._share_root}/{alias}/{item.key}"
            if (done := self._adopt_file(item, path, judge)) is not None:
                self._set_aside(item)
                self._staging.publish(self._staging.twin(path), item.relative, item.last_modified)
                return done
        return None

    def _by_etag(self, item: Item, source: Source) -> Verification:
        if self._mode is ChecksumMode.SIZE:
            return Verification.SIZE_ONLY
        proof, verification = proof_of_etag(source, item.size, item.etag)
        if proof is not Proof.AGREES:
            raise UndecidedError("the file does not agree with the ETag", item.relative, expected=item.etag)
        return verification

    def _adopt_file(self, item: Item, path: str, judge: Judge) -> Done | None:
        source = source_of_file(path)
        try:
            if os.path.getsize(path) != item.size:
                return None
            verification = judge(source)
            digest = xxh3_of(source)
        except UndecidedError:
            raise
        except (OSError, BrokenTransferError):
            return None  # Not readable is not the same: it is fetched, and replaced.
        if self._guard(item, item.etag, digest, source) is not None:
            return None
        return Done(item, item.size, item.etag, digest, verification, is_adopted=True, replaced=False)

    def verify(self, item: Item, body: Body) -> Verification:
        """Return how the body was proven.

        Raises
        ------
        BrokenTransferError
            It has another length than the server said.
        UnprovenError
            Its ETag does not prove it.
        """
        check_length(item, len(body.data), body.size, body.etag, self._url_of(item.key))
        if body.etag != item.etag:
            # Changed since it was listed, or another key's answer, where a server sent more than it said: its ETag
            # would prove that one, too. A connection of its own decides.
            raise UnprovenError(
                "the object is not the one that was listed",
                self._url_of(item.key),
                expected=f"ETag {item.etag}",
                found=f"ETag {body.etag}",
            )
        if self._mode is ChecksumMode.SIZE:
            return Verification.SIZE_ONLY
        proof, verification = proof_of_etag(lambda: (body.data,), body.size, body.etag)
        if proof is not Proof.AGREES:
            raise UnprovenError(
                "the bytes do not agree with the ETag", self._url_of(item.key), expected=body.etag, found=proof.value
            )
        return verification

    def keep(self, item: Item, body: Body, verification: Verification) -> Done:
        """Write a verified body, give it its name, and return what is to be recorded."""
        digest = xxh3(body.data)
        started = time.perf_counter()
        try:
            return self.publish(item, self._staging.write(body.data), body, digest, verification)
        finally:
            self._share_seconds += time.perf_counter() - started

    def publish(self, item: Item, unfinished: str, body: Body, digest: bytes, verification: Verification) -> Done:
        """Give a finished file its name; a file that was there without a row goes to the trash first."""
        if (error := self._guard(item, body.etag, digest, source_of_file(unfinished))) is not None:
            self._staging.discard(unfinished)
            raise error
        try:
            replaced = self._set_aside(item)
        except FileError:
            self._staging.discard(unfinished)
            raise
        self._staging.publish(unfinished, item.relative, body.last_modified)
        return Done(item, body.size, body.etag, digest, verification, is_adopted=False, replaced=replaced)

    def _set_aside(self, item: Item) -> bool:
        """Move a file that the catalog does not know to the trash, or keep an old one; return whether there was one."""
        if item.kind is Kind.CHANGED:
            return self._staging.keep_old(item.relative)
        if item.kind not in (Kind.REPLACE, Kind.ADOPT) or not os.path.lexists(f"{self._share_root}/{item.relative}"):
            return False
        self._staging.to_trash(item.relative)
        return True


def check_length(item: Item, n_bytes: int, size: int, etag: str, thing: str) -> None:
    """Check a body's length against what its own answer says and, if the ETag is the listed one, against the listing.

    Raises
    ------
    BrokenTransferError
        They differ.
    """
    if n_bytes != size:
        raise BrokenTransferError("the body has another length", thing, expected=f"{size} B", found=f"{n_bytes} B")
    if etag == item.etag and size != item.size:
        raise BrokenTransferError(
            "the object has another length than was listed", thing, expected=f"{item.size} B", found=f"{size} B"
        )


def source_of_file(path: str) -> Source:
    """Return a source that reads a file in chunks of 1 MiB, from its beginning each time. Reading raises OSError."""

    def chunks() -> Iterator[Bytes]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            while chunk := os.read(descriptor, CHUNK_BYTES):
                yield chunk
        finally:
            os.close(descriptor)

    return chunks


def has_part_digest(etag: str) -> bool:
    """Return whether the ETag is that of a multipart upload, so that the size of its parts matters."""
    return etag_parts(etag) is not None
