"""Manifests, imported."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from catalog import queries
from catalog.session import open_catalog
from mirror.app.manifests import import_manifests
from mirror.app.scan import scan
from mirror.config import Settings
from mirror.errors import MirrorError, UsageError
from mirror.report.model import ManifestLine

DATASET = "jrc_hela-2"
URL_A = "s3://janelia-cosem-datasets"
N5 = f"{URL_A}/{DATASET}/{DATASET}.n5"


def volume(path: str, *, scale_y: float = 4.0, way_y: float = 0.0, **fields: Any) -> dict[str, Any]:
    """Return what a manifest says of a volume."""
    transform = {
        "axes": ["z", "y", "x"],
        "units": ["nm"] * 3,
        "scale": [5.24, scale_y, 4.0],
        "translate": [0.0, way_y, 0.0],
    }
    return {"name": path.rpartition("/")[2], "url": f"{N5}/{path}", "format": "n5", "transform": transform, **fields}


MANIFEST: dict[str, Any] = {
    "name": DATASET,
    "metadata": {"id": DATASET, "title": "A HeLa cell", "unheard": {"of": [1, None, "µ"]}},
    "sources": {
        "er_pred": volume("labels/er_pred", scale_y=-4.0, contentType="prediction", description="ER, predicted"),
        "er_seg": volume("labels/er_seg"),
        "elephant_seg": volume("labels/elephant_seg"),
    },
}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Return a manifest's file."""
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(MANIFEST, ensure_ascii=False), encoding="utf-8")
    return file


def take(lab: Settings, *sources: str | Path) -> tuple[ManifestLine, ...]:
    """Import, and return what became of each document."""
    return asyncio.run(import_manifests(lab, [str(source) for source in sources]))


def look(lab: Settings) -> None:
    """Look at the dataset in bucket A."""
    asyncio.run(scan(lab, (DATASET,), bucket="a", metadata_only=True))


def mirrored_in_y(lab: Settings) -> dict[str, bool | None]:
    """Return what the catalog says of each annotated volume."""
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        notes = queries.annotations_below(connection, URL_A, f"{DATASET}/")
    return {note.name: note.is_mirrored_y for note in notes}


def findings_of(lab: Settings) -> set[tuple[str, str]]:
    """Return code and what was found of the open findings that manifests gave rise to."""
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        return {(one.code, one.found) for one in queries.findings(connection) if one.origin == "manifest"}


def test_a_manifest_annotates_what_was_found(lab: Settings, manifest: Path) -> None:
    """Title, what volumes show and which are mirrored in y are known after the import, and volumes found by it."""
    look(lab)
    (line,) = take(lab, manifest)
    assert (line.dataset, line.state, line.volumes) == (DATASET, "new", 3)
    assert mirrored_in_y(lab) == {"er_pred": True, "er_seg": False, "elephant_seg": False}
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        titles = {one.source: one.value for one in queries.facts(connection, DATASET) if one.name == "title"}
        found = [entry.title for entry in queries.search(connection, "ER predicted")]
    assert titles["manifest manifest.json: metadata.title"] == "A HeLa cell"
    assert found == ["ER, predicted"]


def test_what_manifest_and_bucket_do_not_share_is_found(lab: Settings, manifest: Path) -> None:
    """A volume that is named and absent, and those that are there and not named, are findings; they close again."""
    look(lab)
    take(lab, manifest)
    found = findings_of(lab)
    assert ("named-but-absent", "no labels/elephant_seg") in found
    assert "not-in-manifest" in {code for code, _ in found}
    sources = {name: one for name, one in MANIFEST["sources"].items() if name != "elephant_seg"}
    manifest.write_text(json.dumps({**MANIFEST, "sources": sources}))
    assert take(lab, manifest)[0].state == "changed"
    assert "named-but-absent" not in {code for code, _ in findings_of(lab)}


def test_the_order_of_import_and_scan_does_not_matter(lab: Settings, manifest: Path) -> None:
    """Imported before the dataset was ever looked at, a manifest is compared at the first look."""
    take(lab, manifest)
    assert findings_of(lab) == set()
    look(lab)
    assert ("named-but-absent", "no labels/elephant_seg") in findings_of(lab)
    assert mirrored_in_y(lab)["er_pred"] is True


def test_importing_again_changes_nothing(lab: Settings, manifest: Path) -> None:
    """The same document is `unchanged`, and keeps the time of its first import."""
    look(lab)
    take(lab, manifest)
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        before = queries.manifests(connection), queries.facts(connection), queries.findings(connection)
    assert take(lab, manifest)[0].state == "unchanged"
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        assert (queries.manifests(connection), queries.facts(connection), queries.findings(connection)) == before


def test_no_field_of_a_manifest_is_lost(lab: Settings, manifest: Path) -> None:
    """The document comes back byte for byte, with all that nobody knows the meaning of."""
    take(lab, manifest)
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        (kept,) = queries.manifests(connection)
    assert kept.body == manifest.read_bytes()


@pytest.mark.samples
def test_all_sample_manifests_are_kept_whole(lab: Settings, samples: Path) -> None:
    """Each of the project's manifests is imported as a folder of them is, and comes back equal."""
    lines = take(lab, samples / "manifests")
    files = {file.stem: json.loads(file.read_text()) for file in (samples / "manifests").glob("*.json")}
    assert {line.dataset: line.state for line in lines} == dict.fromkeys(files, "new")
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        kept = {one.dataset: json.loads(one.body) for one in queries.manifests(connection)}
    assert kept == files


def test_a_document_that_is_no_manifest_fails_alone(lab: Settings, manifest: Path) -> None:
    """In a folder the others are imported; the failed one says why."""
    (manifest.parent / "docs").mkdir()
    for name, text in (("a.json", "{"), ("b.json", "[1]"), ("c.json", '{"x": 1}')):
        (manifest.parent / "docs" / name).write_text(text)
    manifest.rename(manifest.parent / "docs" / "d.json")
    lines = take(lab, manifest.parent / "docs")
    assert [line.state for line in lines] == ["failed", "failed", "failed", "new"]
    assert all(line.reason for line in lines[:3])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        pytest.param("nowhere.json", "no such file", id="no file"),
        pytest.param("ftp://x/y", "https://", id="another scheme"),
        pytest.param("s3://some-other-bucket/x.json", "janelia-cosem-datasets", id="another bucket"),
        pytest.param("https://127.0.0.1:9/x.json", "cannot read the document", id="no server"),
    ],
)
def test_a_source_that_cannot_be_read_is_said(lab: Settings, source: str, words: str) -> None:
    """An address or file that is not there is told with what would do."""
    with pytest.raises(MirrorError, match=words):
        take(lab, source)


def test_an_empty_folder_is_a_usage_error(lab: Settings, tmp_path: Path) -> None:
    """A folder without a manifest is not a success."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="none"):
        take(lab, tmp_path / "empty")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """Serve the test's folder, and return its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_manifest_is_read_from_the_web(lab: Settings, manifest: Path, web: str) -> None:
    """Its address is its source; what the server has not is told."""
    (line,) = take(lab, f"{web}/manifest.json")
    assert (line.source, line.state) == (f"{web}/manifest.json", "new")
    with pytest.raises(MirrorError, match="no such document"):
        take(lab, f"{web}/other.json")


def test_a_manifest_is_read_from_the_bucket(lab: Settings) -> None:
    """An object of a configured bucket is read as the bucket is; one that is no manifest says so."""
    (line,) = take(lab, f"{URL_A}/{DATASET}/{DATASET}.n5/em/fibsem-uint16/s0/attributes.json")
    assert line.state == "failed"
    with pytest.raises(MirrorError, match=r"nowhere\.json"):
        take(lab, f"{URL_A}/{DATASET}/nowhere.json")


def test_a_name_that_is_no_text_is_written_out(lab: Settings, manifest: Path) -> None:
    """A file's name may be any bytes; what came of it is kept under a name that can be read."""
    file = manifest.rename(os.fsdecode(os.fsencode(manifest.parent) + b"/\xff.json"))
    (line,) = take(lab, file)
    assert (line.state, line.source) == ("new", f"{manifest.parent}/\\xff.json")


def test_no_secret_of_an_address_comes_into_the_catalog(lab: Settings, manifest: Path, web: str) -> None:
    """The catalog is published: a password and a signature are used, and not kept."""
    address = web.replace("http://", "http://me:secret@") + "/manifest.json?X-Amz-Signature=secret"
    (line,) = take(lab, address)
    assert (line.state, line.source) == ("new", f"{web}/manifest.json")
    with open_catalog(lab.catalog) as catalog, catalog.read() as connection:
        assert "secret" not in repr((queries.manifests(connection), queries.facts(connection)))


def test_a_document_that_is_none_makes_no_catalog(tmp_path: Path, lab: Settings) -> None:
    """A machine that reads the published catalog has none of its own after it, which would know nothing."""
    (tmp_path / "README.md").write_text("a cell")
    laptop = lab.model_copy(update={"catalog": f"sqlite:///{tmp_path}/none.db"})
    (line,) = take(laptop, tmp_path / "README.md")
    assert line.state == "failed"
    assert not (tmp_path / "none.db").exists()
