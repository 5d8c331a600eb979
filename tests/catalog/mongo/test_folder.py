"""Folders of documents."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import bson
import pytest

from catalog.errors import ImportFailedError, ImportUsageError, NothingToImportError
from catalog.mongo.folder import dumped_collection, files_of
from catalog.mongo.source import open_sources
from catalog.records import ImportKind
from tests.catalog.mongo.documents import CROPS, EVALUATION, WRITERS, read


def dump(folder: Path, collections: dict[str, bytes], *, packed: bool = False) -> Path:
    """Write what mongodump writes, by `database/collection`."""
    end = ".gz" if packed else ""
    pack = gzip.compress if packed else bytes
    for name, data in collections.items():
        database, _, collection = name.partition("/")
        (folder / database).mkdir(parents=True, exist_ok=True)
        (folder / database / f"{collection}.bson{end}").write_bytes(pack(data))
        metadata = json.dumps({"indexes": [], "collectionName": collection}).encode()
        (folder / database / f"{collection}.metadata.json{end}").write_bytes(pack(metadata))
    (folder / f"prelude.json{end}").write_bytes(pack(b'{"ServerVersion": "7.0"}'))
    return folder


_DUMP = {
    "crops/v0003": WRITERS["bson"](CROPS),
    "crops/v0001": b"",
    "evaluation/v0003.2.v0003": bson.encode(EVALUATION),
    "setups/v0003.2": bson.encode({"name": "setup01"}),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_dump_gives_its_collections_of_a_known_kind(tmp_path: Path, packed: bool) -> None:
    """Under their names, with the version that the name tells; each of the others is named with what it holds."""
    folder = dump(tmp_path / "dump", _DUMP, packed=packed)
    with open_sources(str(folder)) as found:
        told = [(one.collection, one.kind, one.version, len(list(one.documents()))) for one in found.sources]
    assert told == [
        ("crops/v0003", ImportKind.CROPS, "0003", 3),
        ("evaluation/v0003.2.v0003", ImportKind.EVALUATIONS, "0003", 1),
    ]
    empty, other = found.left_out
    assert "v0001.bson" in empty
    assert "an empty file" in empty
    assert "v0003.2.bson" in other
    assert "found documents with name" in other


@pytest.mark.parametrize(
    ("inside", "knobs", "collections"),
    [
        pytest.param("crops", {}, ["crops/v0003"], id="folder of one database"),
        pytest.param("", {"database": "evaluation"}, ["evaluation/v0003.2.v0003"], id="database"),
        pytest.param("", {"collection": "v0003"}, ["crops/v0003"], id="collection"),
        pytest.param("", {"database": "crops", "collection": "v0003"}, ["crops/v0003"], id="both"),
        pytest.param("crops/v0003.bson", {}, ["crops/v0003"], id="file of a dump"),
        pytest.param("crops/v0003.bson", {"database": "paper"}, ["paper/v0003"], id="file under another name"),
    ],
)
def test_a_part_of_a_dump_is_named_as_in_the_whole(
    tmp_path: Path, inside: str, knobs: dict[str, Any], collections: list[str]
) -> None:
    """By its folder, by its file, or by --database and --collection."""
    folder = dump(tmp_path / "dump", _DUMP)
    with open_sources(str(folder / inside), **knobs) as found:
        assert [source.collection for source in found.sources] == collections


def test_another_file_is_of_the_collection_that_is_said(tmp_path: Path) -> None:
    """An export tells no collection; who knows it says it, and the version with it."""
    (tmp_path / "export").write_bytes(WRITERS["json-v2-list-pretty"](CROPS))
    with open_sources(str(tmp_path / "export"), database="crops", collection="v0003") as found:
        (source,) = found.sources
        assert (source.collection, source.version) == ("crops/v0003", "0003")


def test_a_folder_of_files_of_any_form_gives_them_all(tmp_path: Path) -> None:
    """Hidden files and folders in folders are passed over."""
    (tmp_path / "a").write_bytes(WRITERS["pairs-a-line"](CROPS))
    (tmp_path / "b.txt").write_bytes(WRITERS["dicts-in-one-list"](CROPS))
    (tmp_path / ".hidden").write_bytes(WRITERS["bson"](CROPS))
    (tmp_path / "c" / "d").mkdir(parents=True)
    (tmp_path / "c" / "d" / "e").write_bytes(WRITERS["bson"](CROPS))
    (tmp_path / "README").write_text("no documents\n")
    with open_sources(str(tmp_path)) as found:
        assert [Path(source.place).name for source in found.sources] == ["a", "b.txt"]
    assert len(found.left_out) == 1


def test_a_collection_that_a_dump_lacks_is_said_with_those_it_has(tmp_path: Path) -> None:
    """Nothing is imported then."""
    folder = dump(tmp_path / "dump", _DUMP)
    with pytest.raises(NothingToImportError, match=r"no such collection in the dump: .*dump: crops/v0004\. There are "):
        read(folder, database="crops", collection="v0004")


def test_a_damaged_file_of_a_dump_is_not_passed_over(tmp_path: Path) -> None:
    """It is no collection of another kind, but one that would be missing."""
    folder = dump(tmp_path / "dump", _DUMP | {"crops/v0002": WRITERS["bson"](CROPS)[:-3]})
    with pytest.raises(ImportFailedError, match=r"v0002\.bson; expected a document of \d+ bytes"):
        read(folder)


def test_a_folder_with_nothing_in_it_is_said_so(tmp_path: Path) -> None:
    """And one with nothing that can be imported names what it has."""
    with pytest.raises(NothingToImportError, match="found an empty folder"):
        read(tmp_path)
    (tmp_path / "a").write_text("<a>")
    (tmp_path / "b").write_text('{"x": 1}')
    with pytest.raises(ImportUsageError, match="found documents with x"):
        read(tmp_path)


def test_a_folder_that_is_no_dump_is_not_gone_through(tmp_path: Path) -> None:
    """The share given by mistake has millions of files: it is refused after as many as no dump has."""
    for name in "abcd":
        (tmp_path / name).touch()
    with pytest.raises(ImportUsageError, match="more than 3 files and folders"):
        list(files_of(tmp_path, at_most=3))


def test_the_metadata_knows_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    """Mongodump escapes and shortens names of files; without metadata beside it, a file is no dump's."""
    folder = tmp_path / "crops"
    folder.mkdir()
    for name in ("a%2Fb", "v0003"):
        (folder / f"{name}.bson").touch()
    (folder / "a%2Fb.metadata.json").write_text("{}")
    assert dumped_collection(folder / "a%2Fb.bson") == ("crops", "a/b")
    (folder / "a%2Fb.metadata.json").write_text('{"collectionName": "a/b/c"}')
    assert dumped_collection(folder / "a%2Fb.bson") == ("crops", "a/b/c")
    assert dumped_collection(folder / "v0003.bson") is None


@pytest.mark.parametrize(
    ("where", "words"),
    [
        pytest.param("/no/such/file", "nothing to import: /no/such/file; found no such file or folder", id="none"),
        pytest.param("/dev/null", "neither a file nor a folder", id="device"),
        pytest.param("a\0b", "no such file or folder", id="no path"),
        pytest.param("x" * 5000, "no path of a file or folder", id="too long"),
    ],
)
def test_a_path_that_is_none_is_a_usage_error(where: str, words: str) -> None:
    """Exit 2."""
    with pytest.raises(ImportUsageError, match=words):
        read(where)
