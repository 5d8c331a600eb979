"""`python -m bench.listing_server`: an S3 server on loopback that makes up a dataset of millions of blocks.

Nothing is stored: keys, sizes, ETags and bodies are computed from the grid. Pages of a LIST are kept after they were
made once, so that the second client to list the dataset measures itself and not this server.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import sys
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from functools import cache, cached_property
from itertools import chain, islice, repeat
from urllib.parse import parse_qsl, unquote

from bench.blocks import BUCKET
from mirror.demo.buckets import B_PREFIX

DATASET = "jrc_made-up"
Grid = tuple[int, int, int]
HELA2_BLOCKS: Grid = (188, 25, 100)
"""Blocks of jrc_hela-2's finest level in bucket B, x first; a slab of one x has 2,500."""
VOLUMES = ("raw", "labels/er_seg", "labels/mito_seg", "labels/nucleus_seg", "labels/plasma_membrane_seg")
_FIRST_MODIFIED = 1_600_000_000
_MODIFIED_SECONDS = 20_000
"""The objects were written within so many seconds, some at the same one, as by a tool that copies a dataset."""
_CACHE_BYTES = 2 << 30
_LIST_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
)
_REFUSED = b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>%s</Code><Message>as told</Message></Error>"


@dataclass(frozen=True, slots=True)
class Level:
    """One array, of which the first blocks are stored, x slowest."""

    prefix: str
    grid_xyz: tuple[int, int, int]
    """Blocks."""
    n_stored: int

    @property
    def n_slabs(self) -> int:
        """Slabs along x that hold a block."""
        return -(-self.n_stored // (self.grid_xyz[1] * self.grid_xyz[2]))

    def stored_yz(self, x: int) -> tuple[int, int]:
        """Return how many rows of a slab are stored, and how many blocks the last of them has."""
        _, n_y, n_z = self.grid_xyz
        blocks = min(n_y * n_z, self.n_stored - x * n_y * n_z)
        rows = -(-blocks // n_z)
        return rows, blocks - (rows - 1) * n_z

    def attributes(self) -> dict[str, object]:
        """Return its metadata; blocks are of 64 voxels a side."""
        return {
            "dataType": "uint8",
            "dimensions": [64 * n for n in self.grid_xyz],
            "blockSize": [64, 64, 64],
            "compression": {"type": "gzip", "level": -1, "useZlib": False},
        }


class Dataset:
    """The keys of a made-up dataset of bucket B, in the order of their UTF-8 bytes, and what lies behind them.

    Parameters
    ----------
    n_keys
        Blocks; metadata documents come on top.
    grid_xyz
        Blocks of each volume's finest level. Coarser levels have half as many on each axis. Volumes are added until
        there are enough blocks; the last level is cut.
    n_loose
        Files in a folder that is no volume, all side by side: they can only be listed one page after the other.
    n_volumes
        Volumes that share the blocks: the first has the whole grid, the others smaller ones of the same shape, so that
        there are a few less than `n_keys`. 0: as many whole ones as it takes.
    edition
        Another one has other bytes, and ETags, under the same keys.
    """

    def __init__(
        self,
        n_keys: int,
        grid_xyz: tuple[int, int, int] = HELA2_BLOCKS,
        n_loose: int = 0,
        n_volumes: int = 0,
        edition: int = 0,
    ) -> None:
        self._edition = edition
        self.prefix = f"{B_PREFIX}{DATASET}/"
        self._loose = f"{self.prefix}loose/"
        self._n_loose = n_loose
        folder = f"{self.prefix}{DATASET}.n5/volumes/"
        self.levels = {level.prefix: level for level in _levels(folder, n_keys, grid_xyz, n_volumes)}

    @cached_property
    def documents(self) -> dict[str, bytes]:
        """The metadata by key."""
        documents: dict[str, object] = {f"{self.prefix}{DATASET}.n5/attributes.json": {"n5": "2.0.0"}}
        documents |= {f"{level.prefix}attributes.json": level.attributes() for level in self.levels.values()}
        return {key: json.dumps(document).encode() for key, document in documents.items()}

    @cached_property
    def _folders(self) -> dict[str, tuple[str, ...]]:
        """Names in each folder above the levels; those of folders end with a slash."""
        names: dict[str, set[str]] = {}
        for key in (*self.documents, *self.levels, *([self._loose] if self._n_loose else [])):
            folder, name = "", key
            while "/" in name.rstrip("/"):
                child, _, name = name.partition("/")
                names.setdefault(folder, set()).add(f"{child}/")
                folder += f"{child}/"
            names.setdefault(folder, set()).add(name)
        return {folder: tuple(sorted(inside)) for folder, inside in names.items()}

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """Yield the keys that begin with `prefix` and come after another, in order."""
        folder, stem = _parent(prefix)
        for name in self._names(folder):
            if name.startswith(stem):
                yield from self._below(folder + name, after)

    def children(self, prefix: str, after: str = "") -> Iterator[str]:
        """Yield keys and folders (with a slash at the end) as a LIST with a delimiter sees them."""
        folder, stem = _parent(prefix)
        for name in self._names(folder):
            if name.startswith(stem) and folder + name > after:
                yield folder + name

    def body(self, key: str) -> bytes | None:
        """Return the bytes of an object, or None if there is none: of a block noise, 80 to 335 bytes of it."""
        if key in self.documents:
            return self.documents[key]
        folder, _, name = key.rpartition("/")
        return self.block(key) if name in self._names(f"{folder}/") else None

    def block(self, key: str) -> bytes:
        """Return the bytes of a block that is there."""
        return block_body(key, self._edition)

    def _below(self, place: str, after: str) -> Iterator[str]:
        if not place.endswith("/"):
            if place > after:
                yield place
        elif place > after or after.startswith(place):
            names = self._names(place)
            # A page in the middle of a folder begins at its first key, not at the folder's.
            first = bisect_left(names, after[len(place) :].partition("/")[0]) if after.startswith(place) else 0
            for name in islice(names, first, None):
                yield from self._below(place + name, after)

    def _names(self, folder: str) -> Sequence[str]:
        """Return what a folder holds, in the order of keys."""
        for prefix, level in self.levels.items():
            if folder.startswith(prefix):
                return _names_in_level(level, folder.removeprefix(prefix))
        if folder == self._loose:
            return _numbers(self._n_loose)
        return self._folders.get(folder, ())


def _levels(prefix: str, n_keys: int, grid_xyz: Grid, n_volumes: int) -> Iterator[Level]:
    names = iter([*VOLUMES, *(f"labels/{number:03}_seg" for number in range(1_000))])
    grids: Iterable[Grid] = repeat(grid_xyz)
    if n_volumes:
        share = (n_keys - _n_blocks(grid_xyz)) // max(1, n_volumes - 1)
        grids = chain([grid_xyz], repeat(_shrunk(grid_xyz, share), n_volumes - 1))
    for whole in grids:
        volume = next(names)
        for number, grid in enumerate(_pyramid(whole)):
            n_stored = min(n_keys, grid[0] * grid[1] * grid[2])
            if n_stored:
                yield Level(f"{prefix}{volume}/s{number}/", grid, n_stored)
            n_keys -= n_stored
        if n_keys <= 0:
            return


def _pyramid(grid_xyz: Grid) -> Iterator[Grid]:
    x, y, z = grid_xyz
    for number in range(5):
        yield -(-x // 2**number), -(-y // 2**number), -(-z // 2**number)


def _n_blocks(grid_xyz: Grid) -> int:
    return sum(x * y * z for x, y, z in _pyramid(grid_xyz))


def _shrunk(grid_xyz: Grid, n_blocks: int) -> Grid:
    """Return the grid of about the same shape whose pyramid has at most so many blocks, and at least one."""
    factor = min(1.0, (max(1, n_blocks) / _n_blocks(grid_xyz)) ** (1 / 3))
    x, y, z = (max(1, int(n * factor)) for n in grid_xyz)
    while x > 1 and _n_blocks((x, y, z)) > n_blocks:
        x -= 1
    return x, y, z


def _names_in_level(level: Level, below: str) -> Sequence[str]:
    match below.split("/"):
        case [""]:
            return (*_numbers(level.n_slabs, "/"), "attributes.json")
        case [x, *_] if x not in _numbers(level.n_slabs):
            return ()
        case [x, ""]:
            return _numbers(level.stored_yz(int(x))[0], "/")
        case [x, y, ""] if y in _numbers(level.stored_yz(int(x))[0]):
            n_rows, n_last = level.stored_yz(int(x))
            return _numbers(n_last if int(y) == n_rows - 1 else level.grid_xyz[2])
    return ()


@cache
def _numbers(n: int, end: str = "") -> tuple[str, ...]:
    return tuple(sorted(f"{number}{end}" for number in range(n)))


def _parent(prefix: str) -> tuple[str, str]:
    folder, slash, stem = prefix.rpartition("/")
    return folder + slash, stem


def block_body(key: str, edition: int = 0) -> bytes:
    """Return the bytes of a block: another length and another MD5 for each key; no reader can decode them."""
    seed = zlib.crc32(key.encode(), edition)
    return b"\0\0\0\3\0\0\0\x40\0\0\0\x40\0\0\0\x40" + seed.to_bytes(4, "big") * (16 + seed % 64)


class Pages:
    """Renders LIST answers and keeps them."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._kept: dict[str, bytes] = {}
        self._kept_bytes = 0
        self._times = [_utc(_FIRST_MODIFIED + seconds) for seconds in range(_MODIFIED_SECONDS)]

    def page(self, query: str) -> bytes:
        """Return the answer to a LIST with this query string."""
        if (kept := self._kept.get(query)) is not None:
            return kept
        page = self._render(dict(parse_qsl(query, keep_blank_values=True))).encode()
        self._kept[query] = page
        self._kept_bytes += len(page)
        while self._kept_bytes > _CACHE_BYTES:
            self._kept_bytes -= len(self._kept.pop(next(iter(self._kept))))
        return page

    def _render(self, asked: dict[str, str]) -> str:
        prefix, limit = asked.get("prefix", ""), int(asked.get("max-keys", "1000"))
        after = asked.get("continuation-token") or asked.get("start-after", "")
        find = self._dataset.children if asked.get("delimiter") else self._dataset.keys
        found = list(islice(find(prefix, after), limit + 1))
        page, is_truncated = found[:limit], len(found) > limit
        token = page[-1] + ("~" if page[-1].endswith("/") else "") if is_truncated and page else ""
        return "".join(
            [
                _LIST_HEAD,
                f"<Name>{BUCKET}</Name><Prefix>{prefix}</Prefix><KeyCount>{len(page)}</KeyCount>",
                f"<MaxKeys>{limit}</MaxKeys><EncodingType>url</EncodingType>" if "encoding-type" in asked else "",
                f"<IsTruncated>{str(is_truncated).lower()}</IsTruncated>",
                f"<NextContinuationToken>{token}</NextContinuationToken>" if token else "",
                *(self._contents(key) for key in page if key[-1] != "/"),
                *(f"<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>" for key in page if key[-1] == "/"),
                "</ListBucketResult>",
            ]
        )

    def _contents(self, key: str) -> str:
        body = self._dataset.documents.get(key) or self._dataset.block(key)
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        modified = self._times[zlib.crc32(body) % _MODIFIED_SECONDS]
        return (
            f"<Contents><Key>{key}</Key><LastModified>{modified}</LastModified>"
            f"<ETag>&quot;{etag}&quot;</ETag><Size>{len(body)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )


def _utc(seconds: int) -> str:
    day, rest = divmod(seconds - _FIRST_MODIFIED + 44_800, 86_400)
    return f"2020-09-{13 + day:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}.000Z"


@dataclass(slots=True)
class Manners:
    """How the server behaves."""

    delay_seconds: float = 0.0
    """Before each answer, as a network would have it."""
    refuses_above: int = 0
    """Requests in flight above which it answers 503 SlowDown; 0: never."""


class Connection(asyncio.Protocol):
    """One connection of a client; requests are answered in turn."""

    n_in_flight = 0
    """Of all connections."""

    def __init__(self, dataset: Dataset, pages: Pages, manners: Manners) -> None:
        self._dataset = dataset
        self._pages = pages
        self._manners = manners
        self._unread = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole; none has a body."""
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            line, self._unread = self._unread[: self._unread.index(b"\r\n")], self._unread[end + 4 :]
            method, target, _ = line.decode().split(" ", 2)
            if self._manners.delay_seconds:
                self._answer_late(method, target)
            else:
                self._transport.write(self._answer(method, target))

    def _answer_late(self, method: str, target: str) -> None:
        if 0 < self._manners.refuses_above <= Connection.n_in_flight:
            self._transport.write(_http(503, _REFUSED % b"SlowDown"))
            return
        Connection.n_in_flight += 1
        asyncio.get_running_loop().call_later(self._manners.delay_seconds, self._finish, method, target)

    def _finish(self, method: str, target: str) -> None:
        Connection.n_in_flight -= 1
        if not self._transport.is_closing():
            self._transport.write(self._answer(method, target))

    def _answer(self, method: str, target: str) -> bytes:
        path, _, query = target.partition("?")
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        if bucket != BUCKET:
            return _http(404, _REFUSED % b"NoSuchBucket")
        if not key:
            return _http(200, self._pages.page(query), has_body=method != "HEAD")
        body = self._dataset.body(key)
        if body is None:
            return _http(404, _REFUSED % b"NoSuchKey")
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        modified = formatdate(_FIRST_MODIFIED + zlib.crc32(body) % _MODIFIED_SECONDS, usegmt=True)
        more = f'ETag: "{etag}"\r\nLast-Modified: {modified}\r\nAccept-Ranges: bytes\r\n'
        return _http(200, body, more, has_body=method != "HEAD")


def _http(status: int, body: bytes, more: str = "", *, has_body: bool = True) -> bytes:
    kind = "application/octet-stream" if more else "application/xml"
    head = f"HTTP/1.1 {status} As Told\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + (body if has_body else b"")


async def serve(dataset: Dataset, manners: Manners, port: int) -> None:
    """Serve for ever; the address is printed when the server is ready."""
    pages = Pages(dataset)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(dataset, pages, manners), "127.0.0.1", port, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


def _grid(text: str) -> tuple[int, int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)x(\d+)", text)
    if match is None:
        raise argparse.ArgumentTypeError("a grid is spelled 188x25x100")
    x, y, z = map(int, match.groups())
    return x, y, z


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve what the arguments say until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.listing_server", description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000, help="blocks of the dataset (1000000)")
    parser.add_argument(
        "--grid", type=_grid, default=HELA2_BLOCKS, help="blocks of a finest level, x first (188x25x100: jrc_hela-2)"
    )
    parser.add_argument("--loose", type=int, default=0, help="files side by side in a folder that is no volume (0)")
    parser.add_argument("--volumes", type=int, default=0, help="volumes that share the blocks (as many as it takes)")
    parser.add_argument("--edition", type=int, default=0, help="another one has other bytes under the same keys (0)")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="wait before each answer (0)")
    parser.add_argument("--refuse-above", type=int, default=0, help="503 above so many requests in flight (never)")
    parser.add_argument("--port", type=int, default=0, help="port on loopback (a free one)")
    options = parser.parse_args(arguments)
    manners = Manners(options.delay_ms / 1000, options.refuse_above)
    with suppress(KeyboardInterrupt):
        dataset = Dataset(options.keys, options.grid, options.loose, options.volumes, options.edition)
        asyncio.run(serve(dataset, manners, options.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
