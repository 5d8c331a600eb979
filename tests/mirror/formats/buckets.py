"""Buckets as dicts, walked as the engine walks a real one, in the layouts of the two real buckets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from mirror.formats.dataset import Dataset, build_dataset
from mirror.formats.folder import Folder, documents_beside, folders_to_visit, wanted_about, wanted_documents
from mirror.objects import RemoteObject

Bucket = dict[str, bytes]


def document(**fields: object) -> bytes:
    """Return a JSON document."""
    return json.dumps(fields).encode()


def array_document(
    shape_xyz: tuple[int, ...] = (100, 70, 30), block: tuple[int, ...] = (64, 64, 64), data_type: str = "uint8"
) -> bytes:
    """Return the attributes.json of an N5 array."""
    compression = {"type": "gzip", "level": -1, "useZlib": False}
    return document(dataType=data_type, dimensions=shape_xyz, blockSize=block, compression=compression)


def array(prefix: str, **fields: object) -> Bucket:
    """Return a small N5 array with two of its blocks."""
    attributes = array_document(**fields)  # type: ignore[arg-type]
    return {f"{prefix}/attributes.json": attributes, f"{prefix}/0/0/0": b"block", f"{prefix}/1/1/0": b"block"}


def pyramid(prefix: str, levels: int, *, named: int | None = None) -> Bucket:
    """Return a group with levels s0.. and a multiscales document that names `named` of them."""
    datasets = [{"path": f"s{n}"} for n in range(levels if named is None else named)]
    objects = {f"{prefix}/attributes.json": document(multiscales=[{"datasets": datasets}])}
    for n in range(levels):
        objects |= array(f"{prefix}/s{n}")
    return objects


def listing(objects: Bucket, prefix: str) -> tuple[tuple[str, ...], tuple[RemoteObject, ...]]:
    """Return the child folders and the objects that a LIST with a delimiter shows."""
    below = {key.removeprefix(prefix): key for key in sorted(objects) if key.startswith(prefix)}
    folders = {suffix.partition("/")[0] for suffix in below if "/" in suffix}
    files = tuple(remote(key, objects) for suffix, key in below.items() if "/" not in suffix)
    return tuple(sorted(folders)), files


def remote(key: str, objects: Bucket) -> RemoteObject:
    """Return an object as a listing shows it."""
    return RemoteObject(key, len(objects[key]), "etag", 0)


def walk(objects: Bucket, prefix: str, *, unreadable: frozenset[str] = frozenset()) -> dict[str, Folder]:
    """Return every folder that discovery visits, by its prefix."""
    folders: dict[str, Folder] = {}
    ahead = [prefix]
    while ahead:
        place = ahead.pop()
        names, files = listing(objects, place)
        named = wanted_documents(files) + (wanted_about(files) if place == prefix else ())
        wanted = [name for name in named if place + name not in unreadable]
        folder = Folder(place, names, files, {name: objects[place + name] for name in wanted})
        beside = [key for key in documents_beside(folder, prefix) if key in objects]
        folder = replace(folder, documents={**folder.documents, **{key[len(place) :]: objects[key] for key in beside}})
        folders[place] = folder
        ahead += folders_to_visit(folder, prefix)
    return folders


def discover(objects: Bucket, prefix: str = "jrc_hela-2/") -> Dataset:
    """Return the dataset that discovery finds."""
    return build_dataset(prefix.rstrip("/"), prefix, walk(objects, prefix))


def local_bucket(folder: Path, prefix: str) -> Bucket:
    """Return the files below a folder as the objects below a prefix."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {prefix + file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def bucket_a() -> Bucket:
    """Return a dataset as bucket A lays it out: N5, zarr, precomputed, a mesh and loose files."""
    root = "jrc_hela-2/jrc_hela-2.n5"
    zarr = "jrc_hela-2/jrc_hela-2.zarr"
    return {
        "jrc_hela-2/README.json": b"{}",
        "jrc_hela-2/thumbnail.jpg": b"jpeg",
        f"{root}/attributes.json": document(n5="2.0.0"),
        **pyramid(f"{root}/em/fibsem-uint16", 5),
        f"{root}/em/notes.txt": b"a stray of a group",
        **pyramid(f"{root}/labels/mito_pred", 3),
        f"{root}/labels/mito_pred/s0/00/1/2": b"a stray",
        **pyramid(f"{root}/labels/mito_seg", 2),
        **array(f"{root}/labels/masks/foreground"),
        **_zarr(zarr),
        **_precomputed("jrc_hela-2/neuroglancer"),
    }


def zarr_v2_document(shape: list[int], **fields: object) -> bytes:
    """Return the `.zarray` of an array of bytes in chunks of 64; `dimension_separator` is left out, as it may be."""
    form = {"zarr_format": 2, "dtype": "|u1", "compressor": None, "fill_value": 0, "filters": None, "order": "C"}
    return document(**{"shape": shape, "chunks": [64] * len(shape), **form, **fields})


def zarr_v3_document(shape: list[int], **fields: object) -> bytes:
    """Return the `zarr.json` of an array of uint16 in chunks of 64."""
    form = {
        "zarr_format": 3,
        "node_type": "array",
        "data_type": "uint16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [64] * len(shape)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "fill_value": 0,
    }
    return document(**{"shape": shape, **form, **fields})


def _zarr(root: str) -> Bucket:
    volume = f"{root}/recon-1/em/fibsem-uint8"
    datasets = [{"path": "full"}, {"path": "half"}]
    objects = {f"{place}/.zgroup": document(zarr_format=2) for place in (root, f"{root}/recon-1", volume)}
    objects[f"{volume}/.zattrs"] = document(multiscales=[{"datasets": datasets}])
    for name, size in (("full", 128), ("half", 64)):
        objects[f"{volume}/{name}/.zarray"] = zarr_v2_document([size, size, size])
        objects[f"{volume}/{name}/0/0/0"] = b"chunk"
    return objects


def scale(key: str, size: tuple[int, ...] = (1, 1, 1), **fields: object) -> dict[str, object]:
    """Return a scale of a precomputed volume's `info`."""
    form = {"chunk_sizes": [[64, 64, 64]], "encoding": "jpeg", "resolution": [4, 4, 5.24]}
    return {"key": key, "size": size, **form, **fields}


def _precomputed(root: str) -> Bucket:
    volume = f"{root}/em/fibsem-uint8.precomputed"
    scales = [scale(f"s{n}", (100 >> n, 70, 30)) for n in range(2)]
    return {
        f"{volume}/info": document(data_type="uint8", num_channels=1, scales=scales),
        f"{volume}/s0/0-64_0-64_0-30": b"jpeg",
        f"{volume}/s1/0-50_0-64_0-30": b"jpeg",
        f"{root}/mesh/mito_seg/info": b'{"@type": "neuroglancer_multilod_draco"}',
        f"{root}/mesh/mito_seg/1:0": b"mesh",
        f"{root}/viewer_states/one.json": b"{}",
    }


def bucket_b() -> Bucket:
    """Return a dataset as bucket B lays it out: one N5 container, ground truth without levels, skeletons."""
    root = "jrc_hela-2/jrc_hela-2.n5"
    volumes = f"{root}/volumes"
    crop = f"{volumes}/groundtruth/0003/crop1"
    return {
        "jrc_hela-2/": b"",
        "jrc_hela-2/skeletons/mt/block_1.nml": b"nml",
        f"{root}/attributes.json": document(n5="2.0.0"),
        f"{volumes}/": b"",
        **pyramid(f"{volumes}/raw", 5),
        **pyramid(f"{volumes}/labels/er_pred", 4),
        **pyramid(f"{volumes}/labels/er_seg", 4),
        **array(f"{volumes}/masks/foreground"),
        **array(f"{volumes}/subsampled/raw/2x"),
        f"{crop}/attributes.json": document(name="Crop1"),
        **array(f"{crop}/labels/all", data_type="uint64"),
    }
