"""What a folder is, and where discovery goes from it."""

from __future__ import annotations

import pytest

from mirror.errors import MalformedDocumentError
from mirror.formats.folder import Folder, FolderKind, classify_folder, container_format, wanted_documents
from mirror.formats.n5.grid import is_canonical_decimal
from mirror.objects import RemoteObject
from tests.mirror.formats.buckets import (
    Bucket,
    array_document,
    bucket_a,
    bucket_b,
    document,
    listing,
    walk,
)

DATASET = "d/"


def folder_of(objects: Bucket, prefix: str) -> Folder:
    """Return the folder as discovery would read it."""
    names, files = listing(objects, prefix)
    return Folder(prefix, names, files, {name: objects[prefix + name] for name in wanted_documents(files)})


@pytest.mark.parametrize(
    ("objects", "prefix", "kind"),
    [
        pytest.param({"d/x.n5/attributes.json": b"{}"}, "d/", FolderKind.DATASET, id="dataset"),
        pytest.param({"d/x.n5/attributes.json": b"{}"}, "d/x.n5/", FolderKind.GROUP, id="n5 root"),
        pytest.param(
            {"d/x.n5/em/a/attributes.json": b"{}"}, "d/x.n5/", FolderKind.GROUP, id="n5 root without document"
        ),
        pytest.param({"d/x.n5/a/attributes.json": array_document()}, "d/x.n5/a/", FolderKind.ARRAY, id="n5 array"),
        pytest.param({"d/x.n5/a/0/0/0": b""}, "d/x.n5/a/", FolderKind.PLAIN, id="blocks without document"),
        pytest.param({"d/x.n5/a/0003/crop1/x": b""}, "d/x.n5/a/", FolderKind.GROUP, id="padded number is no slab"),
        pytest.param(
            {"d/x.n5/a/0/0/0": b"", "d/x.n5/a/raw/x": b""}, "d/x.n5/a/", FolderKind.GROUP, id="a number and a name"
        ),
        pytest.param(
            {"d/x.n5/a/attributes.json": b"{", "d/x.n5/a/0/0/0": b""}, "d/x.n5/a/", FolderKind.PLAIN, id="damaged array"
        ),
        pytest.param({"d/x.n5/a/attributes.json": b"{"}, "d/x.n5/a/", FolderKind.PLAIN, id="damaged leaf"),
        pytest.param(
            {"d/x.n5/a/attributes.json": b"{", "d/x.n5/a/s0/x": b""}, "d/x.n5/a/", FolderKind.GROUP, id="damaged group"
        ),
        pytest.param(
            {"d/x.n5/a/attributes.json": b"{}", "d/x.n5/a/1/attributes.json": b"{}"},
            "d/x.n5/a/",
            FolderKind.GROUP,
            id="group of numbers with a document",
        ),
        pytest.param({"d/x.zarr/a/.zarray": b"{"}, "d/x.zarr/a/", FolderKind.ARRAY, id="zarr 2 array"),
        pytest.param(
            {"d/x.zarr/a/.zgroup": b"{}", "d/x.zarr/a/0/.zarray": b""}, "d/x.zarr/a/", FolderKind.GROUP, id="ome"
        ),
        pytest.param(
            {"d/x.zarr/a/zarr.json": document(node_type="array")}, "d/x.zarr/a/", FolderKind.ARRAY, id="zarr 3 array"
        ),
        pytest.param(
            {"d/x.zarr/a/zarr.json": document(node_type="group")}, "d/x.zarr/a/", FolderKind.GROUP, id="zarr 3 group"
        ),
        pytest.param(
            {"d/neuroglancer/em/x/info": b"{}"}, "d/neuroglancer/em/", FolderKind.GROUP, id="above precomputed"
        ),
        pytest.param({"d/neuroglancer/em/x/info": b"{}"}, "d/neuroglancer/em/x/", FolderKind.PRECOMPUTED, id="info"),
        pytest.param(
            {"d/neuroglancer/x.precomputed/s0/a": b""},
            "d/neuroglancer/x.precomputed/",
            FolderKind.PRECOMPUTED,
            id="precomputed without info",
        ),
        pytest.param({"d/neuroglancer/mesh/x/info": b"{}"}, "d/neuroglancer/mesh/", FolderKind.MESHES, id="meshes"),
        pytest.param({"d/neuroglancer/mesh/x/info": b"{}"}, "d/neuroglancer/mesh/x/", FolderKind.PLAIN, id="a mesh"),
        pytest.param({"d/skeletons/mt/a": b""}, "d/skeletons/", FolderKind.PLAIN, id="loose folder"),
    ],
)
def test_a_folder_is_told_by_its_place_and_its_documents(objects: Bucket, prefix: str, kind: FolderKind) -> None:
    """Each kind of folder is recognised from one listing and the documents in it."""
    assert classify_folder(folder_of(objects, prefix), DATASET) is kind


@pytest.mark.parametrize("objects", [bucket_a(), bucket_b()], ids=["a", "b"])
def test_discovery_lists_no_block(objects: Bucket) -> None:
    """No folder below an array, a precomputed volume, a mesh or the dataset's loose folders is ever listed."""
    visited = walk(objects, "jrc_hela-2/")
    leaves = [
        prefix
        for prefix, folder in visited.items()
        if classify_folder(folder, "jrc_hela-2/") not in (FolderKind.DATASET, FolderKind.GROUP)
    ]
    assert leaves
    assert [prefix for prefix in visited for leaf in leaves if prefix != leaf and prefix.startswith(leaf)] == []
    assert not any(is_canonical_decimal(prefix.split("/")[-2]) for prefix in visited)
    assert "jrc_hela-2/skeletons/" not in visited


def test_only_metadata_documents_are_read_and_no_huge_one() -> None:
    """A folder is understood from its metadata documents; one too large to be metadata is not read."""
    names = {"attributes.json": 10, "README.md": 10, ".zarray": 2**30, "info": 5, ".zmetadata": 5}
    files = [RemoteObject(f"d/{name}", size, "e", 0) for name, size in names.items()]
    assert wanted_documents(files) == ("attributes.json", "info")


def test_a_document_that_could_not_be_read_is_malformed() -> None:
    """A listed document without a body is not taken for one that does not exist."""
    folder = Folder("d/x.n5/", (), (RemoteObject("d/x.n5/attributes.json", 9, "e", 0),), {})
    with pytest.raises(MalformedDocumentError, match=r"d/x\.n5/attributes\.json"):
        folder.object_document("attributes.json")
    assert folder.object_document("zarr.json") == {}


@pytest.mark.parametrize(
    ("name", "word"),
    [("a.n5", "n5"), ("a.zarr", "zarr"), ("neuroglancer", "precomputed"), ("n5", None), ("a.zip", None)],
)
def test_a_container_is_told_by_its_name(name: str, word: str | None) -> None:
    """Names of child folders tell containers from loose folders."""
    assert container_format(name) == word
