"""Ground-truth crops: what all documents say of each, and where their ground truth lies in the buckets."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Select, delete, exists, func, insert, select

from catalog.queries.places import arrays, bucket_prefix
from catalog.queries.rows import put_named
from catalog.records import ArrayRecord, CropLabel, CropRecord, LabelState, SourceDocument
from catalog.tables import crop, crop_document, crop_label, source_document

VALIDATION = -1
"""`completion` of a crop that was kept from training."""
_GROUND_TRUTH = re.compile(r"(?:^|/)groundtruth/(?:([^/]+)/)?crop(\d+)(?:/|$)", re.IGNORECASE)
_TRIPLES = ("shape_xyz", "offset_xyz", "resolution_nm_xyz")


def put_crop(connection: Connection, record: CropRecord) -> int:
    """Keep a crop and its labels, instead of what was known of it before; return its id, which stays the same."""
    crop_id = put_named(connection, crop, record, by=("number", "version"))
    connection.execute(delete(crop_label).where(crop_label.c.crop_id == crop_id))
    rows = [
        {
            "crop_id": crop_id,
            "position": position,
            "state": one.state.value,
            "label_id": one.label_id,
            "name": one.name,
        }
        for position, one in enumerate(record.labels)
    ]
    if rows:
        connection.execute(insert(crop_label), rows)
    return crop_id


def drop_crop(connection: Connection, crop_id: int) -> None:
    """Delete a crop, its labels and its links to documents."""
    connection.execute(delete(crop).where(crop.c.id == crop_id))


def link_crop_document(connection: Connection, crop_id: int, document_id: int) -> None:
    """Keep that a document is about a crop, and about no other."""
    t = crop_document.c
    connection.execute(delete(crop_document).where(t.document_id == document_id))
    connection.execute(insert(crop_document).values(crop_id=crop_id, document_id=document_id))


def unlink_crop_documents(connection: Connection, document_ids: Collection[int]) -> None:
    """Keep that documents are about no crop."""
    connection.execute(delete(crop_document).where(crop_document.c.document_id.in_(sorted(document_ids))))


def crops_of_documents(connection: Connection, document_ids: Collection[int]) -> dict[int, int]:
    """Return the crop that each document is about, by the documents' ids; those about none are left out."""
    t = crop_document.c
    query = select(t.document_id, t.crop_id).where(t.document_id.in_(sorted(document_ids)))
    return {row.document_id: row.crop_id for row in connection.execute(query)}


def crop_documents(connection: Connection, crop_id: int) -> tuple[SourceDocument, ...]:
    """Return the documents about a crop as they are, the one that changed last first."""
    t = source_document.c
    query = (
        select(source_document)
        .join(crop_document, crop_document.c.document_id == t.id)
        .where(crop_document.c.crop_id == crop_id)
        .order_by(t.changed_at.desc(), t.id.desc())
    )
    return tuple(SourceDocument(**row) for row in connection.execute(query).mappings())


def crop_version(connection: Connection, crop_id: int) -> str:
    """Return the version of the ground truth that a crop belongs to."""
    return str(connection.execute(select(crop.c.version).where(crop.c.id == crop_id)).scalar_one())


def find_crop(connection: Connection, number: str, version: str | None = None) -> CropRecord | None:
    """Return a crop; without a version, that of the newest ground truth that has the number. None: it is not known."""
    found = crops(connection, numbers=[number], version=version)
    return found[-1] if found else None


def crops(
    connection: Connection,
    *,
    dataset: str | None = None,
    label_ids: Collection[int] | None = None,
    states: Collection[LabelState] | None = None,
    is_validation: bool | None = None,
    version: str | None = None,
    numbers: Collection[str] | None = None,
) -> tuple[CropRecord, ...]:
    """Return the crops for which all that is given holds, by dataset, number and version.

    Parameters
    ----------
    label_ids, states
        Those that say of at least one of these labels one of these states.
    is_validation
        Those that were kept from training; False: the others.
    """
    t = crop.c
    query = select(crop)
    wanted = {t.dataset: dataset, t.version: version}
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if numbers is not None:
        query = query.where(t.number.in_(sorted(numbers)))
    if is_validation is not None:
        query = query.where(func.coalesce(t.completion, 0) == VALIDATION if is_validation else _is_for_training())
    if label_ids is not None or states is not None:
        query = query.where(_says(label_ids, states))
    rows = connection.execute(query).mappings().all()
    labels = _labels(connection, query.with_only_columns(t.id))
    return tuple(sorted((_crop(row, labels) for row in rows), key=_order))


def ground_truth_arrays(
    connection: Connection, bucket_id: int, dataset: str, number: str, version: str | None = None
) -> tuple[ArrayRecord, ...]:
    """Return the arrays of a crop's ground truth that a bucket still has, by container and path.

    They lie in `groundtruth/<version>/crop<number>/` or, in zarr, in `groundtruth/crop<number>/`; `Crop1` is crop 1.

    Parameters
    ----------
    version
        Where given, arrays of other versions are left out; those of a path that names no version are not.
    """
    of_dataset = ground_truth_of(connection, bucket_id, dataset)
    return tuple(
        array for found, array in of_dataset.get(number, ()) if version is None or found is None or found == version
    )


def ground_truth_of(
    connection: Connection, bucket_id: int, dataset: str
) -> dict[str, tuple[tuple[str | None, ArrayRecord], ...]]:
    """Return the ground-truth arrays of all crops of a dataset by the crops' numbers, each with its path's version."""
    found: dict[str, list[tuple[str | None, ArrayRecord]]] = defaultdict(list)
    for array in arrays(connection, bucket_id, f"{bucket_prefix(connection, bucket_id)}{dataset}/"):
        match = _GROUND_TRUTH.search(array.path) if array.is_present else None
        if match is not None:
            found[match[2].lstrip("0") or "0"].append((match[1], array))
    return {number: tuple(some) for number, some in found.items()}


def _is_for_training() -> Any:
    return func.coalesce(crop.c.completion, 0) != VALIDATION


def _says(label_ids: Collection[int] | None, states: Collection[LabelState] | None) -> Any:
    t = crop_label.c
    conditions: list[Any] = [t.crop_id == crop.c.id]
    if label_ids is not None:
        conditions.append(t.label_id.in_(sorted(label_ids)))
    if states is not None:
        conditions.append(t.state.in_(sorted(states)))
    return exists().where(*conditions)


def _labels(connection: Connection, crop_ids: Select[Any]) -> Mapping[int, tuple[CropLabel, ...]]:
    t = crop_label.c
    query = select(crop_label).where(t.crop_id.in_(crop_ids)).order_by(t.crop_id, t.position)
    found: dict[int, list[CropLabel]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.crop_id].append(CropLabel(LabelState(row.state), row.label_id, row.name))
    return {crop_id: tuple(some) for crop_id, some in found.items()}


def _crop(row: Mapping[Any, Any], labels: Mapping[int, tuple[CropLabel, ...]]) -> CropRecord:
    values: dict[str, Any] = dict(row)
    for name in _TRIPLES:
        values[name] = None if values[name] is None else tuple(values[name])
    return CropRecord(**values, labels=labels.get(values["id"], ()))


def _order(record: CropRecord) -> tuple[str, int, str, str]:
    number = record.number
    digits = int(number) if number.isascii() and number.isdigit() and len(number) < 20 else -1
    return record.dataset or "", digits, number, record.version
