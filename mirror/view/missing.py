"""Why a block's file is not on the share: the bucket has none, it was never mirrored, or it was lost here."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from catalog import queries
from catalog.errors import CatalogMissingError
from catalog.records import ArrayRecord
from catalog.session import Catalog
from mirror.app.levels import state_word
from mirror.app.reading import catalog_for_reading
from mirror.config import Settings
from mirror.crops.blocks import BlockBox
from mirror.formats.folder import Format
from mirror.formats.n5.grid import BlockIndex
from mirror.view.described import BlockNames
from mirror.view.find import Found

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FEW = 4
"""Up to so many files of a folder are asked for one by one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of blocks without a file; each is in one of the three."""

    absent: frozenset[BlockIndex] = frozenset()
    """The bucket has none, so that they read as the fill value."""
    lost: frozenset[BlockIndex] = frozenset()
    """The catalog says that they are on the share."""
    not_mirrored: frozenset[BlockIndex] = frozenset()
    reason: str = ""
    """Why the last may not be taken for absent; empty where the bucket is known to have them."""
    is_whole: bool = False
    """Whether all that was listed of the level is on the share, by the sums of both."""


def blocks_without_file(
    folder: Path, names: BlockNames, numbers_zyx: Iterable[tuple[int, ...]]
) -> dict[BlockIndex, str]:
    """Return the blocks of a product of positions whose files are not there, x first, each with its name.

    Parameters
    ----------
    numbers_zyx
        Of the blocks along each axis.
    """
    by_folder: defaultdict[str, dict[str, BlockIndex]] = defaultdict(dict)
    for position_zyx in product(*numbers_zyx):
        above, _, name = names(position_zyx[::-1]).rpartition("/")
        by_folder[above][name] = position_zyx[::-1]
    missing: dict[BlockIndex, str] = {}
    for above, wanted in by_folder.items():
        there = _files(folder / above, wanted)
        missing |= {index: f"{above}/{name}".lstrip("/") for name, index in wanted.items() if name not in there}
    return missing


def _files(folder: Path, wanted: Collection[str]) -> Collection[str]:
    if len(wanted) <= _FEW:
        return {name for name in wanted if os.path.exists(folder / name)}
    try:
        return set(os.listdir(folder))
    except OSError:
        return ()


def judge(settings: Settings, found: Found, missing: Mapping[BlockIndex, str]) -> Verdict:
    """Return what the catalog knows of blocks whose files are not there.

    Parameters
    ----------
    missing
        Position, x first, to the key below the array's prefix.

    Raises
    ------
    CatalogError
        There is a catalog, and it cannot be read.
    """
    try:
        with catalog_for_reading(settings) as catalog, catalog.read() as connection:
            return _Judge(connection, catalog, found).judge(missing)
    except CatalogMissingError:
        return Verdict(not_mirrored=frozenset(missing), reason="without a catalog, nothing tells what the bucket has")


class _Judge:
    """One look into the catalog."""

    def __init__(self, connection: Connection, catalog: Catalog, found: Found) -> None:
        self._connection = connection
        self._catalog = catalog
        self._dataset = found.chosen.dataset
        self._dataset_prefix = f"{found.url.prefix}{found.chosen.dataset}/"
        self._prefix = found.chosen.array.prefix
        self._bucket_id = queries.find_bucket(connection, str(found.url))

    def judge(self, missing: Mapping[BlockIndex, str]) -> Verdict:
        """Return the verdict on blocks without a file."""
        everything = frozenset(missing)
        record = self._record()
        if record is None or record.id is None or self._bucket_id is None:
            return Verdict(not_mirrored=everything, reason="the catalog does not know what the bucket has of the level")
        # Not asked otherwise: sums of a run that goes on are counted.
        is_whole = (self._catalog.is_published or not missing) and self._is_whole(record)
        seen = everything & self._seen_absent(missing)
        if self._catalog.is_published:
            if is_whole:
                return Verdict(absent=everything, is_whole=True)
            reason = "the published catalog knows no single blocks, and says that the level is not whole here"
            return Verdict(absent=seen, not_mirrored=everything - seen, reason=reason)
        is_grid = record.format == Format.N5 and len(record.shape_xyz) == 3
        lost = self._mirrored(record.id, missing, is_grid=is_grid)
        listing = queries.newest_listings(self._connection, self._bucket_id, self._dataset).get(record.id)
        if listing is None:
            reason = "the bucket was never listed there"
            return Verdict(absent=seen - lost, lost=lost, not_mirrored=everything - seen - lost, reason=reason)
        listed = self._listed(listing.snapshot_id, record.id, missing, is_grid=is_grid)
        return Verdict(everything - listed - lost, lost, listed - lost, is_whole=is_whole)

    def _seen_absent(self, missing: Iterable[BlockIndex]) -> frozenset[BlockIndex]:
        """Return those that a run was to fetch, and did not find in the bucket: it ended, and the share has no file."""
        assert self._bucket_id is not None
        spans = queries.cropped_blocks(self._connection, self._bucket_id, self._dataset, only_finished=True)
        boxes = [BlockBox(first, stop) for first, stop in spans.get(self._prefix, ())]
        return frozenset(index for index in missing if any(index in box for box in boxes))

    def _record(self) -> ArrayRecord | None:
        if self._bucket_id is None:
            return None
        of_dataset = queries.arrays(self._connection, self._bucket_id, self._dataset_prefix)
        return next((one for one in of_dataset if one.key_prefix == self._prefix), None)

    def _is_whole(self, record: ArrayRecord) -> bool:
        states = queries.level_states(self._connection, record.bucket_id, self._dataset)
        return any(one.array.id == record.id and state_word(one.listed, one.mirrored) == "whole" for one in states)

    def _mirrored(self, array_id: int, missing: Mapping[BlockIndex, str], *, is_grid: bool) -> frozenset[BlockIndex]:
        by_place = queries.mirrored_places(self._connection, array_id, _places(missing)) if is_grid else set()
        keys = self._by_key(missing)
        assert self._bucket_id is not None
        rows = queries.mirrored_objects_of(self._connection, self._bucket_id, list(keys))
        return frozenset({*by_place, *(keys[row[0]] for row in rows)})

    def _listed(
        self, snapshot_id: int, array_id: int, missing: Mapping[BlockIndex, str], *, is_grid: bool
    ) -> frozenset[BlockIndex]:
        if is_grid:
            return frozenset(queries.listed_places(self._connection, snapshot_id, array_id, _places(missing)))
        keys = self._by_key(missing)
        return frozenset(keys[key] for key in queries.listed_keys(self._connection, snapshot_id, array_id, list(keys)))

    def _by_key(self, missing: Mapping[BlockIndex, str]) -> dict[str, BlockIndex]:
        return {f"{self._prefix}{name}": index for index, name in missing.items()}


def _places(missing: Mapping[BlockIndex, str]) -> list[tuple[int, int, int]]:
    return [(x, y, z) for x, y, z in missing]
