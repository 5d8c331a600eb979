"""Discovery walks folders, and finds documents, without a listing of what the folders hold."""

from __future__ import annotations

import asyncio

import pytest

from mirror.engine.discovery import Discovery, Walker
from mirror.engine.retry import Retrier
from mirror.formats.dataset import Format, build_dataset
from mirror.store.base import ListPage
from tests.mirror.formats.buckets import Bucket, bucket_a, listing, walk

MESH = "jrc_hela-2/neuroglancer/mesh/mito_seg/"


class DictLister:
    """Lists a dict with a delimiter, all of a folder in one page, and remembers which keys it showed."""

    def __init__(self, objects: Bucket) -> None:
        self.objects = objects
        self.shown: list[str] = []

    async def list_page(
        self, prefix: str, *, delimiter: str = "", token: str | None = None, max_keys: int = 1000
    ) -> ListPage:
        """Return what lies directly under a prefix."""
        assert (delimiter, token) == ("/", None)
        assert max_keys == 1000
        names, files = listing(self.objects, prefix)
        self.shown += [file.key for file in files]
        return ListPage(files, tuple(f"{prefix}{name}/" for name in names), None)


def discover(lister: DictLister) -> Discovery:
    """Return what a walk finds where an earlier run has read all documents."""

    def nothing_to_read() -> object:
        pytest.fail("all documents are known")

    async def walked() -> Discovery:
        walker = Walker(
            lister,
            nothing_to_read,  # type: ignore[arg-type]
            nothing_to_read,  # type: ignore[arg-type]
            Retrier(asyncio.sleep),
            known=lambda key, _etag: lister.objects.get(key),
        )
        return await walker.discover("jrc_hela-2/")

    return asyncio.run(walked())


def test_the_folders_of_a_dataset_are_walked_and_no_block_is_listed() -> None:
    """Documents and strays are seen; blocks, chunks and the parts of a mesh are not."""
    lister = DictLister(bucket_a())
    assert discover(lister).folders == walk(lister.objects, "jrc_hela-2/")
    names = {key.rpartition("/")[2] for key in lister.shown}
    assert names == {
        *(".zarray", ".zattrs", ".zgroup", "attributes.json", "info"),
        *("README.json", "thumbnail.jpg", "notes.txt", "one.json"),
    }


def test_the_info_of_a_mesh_is_read_without_a_listing_of_the_mesh() -> None:
    """However many parts a mesh has, only its `info` is looked for."""
    lister = DictLister(bucket_a() | {f"{MESH}{number}:0": b"mesh" for number in range(100)})
    dataset = build_dataset("jrc_hela-2", "jrc_hela-2/", discover(lister).folders)
    (mesh,) = [volume for volume in dataset.volumes() if volume.format is Format.MESH]
    assert mesh.mesh_type == "neuroglancer_multilod_draco"
    assert [key for key in lister.shown if key.startswith(MESH)] == [f"{MESH}info"]


def test_a_mesh_without_info_is_found_as_well() -> None:
    """Nothing is known of it then, and nothing fails."""
    lister = DictLister({f"{MESH}1:0": b"mesh", f"{MESH}info.txt": b"not the info"})
    dataset = build_dataset("jrc_hela-2", "jrc_hela-2/", discover(lister).folders)
    assert [(volume.prefix, volume.mesh_type) for volume in dataset.volumes()] == [(MESH, None)]
