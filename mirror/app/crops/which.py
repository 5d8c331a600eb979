"""Which crop a number means: crops are counted through the whole project, but documents may say otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import ClassCrop, CropRecord
from mirror.crops.paths import parse_ground_truth_path
from mirror.errors import MirrorError, UnknownNameError, UsageError, known_hint

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class CropName:
    """One crop. `(number, version, dataset)` names it."""

    number: str
    version: str | None
    """Of the ground truth; None where no source tells one."""
    dataset: str

    def __str__(self) -> str:
        version = f" ({self.version})" if self.version else ""
        return f"crop {self.number}{version} of {self.dataset}"


@dataclass(frozen=True, slots=True)
class CropSayings:
    """What was imported of one crop."""

    name: CropName
    record: CropRecord | None
    rows: tuple[ClassCrop, ...]
    """Of cellmap tables, by class."""


def find_crop(
    connection: Connection, number: str, *, version: str | None = None, dataset: str | None = None
) -> CropSayings:
    """Return the one crop that is meant, from all that names crops: documents, the cellmap table, ground truth.

    Raises
    ------
    UnknownNameError
        Nothing names such a crop.
    UsageError
        The number is that of several.
    MirrorError
        Nothing tells the dataset of the crop.
    """
    records = queries.crops(connection, numbers=[number])
    rows = queries.class_crops(connection, number=number)
    named = set(_named(number, records, rows, queries.ground_truth_paths(connection, number)))
    if not named:
        numbers = known_numbers(connection)
        hint = known_hint(number, numbers) if numbers else "`oomirror crops import-manifest FILE` names crops."
        raise UnknownNameError("no source names such a crop", f"crop {number}", hint=hint)
    meant = [
        one
        for one in _merged(named)
        if dataset in {None, one.dataset or dataset} and version in {None, one.version or version}
    ]
    if not meant:
        asked = " ".join(word for word in (dataset, version) if word)
        raise UnknownNameError(
            "no such crop", f"crop {number}", expected=_in_words(_merged(named)), found=asked or "none"
        )
    if len(meant) > 1:
        hint = "Say which with --dataset or --ground-truth."
        raise UsageError("the number is that of several crops", number, found=_in_words(meant), hint=hint)
    name = CropName(number, meant[0].version or version, meant[0].dataset or dataset or "")
    if not name.dataset:
        raise MirrorError("nothing tells the dataset of the crop", f"crop {number}", hint="Name it with --dataset.")
    return sayings_of(name, records, rows)


def sayings_of(name: CropName, records: Iterable[CropRecord], rows: Iterable[ClassCrop]) -> CropSayings:
    """Return what of the records and rows belongs to one crop."""
    own = (one for one in records if one.number == name.number and one.dataset in {None, name.dataset})
    record = next((one for one in own if name.version in {None, one.version}), None)
    return CropSayings(
        name, record, tuple(row for row in rows if (row.number, row.dataset) == (name.number, name.dataset))
    )


def known_numbers(connection: Connection) -> frozenset[str]:
    """Return the numbers of all crops that anything names."""
    paths = (parse_ground_truth_path(path) for _, path in queries.ground_truth_paths(connection))
    numbers = {one.number for one in queries.crops(connection)}
    numbers |= {row.number for row in queries.class_crops(connection)}
    return frozenset(numbers | {one.number for one in paths if one is not None})


def _named(
    number: str, records: Iterable[CropRecord], rows: Iterable[ClassCrop], paths: Iterable[tuple[str, str]]
) -> Iterator[CropName]:
    for record in records:
        yield CropName(number, record.version, record.dataset or "")
    for row in rows:
        yield CropName(number, None, row.dataset)
    for dataset, path in paths:
        said = parse_ground_truth_path(path)
        if said is not None and said.number == number:
            yield CropName(number, said.version, dataset)


def _merged(names: Iterable[CropName]) -> list[CropName]:
    """Return the names without those that leave out what another one tells."""
    every = set(names)

    def is_part(one: CropName, other: CropName) -> bool:
        return one != other and one.version in {None, other.version} and one.dataset in {"", other.dataset}

    kept = [one for one in every if not any(is_part(one, other) for other in every)]
    return sorted(kept, key=lambda one: (one.dataset, one.version or ""))


def _in_words(names: Iterable[CropName]) -> str:
    return ", ".join(f"{one.dataset or 'no dataset'}{f' {one.version}' if one.version else ''}" for one in names)
