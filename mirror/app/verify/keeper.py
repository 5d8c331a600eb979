"""What a check found, on its way into the catalog: damage, proofs, and when each part was looked at.

A row is taken back only where it still says what was looked at: a sync that replaces a file doubts its row first
(`BucketState.doubt`), so that a file which is bad while its row stands unchanged afterwards is bad indeed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import HOW_ADOPTED, HOW_MD5, HOW_SIZE_ONLY, CheckedPart, Count, DamagedRecord, Recorded
from catalog.session import Catalog
from mirror.app.state import BucketState
from mirror.app.verify.parts import LineName, Part
from mirror.app.verify.rows import Claim, Ticket
from mirror.diff import Kind
from mirror.engine.fetch import Item
from mirror.engine.scrub import Batch, Damage, Depth, Looker, Odd, Seen, Wanted
from mirror.engine.scrub.look import Proven
from mirror.objects import Tally

if TYPE_CHECKING:
    from sqlalchemy import Connection

FLUSH_SECONDS = 1.0
"""As much is lost, at most, of a check that is killed."""
NOT_THE_ETAG = "its MD5 is not the ETag of the bucket's object; only its length had been compared"
_WITHOUT_FILE = {Damage.LOST, Damage.NOT_A_FILE}


@dataclass(frozen=True, slots=True)
class Found:
    """An object that is not what its row says."""

    part: Part
    claim: Claim
    damage: Damage
    reason: str
    is_upstream: bool
    """Whether its bytes are those that came from the bucket."""


@dataclass(slots=True)
class Outcome:
    """What a check came to, filled as it goes."""

    checked: dict[LineName, Tally] = field(default_factory=dict)
    """By bucket, dataset, volume and level."""
    found: dict[tuple[int, str], Found] = field(default_factory=dict)
    """By bucket and key."""
    upgraded: Tally = field(default_factory=Tally)
    """Objects of which only the length had been compared, and that are proven now."""

    def add_checked(self, part: Part, tally: Tally) -> None:
        """Count objects that were looked at."""
        self.checked[part.line] = self.checked.get(part.line, Tally()) + tally


class _Course:
    """How far the look at one part has come: batches are done in no order."""

    def __init__(self, part: Part, now: datetime) -> None:
        self.part = part
        stopped = part.known.begun_at if part.known is not None and part.resume_after is not None else None
        self.begun_at = stopped or now
        self.is_fed = False
        self.is_told = False
        self.checked = Tally()
        self._open: deque[Ticket] = deque()
        self._done: set[int] = set()
        self.position: str | None = None

    def hand_out(self, ticket: Ticket) -> None:
        self._open.append(ticket)

    def take_back(self, ticket: Ticket) -> None:
        self._done.add(id(ticket))
        while self._open and id(self._open[0]) in self._done:
            first = self._open.popleft()
            self._done.discard(id(first))
            self.position = first.position
            self.checked += first.tally

    @property
    def is_over(self) -> bool:
        return self.is_fed and not self._open


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
        self._run_id = run_id
        self._depth = depth
        self._decoded_before = decoded_before
        self._check_share = check_share
        self._now = now
        self._outcome = outcome
        self._looker = Looker()
        self._courses: dict[str, _Course] = {}
        self._found: list[Found] = []
        self._proven: list[tuple[Claim, bytes, int]] = []
        self._flushed_at = time.monotonic()
        self.has_changed = False
        """Whether rows of the share were changed."""

    def hand_out(self, ticket: Ticket) -> None:
        """Note that a batch is on its way."""
        prefix = ticket.part.prefix
        if prefix not in self._courses:
            self._courses[prefix] = _Course(ticket.part, self._now())
        self._courses[prefix].hand_out(ticket)

    def end(self, part: Part) -> None:
        """Note that all batches of a part are on their way."""
        self._courses.setdefault(part.prefix, _Course(part, self._now())).is_fed = True

    def take(self, ticket: Ticket, batch: Batch, seen: Seen) -> None:
        """Take what was seen of a batch; look a second time at what is odd."""
        self._outcome.add_checked(ticket.part, ticket.tally)
        for odd in seen.odd:
            if (found := self._confirmed(ticket, batch, odd)) is not None:
                self._found.append(found)
        for proven in seen.proven:
            self._prove(ticket, proven)
        self._courses[ticket.part.prefix].take_back(ticket)
        if time.monotonic() - self._flushed_at > FLUSH_SECONDS:
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

    def add(self, found: Iterable[Found]) -> None:
        """Take what is known from elsewhere to be damaged, or a stray."""
        for one in found:
            self._outcome.found[one.part.place.bucket_id, one.claim.key] = one

    def add_known(self, found: Sequence[Found]) -> None:
        """Take what an earlier check found and is damaged still; a row that stands is taken back unless it came so.

        Raises
        ------
        UnsafeError
            Files are gone because the share is.
        """
        if not found:
            return
        self._check_share()
        with self._catalog.begin() as connection:
            worse = [one for one in found if not one.is_upstream and self._still_says(connection, one.claim)]
            if worse:
                self._withdraw(connection, worse)
        self.add(found)

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
            self._check_share()
        with self._catalog.begin() as connection:
            really = [one for one in self._found if self._still_says(connection, one.claim)]
            self._withdraw(connection, really)
            self._keep_proofs(connection)
            queries.put_checked_parts(connection, parts)
        self.add(really)
        self._found, self._proven = [], []

    def _parts_to_keep(self) -> list[CheckedPart]:
        over = [course for course in self._courses.values() if course.is_over]
        for course in over:
            del self._courses[course.part.prefix]
        under_way = [course for course in self._courses.values() if course.position is not None]
        return [self._checked(course) for course in (*over, *under_way) if course.part.is_whole]

    def _checked(self, course: _Course) -> CheckedPart:
        part, known = course.part, course.part.known
        decoded = known.decoded_before if known is not None else None
        if course.is_over and self._depth is Depth.FULL and part.resume_after is None:
            decoded = self._decoded_before
        return CheckedPart(
            part.place.bucket_id,
            part.prefix,
            int(self._depth),
            course.begun_at if course.is_over else (known.checked_at if known is not None else None),
            None if course.is_over else course.position,
            decoded,
            self._run_id,
            Count(course.checked.objects, course.checked.bytes),
            None if course.is_over else course.begun_at,
        )

    def _still_says(self, connection: Connection, claim: Claim) -> bool:
        row = self.recorded(connection, claim.key)
        return row is not None and (row.size, row.etag, row.run_id) == (claim.size, claim.etag, claim.run_id)

    def recorded(self, connection: Connection, key: str) -> Recorded | None:
        """Return the row of a key."""
        at = self._state.place_of(key)
        array_id, block = at if at is not None else (None, None)
        return queries.recorded(connection, self._state.bucket_id or 0, key, array_id=array_id, block_xyz=block)

    def _withdraw(self, connection: Connection, found: Sequence[Found]) -> None:
        gone = [_item(one.claim.key) for one in found if one.damage in _WITHOUT_FILE]
        changed = [_item(one.claim.key) for one in found if one.damage not in _WITHOUT_FILE and not one.is_upstream]
        if gone or changed:
            self._state.withdraw(connection, gone=gone, changed=changed)
            self.has_changed = True
        queries.put_damaged(connection, [self._record(one) for one in found])

    def _record(self, one: Found) -> DamagedRecord:
        claim = one.claim
        return DamagedRecord(
            bucket_id=one.part.place.bucket_id,
            key=claim.key,
            kind=one.damage.value,
            reason=one.reason,
            is_upstream=one.is_upstream,
            size=claim.size,
            etag=claim.etag,
            hash=claim.hash,
            how=claim.how,
            mirrored_run_id=claim.run_id,
            run_id=self._run_id,
            found_at=self._now(),
        )

    def _keep_proofs(self, connection: Connection) -> None:
        blocks, others = [], []
        for claim, digest, how in self._proven:
            at = self._state.place_of(claim.key)
            if at is not None:
                blocks.append(((at[0], *at[1]), claim.run_id, digest, how))
            others.append(((self._state.bucket_id or 0, claim.key), claim.run_id, digest, how))
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


def _item(key: str) -> Item:
    """Return an item that stands for a key."""
    return Item(Kind.LOST, key, "", 0, "", 0, None, None)
