"""`--repair`: what is damaged or lost is fetched again, as it was: from its bucket, else from the other one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product

from catalog import queries
from mirror.app.state import BucketState
from mirror.app.verify.choice import Chosen
from mirror.app.verify.known import damage_of, found_of
from mirror.app.verify.outcome import Found, Outcome, Unmended
from mirror.app.verify.refetch import Refetcher
from mirror.app.why.asked import Asked
from mirror.app.why.known import KnownDataset
from mirror.app.why.partner import partner_story
from mirror.app.workplace import Workplace
from mirror.config import Settings
from mirror.diff import Kind
from mirror.engine.fetch import Item
from mirror.engine.scrub import Damage
from mirror.formats.folder import METADATA_NAMES
from mirror.objects import unpack_etag

AS_UPSTREAM = "it is what the bucket has, byte for byte: the object is damaged there"
NOT_WHOLE = "its level is not whole on the share, and must not open as black data"
_PAGE_RECORDS = 5_000


@dataclass(frozen=True, slots=True)
class Mender:
    """Mends what is kept as damaged in one bucket, under the locks of its datasets."""

    settings: Settings
    place: Workplace
    bucket: str
    """As the configuration names it."""
    state: BucketState
    fetcher: Refetcher
    outcome: Outcome
    """Is told what could not be mended."""
    _broken: set[str] = field(default_factory=set)
    """Prefixes of arrays of which some objects could not be."""

    async def mend(self, scopes: Sequence[Chosen]) -> None:
        """Fetch again what can be; what could not is told, each with the reason.

        What is damaged in the bucket, too, or another object by now, is taken from the other bucket where that has
        the same bytes; nothing else gets the name. Damaged files, and folders that stand where a file must be, go to
        the trash. The metadata of a level come last. Some thousand objects are in memory at a time; cancelled, what
        came is recorded, and calling it again does only the rest.

        Raises
        ------
        UnsafeError
            The share is full, read-only or gone.
        """
        for is_metadata, chosen in product((False, True), scopes):
            for page in damage_of(self.place.open_catalog, chosen, limit=_PAGE_RECORDS):
                found = [found_of(chosen, one) for one in page if _is_metadata(one.key) is is_metadata]
                if found:
                    await self._mend_page(found)

    async def _mend_page(self, found: Sequence[Found]) -> None:
        reasons = {one.claim.key: hindrance for one in found if (hindrance := self._hindrance(one))}
        to_mend = [one for one in found if one.claim.key not in reasons]
        reasons |= await self._mend_some(to_mend)
        for one in to_mend:
            if one.part.array is not None and one.claim.key in reasons and not _is_metadata(one.claim.key):
                self._broken.add(one.part.array.key_prefix)
        for one in found:
            if (reason := reasons.get(one.claim.key)) is not None:
                self.outcome.unmended.add(one.name, Unmended(*one.name, reason))
        mended = [one.claim.key for one in found if one.claim.key not in reasons]
        with self.place.open_catalog.begin() as connection:
            queries.drop_damaged(connection, self.state.bucket_id or 0, mended)

    def _hindrance(self, found: Found) -> str:
        """Return why an object is not to be fetched; empty where it is."""
        if found.is_upstream:
            return AS_UPSTREAM
        array = found.part.array
        is_held = _is_metadata(found.claim.key) and array is not None and array.key_prefix in self._broken
        return NOT_WHOLE if is_held else ""

    async def _mend_some(self, found: Sequence[Found]) -> dict[str, str]:
        if not found:
            return {}
        items = {one.claim.key: self._item(one) for one in found}
        claims = {items[one.claim.key].relative: one.claim for one in found}
        unmended = await self.fetcher.fetch(self.bucket, list(items.values()), claims)
        for name, keys in self._partners(unmended).items():
            others = [items[key]._replace(kind=Kind.REPLACE, key=other, etag="") for key, other in keys.items()]
            back = {items[key].relative: items[key] for key in keys}
            failed = await self.fetcher.fetch(name, others, claims, back)
            for key, other in keys.items():
                if other in failed:
                    unmended[key] += f"; bucket {name} does not have it either: {failed[other]}"
                else:
                    del unmended[key]
        return unmended

    def _item(self, found: Found) -> Item:
        claim = found.claim
        at = self.state.place_of(claim.key)
        array_id, block = at if at is not None else (None, None)
        # What is gone may lie under an older name of the bucket.
        kind = Kind.ADOPT if found.damage is Damage.LOST else Kind.REPLACE
        relative = f"{self.settings.bucket(self.bucket).url.bucket}/{claim.key}"
        modified = self._modified_at(claim.key)
        return Item(kind, claim.key, relative, claim.size, unpack_etag(claim.etag), modified, array_id, block)

    def _modified_at(self, key: str) -> int:
        for alias in self.state.aliases:
            with suppress(OSError):
                return int(os.stat(self.place.share.root / alias / key).st_mtime)
        return 0

    def _partners(self, unmended: dict[str, str]) -> dict[str, dict[str, str]]:
        """Return where else objects may be found: bucket to key to the key there; others get the reason said."""
        found: dict[str, dict[str, str]] = {}
        with self.place.open_catalog.read() as connection:
            known: dict[str, KnownDataset] = {}
            for key in sorted(unmended):
                name = key.removeprefix(self.state.root).partition("/")[0]
                if name not in known:
                    known[name] = KnownDataset(connection, self.settings, Asked(self.bucket, key))
                thing = known[name].object_at(key)
                if thing.array is None or thing.place is None:
                    unmended[key] += "; only blocks of known levels have partners in another bucket"
                    continue
                story = partner_story(self.settings, known[name], thing)
                if story.bucket is None or story.url is None:
                    unmended[key] += f"; no other bucket has it: {story.reason}"
                else:
                    home = self.settings.bucket(story.bucket).url.url_of("")
                    found.setdefault(story.bucket, {})[key] = story.url.removeprefix(home)
        return found


def _is_metadata(key: str) -> bool:
    return key.rpartition("/")[2] in METADATA_NAMES
