"""A few bytes of a few blocks of each paired level: how blocks begin, and how the edge is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from mirror.app.diffing.stored import Stored
from mirror.engine.lists_in_flight import MOST
from mirror.errors import MirrorError
from mirror.explain.headers import HeaderEvidence, judge_headers, wanted_headers
from mirror.explain.stored import StoredArray, StoredDataset, StoredVolume
from mirror.formats.folder import Format
from mirror.formats.layout import ArrayFacts
from mirror.formats.n5.block import BlockHeader, BlockMode
from mirror.formats.n5.grid import block_key
from mirror.store.base import CarefulReader
from mirror.store.bucket import Bucket


async def with_headers(bucket: Bucket, stored: Stored, paths: Iterable[str]) -> StoredDataset:
    """Return the dataset with what the headers of a few blocks of some N5 volumes tell.

    Blocks that cannot be read are passed over; a bucket that does not answer leaves all as it is.

    Parameters
    ----------
    paths
        Of the volumes whose levels are read.
    """
    wanted = set(paths)
    arrays = [array for volume in stored.dataset.volumes if _is_wanted(volume, wanted) for array in volume.arrays]
    reader = await bucket.careful()
    slots = asyncio.Semaphore(MOST)
    tasks = {}
    async with asyncio.TaskGroup() as group:
        for array in arrays:
            if array.facts is not None and array.facts.shape_xyz:
                place = stored.key_prefixes[array.path]
                tasks[array.path] = group.create_task(_read_level(reader, slots, place, array, array.facts))
    read = {path: task.result() for path, task in tasks.items()}
    return replace(stored.dataset, volumes=tuple(_with(volume, read, wanted) for volume in stored.dataset.volumes))


def _is_wanted(volume: StoredVolume, paths: set[str]) -> bool:
    return volume.format is Format.N5 and volume.path in paths


def _with(volume: StoredVolume, read: dict[str, StoredArray], paths: set[str]) -> StoredVolume:
    if not _is_wanted(volume, paths):
        return volume
    return replace(volume, arrays=tuple(read.get(array.path, array) for array in volume.arrays))


async def _read_level(
    reader: CarefulReader, slots: asyncio.Semaphore, prefix: str, array: StoredArray, facts: ArrayFacts
) -> StoredArray:
    places = wanted_headers(facts.grid)
    async with asyncio.TaskGroup() as group:
        reads = {
            index: group.create_task(_read(reader, slots, prefix + block_key(index), facts.ndim)) for index in places
        }
    known = [(index, read.result()) for index, read in reads.items()]
    return replace(array, headers=judge_headers(facts.grid, [(index, one) for index, one in known if one is not None]))


async def _read(reader: CarefulReader, slots: asyncio.Semaphore, key: str, ndim: int) -> BlockHeader | None:
    async with slots:
        try:
            # The longest header and no byte more: a block may be as short as that, and a server gives no longer range.
            body = await reader.get(key, byte_range=(0, HeaderEvidence(BlockMode.COUNTED).n_bytes(ndim)))
            return BlockHeader.parse(bytes(body.data), key)
        except MirrorError:
            # Not stored, shorter than the range, damaged, out of reach: other blocks tell as much.
            return None
