"""`--sample N`: places of paired levels are fetched from both buckets, decoded, and told apart."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mirror.app.diffing.stored import Stored
from mirror.app.extras import check_extra
from mirror.engine.events import EventSink, Note
from mirror.errors import MirrorError, ObjectNotFoundError
from mirror.explain.causes import Cause, Side
from mirror.explain.lmdi import round_to_sum
from mirror.explain.pairing import VolumePair, pair_levels, pair_volumes
from mirror.explain.result import DatasetExplanation, LevelExplanation, PairExplanation
from mirror.explain.stored import BlockRow, Overrides, StoredArray
from mirror.formats.data_type import element_bytes
from mirror.formats.folder import Format
from mirror.formats.layout import ArrayFacts
from mirror.formats.n5.grid import BlockIndex, Grid, block_key
from mirror.store.base import CarefulReader
from mirror.store.bucket import Bucket

if TYPE_CHECKING:
    from mirror.explain.sample.ask import Verdict, Wanted
    from mirror.explain.sample.boxes import Blocks
    from mirror.explain.sample.decode import Storage, Undecodable, Voxels
    from mirror.explain.sample.level import LevelRelation
    from mirror.explain.sample.picture import Picture
    from mirror.explain.sample.places import Place
    from mirror.explain.sample.plan import SamplePlan
    from mirror.explain.sample.relation import Fit
    from mirror.explain.sample.split import Known, Part, PartShare

RADIUS_ZYX = (2, 12, 4)
"""Voxels by which A may be shifted against B and still be recognised: beyond jrc_jurkat-1's (-1.45, -8.75, 0)."""
_IN_FLIGHT = 16


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """How much to look at."""

    n_places: int
    """Of each paired level."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to see of one place in both buckets."""

    dataset: str
    where: str
    picture: Picture


@dataclass(frozen=True, slots=True)
class LevelSample:
    """What a sample of one paired level tells."""

    words: tuple[str, ...]
    """Sentences for the level's evidence."""
    parts: Mapping[Cause, int] | None
    picture: Picture | None
    """Of the first place that tells something."""


@dataclass(frozen=True, slots=True)
class _Level:
    """A paired level whose blocks lie side by side."""

    name: str
    a: StoredArray
    b: StoredArray
    a_facts: ArrayFacts
    b_facts: ArrayFacts

    @property
    def grid(self) -> Grid:
        """That of A; B's has the same blocks."""
        return self.a_facts.grid

    def places(self) -> Iterator[Place]:
        """Yield the positions that both store, with the payload that each stores there."""
        from mirror.explain.sample.places import Place

        header_a, header_b = (one.headers.n_bytes(self.grid.ndim) for one in (self.a, self.b))
        for index, size_a, size_b in _common(_rows(self.a), _rows(self.b)):
            if self.grid.is_inside(index) and size_a > header_a and size_b > header_b:
                yield Place(index, size_a - header_a, size_b - header_b, self.grid.is_edge(index))


def _rows(array: StoredArray) -> Iterator[BlockRow]:
    return iter(array.blocks()) if array.blocks is not None else iter(())


def _common(a: Iterator[BlockRow], b: Iterator[BlockRow]) -> Iterator[tuple[BlockIndex, int, int]]:
    """Yield what both streams have, in their order."""
    one, other = next(a, None), next(b, None)
    while one is not None and other is not None:
        here, there = one[:-1], other[:-1]
        if here == there:
            yield here, one[-1], other[-1]
            one, other = next(a, None), next(b, None)
        elif here < there:
            one = next(a, None)
        else:
            other = next(b, None)


class Sampler:
    """Samples the paired levels of a dataset; `check_installed` before."""

    def __init__(self, buckets: Mapping[Side, Bucket], request: SampleRequest, sink: EventSink) -> None:
        self._buckets = buckets
        self._request = request
        self._sink = sink
        self._slots = asyncio.Semaphore(_IN_FLIGHT)
        self.pictures: list[Seen] = []

    async def sample(
        self, explained: DatasetExplanation, stored: Mapping[Side, Stored], overrides: Overrides
    ) -> DatasetExplanation:
        """Return the explanation with what samples of its levels tell."""
        a, b = stored[Side.A].dataset, stored[Side.B].dataset
        pairs = {(pair.a.path, pair.b.path): pair for pair in pair_volumes(a.volumes, b.volumes, overrides).pairs}
        sampled = []
        for pair in explained.pairs:
            found = pairs.get((pair.a_volume, pair.b_volume))
            sampled.append(pair if found is None else await self._sample_pair(pair, found, stored))
        return replace(explained, pairs=tuple(sampled))

    async def _sample_pair(
        self, explained: PairExplanation, pair: VolumePair, stored: Mapping[Side, Stored]
    ) -> PairExplanation:
        levels = []
        for level, (a, b) in zip(explained.levels, pair_levels(pair.a, pair.b).pairs, strict=True):
            comparable = _comparable(pair, a, b)
            if isinstance(comparable, str):
                levels.append(replace(level, sampled=(f"not sampled: {comparable}",)))
                continue
            sample = await self._sample_level(level, comparable, stored)
            if sample.picture is not None:
                where = f"{explained.where}, {level.level}"
                self.pictures.append(Seen(stored[Side.A].dataset.name, where, sample.picture))
            levels.append(replace(level, sampled=sample.words, parts=sample.parts))
        return replace(explained, levels=tuple(levels))

    async def _sample_level(
        self, explained: LevelExplanation, level: _Level, stored: Mapping[Side, Stored]
    ) -> LevelSample:
        from mirror.explain.sample.plan import plan_sample

        plan = await asyncio.to_thread(plan_sample, level.places, self._request.n_places, seed=self._request.seed)
        if not plan.places:
            return LevelSample(("not sampled: no block is stored by both",), None, None)
        self._sink(Note(f"Sampling {level.name}: {len(plan.places):,} of {plan.n_places:,} places."))
        look = _Look(level, plan, await self._readers(stored, level), self._slots, self._request.seed)
        return await look.tell(explained)

    async def _readers(self, stored: Mapping[Side, Stored], level: _Level) -> dict[Side, _BlockReader]:
        readers = {}
        for side, array, facts in ((Side.A, level.a, level.a_facts), (Side.B, level.b, level.b_facts)):
            reader = await self._buckets[side].careful()
            readers[side] = _BlockReader(reader, stored[side].key_prefixes[array.path], _storage(facts))
        return readers


def check_installed() -> None:
    """Check that voxels can be decoded. Raises ExtraMissingError where the packages that do it are not installed."""
    packages = {"numpy": "numpy", "numcodecs": "numcodecs", "skimage": "scikit-image"}
    check_extra("explain", packages, what="cannot compare voxels", thing="--sample")


def _comparable(pair: VolumePair, a: StoredArray, b: StoredArray) -> _Level | str:
    """Return the level if its blocks lie side by side, else why they do not."""
    if a.facts is None or b.facts is None:
        return "its metadata cannot be read"
    if not pair.a.format is pair.b.format is Format.N5:
        return "only N5 is decoded"
    if a.facts.block_size_xyz != b.facts.block_size_xyz or a.facts.shape_xyz != b.facts.shape_xyz:
        return "shapes or block sizes differ, so that no block of one holds just the voxels of a block of the other"
    if a.facts.ndim != len(RADIUS_ZYX):
        return "it has not three axes"
    return _Level(f"{a.path} with {b.path}", a, b, a.facts, b.facts)


def _storage(facts: ArrayFacts) -> Storage:
    from mirror.explain.sample.decode import Storage

    return Storage(Format.N5, facts.data_type, facts.compression, facts.block_size_xyz)


@dataclass(frozen=True, slots=True)
class _BlockReader:
    """Fetches and decodes blocks of one level of one bucket."""

    reader: CarefulReader
    prefix: str
    storage: Storage

    async def read(self, index: BlockIndex) -> Voxels | Undecodable | None:
        """Return the voxels of a block, None for one that is not stored, or why it cannot be read."""
        from mirror.explain.sample.decode import Undecodable, Why, decode_stored

        try:
            body = await self.reader.get(self.prefix + block_key(index))
        except ObjectNotFoundError:
            return None
        except MirrorError as error:
            return Undecodable(Why.DAMAGED, str(error))
        return await asyncio.to_thread(decode_stored, bytes(body.data), self.storage)


@dataclass(slots=True)
class _Look:
    """One look at the places of a level."""

    level: _Level
    plan: SamplePlan
    readers: Mapping[Side, _BlockReader]
    slots: asyncio.Semaphore
    seed: int

    async def tell(self, explained: LevelExplanation) -> LevelSample:
        """Return what the places tell."""
        from mirror.explain.sample.level import level_fit, sum_up

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._look_at(place)) for place in self.plan.places]
        looks = [task.result() for task in tasks]
        relation = sum_up([verdict for verdict, _, _ in looks])
        blocks: dict[BlockIndex, Any] = {
            place.index_xyz: (a, b) for place, (_, a, b) in zip(self.plan.places, looks, strict=True) if _both(a, b)
        }
        parts, words = await asyncio.to_thread(self._split, explained, level_fit(relation), blocks)
        return LevelSample((_relation_words(relation, self.plan), *words), parts, self._picture(looks))

    async def _look_at(self, place: Place) -> tuple[Verdict, Voxels | Undecodable | None, Voxels | Undecodable | None]:
        """Return how a place is related, and the block of either side there."""
        from mirror.explain.sample.ask import Question, relate
        from mirror.explain.sample.boxes import block_box

        grids = self.level.a_facts.grid, self.level.b_facts.grid
        box = block_box(grids[0], place.index_xyz)
        steps = relate(Question(*grids, box, RADIUS_ZYX[::-1]))
        a_blocks: dict[BlockIndex, Voxels | Undecodable | None] = {}
        b_blocks: dict[BlockIndex, Voxels | Undecodable | None] = {}
        async with self.slots:
            wanted, verdict = await asyncio.to_thread(_advance, steps, None)
            while wanted is not None:
                new = await self._fetch(wanted)
                a_blocks |= new[0]
                b_blocks |= new[1]
                wanted, verdict = await asyncio.to_thread(_advance, steps, new)
        if verdict is None:
            raise TypeError("a question that ended without a verdict")
        return verdict, a_blocks.get(place.index_xyz), b_blocks.get(place.index_xyz)

    async def _fetch(self, wanted: Wanted) -> tuple[Blocks, Blocks]:
        a = {index: await self.readers[Side.A].read(index) for index in wanted.a}
        b = {index: await self.readers[Side.B].read(index) for index in wanted.b}
        return a, b

    def _split(
        self, explained: LevelExplanation, fit: Fit | None, blocks: Mapping[BlockIndex, tuple[Voxels, Voxels]]
    ) -> tuple[dict[Cause, int] | None, tuple[str, ...]]:
        """Return what `compression` parts into, and the sentences that say how sure that is."""
        from mirror.explain.sample.decode import Undecodable
        from mirror.explain.sample.recode import recode
        from mirror.explain.sample.split import split_compression

        a, b = (self.readers[side].storage for side in Side)
        recoded = {index: recode(*voxels, a, b, fit) for index, voxels in blocks.items()}
        good = {index: one for index, one in recoded.items() if not isinstance(one, Undecodable)}
        plan = self.plan.only(good)
        if not plan.places:
            return None, ("compression not parted: no place could be decoded and encoded again",)
        known = self._known(explained)
        if known is None:
            return None, ()
        shares = split_compression(
            plan, [good[one.index_xyz] for one in plan.places], known, round_to_sum, seed=self.seed
        )
        return _causes(shares), tuple(_part_words(part, share) for part, share in shares.items() if share.bytes)

    def _known(self, explained: LevelExplanation) -> Known | None:
        from mirror.explain.sample.split import Known

        bytes_a, bytes_b = (element_bytes(one.data_type) for one in (self.level.a_facts, self.level.b_facts))
        if not bytes_a or not bytes_b:
            return None
        payload_a = payload_b = 0
        for place in self.level.places():
            payload_a, payload_b = payload_a + place.a_bytes, payload_b + place.b_bytes
        return Known(payload_a, payload_b, bytes_a / bytes_b, explained.contributions[Cause.COMPRESSION])

    def _picture(self, looks: Sequence[tuple[Verdict, object, object]]) -> Picture | None:
        from mirror.explain.sample.picture import picture
        from mirror.explain.sample.relation import Relation

        for verdict, a, b in looks:
            if verdict.relation is not Relation.UNDECIDED and _both(a, b) and a.shape == b.shape:  # type: ignore[attr-defined]
                return picture(a, b, verdict)  # type: ignore[arg-type]
        return None


def _advance(
    steps: Generator[Wanted, tuple[Blocks, Blocks], Verdict], answer: tuple[Blocks, Blocks] | None
) -> tuple[Wanted | None, Verdict | None]:
    """Return what is wanted next, or the verdict; no StopIteration, which no task can pass on."""
    try:
        return (next(steps) if answer is None else steps.send(answer)), None
    except StopIteration as end:
        return None, end.value


def _both(a: object, b: object) -> bool:
    """Return whether both are voxels: neither absent nor unreadable."""
    from mirror.explain.sample.decode import Undecodable

    return all(one is not None and not isinstance(one, Undecodable) for one in (a, b))


def _causes(shares: Mapping[Part, PartShare]) -> dict[Cause, int]:
    """Return the shares by cause. Where type and content are inseparable both are said to be content."""
    causes: dict[Cause, int] = {}
    for part, share in shares.items():
        cause = _CAUSES.get(part.value, Cause.COMPRESSION_CONTENT)
        causes[cause] = causes.get(cause, 0) + share.bytes
    return causes


_CAUSES = {one.value: one for one in (Cause.COMPRESSION_TYPE, Cause.COMPRESSION_CODEC, Cause.COMPRESSION_BLOCK_SIZE)}


def _part_words(part: Part, share: PartShare) -> str:
    name = part.value.partition(".")[2].replace("_", " ")
    note = " (inseparable: no line leads from A's values to B's)" if "and" in name.split() else ""
    low, high = share.estimate.low, share.estimate.high
    return f"compression by {name}{note}: {share.bytes:+,} bytes, with 95 % confidence {low:+,.0f} to {high:+,.0f}"


def _relation_words(relation: LevelRelation, plan: SamplePlan) -> str:
    parts = " and ".join(_RELATION_WORDS[part.value] for part in relation.parts)
    votes = ", ".join(f"{n} {_RELATION_WORDS[one.value]}" for one, n in relation.n_places.items())
    words = f"sample of {len(plan.places):,} of {plan.n_places:,} places: {parts} ({votes})"
    if relation.fit is not None:
        fit = relation.fit
        words += f"; B = {fit.slope:.4g} x A {fit.offset:+.4g}, residual {fit.residual:.3g}"
    if relation.shift_zyx is not None and any(relation.shift_zyx):
        words += f"; shifted by {', '.join(f'{one:+.2f}' for one in relation.shift_zyx)} voxels (z,y,x)"
    return words


_RELATION_WORDS = {
    "same": "the same voxels",
    "inverted": "inverted",
    "linear": "linearly related",
    "mirrored-y": "mirrored in y",
    "shifted": "shifted",
    "combined": "related in several ways",
    "different": "not the same voxels",
    "undecided": "not to be told",
}
