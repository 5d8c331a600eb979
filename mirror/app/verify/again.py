"""Damage that is known from earlier checks: looked at again first, for it may be mended by now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import ArrayRecord, DamagedRecord, Recorded
from catalog.session import Catalog
from mirror.app.state import BucketState
from mirror.app.verify.choice import Chosen
from mirror.app.verify.keeper import NOT_THE_ETAG, Found, Keeper
from mirror.app.verify.parts import Part
from mirror.app.verify.rows import Claim, shape_of, wanted_of
from mirror.engine.scrub import Batch, Damage, Depth, Looker
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

    def look_again(self, chosen: Chosen) -> None:
        """Tell the keeper what is still damaged of a dataset; what is whole again gets its row back.

        What a run mirrored anew since is not damaged any more: it is looked at as any other object.

        Raises
        ------
        UnsafeError
            Files are gone because the share is.
        """
        for page in self._pages(chosen):
            with self._catalog.read() as connection:
                rows = [self._keeper.recorded(connection, one.key) for one in page]
            open_ = [one for one, row in zip(page, rows, strict=True) if _is_open(one, row)]
            looks = [(one, self._look(chosen, one)) for one in open_]
            self._settle(chosen, page, {one.key for one, found in looks if found is not None}, open_)
            still = [found for _, found in looks if found is not None]
            for found in still:
                self._keeper.add_checked(found.part, Tally(1, found.claim.size))
            self._keeper.add_known(still)

    def _pages(self, chosen: Chosen) -> Iterator[Sequence[DamagedRecord]]:
        place, after = chosen.place, ""
        while True:
            with self._catalog.read() as connection:
                page = queries.damaged_objects(
                    connection, place.bucket_id, place.prefix, after=after, limit=_PAGE_RECORDS
                )
            if not page:
                return
            after = page[-1].key
            yield [one for one in page if chosen.has(one.key)]

    def _look(self, chosen: Chosen, one: DamagedRecord) -> Found | None:
        """Return what is wrong with a file now, or None where it is what must be there."""
        array = _array_of(chosen, one.key)
        claim = Claim(one.key, one.size, one.etag, one.hash, one.how, one.mirrored_run_id)
        folder, _, name = one.key.rpartition("/")
        below = f"{folder}/"[len(array.key_prefix) :] if array is not None else ""
        wanted = wanted_of(name, claim[1:], depth=Depth.FULL, decoded_before=0)
        batch = Batch(str(self._home / folder), [wanted], Depth.FULL, shape_of(array, below))
        seen = self._looker.look(batch)
        part = Part(chosen.place, one.key, array, Tally(1, one.size))
        if seen.odd:
            odd = seen.odd[0]
            return Found(part, claim, odd.damage, odd.reason, one.is_upstream and odd.is_hash_same)
        if claim.hash is None and any(proven.is_md5_same is False for proven in seen.proven):
            return Found(part, claim, Damage.CONTENT, NOT_THE_ETAG, is_upstream=False)
        return None

    def _settle(
        self, chosen: Chosen, page: Sequence[DamagedRecord], damaged: set[str], open_: Sequence[DamagedRecord]
    ) -> None:
        """Forget the damage of what is not damaged any more, and give what is whole again its row."""
        over = [one.key for one in page if one.key not in damaged]
        whole = [one for one in open_ if one.key not in damaged]
        if not over:
            return
        with self._catalog.begin() as connection:
            # Asked under the catalog's lock: who begins now doubts the row after it was put back.
            if whole and self._is_busy():
                kept = {one.key for one in whole}
                whole, over = [], [key for key in over if key not in kept]
            for one in whole:
                if (row := self._keeper.recorded(connection, one.key)) is None or not row.etag:
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


def _is_open(one: DamagedRecord, row: Recorded | None) -> bool:
    """Return whether no run mirrored the object anew since it was found damaged."""
    if row is None or not row.etag:
        return True
    return one.is_upstream and (row.etag, row.run_id) == (one.etag, one.mirrored_run_id)


def _array_of(chosen: Chosen, key: str) -> ArrayRecord | None:
    inside = [one for one in chosen.arrays if key.startswith(one.key_prefix)]
    return max(inside, key=lambda one: len(one.key_prefix), default=None)
