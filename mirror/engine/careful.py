"""What the hot path could not do: second tries with all headers, objects by ranges, ETags that prove nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

from mirror.checksum import MIB, Bytes, Proof, Source, proof_of_checksums, proof_of_etag, xxh3_of
from mirror.diff import Kind
from mirror.engine.fetch import (
    LARGE_BYTES,
    ChecksumMode,
    Fetcher,
    Item,
    Outcome,
    Problem,
    UndecidedError,
    check_length,
    has_part_digest,
    source_of_file,
)
from mirror.engine.retry import TRANSIENT, Retrier
from mirror.engine.tasks import first_error
from mirror.engine.throttle import UNTHROTTLED, Throttle
from mirror.errors import (
    BrokenTransferError,
    MirrorError,
    ObjectChangedError,
    SlowDownError,
    TooLargeError,
    UnreachableError,
    UnsafeError,
)
from mirror.objects import Verification
from mirror.store.base import Body, BulkReader, CarefulReader, ObjectHead
from mirror.store.disk import write_all
from mirror.store.share import unsafe_of
from mirror.store.staging import Staging

RANGE_BYTES = 4 * MIB
THROTTLE_SECONDS = 0.02
"""Between two looks at a bandwidth that is used up."""
RANGES_IN_FLIGHT = 8
"""For all large objects together: it bounds what is read again, and the memory of second tries."""
OBJECTS_IN_FLIGHT = 4
"""Of which ranges are fetched: the rest would only have files open."""
_WORTH_A_RANGE = (BrokenTransferError, SlowDownError, UnreachableError)
"""A range of an object that changed cannot come any more: all of the object is fetched anew, as it is now."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the careful transport gets its readers; each is opened when it is first needed."""

    careful: Callable[[], Awaitable[CarefulReader]]
    bulk: Callable[[], BulkReader]
    url_of: Callable[[str], str]


class CarefulFetcher:
    """Fetches single objects with retries.

    Every method returns an outcome and raises only what ends the run (UnsafeError). Cancelling leaves an unfinished
    file in the run's room, which the run's end or the next run's sweep removes.
    """

    def __init__(
        self,
        sources: Sources,
        fetcher: Fetcher,
        staging: Staging,
        retrier: Retrier,
        *,
        mode: ChecksumMode = ChecksumMode.AUTO,
        range_bytes: int = RANGE_BYTES,
        throttle: Throttle = UNTHROTTLED,
    ) -> None:
        self._sources = sources
        self._fetcher = fetcher
        self._staging = staging
        self._retrier = retrier
        self._mode = mode
        self._range_bytes = range_bytes
        self._throttle = throttle
        self._slots = asyncio.Semaphore(RANGES_IN_FLIGHT)
        self._objects = asyncio.Semaphore(OBJECTS_IN_FLIGHT)

    async def fetch_again(self, item: Item, error: MirrorError, *, tries: int) -> Outcome:
        """Return what became of a small object whose tries so far ended with `error`."""
        if not isinstance(error, TRANSIENT) or tries >= self._retrier.policy.attempts:
            return Problem(item, error, is_final=True)
        if isinstance(error, UndecidedError):
            return await self._outcome(item, lambda: self._adopt_or_fetch(item, self._fetch_small))
        await self._retrier.pause([(item.key, error)], tries, self._retrier.outage.n_seen)
        return await self._outcome(item, lambda: self._fetch_small(item), tries_before=tries)

    async def fetch_large(self, item: Item) -> Outcome:
        """Return what became of a large object, fetched by ranges."""
        if item.kind is Kind.ADOPT:
            return await self._outcome(item, lambda: self._adopt_or_fetch(item, self._fetch_ranges))
        return await self._outcome(item, lambda: self._fetch_ranges(item))

    async def _outcome(self, item: Item, fetch: Callable[[], Awaitable[Outcome]], *, tries_before: int = 0) -> Outcome:
        try:
            return await self._retrier.run(item.key, fetch, tries_before=tries_before)
        except UnsafeError:
            raise
        except MirrorError as error:
            return Problem(item, error, is_final=True)

    async def _adopt_or_fetch(self, item: Item, fetch: Callable[[Item], Awaitable[Outcome]]) -> Outcome:
        """Compare the file on the share by all that HEAD tells, and fetch the object if the file is another."""
        head = await self._head(item.key, item.etag)
        if (head.etag, head.size) == (item.etag, item.size):

            def judge(source: Source) -> Verification:
                return self._verdict(item.key, source, head.size, head.etag, head)

            if (adopted := await asyncio.to_thread(self._fetcher.adopt, item, judge)) is not None:
                return adopted
        self._fetcher.check_may_fetch(item)
        return await fetch(item)

    async def _fetch_small(self, item: Item) -> Outcome:
        try:
            body = await (await self._sources.careful()).get(item.key, most_bytes=LARGE_BYTES)
        except TooLargeError:  # It has grown since it was listed.
            return await self._fetch_ranges(item)
        check_length(item, len(body.data), body.size, body.etag, self._sources.url_of(item.key))
        head = await self._head_if_needed(item.key, body.etag, lambda: (body.data,), body.size)
        verification = self._verdict(item.key, lambda: (body.data,), body.size, body.etag, head)
        return await asyncio.to_thread(self._fetcher.keep, item, body, verification)

    async def _head_if_needed(self, key: str, etag: str, source: Source, size: int) -> ObjectHead | None:
        if self._mode is ChecksumMode.SIZE or proof_of_etag(source, size, etag)[0] is Proof.AGREES:
            return None
        return await self._head(key, etag)

    async def _head(self, key: str, etag: str) -> ObjectHead:
        return await (await self._sources.careful()).head(key, first_part=has_part_digest(etag))

    def _verdict(self, key: str, source: Source, size: int, etag: str, head: ObjectHead | None) -> Verification:
        if self._mode is ChecksumMode.SIZE:
            return Verification.SIZE_ONLY
        return verdict(source, size, etag, head, self._sources.url_of(key))

    async def _fetch_ranges(self, item: Item) -> Outcome:
        async with self._objects:
            head = await self._head(item.key, item.etag)
            path, descriptor = await asyncio.to_thread(self._staging.create)
            try:
                last_modified = await self._fill(item, head, path, descriptor)
            except BaseExceptionGroup as errors:
                self._staging.discard(path)
                error = _range_error(errors, path)
                if isinstance(error, _WORTH_A_RANGE):
                    return Problem(item, error, is_final=True)  # The range was tried often enough.
                raise error from errors
            except OSError as error:
                self._staging.discard(path)
                raise unsafe_of(error, "cannot write", path) from error
            return await asyncio.to_thread(self._keep_large, item, path, head, last_modified)

    async def _fill(self, item: Item, head: ObjectHead, path: str, descriptor: int) -> int:
        """Write all ranges; return when the object was last modified, in seconds since 1970, UTC."""
        times: list[int] = [item.last_modified]
        starts = iter(range(0, head.size, self._range_bytes))

        async def work() -> None:
            """Fetch ranges until none is left."""
            for start in starts:
                times[0] = await self._fetch_range(item.key, head, start, path)

        try:
            await asyncio.to_thread(os.truncate, descriptor, head.size)
            async with asyncio.TaskGroup() as group:
                for _ in range(RANGES_IN_FLIGHT):
                    group.create_task(work())
            await asyncio.to_thread(self._staging.finish, descriptor)
        finally:
            os.close(descriptor)
        return times[0]

    def _keep_large(self, item: Item, path: str, head: ObjectHead, last_modified: int) -> Outcome:
        source = source_of_file(path)
        try:
            check_length(item, os.path.getsize(path), head.size, head.etag, self._sources.url_of(item.key))
            verification = self._verdict(item.key, source, head.size, head.etag, head)
        except MirrorError:
            self._staging.discard(path)
            raise
        body = Body(b"", head.size, head.etag, last_modified)
        return self._fetcher.publish(item, path, body, xxh3_of(source), verification)

    async def _fetch_range(self, key: str, head: ObjectHead, start: int, path: str) -> int:
        stop = min(start + self._range_bytes, head.size)
        numbers = count()

        async def fetch() -> int:
            # Only the careful transport is told how long the server wants us to wait.
            if next(numbers) == 0:
                return await asyncio.to_thread(self._copy_range, key, start, stop, head.etag, path)
            body = await (await self._sources.careful()).get(key, if_match=head.etag, byte_range=(start, stop))
            _check_range(body, head, stop - start, self._sources.url_of(key))
            await asyncio.to_thread(_write_range, path, body.data, start)
            return body.last_modified

        async with self._slots:
            while self._throttle.is_closed():  # noqa: ASYNC110 - time opens it, nobody sets an event
                await asyncio.sleep(THROTTLE_SECONDS)
            self._throttle.take(stop - start)
            return await replace(self._retrier, worth=_WORTH_A_RANGE).run(key, fetch)

    def _copy_range(self, key: str, start: int, stop: int, etag: str, path: str) -> int:
        with _open_for_ranges(path) as write:
            return self._sources.bulk().copy_range(key, start, stop, etag, write)


def _check_range(body: Body, head: ObjectHead, n_bytes: int, thing: str) -> None:
    if body.etag != head.etag:
        raise ObjectChangedError("the object changed while it was read", thing, expected=head.etag, found=body.etag)
    if len(body.data) != n_bytes:
        raise BrokenTransferError(
            "the range has another length", thing, expected=f"{n_bytes} B", found=f"{len(body.data)} B"
        )


def _write_range(path: str, data: Bytes, start: int) -> None:
    with _open_for_ranges(path) as write:
        write(data, start)


@contextmanager
def _open_for_ranges(path: str) -> Iterator[Callable[[Bytes, int], None]]:
    # By its path, not a shared descriptor: a thread that outlives a cancelled object would write into whatever file
    # has the same number by then.
    descriptor = os.open(path, os.O_WRONLY)
    try:
        yield partial(write_all, descriptor)
    finally:
        os.close(descriptor)


def verdict(source: Source, size: int, etag: str, head: ObjectHead | None, thing: str) -> Verification:
    """Return by what the bytes are proven, as far as ETag and HEAD can prove them.

    Parameters
    ----------
    head
        None where the ETag alone was seen to prove them.
    thing
        `s3://` URL, for the error.

    Raises
    ------
    BrokenTransferError
        Something that can prove the bytes says that they differ.
    """
    part_size = head.part_size if head else None
    proof, verification = proof_of_etag(source, size, etag, part_size=part_size)
    # 1. The ETag agrees.
    if proof is Proof.AGREES:
        return verification
    # 2. One of S3's additional checksums decides.
    by_checksum = proof_of_checksums(source, size, head.checksums, part_size=part_size) if head else Proof.SILENT
    if by_checksum is Proof.AGREES:
        return Verification.CHECKSUM
    # 3. An ETag that must be a digest of the bytes, and is not.
    is_digest = head is None or head.is_etag_md5
    if by_checksum is Proof.DIFFERS or (proof is Proof.DIFFERS and is_digest):
        raise BrokenTransferError("the bytes are not those that the bucket describes", thing, expected=f"ETag {etag}")
    # 4. An encryption that makes its own ETags, or a part size that nobody tells: nothing but the length is left.
    return Verification.SIZE_ONLY


def _range_error(errors: BaseExceptionGroup[BaseException], path: str) -> BaseException:
    error = first_error(errors)
    return (
        unsafe_of(error, "cannot write", path)
        if isinstance(error, OSError) and not isinstance(error, MirrorError)
        else error
    )
