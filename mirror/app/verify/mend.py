"""`--repair`: what is damaged or lost is fetched again, as it was: from its bucket, else from the other one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from catalog import queries
from catalog.records import HOW_ADOPTED
from mirror.app.contact import Contact
from mirror.app.datasets import plain_errors
from mirror.app.site import Site
from mirror.app.state import BucketState
from mirror.app.verify.keeper import Found
from mirror.app.verify.rows import Claim
from mirror.app.why.asked import Asked
from mirror.app.why.known import KnownDataset
from mirror.app.why.partner import partner_story
from mirror.app.workplace import Workplace
from mirror.checksum import Proof, Source, proof_of_etag
from mirror.config import Settings
from mirror.diff import Kind
from mirror.engine.events import EventSink
from mirror.engine.fetch import ChecksumMode, Done, Guard, Item
from mirror.engine.recorder import Recorder
from mirror.engine.retry import PATIENT, Outage, Retrier, RetryPolicy
from mirror.engine.scrub import Damage
from mirror.engine.transfer import LevelWork
from mirror.errors import MirrorError, UnsafeError
from mirror.formats.folder import METADATA_NAMES
from mirror.lock import Holder
from mirror.objects import Verification, pack_etag, unpack_etag
from mirror.store.bucket import Bucket
from mirror.store.share import FileError
from mirror.store.staging import Staging

AS_UPSTREAM = "it is what the bucket has, byte for byte: the object is damaged there"
NOT_WHOLE = "its level is not whole on the share, and must not open as black data"


class OtherContentError(MirrorError):
    """A bucket's object is not the one that was mirrored."""


@dataclass(frozen=True, slots=True)
class Mender:
    """Mends what was found in one bucket, under the locks of its datasets."""

    settings: Settings
    place: Workplace
    bucket: str
    """As the configuration names it."""
    state: BucketState
    run_id: int
    holder: Holder
    staging: Staging
    """Open."""
    sink: EventSink
    policy: RetryPolicy = PATIENT

    async def mend(self, found: Iterable[Found]) -> dict[str, str]:
        """Fetch again what can be; return the keys that could not be mended, each with the reason.

        What is damaged in the bucket, too, or another object by now, is taken from the other bucket where that has
        the same bytes; nothing else gets the name. Damaged files, and folders that stand where a file must be, go to
        the trash. The metadata of a level come last. Calling it again does only the rest.

        Raises
        ------
        UnsafeError
            The share is full, read-only or gone.
        """
        everything = list(found)
        unmended = {one.claim.key: AS_UPSTREAM for one in everything if one.is_upstream}
        to_mend = [one for one in everything if not one.is_upstream]
        metadata = [one for one in to_mend if one.claim.key.rpartition("/")[2] in METADATA_NAMES]
        unmended |= await self._mend_some([one for one in to_mend if one not in metadata])
        broken = {one.part.array.key_prefix for one in to_mend if one.part.array and one.claim.key in unmended}
        held = [one for one in metadata if one.part.array and one.part.array.key_prefix in broken]
        unmended |= {one.claim.key: NOT_WHOLE for one in held}
        unmended |= await self._mend_some([one for one in metadata if one not in held])
        mended = [one.claim.key for one in everything if one.claim.key not in unmended]
        with self.place.open_catalog.begin() as connection:
            queries.drop_damaged(connection, self.state.bucket_id or 0, mended)
        return unmended

    async def _mend_some(self, found: Sequence[Found]) -> dict[str, str]:
        if not found:
            return {}
        self._clear_the_way(found)
        items = {one.claim.key: self._item(one) for one in found}
        claims = {items[one.claim.key].relative: one.claim for one in found}
        unmended = await self._fetch(self.bucket, list(items.values()), claims)
        for name, keys in self._partners(unmended).items():
            others = [items[key]._replace(kind=Kind.REPLACE, key=other, etag="") for key, other in keys.items()]
            back = {items[key].relative: items[key] for key in keys}
            failed = await self._fetch(name, others, claims, back)
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

    def _clear_the_way(self, found: Iterable[Found]) -> None:
        """Move files that stand where a folder must be to the trash."""
        root, seen = self.place.share.root, set()
        for one in found:
            relative = self._item(one).relative
            folders = relative.split("/")[:-1]
            for depth in range(1, len(folders) + 1):
                folder = "/".join(folders[:depth])
                if folder in seen:
                    continue
                seen.add(folder)
                if os.path.lexists(root / folder) and not os.path.isdir(root / folder):
                    with suppress(FileError):
                        self.staging.to_trash(folder)

    async def _fetch(
        self, name: str, items: Sequence[Item], claims: Mapping[str, Claim], back: Mapping[str, Item] | None = None
    ) -> dict[str, str]:
        """Fetch items from a bucket; return the keys of those that did not come, each with the reason.

        Parameters
        ----------
        claims
            What must come, by the place on the share.
        back
            Items as they are to be recorded, by the place on the share, where they come from another bucket.
        """
        done: set[str] = set()

        def commit(arrived: Sequence[Done]) -> None:
            self.state.commit(self.run_id, [_as_recorded(one, claims, back) for one in arrived])
            done.update(one.item.key for one in arrived)

        reasons: dict[str, str] = {}
        datasets = tuple(sorted({self._dataset_of(item) for item in items} - {""}))
        try:
            async with plain_errors(), Contact(self.settings, name, datasets, self.sink) as contact:
                reasons = await self._transfer(await contact.checked(), items, _guard(claims), commit)
        except UnsafeError:
            raise
        except MirrorError as error:
            reasons = {item.key: str(error) for item in items if item.key not in done}
        return {item.key: reasons.get(item.key, "it was not tried") for item in items if item.key not in done}

    def _dataset_of(self, item: Item) -> str:
        key = item.relative.partition("/")[2].removeprefix(self.state.root)
        return key.partition("/")[0] if "/" in key else ""

    async def _transfer(
        self, bucket: Bucket, items: Sequence[Item], guard: Guard, commit: Callable[[Sequence[Done]], None]
    ) -> dict[str, str]:
        outage = Outage(self.settings.transfer.max_outage, self.sink)
        retrier = Retrier(asyncio.sleep, self.policy, self.sink, outage=outage)
        site = Site(self.settings, self.place, bucket, self.state, self.holder, retrier, self.sink)
        async with Recorder(self.staging.sync, commit) as recorder:
            transfer = site.transfer(self.staging, recorder, mode=ChecksumMode.AUTO, guard=guard)
            n_bytes = sum(item.size for item in items)
            results = await transfer.run([LevelWork(partial(iter, items))], n_objects=len(items), n_bytes=n_bytes)
        return {one.item.key: str(one.error) for one in results.failed}

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


def _guard(claims: Mapping[str, Claim]) -> Guard:
    """Return what lets only the bytes pass that were mirrored before."""

    def guard(item: Item, etag: str, digest: bytes, source: Source) -> MirrorError | None:
        claim = claims[item.relative]
        if digest == claim.hash or (claim.hash is None and _is_proven(claim, etag, source)):
            return None
        if pack_etag(etag) == claim.etag:
            what, hint = "the bucket's object is not what it was when it was mirrored", ""
        else:
            what, hint = "it is another object than the one that was mirrored", "`oomirror sync` fetches what is there."
        return OtherContentError(what, item.key, hint=hint)

    return guard


def _is_proven(claim: Claim, etag: str, source: Source) -> bool:
    proof, _ = proof_of_etag(source, claim.size, unpack_etag(claim.etag))
    return proof is Proof.AGREES or (proof is Proof.SILENT and pack_etag(etag) == claim.etag)


def _as_recorded(done: Done, claims: Mapping[str, Claim], back: Mapping[str, Item] | None) -> Done:
    """Return what the catalog is told: of bytes from elsewhere, that they are those of the object that they mend."""
    if back is None:
        return done
    claim = claims[done.item.relative]
    how = Verification(claim.how % HOW_ADOPTED)
    return done._replace(item=back[done.item.relative], etag=unpack_etag(claim.etag), verification=how)
