"""What a check found, on its way into the catalog: damage, proofs, and when each part was looked at.

A row is taken back only where it still says what was looked at: a sync that replaces a file doubts its row first
(`BucketState.doubt`), so that a file which is bad while its row stands unchanged afterwards is bad indeed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import HOW_ADOPTED, HOW_MD5, HOW_SIZE_ONLY, CheckedPart, DamagedRecord, Recorded
from catalog.session import Catalog
from mirror.app.state import BucketState
from mirror.app.verify.course import Course
from mirror.app.verify.known import record_of, renewed_of
from mirror.app.verify.outcome import Found, Outcome
from mirror.app.verify.parts import Part
from mirror.app.verify.rows import Claim, Ticket
from mirror.diff import Kind
from mirror.engine.fetch import Item
from mirror.engine.scrub import Batch, Damage, Depth, IoErrors, Looker, Odd, Seen, Wanted
from mirror.engine.scrub.look import Proven
from mirror.objects import Tally

if TYPE_CHECKING:
    from sqlalchemy import Connection

FLUSH_SECONDS = 1.0
"""As much is lost, at most, of a check that is killed."""
FLUSH_FOUND = 5_000
"""Of what is wrong no more is in memory, about: a whole level may be gone."""
NOT_THE_ETAG = "its MD5 is not the ETag of the bucket's object; only its length had been compared"
_WITHOUT_FILE = {Damage.LOST, Damage.NOT_A_FILE}
_UNKNOWN = {Damage.UNREADABLE}
"""What says nothing against the row: once it may be read, the file may be whole."""


class Keeper:
    """Takes what was seen of one bucket, and writes it in transactions of its own.

    Parameters
    ----------
    run_id
        Of the check.
    decoded_before
        Blocks of runs with lesser numbers are decoded when a part was looked at in full: rows of a sync that goes on
        beside the check may come later.
    check_share
        Called before files are said to be gone; raises UnsafeError where the share is.
    now
        The time, in UTC.
    """

    def __init__(
        self,
        catalog: Catalog,
        state: BucketState,
        run_id: int,
        *,
        depth: Depth,
        decoded_before: int,
        check_share: Callable[[], None],
        now: Callable[[], datetime],
        outcome: Outcome,
    ) -> None:
        self._catalog = catalog
        self._state = state
        self._bucket_id = state.bucket_id or 0
        self._run_id = run_id
        self._depth = depth
        self._decoded_before = decoded_before
        self._check_share = check_share
        self._now = now
        self._outcome = outcome
        self._looker = Looker()
        self._io_errors = IoErrors()
        self._courses: dict[str, Course] = {}
        self._found: list[Found] = []
        self._proven: list[tuple[Claim, bytes, int]] = []
        self._flushed_at = time.monotonic()
        self.has_changed = False
        """Whether rows of the share were changed."""

    def hand_out(self, ticket: Ticket) -> None:
        """Note that a batch is on its way."""
        prefix = ticket.part.prefix
        if prefix not in self._courses:
            self._courses[prefix] = Course(ticket.part, self._now())
        self._courses[prefix].hand_out(ticket)

    def end(self, part: Part) -> None:
        """Note that all batches of a part are on their way."""
        self._courses.setdefault(part.prefix, Course(part, self._now())).is_fed = True

    def take(self, ticket: Ticket, batch: Batch, seen: Seen) -> None:
        """Take what was seen of a batch; look a second time at what is odd."""
        self._outcome.add_checked(ticket.part, ticket.tally)
        self._io_errors.add(seen.n_tries, seen.n_io_errors)
        for odd in seen.odd:
            if (found := self._confirmed(ticket, batch, odd)) is not None:
                self._found.append(found)
        for proven in seen.proven:
            self._prove(ticket, proven)
        self._courses[ticket.part.prefix].take_back(ticket)
        if len(self._found) >= FLUSH_FOUND or time.monotonic() - self._flushed_at > FLUSH_SECONDS:
            self.flush()

    def _confirmed(self, ticket: Ticket, batch: Batch, odd: Odd) -> Found | None:
        """Return what is odd if it is so again; None where it was odd for a moment."""
        wanted = batch.files[odd.position]
        again = self._looker.look(_alone(batch, wanted, with_content=odd.damage is Damage.HEADER))
        if not again.odd:
            return None
        second, claim = again.odd[0], ticket.claim(odd.position)
        is_same_kind = batch.depth is Depth.FULL or odd.damage is not Damage.HEADER
        told = second if is_same_kind else odd
        is_upstream = second.is_hash_same and claim.hash is not None and claim.how % HOW_ADOPTED != HOW_SIZE_ONLY
        return Found(ticket.part, claim, told.damage, told.reason, is_upstream)

    def _prove(self, ticket: Ticket, proven: Proven) -> None:
        claim = ticket.claim(proven.position)
        adopted = HOW_ADOPTED if claim.how >= HOW_ADOPTED else 0
        if proven.is_md5_same:
            self._proven.append((claim, proven.hash, HOW_MD5 + adopted))
        elif proven.is_md5_same is None:
            self._proven.append((claim, proven.hash, claim.how))
        elif adopted or claim.hash is None:
            # The hash is that of a file which never was the bucket's: from now on the ETag must prove what lies there.
            unproven = claim._replace(hash=None)
            self._found.append(Found(ticket.part, unproven, Damage.CONTENT, NOT_THE_ETAG, is_upstream=False))
        # What came from the bucket and is as it came may have an ETag that is no MD5: an encryption makes its own.

    def add_known(self, found: Sequence[tuple[DamagedRecord, Found]]) -> None:
        """Take what an earlier check found and is wrong still; a row that stands is taken back where it is disproved.

        Raises
        ------
        UnsafeError
            Files are gone because the share is.
        """
        if not found:
            return
        self._check_share()
        with self._catalog.begin() as connection:
            self._withdraw(connection, self._standing(connection, [one for _, one in found]))
            renewed = [(record, renewed_of(record, one)) for record, one in found]
            queries.put_damaged(connection, [new for old, new in renewed if new != old])
        for _, one in found:
            self._outcome.add(one)

    def add_checked(self, part: Part, tally: Tally) -> None:
        """Count objects that were looked at elsewhere."""
        self._outcome.add_checked(part, tally)

    def doubt_sum(self, connection: Connection, key: str) -> None:
        """Say that a row changed, so that what is counted of its place holds no more."""
        self._state.doubt_sums(connection, [_item(key)])
        self.has_changed = True

    def flush(self) -> None:
        """Write what was found so far.

        Raises
        ------
        UnsafeError
            Files are gone because the share is.
        """
        self._flushed_at = time.monotonic()
        parts = self._parts_to_keep()
        if not (self._found or self._proven or parts):
            return
        if self._found:
            self._io_errors.check(self._found[-1].part.place.url)
            self._check_share()
        with self._catalog.begin() as connection:
            really = self._standing(connection, self._found)
            known = queries.damaged_among(connection, self._bucket_id, [one.claim.key for one in really])
            self._withdraw(connection, really)
            new = [one for one in really if one.claim.key not in known]
            queries.put_damaged(connection, [record_of(one, self._run_id, self._now()) for one in new])
            self._keep_proofs(connection)
            queries.put_checked_parts(connection, parts)
        for one in really:
            # What is known was looked at again before all else, and counted then.
            if one.claim.key in known:
                self._outcome.add_checked(one.part, Tally(-1, -one.claim.size))
            else:
                self._outcome.add(one)
        self._found, self._proven = [], []

    def _parts_to_keep(self) -> list[CheckedPart]:
        over = [course for course in self._courses.values() if course.is_over]
        for course in over:
            del self._courses[course.part.prefix]
        under_way = [course for course in self._courses.values() if course.has_moved]
        return [
            course.to_record(self._depth, self._run_id, decoded_before=self._decoded_before)
            for course in (*over, *under_way)
            if course.part.is_whole
        ]

    def _standing(self, connection: Connection, found: Sequence[Found]) -> list[Found]:
        """Return those whose rows say still what they said when their files were looked at."""
        rows = self.recorded(connection, [one.claim.key for one in found])
        return [one for one in found if (row := rows.get(one.claim.key)) is not None and _is_of(row, one.claim)]

    def recorded(self, connection: Connection, keys: Iterable[str]) -> dict[str, Recorded]:
        """Return the rows of keys, of those that have one."""
        places = {key: self._state.place_of(key) for key in keys}
        return queries.recorded_among(connection, self._bucket_id, places)

    def _withdraw(self, connection: Connection, found: Sequence[Found]) -> None:
        gone = [_item(one.claim.key) for one in found if one.damage in _WITHOUT_FILE]
        kept = _WITHOUT_FILE | _UNKNOWN
        changed = [_item(one.claim.key) for one in found if one.damage not in kept and not one.is_upstream]
        if gone or changed:
            self._state.withdraw(connection, gone=gone, changed=changed)
            self.has_changed = True

    def _keep_proofs(self, connection: Connection) -> None:
        blocks, others = [], []
        for claim, digest, how in self._proven:
            at = self._state.place_of(claim.key)
            if at is not None:
                blocks.append(((at[0], *at[1]), claim.run_id, digest, how))
            others.append(((self._bucket_id, claim.key), claim.run_id, digest, how))
            if how != claim.how:
                self._outcome.upgraded = self._outcome.upgraded.plus(claim.size)
        if self._proven:
            self._state.doubt_sums(connection, [_item(claim.key) for claim, _, _ in self._proven])
            queries.prove_blocks(connection, blocks)
            queries.prove_objects(connection, others)
            self.has_changed = True


def _alone(batch: Batch, wanted: Wanted, *, with_content: bool) -> Batch:
    depth = Depth.FULL if with_content else batch.depth
    return replace(batch, files=[wanted._replace(is_to_decode=True)], depth=depth, is_whole_folder=False)


def _is_of(row: Recorded, claim: Claim) -> bool:
    return (row.size, row.etag, row.run_id) == (claim.size, claim.etag, claim.run_id)


def _item(key: str) -> Item:
    """Return an item that stands for a key."""
    return Item(Kind.LOST, key, "", 0, "", 0, None, None)
