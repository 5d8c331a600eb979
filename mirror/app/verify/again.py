"""Damage that is known from earlier checks: looked at again first, for it may be mended by now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import DamagedRecord, Recorded
from catalog.session import Catalog
from mirror.app.state import BucketState
from mirror.app.verify.choice import Chosen
from mirror.app.verify.keeper import NOT_THE_ETAG, Keeper
from mirror.app.verify.known import damage_of, found_of
from mirror.app.verify.outcome import Found
from mirror.app.verify.rows import shape_of, wanted_of
from mirror.engine.scrub import Batch, Damage, Depth, IoErrors, Looker
from mirror.objects import Tally

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PAGE_RECORDS = 1_000


class KnownDamage:
    """Looks again at what the catalog says is damaged in one bucket.

    Parameters
    ----------
    home
        The bucket's folder on the share.
    is_busy
        Whether another run works on the dataset: then no row is put back, for it may be replacing the file.
    """

    def __init__(
        self, catalog: Catalog, state: BucketState, keeper: Keeper, home: Path, is_busy: Callable[[], bool]
    ) -> None:
        self._catalog = catalog
        self._state = state
        self._keeper = keeper
        self._home = home
        self._is_busy = is_busy
        self._looker = Looker()
        self._io_errors = IoErrors()

    def look_again(self, chosen: Chosen, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Tell the keeper what is still damaged of a dataset; what is whole again gets its row back.

        What a run mirrored anew since is not damaged any more: it is looked at as any other object. Stopped, it leaves
        the rest as it is known.

        Raises
        ------
        UnsafeError
            Files are gone because the share is.
        """
        for page in damage_of(self._catalog, chosen, limit=_PAGE_RECORDS):
            if is_stopped():
                return
            with self._catalog.read() as connection:
                rows = self._keeper.recorded(connection, [one.key for one in page])
            open_ = [one for one in page if _is_open(one, rows.get(one.key))]
            still = [one for _, group in groupby(open_, key=_folder_of) for one in self._look(chosen, list(group))]
            self._io_errors.check(chosen.place.url)
            self._settle(chosen, page, {one.key for one, _ in still}, open_)
            for _, found in still:
                self._keeper.add_checked(found.part, Tally(1, found.claim.size))
            self._keeper.add_known(still)

    def _look(self, chosen: Chosen, records: Sequence[DamagedRecord]) -> Iterator[tuple[DamagedRecord, Found]]:
        """Yield what is still wrong of files of one folder, each with what is wrong now."""
        known = [found_of(chosen, one) for one in records]
        folder, array = _folder_of(records[0]), known[0].part.array
        below = folder[len(array.key_prefix) :] if array is not None else ""
        names = [one.key[len(folder) :] for one in records]
        files = [
            wanted_of(name, one.claim[1:], depth=Depth.FULL, decoded_before=0)
            for name, one in zip(names, known, strict=True)
        ]
        batch = Batch(str(self._home / folder), files, Depth.FULL, shape_of(array, below))
        seen = self._looker.look(batch)
        self._io_errors.add(seen.n_tries, seen.n_io_errors)
        for odd in seen.odd:
            one, found = records[odd.position], known[odd.position]
            is_upstream = one.is_upstream and odd.is_hash_same
            yield one, replace(found, damage=odd.damage, reason=odd.reason, is_upstream=is_upstream)
        for proven in seen.proven:
            one, found = records[proven.position], known[proven.position]
            if found.claim.hash is None and proven.is_md5_same is False:
                yield one, replace(found, damage=Damage.CONTENT, reason=NOT_THE_ETAG, is_upstream=False)

    def _settle(
        self, chosen: Chosen, page: Sequence[DamagedRecord], damaged: set[str], open_: Sequence[DamagedRecord]
    ) -> None:
        """Forget the damage of what is not damaged any more, and give what is whole again its row."""
        over = [one.key for one in page if one.key not in damaged]
        whole = [one for one in open_ if one.key not in damaged]
        if not over:
            return
        with self._catalog.begin() as connection:
            rows = self._keeper.recorded(connection, [one.key for one in whole])
            without_row = [one for one in whole if one.key not in rows or not rows[one.key].etag]
            # Asked under the catalog's lock: who begins now doubts the row after it was put back.
            if without_row and self._is_busy():
                kept = {one.key for one in without_row}
                without_row, over = [], [key for key in over if key not in kept]
            for one in without_row:
                self._put_back(connection, one)
            queries.drop_damaged(connection, chosen.place.bucket_id, over)

    def _put_back(self, connection: Connection, one: DamagedRecord) -> None:
        tail = (one.size, one.etag, one.hash, one.how, one.mirrored_run_id)
        at = self._state.place_of(one.key)
        if at is not None:
            queries.put_mirrored_blocks(connection, [(at[0], *at[1], *tail)])
        else:
            queries.put_mirrored_objects(connection, [(one.bucket_id, one.key, *tail)])
        self._keeper.doubt_sum(connection, one.key)


def _folder_of(one: DamagedRecord) -> str:
    return one.key[: one.key.rfind("/") + 1]


def _is_open(one: DamagedRecord, row: Recorded | None) -> bool:
    """Return whether no run mirrored the object anew since it was found damaged."""
    if row is None or not row.etag:
        return True
    has_kept_its_row = one.is_upstream or one.kind == Damage.UNREADABLE
    return has_kept_its_row and (row.etag, row.run_id) == (one.etag, one.mirrored_run_id)
