"""A crop's document, field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from catalog.mongo.documents import Document
from catalog.mongo.issues import IssueCode
from catalog.mongo.labels import LABEL_IDS, LABELS
from catalog.mongo.mapped import Mapped
from catalog.mongo.reading import INT32_MAX, Reading
from catalog.records import CropLabel, CropRecord, LabelState

_KEY: Final = "_id"
_STATES = {state.value: state for state in LabelState}
_NAMES = {one.id: one.name for one in LABELS}


def map_crop(document: Document, version: str) -> Mapped[CropRecord]:
    """Return what a crop's document says.

    Parameters
    ----------
    version
        Of the ground truth, as `0003`: documents do not tell it.
    """
    reading = Reading()
    values: dict[str, Any] = {}
    for name, value in document.fields.items():
        column = _COLUMNS.get(name)
        if column is not None:
            values[column[0]] = column[1](reading, name, value)
        elif name != _KEY:
            reading.keep(name, value)
    number = (values.pop("number", None) or "").strip()
    if not number:
        reading.note(IssueCode.NOT_UNDERSTOOD, "number", "the crop's number", document.fields.get("number"))
        return Mapped(None, tuple(reading.issues))
    _check_parent(reading, values)
    _check_fields(reading, document.fields)
    record = CropRecord(number=number, version=version, others=reading.others, **values)
    return Mapped(record, tuple(reading.issues))


def _read_labels(reading: Reading, path: str, value: object) -> tuple[CropLabel, ...]:
    if not isinstance(value, Mapping):
        if value is not None:
            reading.refuse(IssueCode.WRONG_TYPE, path, "lists of labels by their state", value)
        return ()
    labels: list[tuple[str, CropLabel]] = []
    for name, entries in value.items():
        state, place = _STATES.get(name), f"{path}.{name}"
        if state is None:
            reading.refuse(IssueCode.UNKNOWN_STATE, place, ", ".join(_STATES), entries)
        elif isinstance(entries, (list, tuple)):
            labels += _read_entries(reading, place, state, entries)
        elif entries is not None:
            reading.refuse(IssueCode.WRONG_TYPE, place, "a list of labels", entries)
    _check_labels(reading, path, labels)
    return tuple(one for _, one in labels)


def _read_entries(
    reading: Reading, path: str, state: LabelState, entries: list[object] | tuple[object, ...]
) -> Iterator[tuple[str, CropLabel]]:
    """Yield each label of one list with its place in the document."""
    for position, entry in enumerate(entries):
        place = f"{path}.{position}"
        if not isinstance(entry, (list, tuple)) or len(entry) != 2:
            reading.refuse(IssueCode.WRONG_TYPE, place, "number and name of a label", entry)
            continue
        label_id = reading.read_whole(f"{place}.0", entry[0], most=INT32_MAX)
        name = reading.read_text(f"{place}.1", entry[1])
        if label_id is None:
            reading.note(IssueCode.LABEL_WITHOUT_ID, place, "number and name of a label", entry)
        yield place, CropLabel(state, label_id, name)


def _check_labels(reading: Reading, path: str, labels: list[tuple[str, CropLabel]]) -> None:
    seen: dict[int, LabelState] = {}
    for place, one in labels:
        if one.label_id is None:
            continue
        before = seen.get(one.label_id)
        if before is None:
            seen[one.label_id] = one.state
        elif before == one.state:
            reading.note(IssueCode.LABEL_TWICE, place, "each label once", [one.label_id, one.name])
        else:
            reading.note(IssueCode.LABEL_IN_TWO_STATES, place, f"{before}, as above", one.state.value)
    if missing := sorted(LABEL_IDS - seen.keys()):
        names = ", ".join(f"{one} {_NAMES[one]}" for one in missing)
        reading.note(IssueCode.LABEL_MISSING, path, f"all {len(LABEL_IDS)} labels", f"nothing of {names}")


def _check_parent(reading: Reading, values: Mapping[str, Any]) -> None:
    parent, dataset = values.get("parent"), values.get("dataset")
    if parent and dataset and dataset not in parent.split("/"):
        reading.note(IssueCode.OTHER_PARENT, "parent", f"a container of {dataset}", parent)


def _check_fields(reading: Reading, fields: Mapping[str, Any]) -> None:
    for name in ("dataset_id", "dimensions", "labels"):
        if fields.get(name) is None:
            reading.note(IssueCode.MISSING_FIELD, name, "a value", "nothing")


_COLUMNS: Mapping[str, tuple[str, Callable[[Reading, str, object], object]]] = {
    "number": ("number", Reading.read_text),
    "dataset_id": ("dataset", Reading.read_text),
    "parent": ("parent", Reading.read_text),
    "biotype": ("biotype", Reading.read_text),
    "alias": ("alias", Reading.read_text),
    "completion": ("completion", lambda reading, path, value: reading.read_whole(path, value, most=INT32_MAX)),
    "dimensions": ("shape_xyz", lambda reading, path, value: reading.read_whole_xyz(path, value, is_size=True)),
    "offset": ("offset_xyz", lambda reading, path, value: reading.read_whole_xyz(path, value, is_size=False)),
    "resolution": ("resolution_nm_xyz", Reading.read_real_xyz),
    "labels": ("labels", _read_labels),
}
"""Field of the document to column and reader."""
