"""Sources of documents in memory, and documents as real ones look."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from catalog.errors import ImportFailedError
from catalog.mongo.documents import Document, Unreadable
from catalog.mongo.labels import LABELS
from catalog.records import ImportKind

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass
class MemorySource:
    """A list as a source; it can be cut after some documents."""

    items: Sequence[Document | Unreadable]
    kind: ImportKind = ImportKind.CROPS
    place: str = "/dumps/crops.json"
    collection: str = ""
    version: str | None = "0003"
    fails_after: int | None = None
    """Documents that are yielded before the server dies."""
    n_read: int = field(default=0, init=False)
    """How often a document was given away."""

    def documents(self, after: str | None = None) -> Iterator[Document | Unreadable]:
        """Yield the items behind the key, or all where none has it."""
        keys = [one.key if isinstance(one, Document) else "" for one in self.items]
        start = keys.index(after) + 1 if after is not None and after in keys else 0
        for number, one in enumerate(self.items[start:]):
            if number == self.fails_after:
                raise ImportFailedError("the server went away", self.place)
            self.n_read += 1
            yield one


class Clock:
    """Moves on by a second each time it is asked."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """Return the time."""
        self.now += timedelta(seconds=1)
        return self.now


def document(fields: Mapping[str, Any], key: str | None = None) -> Document:
    """Return a document with a key: that which is given, else its number."""
    name = key if key is not None else str(fields.get("number", fields.get("_id", "?")))
    return Document(name, fields, f"document {name}")


def crop_fields(number: object = "113", **changes: Any) -> dict[str, Any]:
    """Return a whole crop's fields, all 37 labels among them; a change to None leaves the field out."""
    fields: dict[str, Any] = {
        "number": number,
        "dataset_id": "jrc_hela-2",
        "parent": "jrc_hela-2/jrc_hela-2.n5",
        "biotype": "HeLa",
        "alias": "Validation001",
        "dimensions": {"x": 500, "y": 500, "z": 250},
        "offset": {"x": 3125, "y": 25, "z": 2975},
        "resolution": {"x": 4.0, "y": 4.0, "z": 4.0},
        "completion": -1,
        "access_date": 0,
        "labels": {
            "present_annotated": [[one.id, one.name] for one in LABELS if one.id <= 5],
            "present_unannotated": [[34, "Ribosomes"]],
            "absent_annotated": [[one.id, one.name] for one in LABELS if one.id > 5 and one.id != 34],
            "present_partial_annotation": [],
        },
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def training_fields(number: object = "113", **changes: Any) -> dict[str, Any]:
    """Return a crop as the lab's dump of training crops has it: with five fields only."""
    left_out = dict.fromkeys(("biotype", "alias", "offset", "resolution", "completion", "access_date"))
    return crop_fields(number, **{**left_out, **changes})


def evaluation_fields(**changes: Any) -> dict[str, Any]:
    """Return an evaluation's fields."""
    fields: dict[str, Any] = {
        "path": "/nrs/cosem/training/v0003.2/setup01/HeLa_Cell2_it725000.n5",
        "dataset": "mito",
        "setup": "setup01",
        "iteration": 725000,
        "label": "mito",
        "crop": "113",
        "threshold": 127,
        "metric": "dice",
        "metric_params": {},
        "value": 0.5,
        "raw_dataset": "volumes/raw/s0",
        "parent_path": "/groups/cosem/data/HeLa_Cell2.n5",
        "parent_dataset_id": "jrc_hela-2",
        "refined": False,
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def text_of(value: object) -> str:
    """Return a value as text that shows each difference."""
    return json.dumps(value, sort_keys=True, default=repr)
