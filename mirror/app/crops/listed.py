"""`oomirror crops ls` and `show`: what is known of crops, and how much of their ground truth is on the share."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalog import queries
from catalog.records import Count, CropRecord, LabelState, LevelState, SourceDocument
from mirror.app.crops.issues import issue_lines
from mirror.app.crops.words import folder_of
from mirror.app.levels import state_word
from mirror.app.lookup import bucket_names, check_word
from mirror.app.reading import catalog_for_reading
from mirror.config import Settings
from mirror.errors import UnknownNameError, known_hint
from mirror.formats.organelles import find_organelle
from mirror.report.crops import CropLabelLine, CropLine, CropReport, DocumentLine, GroundTruth, Role
from mirror.report.model import Amount, State

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NO_CROPS = "`oomirror import-mongo` takes crops into the catalog."


@dataclass(frozen=True, slots=True)
class CropFilter:
    """Which crops are meant: those for which all that is given holds."""

    dataset: str | None = None
    label: str | None = None
    """Number, name, class of several labels or short name of an organelle."""
    state: str | None = None
    """What the crop says of the label; without a label, of any."""
    is_validation: bool | None = None
    is_mirrored: bool | None = None
    """Whether all of the ground truth is on the share, from any bucket or from `bucket`."""
    bucket: str | None = None


def list_crops(settings: Settings, wanted: CropFilter) -> tuple[CropLine, ...]:
    """Return a line for each crop, by dataset and number.

    Raises
    ------
    UnknownNameError
        A dataset of which no crop is known, no such label, state or bucket.
    CatalogError
        There is no catalog, or it cannot be read.
    """
    check_word("state of a label", wanted.state, [one.value for one in LabelState])
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        _check_dataset(connection, wanted.dataset)
        names = bucket_names(connection, settings, wanted.bucket)
        records = queries.crops(
            connection,
            dataset=wanted.dataset,
            label_ids=None if wanted.label is None else label_ids(connection, wanted.label),
            states=None if wanted.state is None else [LabelState(wanted.state)],
            is_validation=wanted.is_validation,
        )
        places = _Places(connection, names)
        lines = tuple(_line(record, places) for record in records)
    return tuple(line for line in lines if wanted.is_mirrored in {None, is_mirrored(line)})


def show_crop(
    settings: Settings, number: str, *, version: str | None = None, with_documents: bool = False
) -> CropReport:
    """Return all that is known of a crop.

    Parameters
    ----------
    version
        Of the ground truth; None: the newest that has the number.
    with_documents
        The documents themselves, too.

    Raises
    ------
    UnknownNameError
        No such crop.
    CatalogError
        There is no catalog, or it cannot be read.
    """
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        record = queries.find_crop(connection, number, version)
        if record is None or record.id is None:
            raise _unknown_crop(connection, number, version)
        organelles = {one.id: one.organelle_class for one in queries.labels(connection)}
        documents = None if catalog.is_published else queries.crop_documents(connection, record.id)
        sources = {one.id: one for one in queries.import_sources(connection)}
        line = _line(record, _Places(connection, bucket_names(connection, settings)))
        return CropReport(
            **dict(line),
            parent=record.parent,
            completion=record.completion,
            resolution_nm_zyx=_zyx(record.resolution_nm_xyz),
            labels=tuple(
                CropLabelLine(
                    state=one.state.value,
                    label=one.label_id,
                    name=one.name,
                    organelle_class=None if one.label_id is None else organelles.get(one.label_id),
                )
                for one in record.labels
            ),
            others=dict(record.others),
            documents=None
            if documents is None
            else tuple(
                _document(
                    one, sources[one.source_id].place, sources[one.source_id].collection, with_body=with_documents
                )
                for one in documents
            ),
            issues=None if documents is None else issue_lines(connection, documents=documents),
        )


def label_ids(connection: Connection, word: str) -> tuple[int, ...]:
    """Return the labels that a user means by a word.

    Raises
    ------
    UnknownNameError
        It means none.
    """
    found = queries.find_labels(connection, word)
    organelle = find_organelle(word) if not found else None
    if organelle is not None:
        found = queries.find_labels(connection, organelle.name)
    if found:
        return found
    labels = queries.labels(connection)
    if not labels:
        raise UnknownNameError("the catalog knows no labels", word, hint=_NO_CROPS)
    known = {*queries.label_classes(connection), *(one.name for one in labels)}
    raise UnknownNameError("unknown label", word, hint=known_hint(word, known))


def is_mirrored(line: CropLine) -> bool:
    """Return whether all of a crop's ground truth is on the share."""
    return any(one.state == "whole" for one in line.ground_truth)


class _Places:
    """Where ground truth lies, and how much of it is on the share: each dataset is looked at once."""

    def __init__(self, connection: Connection, buckets: Mapping[int, str]) -> None:
        self._connection = connection
        self._buckets = buckets
        self._states: dict[tuple[int, str], dict[int | None, LevelState]] = {}

    def of(self, record: CropRecord) -> tuple[GroundTruth, ...]:
        """Return the ground truth of a crop in each bucket that has some, by the buckets' names."""
        if record.dataset is None:
            return ()
        found = []
        for bucket_id, name in self._buckets.items():
            states = self._levels(bucket_id, record.dataset)
            arrays = queries.ground_truth_arrays(
                self._connection, bucket_id, record.dataset, record.number, record.version
            )
            levels = [states[one.id] for one in arrays if one.id in states]
            if levels:
                found.append(_ground_truth(name, folder_of(arrays), levels))
        return tuple(found)

    def _levels(self, bucket_id: int, dataset: str) -> dict[int | None, LevelState]:
        place = bucket_id, dataset
        if place not in self._states:
            levels = queries.level_states(self._connection, bucket_id, dataset)
            self._states[place] = {one.array.id: one for one in levels}
        return self._states[place]


def _ground_truth(bucket: str, prefix: str, levels: list[LevelState]) -> GroundTruth:
    mirrored = Count(sum(one.state.mirrored.objects for one in levels), sum(one.state.mirrored.bytes for one in levels))
    return GroundTruth(
        bucket=bucket,
        prefix=prefix,
        arrays=len(levels),
        mirrored=Amount(objects=mirrored.objects, bytes=mirrored.bytes),
        state=_together([state_word(one.listed, one.state.mirrored) for one in levels]),
    )


def _together(states: list[State]) -> State:
    """Return the state of all arrays of a crop: whole only where each is."""
    if len(set(states)) == 1:
        return states[0]
    return "unknown" if set(states) <= {"whole", "unknown"} else "partial"


def _line(record: CropRecord, places: _Places) -> CropLine:
    counts = Counter(one.state for one in record.labels)
    role: Role = "validation" if record.is_validation else "training"
    return CropLine(
        number=record.number,
        version=record.version,
        dataset=record.dataset,
        role=role,
        biotype=record.biotype,
        alias=record.alias,
        shape_zyx=_zyx(record.shape_xyz),
        offset_zyx=_zyx(record.offset_xyz),
        present_annotated=counts[LabelState.PRESENT_ANNOTATED],
        present_unannotated=counts[LabelState.PRESENT_UNANNOTATED],
        absent_annotated=counts[LabelState.ABSENT],
        present_partial_annotation=counts[LabelState.PARTIAL],
        ground_truth=places.of(record),
    )


def _zyx(values_xyz: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """Return values of axes in the order z, y, x."""
    return None if values_xyz is None else values_xyz[::-1]


def _document(document: SourceDocument, place: str, collection: str, *, with_body: bool) -> DocumentLine:
    return DocumentLine(
        place=place,
        collection=collection,
        document=document.document_key,
        first_seen_at=document.first_seen_at.isoformat(),
        changed_at=document.changed_at.isoformat(),
        body=json.loads(document.body) if with_body else None,
    )


def _check_dataset(connection: Connection, dataset: str | None) -> None:
    if dataset is None or queries.crops(connection, dataset=dataset):
        return
    known = {one.dataset for one in queries.crops(connection) if one.dataset is not None}
    hint = known_hint(dataset, known) if known else _NO_CROPS
    raise UnknownNameError("no crop of that dataset is known", dataset, hint=hint)


def _unknown_crop(connection: Connection, number: str, version: str | None) -> UnknownNameError:
    known = queries.crops(connection)
    thing = number if version is None else f"{number}, ground truth {version}"
    versions = sorted(one.version for one in known if one.number == number)
    if versions:
        return UnknownNameError("unknown crop", thing, hint=f"Known of ground truth {', '.join(versions)}.")
    hint = known_hint(number, {one.number for one in known}) if known else _NO_CROPS
    return UnknownNameError("unknown crop", thing, hint=hint)
