"""An array as its own document on the share describes it, and the names of the files that hold its blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mirror.errors import MalformedDocumentError
from mirror.formats.block_keys import BoxKeys, GridKeys
from mirror.formats.document import parse_json_object
from mirror.formats.folder import Format
from mirror.formats.layout import Array, ArrayFacts
from mirror.formats.n5.attributes import ArrayAttributes, parse_attributes
from mirror.formats.n5.grid import BlockIndex, block_key
from mirror.formats.precomputed_info import Info, Scale
from mirror.formats.zarr_array import ZarrArray, read_v2_array, read_v3_array

BlockNames = Callable[[BlockIndex], str]
"""Position of a block, x first, to its key below the array's prefix."""


@dataclass(frozen=True, slots=True)
class Described:
    """What the document on the share says."""

    document: Path
    facts: ArrayFacts
    block_names: BlockNames | None
    """None where blocks lie in shards that are no boxes, so that no file stands for one of them."""


def read_description(array: Array, document: Path) -> Described:
    """Return what the document says of the array.

    Raises
    ------
    MalformedDocumentError
        It cannot be understood.
    """
    place, body = str(document), document.read_bytes()
    match document.name:
        case ".zarray":
            return _of_zarr(document, read_v2_array(parse_json_object(body, place), place)[0])
        case "zarr.json":
            return _of_zarr(document, read_v3_array(parse_json_object(body, place), place)[0])
        case _ if array.format is Format.N5:
            attributes = parse_attributes(body, place)
            if not isinstance(attributes, ArrayAttributes):
                raise MalformedDocumentError("cannot open", place, expected="the attributes of an array")
            return Described(document, attributes.facts, block_key)
        case _:
            return _of_precomputed(document, parse_json_object(body, place), array.level_name)


def _of_zarr(document: Path, array: ZarrArray) -> Described:
    keys, axes = array.block_keys, array.stored_axes

    def name(index_xyz: BlockIndex) -> str:
        """Return the key of a block, whose numbers stand in the order of the document."""
        position = dict(zip(reversed(axes), index_xyz, strict=True))
        return keys.key(tuple(position[axis] for axis in range(len(axes))))

    return Described(document, array.facts, name)


def _of_precomputed(document: Path, content: dict[str, object], key: str | None) -> Described:
    info = Info.read(content, str(document), "the info of a precomputed volume with a list of scales")
    scales = [one for one in info.scales if isinstance(one, dict) and one.get("key") == key]
    if not scales:
        raise MalformedDocumentError("cannot open", str(document), expected=f"the scale {key}")
    scale = Scale.read(scales[0], str(document), "a scale of a precomputed volume")
    keys = scale.block_keys
    names = keys.key if isinstance(keys, BoxKeys | GridKeys) else None
    return Described(document, scale.facts(info.data_type, info.num_channels), names)
