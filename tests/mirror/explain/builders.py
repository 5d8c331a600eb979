"""Levels, volumes and datasets as a bucket would store them, built from a few numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

from mirror.explain.headers import UNREAD, HeaderEvidence
from mirror.explain.ranking import dataset_causes, pair_causes
from mirror.explain.result import NOTHING, DatasetExplanation
from mirror.explain.stored import OtherObjects, StoredArray, StoredDataset, StoredVolume
from mirror.formats.folder import Format
from mirror.formats.layout import ArrayFacts
from mirror.formats.n5.grid import BlockIndex, Grid
from mirror.objects import Tally

GZIP = {"type": "gzip", "level": -1, "useZlib": False}
RAW = {"type": "raw"}
DOCUMENT = Tally(1, 400)
HEADER_BYTES = 16


def facts(
    shape_xyz: tuple[int, ...] = (8, 8, 8),
    *,
    block_size_xyz: tuple[int, ...] = (4, 4, 4),
    data_type: str = "uint8",
    compression: Mapping[str, object] = GZIP,
) -> ArrayFacts:
    """Return the facts of an array of 2 x 2 x 2 blocks, but for what is said."""
    return ArrayFacts(shape_xyz, block_size_xyz, data_type, compression)


def level(
    known: ArrayFacts | None,
    blocks: Mapping[BlockIndex, int],
    *,
    index: int | None = 0,
    strays: Tally = NOTHING,
    documents: Tally = DOCUMENT,
    headers: HeaderEvidence = UNREAD,
    padding: Fraction | None = None,
) -> StoredArray:
    """Return a level with these blocks: position to bytes of the object."""
    rows = [(*position, size) for position, size in sorted(blocks.items())]
    stored = Tally(len(blocks), sum(blocks.values()))
    return StoredArray(
        path=f"s{index}" if index is not None else "array",
        level_index=index,
        facts=known,
        listed=stored + documents + strays,
        documents=documents,
        blocks=(lambda: iter(rows)) if known is not None else None,
        headers=headers,
        padding=padding,
        fault="" if known is not None else "not JSON",
    )


def full(known: ArrayFacts, size: Callable[[Grid, BlockIndex], int]) -> dict[BlockIndex, int]:
    """Return all blocks of an array, each as long as `size` says."""
    return {index: size(known.grid, index) for index in known.grid.indices()}


def alike(known: ArrayFacts, size: int) -> dict[BlockIndex, int]:
    """Return all blocks of an array, all of one length."""
    return dict.fromkeys(known.grid.indices(), size)


def volume(path: str, *levels: StoredArray, volume_format: Format = Format.N5, rest: Tally = DOCUMENT) -> StoredVolume:
    """Return a volume of these levels."""
    arrays = tuple(replace(one, path=f"{path}/{one.path}") for one in levels)
    return StoredVolume(path, volume_format, arrays, rest)


def dataset(*volumes: StoredVolume, others: tuple[OtherObjects, ...] = (), name: str = "jrc_x") -> StoredDataset:
    """Return a dataset whose total is what its parts come to."""
    total = sum((one.listed for one in others), sum((one.listed for one in volumes), NOTHING))
    return StoredDataset(name, total, volumes, others)


def check_sums(explained: DatasetExplanation) -> None:
    """Check that every byte has its cause: levels sum to pairs, pairs to the dataset."""
    total = sum(line.bytes for line in dataset_causes(explained)) + explained.unexplained_bytes
    assert total == explained.difference_bytes
    for pair in explained.pairs:
        of_pair = sum(line.bytes for line in pair_causes(pair)) + sum(one.bytes for one in pair.unexplained)
        assert of_pair == pair.difference_bytes
        for one in pair.levels:
            assert sum(one.contributions.values()) + one.unexplained_bytes == one.difference_bytes
    alone = sum(pair.difference_bytes for pair in explained.pairs) + sum(one.bytes for one in explained.only)
    assert alone + sum(one.bytes for one in explained.unexplained) == explained.difference_bytes
