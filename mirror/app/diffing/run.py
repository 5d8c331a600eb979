"""`oomirror diff-buckets`: two listings, laid side by side, and every byte of their difference with its cause."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from catalog import queries
from catalog.errors import CatalogError
from catalog.records import DatasetRecord, RunKind, SnapshotRecord, SnapshotScope
from catalog.session import open_catalog
from mirror.app.datasets import dataset_names, datasets_in, has_dataset, plain_errors
from mirror.app.diffing.answers import keep_answers
from mirror.app.diffing.headers import with_headers
from mirror.app.diffing.sampling import Sampler, SampleRequest, Seen, check_installed
from mirror.app.diffing.stored import Stored, choose_volumes, described_volumes, stored_dataset
from mirror.app.opened import open_bucket
from mirror.app.scan import EVERYTHING, scan
from mirror.config import Settings
from mirror.engine.events import EventSink, Note, ignore
from mirror.errors import MirrorError, UnknownNameError, known_hint
from mirror.explain.causes import Side
from mirror.explain.dataset import explain_dataset
from mirror.explain.pairing import pair_datasets, pair_volumes
from mirror.explain.result import NOTHING, DatasetExplanation
from mirror.explain.stored import StoredDataset, StoredVolume
from mirror.report.explained import diff_report
from mirror.report.explanation import DiffReport
from mirror.selection import VolumeFilter, parse_volumes
from mirror.store.bucket import Bucket

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NO_VOLUMES = VolumeFilter(())


@dataclass(frozen=True, slots=True)
class DiffRequest:
    """What is asked for."""

    datasets: tuple[str, ...] = ()
    """None: all that are in both buckets."""
    volumes: VolumeFilter = _NO_VOLUMES
    """Without patterns all volumes, and all that is outside them."""
    rescan: bool = False
    """List again, whatever listings there are."""
    sample: SampleRequest | None = None
    """Fetch and compare voxels, too."""

    def question(self, settings: Settings) -> dict[str, object]:
        """Return what is asked of each dataset, as a JSON value: equal questions have comparable answers."""
        return {
            "volumes": [pattern.text for pattern in self.volumes.patterns],
            "pairs": dict(settings.pairs),
            "sample": None if self.sample is None else [self.sample.n_places, self.sample.seed],
        }


@dataclass(frozen=True, slots=True)
class DiffAnswer:
    """The report, and what can be seen of the voxels."""

    report: DiffReport
    pictures: tuple[Seen, ...] = ()
    """() without a sample."""


async def diff_buckets(settings: Settings, request: DiffRequest, *, sink: EventSink = ignore) -> DiffAnswer:
    """Return why the datasets are not as large in bucket A as in bucket B. What was listed before is not listed again.

    Raises
    ------
    UsageError
        A sample without the packages that decode voxels; nothing is listed then.
    UnknownNameError
        A dataset that neither bucket has; a configuration without a bucket `a` or `b`.
    StoreError
        A bucket that must be listed does not answer.
    CatalogError
        The catalog is locked, damaged or newer.

    Cancelling keeps the listings that were finished.
    """
    if request.sample is not None:
        check_installed()
    async with plain_errors(), AsyncExitStack() as stack:
        buckets = {
            side: await stack.enter_async_context(open_bucket(settings.bucket(side.value), sink)) for side in Side
        }
        differ = _Differ(settings, request, buckets, sink)
        names = request.datasets or await differ.in_both()
        report = diff_report([await differ.explain(name) for name in names])
        try:
            report = await asyncio.to_thread(
                keep_answers, settings, request.question(settings), report, differ.compared
            )
        except CatalogError as error:
            # Another writer, or a full disk: what was found out is told all the same.
            sink(Note(f"{error}. The answer is not kept."))
        return DiffAnswer(report, tuple(differ.pictures))


Chosen = Mapping[Side, frozenset[str]]
"""Paths of the volumes that are asked for, on each side."""


def _patterns(paths: Iterable[str]) -> list[str]:
    """Return what `--volumes` would say to choose just these."""
    return [re.sub(r"([*?\[])", r"[\1]", path) for path in sorted(paths)]


@dataclass(slots=True)
class _Differ:
    settings: Settings
    request: DiffRequest
    buckets: dict[Side, Bucket]
    sink: EventSink
    pictures: list[Seen] = field(default_factory=list)
    compared: dict[str, dict[Side, SnapshotRecord]] = field(default_factory=dict)
    """Dataset to the listings that were compared, by side."""
    _silent: set[Side] = field(default_factory=set)
    """Buckets that did not answer: neither headers nor voxels are asked for."""
    _heard: set[Side] = field(default_factory=set)
    """Buckets that answered."""
    _gone: set[tuple[Side, str]] = field(default_factory=set)
    """What was to be listed again, and is not there any more: older listings do not stand for it."""

    async def in_both(self) -> tuple[str, ...]:
        """Return the datasets that both buckets show; where one does not answer, those of it that were listed."""
        shown = {side: await self._shown(side) for side in Side}
        both, _, _ = pair_datasets(shown[Side.A], shown[Side.B])
        if not both:
            raise UnknownNameError("no dataset is in both buckets", "a and b", hint="Name one: what one lacks is told.")
        return both

    async def _shown(self, side: Side) -> tuple[str, ...]:
        try:
            async with plain_errors():
                names = await datasets_in(self.buckets[side])
        except MirrorError as error:
            self._hush(side, error)
            return self._listed(side)
        self._heard.add(side)
        return names

    def _listed(self, side: Side) -> tuple[str, ...]:
        """Return the datasets of which there is a listing: of all, or where volumes are asked for at least of some."""
        scope = None if self.request.volumes.patterns else SnapshotScope.ALL
        with open_catalog(self.settings.catalog) as catalog, catalog.read() as connection:
            bucket_id = queries.find_bucket(connection, str(self.buckets[side].url))
            names = () if bucket_id is None else queries.dataset_names(connection, bucket_id)
            return tuple(name for name in names if queries.newest_snapshot(connection, bucket_id or 0, name, scope))

    async def _hear(self, side: Side, name: str) -> None:
        """Find out whether a bucket answers, once: else each of its headers and voxels would be waited for."""
        if side not in self._heard | self._silent:
            try:
                await self._has(side, name)
            except MirrorError as error:
                self._hush(side, error)

    def _hush(self, side: Side, error: MirrorError) -> None:
        self._silent.add(side)
        self.sink(Note(f"{error}. What was listed before is compared."))

    async def explain(self, name: str) -> DatasetExplanation:
        """Return why one dataset differs."""
        chosen = await self._choose(name) if self.request.volumes.patterns else None
        for side in Side:
            await self._list(side, name, chosen)
        # Together: one that does not answer takes its seconds to be given up.
        async with asyncio.TaskGroup() as group:
            for side in Side:
                group.create_task(self._hear(side, name))
        with open_catalog(self.settings.catalog) as catalog, catalog.read() as connection:
            # One transaction also while headers are read: a listing must not go between its sums and its rows.
            stored = {side: self._stored(connection, side, name, chosen) for side in Side}
            if not any(stored.values()):
                raise UnknownNameError("neither bucket has such a dataset", name, hint=await self._known(name))
            a, b = [await self._with_headers(side, stored, chosen) for side in Side]
            explained = await asyncio.to_thread(explain_dataset, a, b, self._overrides())
            if chosen is not None:
                pairs = tuple(pair for pair in explained.pairs if pair.a_volume in chosen[Side.A])
                explained = replace(explained, pairs=pairs)
            if self.request.sample is None or a is None or b is None:
                return explained
            if self._silent:
                self.sink(Note(f"{name} is not sampled: a bucket does not answer."))
                return explained
            return await self._sample(explained, stored, {Side.A: a, Side.B: b}, self.request.sample)

    async def _sample(
        self,
        explained: DatasetExplanation,
        stored: Mapping[Side, Stored | None],
        with_headers: Mapping[Side, StoredDataset],
        request: SampleRequest,
    ) -> DatasetExplanation:
        sampler = Sampler(self.buckets, request, self.sink)
        both = {side: replace(one, dataset=with_headers[side]) for side, one in stored.items() if one is not None}
        sampled = await sampler.sample(explained, both, self._overrides())
        self.pictures += sampler.pictures
        return sampled

    async def _choose(self, name: str) -> Chosen:
        """Return the volumes that are asked for on each side: those that a pattern names, and their partners.

        Raises
        ------
        UnknownNameError
            No pattern names a volume of either bucket.
        """
        is_there = False
        for side in Side:
            if (self.request.rescan or not self._is_described(side, name)) and await self._has(side, name):
                is_there = True
                await scan(self.settings, (name,), bucket=side.value, metadata_only=True, sink=self.sink)
        with open_catalog(self.settings.catalog) as catalog, catalog.read() as connection:
            found = {side: self._described(connection, side, name) for side in Side}
        chosen = choose_volumes(found[Side.A], found[Side.B], self.request.volumes, self._overrides())
        if is_there and not any(found.values()):
            raise UnknownNameError("the dataset has no volume", name, hint="Without --volumes its files are compared.")
        if not any(chosen.values()) and any(found.values()):
            paths = sorted({volume.path for volumes in found.values() for volume in volumes})
            patterns = ", ".join(pattern.text for pattern in self.request.volumes.patterns)
            raise UnknownNameError("neither bucket has such a volume", patterns, hint=known_hint(patterns, paths))
        return chosen

    def _is_described(self, side: Side, name: str) -> bool:
        with open_catalog(self.settings.catalog) as catalog, catalog.read() as connection:
            return bool(self._described(connection, side, name))

    def _described(self, connection: Connection, side: Side, name: str) -> tuple[StoredVolume, ...]:
        if (side, name) in self._gone:
            return ()
        bucket_id = queries.find_bucket(connection, str(self.buckets[side].url))
        record = None if bucket_id is None else queries.find_dataset(connection, bucket_id, name)
        return () if record is None else described_volumes(connection, record)

    async def _has(self, side: Side, name: str) -> bool:
        is_there = await has_dataset(self.buckets[side], name)
        self._heard.add(side)
        if self.request.rescan and not is_there:
            self._gone.add((side, name))
        return is_there

    async def _list(self, side: Side, name: str, chosen: Chosen | None) -> None:
        """See to it that the catalog has a listing of what is asked for, if the bucket has it at all."""
        if chosen is not None and not chosen[side]:
            return
        if not self.request.rescan and self._newest(side, name, chosen) is not None:
            return
        if not await self._has(side, name):
            return

        def say(n_requests: int) -> None:
            """Say what it costs."""
            self.sink(Note(f"Listing {name} in bucket {side.value}: about {n_requests:,} requests."))

        spec = EVERYTHING if chosen is None else replace(EVERYTHING, volumes=parse_volumes(_patterns(chosen[side])))
        await scan(self.settings, (name,), bucket=side.value, spec=spec, on_cost=say, sink=self.sink)

    def _newest(self, side: Side, name: str, chosen: Chosen | None) -> SnapshotRecord | None:
        with open_catalog(self.settings.catalog) as catalog, catalog.read() as connection:
            found = self._snapshot(connection, side, name, chosen)
            return None if found is None else found[1]

    def _snapshot(
        self, connection: Connection, side: Side, name: str, chosen: Chosen | None
    ) -> tuple[DatasetRecord, SnapshotRecord] | None:
        """Return the listing to compare: the newest that holds all that is asked for."""
        bucket_id = queries.find_bucket(connection, str(self.buckets[side].url))
        record = None if bucket_id is None else queries.find_dataset(connection, bucket_id, name)
        if bucket_id is None or record is None or (side, name) in self._gone:
            return None
        whole = queries.newest_snapshot(connection, bucket_id, name, SnapshotScope.ALL)
        part = None if chosen is None else self._part(connection, bucket_id, name, _patterns(chosen[side]))
        newest = max((one for one in (whole, part) if one), key=lambda one: one.id, default=None)
        return None if newest is None else (record, newest)

    def _part(self, connection: Connection, bucket_id: int, name: str, patterns: list[str]) -> SnapshotRecord | None:
        """Return the newest listing of a part, if it was one of the very volumes that are asked for."""
        part = queries.newest_snapshot(connection, bucket_id, name, SnapshotScope.SELECTION)
        if part is None:
            return None
        run = queries.find_run(connection, part.run_id)
        listed = run.selection.get(name) if run is not None and run.kind is RunKind.SCAN else None
        return part if isinstance(listed, dict) and listed.get("volumes") == patterns else None

    def _stored(self, connection: Connection, side: Side, name: str, chosen: Chosen | None) -> Stored | None:
        if chosen is not None and not chosen[side]:
            # It may have the dataset: then it is the volumes that it lacks.
            volumes = self._described(connection, side, name)
            return Stored(StoredDataset(name, NOTHING, volumes), {}) if volumes else None
        found = self._snapshot(connection, side, name, chosen)
        if found is None:
            return None
        self.compared.setdefault(name, {})[side] = found[1]
        return stored_dataset(connection, *found, only=None if chosen is None else chosen[side])

    async def _with_headers(
        self, side: Side, stored: Mapping[Side, Stored | None], chosen: Chosen | None
    ) -> StoredDataset | None:
        one = stored[side]
        if one is None:
            return None
        a, b = stored[Side.A], stored[Side.B]
        if a is None or b is None or side in self._silent:
            return one.dataset
        pairs = pair_volumes(a.dataset.volumes, b.dataset.volumes, self._overrides()).pairs
        paths = {(pair.a if side is Side.A else pair.b).path for pair in pairs}
        if chosen is not None:
            paths &= chosen[side]
        return await with_headers(self.buckets[side], one, paths)

    def _overrides(self) -> dict[str, str | None]:
        return {path: partner or None for path, partner in self.settings.pairs.items()}

    async def _known(self, name: str) -> str:
        names = {one for side in Side if side not in self._silent for one in await dataset_names(self.buckets[side])}
        return known_hint(name, names) if names else ""
