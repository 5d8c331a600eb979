"""From the rows of a part to batches of files: streamed from the catalog, folder by folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, TypeAlias

from pydantic import TypeAdapter, ValidationError

from catalog import queries
from catalog.records import HOW_ADOPTED, HOW_SIZE_ONLY, ArrayRecord, ObjectToCheck
from catalog.session import Catalog
from mirror.app.verify.parts import Part, Slab
from mirror.engine.scrub import Batch, BlockShape, Depth, Wanted
from mirror.explain.block import grid_of
from mirror.formats.data_type import element_bytes
from mirror.formats.folder import Format
from mirror.formats.n5.compression import Compression
from mirror.keys import S3Url
from mirror.objects import Tally

PAGE_ROWS = 5_000
_MD5_BYTES = 16
_CODEC: TypeAdapter[Compression] = TypeAdapter(Compression)


class Claim(NamedTuple):
    """What the catalog says lies on the share."""

    key: str
    size: int
    etag: bytes
    hash: bytes | None
    how: int
    run_id: int


_Facts: TypeAlias = tuple[int, bytes, bytes | None, int, int]
"""Size, packed ETag, xxh3-128, how it was verified, run id: the end of each row."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What goes with a batch: its part, its rows, and where a look goes on after it."""

    part: Part
    folder: str
    """Full key prefix of all its objects."""
    names: Sequence[str]
    facts: Sequence[_Facts]
    """Of the objects of these names."""
    position: str
    tally: Tally

    def claim(self, position: int) -> Claim:
        """Return what the catalog says of one object: of most nobody asks."""
        return Claim(self.folder + self.names[position], *self.facts[position])


def batches_of(catalog: Catalog, part: Part, share: Path, *, depth: Depth) -> Iterator[tuple[Ticket, Batch]]:
    """Yield the batches of a part, from where an earlier look was stopped; a page of rows in memory at a time."""
    rows = _Rows(catalog, part, f"{share}/{S3Url.parse(part.place.url).bucket}/", depth, shape_of(part.array, ""))
    return rows.of_objects() if part.slab is None else rows.of_slab(part.slab)


def wanted_of(name: str, facts: _Facts, *, depth: Depth, decoded_before: int) -> Wanted:
    """Return what a file must be, as its row says.

    Where nothing but the length was ever compared, or no hash was kept, the MD5 is compared where the ETag has the
    form of one.
    """
    size, etag, digest, how, run_id = facts
    is_unproven = digest is None or how % HOW_ADOPTED == HOW_SIZE_ONLY
    md5 = etag if is_unproven and depth is Depth.FULL and len(etag) == _MD5_BYTES else None
    return Wanted(name, size, digest, md5, run_id >= decoded_before)


def shape_of(array: ArrayRecord | None, folder: str) -> BlockShape | None:
    """Return what blocks in a folder of an array must look like; None where they are not N5's.

    Parameters
    ----------
    folder
        Below the array, with a slash at its end or empty.
    """
    grid = grid_of(array.shape_xyz, array.block_size_xyz) if array is not None else None
    if array is None or grid is None or array.format != Format.N5:
        return None
    try:
        codec = _CODEC.validate_python(dict(array.compression))
    except ValidationError:
        return None
    return BlockShape(grid, element_bytes(array.data_type), codec, folder)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Makes batches from the rows of one part."""

    catalog: Catalog
    part: Part
    home: str
    """The bucket's folder on the share, with a slash at its end."""
    depth: Depth
    shape: BlockShape | None
    """Of the array's own folder."""

    def of_slab(self, slab: Slab) -> Iterator[tuple[Ticket, Batch]]:
        part = self.part
        after = _place_of(part.resume_after)
        while True:
            with self.catalog.read() as connection:
                page = queries.blocks_to_check(connection, slab.array_id, slab.x, after=after, limit=PAGE_ROWS)
            is_last = len(page) < PAGE_ROWS
            for y, group in groupby(page, key=_FIRST):
                rows = list(group)
                is_cut = (not is_last and y == page[-1][0]) or (after is not None and y == after[0])
                names, facts = [str(row[1]) for row in rows], [row[2:] for row in rows]
                position = f"{y}/{names[-1]}"
                yield self._batch(f"{part.prefix}{y}/", names, facts, position, is_whole_folder=not is_cut)
            if is_last:
                return
            after = page[-1][0], page[-1][1]

    def of_objects(self) -> Iterator[tuple[Ticket, Batch]]:
        part, after = self.part, self.part.resume_after
        for keys in part.ranges:
            while True:
                with self.catalog.read() as connection:
                    page = queries.objects_to_check(
                        connection, part.place.bucket_id, keys, after=after, limit=PAGE_ROWS
                    )
                chosen = page if part.takes is None else [row for row in page if part.takes(row[0])]
                for folder, group in groupby(chosen, key=_folder_of):
                    rows = list(group)
                    names, facts = [row[0][len(folder) :] for row in rows], [row[1:] for row in rows]
                    yield self._batch(folder, names, facts, rows[-1][0], is_whole_folder=False)
                if len(page) < PAGE_ROWS:
                    break
                after = page[-1][0]

    def _batch(
        self, folder: str, names: Sequence[str], facts: Sequence[_Facts], position: str, *, is_whole_folder: bool
    ) -> tuple[Ticket, Batch]:
        part, shape, depth, decoded = self.part, self.shape, self.depth, self.part.decoded_before
        if shape is not None and part.array is not None:
            shape = replace(shape, folder=folder[len(part.array.key_prefix) :])
        files = [
            wanted_of(name, fact, depth=depth, decoded_before=decoded) for name, fact in zip(names, facts, strict=True)
        ]
        batch = Batch(f"{self.home}{folder}".rstrip("/"), files, depth, shape, is_whole_folder)
        return Ticket(part, folder, names, facts, position, Tally(len(files), batch.n_bytes)), batch


_FIRST = itemgetter(0)


def _folder_of(row: ObjectToCheck) -> str:
    return row[0][: row[0].rfind("/") + 1]


def _place_of(position: str | None) -> tuple[int, int] | None:
    if position is None:
        return None
    y, _, z = position.partition("/")
    return (int(y), int(z)) if y.isdecimal() and z.isdecimal() else None
