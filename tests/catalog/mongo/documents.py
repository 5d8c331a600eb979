"""Crops and evaluations as the paper's databases hold them, and the forms in which they are written down."""

from __future__ import annotations

import csv
import gzip
import io
import pprint
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import bson
from bson import json_util

from catalog.mongo.documents import Document, Unreadable
from catalog.mongo.source import open_sources

Fields = Mapping[str, Any]

CROPS: tuple[dict[str, Any], ...] = tuple(
    {
        "_id": bson.ObjectId(f"5f0c5b1e2f3d4c5b6a79808{number}"),
        "number": str(number),
        "dimensions": {"x": 250, "y": 250, "z": 100 + number},
        "labels": {"present_annotated": [[3, "Mito membrane"]], "absent_annotated": [[1, "ECS"]]},
        "parent": "jrc_hela-2/jrc_hela-2.n5",
        "dataset_id": "jrc_hela-2",
    }
    for number in range(1, 4)
)
EVALUATION = {
    "path": "/nrs/setup01/it475000.n5",
    "dataset": "mito",
    "setup": "setup01",
    "iteration": 475000,
    "label": "mito",
    "crop": "113",
    "threshold": 127,
    "metric": "dice",
    "metric_params": {"tol_distance": 40},
    "value": float("nan"),
    "raw_dataset": "volumes/raw/s0",
    "refined": False,
}


def canonical(fields: Fields) -> str:
    """Return a text that two documents share only if all of their values and types are the same, NaN too."""
    return json_util.dumps(fields, json_options=json_util.CANONICAL_JSON_OPTIONS)


def _json(options: json_util.JSONOptions, **knobs: Any) -> Callable[[Fields], str]:
    return lambda fields: json_util.dumps(fields, json_options=options, **knobs)


_V1 = _json(json_util.LEGACY_JSON_OPTIONS)
_V2 = _json(json_util.CANONICAL_JSON_OPTIONS)
_PRETTY = _json(json_util.RELAXED_JSON_OPTIONS, indent=2, ensure_ascii=False)


def _lines(write: Callable[[Fields], str], end: str = "\n") -> Callable[[Sequence[Fields]], bytes]:
    return lambda documents: "".join(write(fields) + end for fields in documents).encode()


WRITERS: Mapping[str, Callable[[Sequence[Fields]], bytes]] = {
    "bson": lambda documents: b"".join(map(bson.encode, documents)),
    "json-v1-lines": _lines(_V1),
    "json-v2-lines-crlf": _lines(_V2, "\r\n"),
    "json-relaxed-lines-bom": lambda d: b"\xef\xbb\xbf" + _lines(_json(json_util.RELAXED_JSON_OPTIONS))(d),
    "json-v1-list": lambda d: ("[" + ",".join(map(_V1, d)) + "]\n").encode(),
    "json-v2-list-pretty": lambda d: ("[\n" + ",\n".join(map(_PRETTY, d)) + "\n]\n").encode(),
    "json-pretty-in-a-row": _lines(_PRETTY),
    "pairs-a-line": _lines(lambda fields: repr(list(fields.items()))),
    "pairs-a-line-crlf": _lines(lambda fields: repr(list(fields.items())), "\r\n"),
    "dict-a-line": _lines(repr),
    "dicts-in-one-list": lambda d: pprint.pformat(list(d), sort_dicts=False).encode(),
    "dicts-in-one-list-crlf": lambda d: pprint.pformat(list(d), sort_dicts=False).replace("\n", "\r\n").encode(),
    "pairs-in-one-list": lambda d: repr([list(fields.items()) for fields in d]).encode(),
}
"""Forms that hold a document as it is, by name."""


def write_csv(documents: Sequence[Fields]) -> bytes:
    """Return the documents as mongoexport writes them: dots for parts, JSON for lists and documents, no null."""
    rows = [{name: text for key in fields for name, text in _cells(key, fields[key])} for fields in documents]
    names = list(dict.fromkeys(name for row in rows for name in row))
    output = io.StringIO()
    writer = csv.DictWriter(output, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return output.getvalue().encode()


def _cells(name: str, value: Any) -> list[tuple[str, str]]:
    match value:
        case {"x": _}:
            return [cell for part in value for cell in _cells(f"{name}.{part}", value[part])]
        case bool():
            return [(name, str(value).lower())]
        case list() | dict():
            return [(name, json_util.dumps(value))]
        case _:
            return [(name, f"ObjectId({value})" if isinstance(value, bson.ObjectId) else str(value))]


def write(folder: Path, data: bytes, *, packed: bool = False) -> Path:
    """Write a file without a telling name."""
    file = folder / "documents"
    file.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return file


def read(where: Path | str, after: str | None = None, **knobs: Any) -> list[Document | Unreadable]:
    """Return all that the one source at that place yields."""
    with open_sources(str(where), **knobs) as found:
        (source,) = found.sources
        return list(source.documents(after))


def read_fields(where: Path | str, **knobs: Any) -> list[str]:
    """Return the documents of the one source, each as a text that nothing else has."""
    return [canonical(one.fields) if isinstance(one, Document) else str(one) for one in read(where, **knobs)]
