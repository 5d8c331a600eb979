"""Element types under one name, numpy's, whatever the format calls them. Without numpy, which is not always there."""

from __future__ import annotations

import json
import re

_KINDS = {"i": "int", "u": "uint", "f": "float", "c": "complex"}
_NUMPY_NAME = re.compile(r"(?:u?int|float|complex|bfloat)([1-9][0-9]*)")
_NUMPY_CODE = re.compile(r"[<>|=]?([biufcmM])([1-9][0-9]*)(\[.*\])?")
_BYTES_CODE = re.compile(r"[<>|=]?([SUV])([1-9][0-9]*)")
_TIMES = {"m": "timedelta64", "M": "datetime64"}
_UCS4_BYTES = 4


def name_of_v2(dtype: object) -> str:
    """Return numpy's name of a type as zarr v2 spells it; what numpy has no plain name for stays as it is written.

    >>> name_of_v2("<u2"), name_of_v2(">f4"), name_of_v2("|b1"), name_of_v2("<M8[ns]"), name_of_v2("|S5")
    ('uint16', 'float32', 'bool', 'datetime64[ns]', '|S5')
    """
    match = _NUMPY_CODE.fullmatch(dtype) if isinstance(dtype, str) else None
    if match is None:
        return as_written(dtype)
    kind, n_bytes, unit = match.groups()
    if kind == "b":
        return "bool"
    return _TIMES[kind] + (unit or "") if kind in _TIMES else f"{_KINDS[kind]}{int(n_bytes) * 8}"


def as_written(data_type: object) -> str:
    """Return a type as its document spells it: a word, or JSON where it is more than a word.

    >>> as_written("uint16"), as_written({"name": "uint16"}), as_written([["a", "<u2"]])
    ('uint16', 'uint16', '[["a","<u2"]]')
    """
    if isinstance(data_type, dict) and set(data_type) == {"name"}:
        data_type = data_type["name"]
    return data_type if isinstance(data_type, str) else json.dumps(data_type, separators=(",", ":"))


def element_bytes(data_type: str) -> int | None:
    """Return the bytes of one element, or None where elements have no fixed size or the type is not known.

    >>> [element_bytes(name) for name in ("uint8", "float64", "bool", "datetime64[ns]", "|S5", "string")]
    [1, 8, 1, 8, 5, None]
    """
    if data_type == "bool":
        return 1
    if data_type.startswith(("datetime64", "timedelta64")):
        return 8
    if match := _NUMPY_NAME.fullmatch(data_type):
        return int(match[1]) // 8
    if match := _BYTES_CODE.fullmatch(data_type):
        return int(match[2]) * (_UCS4_BYTES if match[1] == "U" else 1)
    return None
