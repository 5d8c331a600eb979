"""A dataset with the dimensions of jrc_hela-2 in bucket B, of which only blocks around crop 1 are stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import product
from typing import Any

from tests.system.oddlab import ODD

ROOT = f"{ODD}/{ODD}.n5/"
RAW = f"{ROOT}volumes/raw/"
SHAPE_XYZ = (12000, 1600, 6368)
VOXEL_NM_XYZ = (4.0, 4.0, 5.24)
CROPS = {"1": ((6466, 225, 600), (500, 500, 100)), "23": ((6900, 600, 650), (200, 150, 50))}
"""Number to start and shape in raw voxels, x first: of crop 1 as in the paper, and one that overlaps it."""
LEVELS = 2


def truth_of(number: str) -> str:
    """Return the prefix of a crop's ground truth."""
    return f"{ROOT}volumes/groundtruth/0003/crop{number}/"


def hela_objects(*, data_type: str = "uint8", generation: int = 0) -> dict[str, bytes]:
    """Return the objects: of raw all blocks that a box around both crops touches."""
    objects = {f"{ODD}/README.md": b"a cell", f"{ROOT}attributes.json": b'{"n5": "2.0.0"}'}
    for n in range(LEVELS):
        shape = [-(-side // 2**n) for side in SHAPE_XYZ]
        resolution = {"dimensions": [side * 2**n for side in VOXEL_NM_XYZ], "unit": "nm"}
        objects[f"{RAW}s{n}/attributes.json"] = _attributes(shape, 64, data_type, pixelResolution=resolution)
        for key in _blocks((6466, 225, 600), (700, 600, 100), n):
            objects[f"{RAW}s{n}/{key}"] = hashlib.sha256(f"{generation} {n} {key}".encode()).digest()
    for number, (start, side) in CROPS.items():
        at = f"{truth_of(number)}labels/all/"
        offset = {"offset": [4.0 * one for one in start], "offset_unit": "nm", "resolution": [2.0] * 3}
        objects[f"{at}attributes.json"] = _attributes(
            [2 * n for n in side], 512, "uint64", resolution_unit="nm", **offset
        )
        objects |= {f"{at}{x}/0/0": f"labels {number} {x}".encode() for x in range(-(-2 * side[0] // 512))}
    return objects


def keys_of_crops(objects: dict[str, bytes], *numbers: str, levels: int = LEVELS, padding: int = 0) -> set[str]:
    """Return, by the second way of plain arithmetic, the keys that mirroring these crops takes."""
    keys = {f"{ODD}/README.md", f"{ROOT}attributes.json"} | {f"{RAW}s{n}/attributes.json" for n in range(levels)}
    for number in numbers:
        keys |= {key for key in objects if key.startswith(truth_of(number))}
        start, shape = CROPS[number]
        padded = tuple(a - padding for a in start), tuple(n + 2 * padding for n in shape)
        keys |= {f"{RAW}s{n}/{key}" for n in range(levels) for key in _blocks(*padded, n)}
    return keys & set(objects)


def _blocks(start: tuple[int, ...], shape: tuple[int, ...], level: int) -> Iterator[str]:
    size = 64 * 2**level
    sides = [range(a // size, (a + n - 1) // size + 1) for a, n in zip(start, shape, strict=True)]
    return ("/".join(map(str, index)) for index in product(*sides))


def _attributes(shape_xyz: list[int], block: int, data_type: str, **more: Any) -> bytes:
    form = {"blockSize": [block] * 3, "dataType": data_type, "compression": {"type": "raw"}}
    return json.dumps({"dimensions": shape_xyz, **form, **more}).encode()
