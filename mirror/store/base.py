"""What the engine asks of a bucket, as protocols. Several transports serve them, under one contract suite.

A transport never retries: the caller decides, so that SlowDown reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from mirror.errors import StoreError
from mirror.objects import RemoteObject


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a LIST."""

    objects: tuple[RemoteObject, ...]
    """In the server's order, which for S3 is the order of the keys' UTF-8 bytes."""
    folders: tuple[str, ...]
    """Common prefixes, full, each ending with the delimiter."""
    next_token: str | None
    """None on the last page."""


class Body(NamedTuple):
    """One object, or a range of it, as GET gave it."""

    data: bytes | memoryview
    size: int
    """Of the whole object, in bytes."""
    etag: str
    last_modified: int
    """Seconds since 1970, UTC."""


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What HEAD tells of an object beyond its listing."""

    size: int
    etag: str
    encryption: str
    """Empty, `AES256`, `aws:kms`, ...: the ETag is an MD5 only under the first two."""
    has_customer_key: bool
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Algorithm (`crc32`, `crc32c`, `crc64nvme`, `sha1`, `sha256`) to base64; `-N` behind it if it is of N parts."""
    part_size: int | None = None
    """Bytes of the first part, where part 1 was asked for and the server told."""

    @property
    def is_etag_md5(self) -> bool:
        """Whether the ETag of a single-part object is the MD5 of its bytes."""
        return not self.has_customer_key and self.encryption in ("", "AES256")


class Lister(Protocol):
    """Lists a bucket, page by page."""

    async def list_page(
        self, prefix: str, *, delimiter: str = "", token: str | None = None, max_keys: int = 1000
    ) -> ListPage:
        """Return one page of the objects under `prefix`.

        Raises
        ------
        UnreachableError, AccessDeniedError, ObjectNotFoundError, SlowDownError, BrokenTransferError
            As the server, or its absence, gives cause. Cancelling leaves nothing behind; may be called again.
        """
        ...


class CarefulReader(Protocol):
    """Reads one object with all that its headers say; slow, for what the bulk reader could not do."""

    async def get(
        self,
        key: str,
        *,
        if_match: str | None = None,
        byte_range: tuple[int, int] | None = None,
        most_bytes: int | None = None,
    ) -> Body:
        """Return the object, or the half-open range of its bytes.

        Raises
        ------
        TooLargeError
            It has more than `most_bytes`; nothing was read. Otherwise as `Lister.list_page`.
        """
        ...

    async def head(self, key: str, *, first_part: bool = False) -> ObjectHead:
        """Return what HEAD tells, with checksums, and with the size of part 1 if `first_part`."""
        ...


PIECE_BYTES = 256 * 1024
"""Of a range, handed on as they come: whole ranges in memory cost ten times as much, in the allocator's heaps."""

WriteAt = Callable[["bytes | memoryview", int], None]
"""Takes a piece of an object and its offset in it, in bytes."""


class Ask(NamedTuple):
    """An object to be read."""

    key: str
    n_bytes: int
    """As it was listed; a hint for buffers, not checked."""


class Lull(Enum):
    """Nothing to ask for at the moment."""

    BUSY = "busy"
    """There may be in the next one: ask again at once."""
    DRY = "dry"
    """Not before long: wait for answers meanwhile."""


Answer = tuple[str, "Body | StoreError"]
"""A key, and its object or why there is none."""


class BulkReader(Protocol):
    """Reads objects at full speed; blocking, called from many threads at once."""

    @property
    def has_ring(self) -> bool:
        """Whether one thread keeps many requests in flight by `stream`; else one at a time."""
        ...

    @property
    def waited_seconds(self) -> float:
        """Time that threads spent waiting for answers so far, about, as far as it is known."""
        ...

    def get(self, key: str) -> Body:
        """Return the whole object. Raises as `Lister.list_page`."""
        ...

    def stream(
        self, asks: Iterator[Ask | Lull], *, in_flight: Callable[[], int], is_stopped: Callable[[], bool]
    ) -> Generator[Answer | None, None, None]:
        """Yield each key once with its whole object, or with what `get` would have raised, in no order.

        Yields None where nothing came for a moment, so that the caller can do what else is due.

        Parameters
        ----------
        asks
            Taken as requests find room; may be endless, and is asked from the calling thread only.
        in_flight
            How many requests there may be at a time; asked again and again, at least 1.
        is_stopped
            Asked between answers; True ends it early.
        """
        ...

    def copy_range(self, key: str, start: int, stop: int, etag: str, write: WriteAt) -> int:
        """Hand bytes `start` to `stop` (exclusive) to `write` as they come, if the object still has this ETag.

        Returns
        -------
        last_modified
            Of the object, in seconds since 1970, UTC.

        Raises
        ------
        ObjectChangedError
            It has another ETag now; nothing was written.
        BrokenTransferError
            Some of the range may have been written.
        OSError
            What `write` raises.
        """
        ...
