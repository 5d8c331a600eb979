"""A dataset in two buckets: every object of both in one place, every byte of the difference with its cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mirror.explain.causes import Place, Side
from mirror.explain.laying import LevelInput
from mirror.explain.level import OWN_DOCUMENTS, ExplainedLevel, explain_level
from mirror.explain.pairing import Unpaired, VolumePair, pair_levels, pair_volumes
from mirror.explain.result import NOTHING, DatasetExplanation, Note, OnlyIn, PairExplanation, Unexplained
from mirror.explain.stored import OtherObjects, Overrides, StoredArray, StoredDataset, StoredVolume
from mirror.formats.folder import Format
from mirror.formats.kinds import VolumeKind
from mirror.objects import Tally

_NO_OVERRIDES: Mapping[str, str | None] = {}
_MOST_EXAMPLES = 5


def explain_dataset(
    a: StoredDataset | None, b: StoredDataset | None, overrides: Overrides = _NO_OVERRIDES
) -> DatasetExplanation:
    """Return why a dataset is not as large in A as in B, to the byte.

    The streams of blocks are read one pair of levels after the other, each once. A dataset that one bucket lacks is
    explained by that.

    Raises
    ------
    ValueError
        Neither is given, or rows of blocks do not ascend.
    """
    if a is None or b is None:
        return _explain_alone(a, b)
    pairing = pair_volumes(a.volumes, b.volumes, overrides)
    pairs = tuple(map(explain_pair, pairing.pairs))
    only = [*map(_only_volume, pairing.unpaired), *_others(Side.A, a), *_others(Side.B, b)]
    return DatasetExplanation(
        dataset=a.name,
        a=a.total,
        b=b.total,
        pairs=pairs,
        only=tuple(one for one in _formats_as_one(only) if one.listed != NOTHING),
        unexplained=(*_missing(Side.A, a), *_missing(Side.B, b)),
        notes=(*a.notes, *b.notes, *_em_twice(Side.A, a), *_em_twice(Side.B, b)),
    )


def explain_pair(pair: VolumePair) -> PairExplanation:
    """Return why two volumes that show the same differ.

    Raises
    ------
    ValueError
        Rows of blocks do not ascend.
    """
    levels = pair_levels(pair.a, pair.b)
    explained = [_explain_level(pair, a, b) for a, b in levels.pairs]
    only = [one for level in explained for one in level.only]
    only += [_only_level(side, pair, array) for side, array in levels.unpaired]
    only += [
        OnlyIn(side, Place.METADATA, volume.path, volume.rest, OWN_DOCUMENTS)
        for side, volume in ((Side.A, pair.a), (Side.B, pair.b))
    ]
    return PairExplanation(
        a_volume=pair.a.path,
        b_volume=pair.b.path,
        kind=pair.a.kind,
        reason=pair.reason,
        a=pair.a.listed,
        b=pair.b.listed,
        levels=tuple(level.level for level in explained),
        only=tuple(one for one in only if one.listed != NOTHING),
        unexplained=tuple(one for level in explained for one in level.unexplained if one.bytes),
    )


def _explain_level(pair: VolumePair, a: StoredArray, b: StoredArray) -> ExplainedLevel:
    where = f"{a.path} with {b.path}"
    return explain_level(_level_input(pair.a, a), _level_input(pair.b, b), where)


def _level_input(volume: StoredVolume, array: StoredArray) -> LevelInput:
    return LevelInput(array, volume.format is Format.N5, volume.is_mirrored_y)


def _only_level(side: Side, pair: VolumePair, array: StoredArray) -> OnlyIn:
    other = pair.b if side is Side.A else pair.a
    reason = f"{other.path} in bucket {side.other.value.upper()} has no such level"
    return OnlyIn(side, Place.LEVEL, array.path, array.listed, reason)


def _only_volume(unpaired: Unpaired) -> OnlyIn:
    place = Place.FORMAT if unpaired.is_format_absent else Place.VOLUME
    where = unpaired.volume.format.value if unpaired.is_format_absent else unpaired.volume.path
    examples = (unpaired.volume.path,) if unpaired.is_format_absent else ()
    return OnlyIn(unpaired.side, place, where, unpaired.volume.listed, unpaired.reason, examples)


def _formats_as_one(only: Iterable[OnlyIn]) -> Iterator[OnlyIn]:
    """Yield what lies in one bucket alone, the volumes of a format that the other lacks as one."""
    formats: dict[tuple[Side, str], OnlyIn] = {}
    for one in only:
        if one.place is not Place.FORMAT:
            yield one
            continue
        key = one.side, one.where
        before = formats.get(key)
        listed, examples = (NOTHING, ()) if before is None else (before.listed, before.examples)
        formats[key] = OnlyIn(
            one.side, one.place, one.where, listed + one.listed, one.reason, (*examples, *one.examples)[:_MOST_EXAMPLES]
        )
    yield from formats.values()


def _others(side: Side, dataset: StoredDataset) -> Iterator[OnlyIn]:
    for other in dataset.others:
        yield OnlyIn(side, other.place, other.where, other.listed, _other_reason(other), other.examples)


def _other_reason(other: OtherObjects) -> str:
    return OWN_DOCUMENTS if other.place is Place.METADATA else "files are not laid side by side"


def _missing(side: Side, dataset: StoredDataset) -> Iterator[Unexplained]:
    """Yield what the listing counts and no place holds."""
    places = [volume.listed.bytes for volume in dataset.volumes] + [other.listed.bytes for other in dataset.others]
    missing = dataset.total.bytes - sum(places)
    if missing:
        bucket = f"bucket {side.value.upper()}"
        reason = f"the listing of {bucket} counts {dataset.total.bytes:,} bytes, its parts {sum(places):,}"
        yield Unexplained(dataset.name, side.sign * missing, reason)


def _em_twice(side: Side, dataset: StoredDataset) -> Iterator[Note]:
    kept = [volume for volume in dataset.volumes if volume.kind is VolumeKind.EM and volume.listed.objects]
    if len(kept) > 1:
        paths = ", ".join(f"{volume.path} ({volume.listed.bytes:,} bytes)" for volume in kept)
        text = f"bucket {side.value.upper()} keeps the EM {len(kept)} times: {paths}"
        yield Note("em-more-than-once", dataset.name, text)


def _explain_alone(a: StoredDataset | None, b: StoredDataset | None) -> DatasetExplanation:
    side, dataset = (Side.A, a) if a is not None else (Side.B, b)
    if dataset is None:
        raise ValueError("no dataset to explain")
    reason = f"bucket {side.other.value.upper()} has no dataset of this name"
    only = OnlyIn(side, Place.DATASET, dataset.name, dataset.total, reason)
    totals = {side: dataset.total}
    return DatasetExplanation(
        dataset.name, totals.get(Side.A, Tally()), totals.get(Side.B, Tally()), (), (only,), notes=dataset.notes
    )
