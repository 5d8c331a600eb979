"""An evaluation's document, field by field. They come by the million: what is as it should be is taken as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from catalog.mongo.bodies import relaxed
from catalog.mongo.documents import Document
from catalog.mongo.issues import IssueCode
from catalog.mongo.mapped import Mapped
from catalog.mongo.reading import Reading
from catalog.records import Evaluation

_TEXTS = frozenset(
    ("path", "dataset", "setup", "label", "crop", "metric", "raw_dataset", "parent_path", "parent_dataset_id")
)
_KINDS: Mapping[str, type] = {
    **dict.fromkeys(_TEXTS, str),
    "iteration": int,
    "threshold": float,
    "value": float,
    "refined": bool,
}
_LARGE = 2**31
_NOTHING: dict[str, Any] = dict.fromkeys(
    (*_TEXTS, "iteration", "threshold", "metric_params", "value", "value_word", "refined")
)


def map_evaluation(document: Document) -> Mapped[Evaluation]:
    """Return what an evaluation's document says. Its `document_id` is None: the catalog gives it."""
    reading = Reading()
    values = _NOTHING.copy()
    for name, value in document.fields.items():
        if _is_as_it_should_be(name, value):
            values[name] = value
            continue
        reader = _READERS.get(name)
        if reader is not None:
            values[name] = reader(reading, name, value)
        elif name == "value":
            values["value"], values["value_word"] = reading.read_result(name, value)
        elif name != "_id":
            reading.keep(name, value)
    if values["value"] is None and values["value_word"] is None and document.fields.get("value") is None:
        reading.note(IssueCode.MISSING_FIELD, "value", "a value", "nothing")
    if not values["metric"]:
        reading.note(IssueCode.NOT_UNDERSTOOD, "metric", "the metric's name", document.fields.get("metric"))
        return Mapped(None, tuple(reading.issues))
    return Mapped(Evaluation(document_id=None, others=reading.others, **values), tuple(reading.issues))


def _is_as_it_should_be(name: str, value: Any) -> bool:
    """Return whether a column takes the value as it is: nearly all are so, and reading one costs ten times as much."""
    kind = type(value)
    if kind is not _KINDS.get(name):
        return False
    if kind is str:
        return bool(value.isascii() and "\0" not in value)
    return kind is bool or (isfinite(value) if kind is float else -_LARGE < value < _LARGE)


def _read_params(reading: Reading, path: str, value: object) -> Any:
    if value is not None and not isinstance(value, Mapping):
        reading.note(IssueCode.WRONG_TYPE, path, "names and values", value)
    return relaxed(value)


_READERS: Mapping[str, Callable[[Reading, str, object], object]] = {
    **dict.fromkeys(_TEXTS, Reading.read_text),
    "iteration": Reading.read_whole,
    "threshold": Reading.read_real,
    "metric_params": _read_params,
    "refined": Reading.read_truth,
}
