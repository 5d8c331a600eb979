"""What must hold after every run, by name."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import xxhash

from mirror.app.sync import SyncRequest
from tests.system.workbench import Workbench


class Row(NamedTuple):
    """What the catalog says of one file."""

    size: int
    etag: bytes
    xxh3: bytes | None
    """None while the file is being replaced: then nothing is said of it."""


def share_equals_bucket(share: Path, bucket_name: str, sources: Mapping[str, bytes], keys: Collection[str]) -> None:
    """Check that the bucket's folder on the share holds these keys, byte for byte, and nothing else.

    Nothing but buckets' folders and `.oomirror` may lie at the share's root.
    """
    assert {entry.name for entry in share.iterdir()} <= {".oomirror", *_bucket_names(share)}
    files = files_below(share / bucket_name)
    assert set(files) - set(keys) == set()
    assert set(keys) - set(files) == set()
    assert [key for key in keys if files[key].read_bytes() != sources[key]] == []


def nothing_wrong_is_visible(workbench: Workbench, bucket_name: str, sources: Mapping[str, bytes]) -> None:
    """Check a share half-way: each file is the bucket's, each row has its file, each level that opens is whole."""
    files = files_below(workbench.share / bucket_name)
    assert [key for key, path in files.items() if path.read_bytes() != sources.get(key)] == []
    rows = catalog_rows(workbench.catalog)
    assert {name.removeprefix(f"{bucket_name}/") for name in rows} - set(files) == set()
    sure = {name: row for name, row in rows.items() if row.xxh3 is not None}
    assert sure == {name: row_of((workbench.share / name).read_bytes()) for name in sure}
    for key in files:
        folder, _, name = key.rpartition("/")
        if name == "attributes.json" and b"blockSize" in sources[key]:
            assert {other for other in sources if other.startswith(f"{folder}/")} - set(files) == set()


def catalog_equals_share(workbench: Workbench) -> None:
    """Check that each file under the share has its row, with its size and its hashes, and each row its file."""
    rows = catalog_rows(workbench.catalog)
    files = {
        f"{name}/{key}": path
        for name in _bucket_names(workbench.share)
        for key, path in files_below(workbench.share / name).items()
    }
    assert set(files) ^ set(rows) == set()
    assert {name: row_of(path.read_bytes()) for name, path in files.items()} == rows


def nothing_left_over(workbench: Workbench) -> None:
    """Check that no run left a lock, an unfinished file or a room on the share, nor says that it still goes on."""
    own = workbench.share / ".oomirror"
    assert sorted(str(path.relative_to(own)) for path in (own / "locks").rglob("*") if not path.is_dir()) == []
    assert sorted(str(path.relative_to(own)) for path in (own / "tmp").rglob("*")) == []
    assert [str(path) for path in workbench.share.rglob("*.oo")] == []
    assert "running" not in run_states(workbench.catalog)


def planning_again_gives_nothing(workbench: Workbench, request: SyncRequest) -> None:
    """Check that the same request finds nothing to do, by the catalog and by a look at the share."""
    report = workbench.sync(replace(request, dry_run=True, verify_share=True))
    assert (report.planned.objects, report.adopted.objects) == (0, 0)


def catalog_rows(catalog: Path) -> dict[str, Row]:
    """Return what the catalog says of the share, by `<bucket>/<key>`: asked of SQLite itself. No file has two rows."""
    blocks = """
        SELECT b.url, a.prefix || CASE a.path WHEN '' THEN '' ELSE a.path || '/' END || m.x || '/' || m.y || '/' || m.z,
               m.size, m.etag, m.hash
        FROM mirrored_block m JOIN array a ON a.id = m.array_id JOIN bucket b ON b.id = a.bucket_id
    """
    objects = "SELECT b.url, m.key, m.size, m.etag, m.hash FROM mirrored_object m JOIN bucket b ON b.id = m.bucket_id"
    with closing(sqlite3.connect(catalog)) as connection:
        found = [*connection.execute(blocks), *connection.execute(objects)]
    rows = {f"{url.removeprefix('s3://').split('/')[0]}/{key}": _row(*row) for url, key, *row in found}
    assert len(rows) == len(found)
    return rows


def _row(size: int, etag: bytes, digest: bytes | None) -> Row:
    return Row(size, etag, digest if etag else None)  # A row in doubt keeps what was there before, without an ETag.


def run_states(catalog: Path) -> list[str]:
    """Return how the runs ended that the catalog knows, the first one first."""
    with closing(sqlite3.connect(catalog)) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM run ORDER BY id")]


def files_below(folder: Path) -> dict[str, Path]:
    """Return all files below a folder, by their path inside it."""
    return {
        os.path.relpath(os.path.join(place, name), folder): Path(place, name)
        for place, _, names in os.walk(folder)
        for name in names
    }


def row_of(body: bytes) -> Row:
    """Return the row of a file with these bytes, whose ETag is an MD5."""
    return Row(len(body), hashlib.md5(body).digest(), xxhash.xxh3_128_digest(body))


def _bucket_names(share: Path) -> list[str]:
    return [entry.name for entry in share.iterdir() if entry.name.startswith("janelia-cosem")]
