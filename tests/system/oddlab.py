"""A lab whose buckets are a test's own: odd keys on moto, odd objects and faults on a server that obeys."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from catalog.records import HOW_ADOPTED
from mirror.app import short_look
from mirror.app.setup import init
from mirror.app.sync import SyncRequest, exit_code_of, sync
from mirror.config import Settings, load_settings
from mirror.engine.events import Event
from mirror.engine.retry import PATIENT, RetryPolicy
from mirror.errors import ExitCode
from mirror.objects import Verification
from mirror.report.model import SyncReport
from mirror.store.share import MARKER, Marker
from tests.servers import Bucket
from tests.system.workbench import Workbench

QUICK = RetryPolicy(base_seconds=0.01)
"""As many tries as a run has, and waits that a test can afford; the waits are tested as numbers."""
ODD = "jrc_odd"
"""The dataset of these tests."""
LEVEL = f"{ODD}/{ODD}.n5/volumes/raw/s0/"


@dataclass(frozen=True)
class OddLab(Workbench):
    """A lab whose bucket `b` is `bucket_name` and whose bucket `a` is `other_name`, at one endpoint."""

    bucket_name: str = ""
    other_name: str = "nothing-here"
    read_timeout_seconds: float = 30.0

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a process of ours."""
        # No super(): slots-free dataclasses of one file would do, but a property of a parent reads better named.
        urls = {f"OOMIRROR_BUCKETS__{name.upper()}__URL": f"s3://{url}" for name, url in self._urls.items()}
        return {**Workbench.variables.fget(self), **urls}  # type: ignore[attr-defined]

    def settings(self, **changes: Any) -> Settings:
        """Return the configuration as a run in this process takes it."""
        way = {"endpoint_url": self.endpoint_url, "read_timeout_seconds": self.read_timeout_seconds}
        buckets = {name: {"url": f"s3://{url}", **way} for name, url in self._urls.items()}
        given = {"share": str(self.share), "catalog": f"sqlite:///{self.catalog}", "buckets": buckets, **changes}
        return load_settings(self.folder / "oomirror.toml", given)

    @property
    def _urls(self) -> dict[str, str]:
        return {"a": self.other_name, "b": self.bucket_name}

    @property
    def mirrored(self) -> Path:
        """Where the bucket's objects lie on the share."""
        return self.share / self.bucket_name

    def files(self) -> dict[str, bytes]:
        """Return the bodies of all files of the bucket on the share, by key."""
        return {
            str(path.relative_to(self.mirrored)): path.read_bytes()
            for path in self.mirrored.rglob("*")
            if path.is_file()
        }

    def mirror(self, dataset: str = ODD, *, policy: RetryPolicy = PATIENT, **knobs: Any) -> Outcome:
        """Run one sync here; return its report, its exit code and its events."""
        events: list[Event] = []

        def keep(event: Event) -> None:
            events.append(event)

        settings = knobs.pop("settings", None) or self.settings()
        report = asyncio.run(sync(settings, SyncRequest((dataset,), **knobs), sink=keep, policy=policy))
        return Outcome(report, exit_code_of(report), tuple(events))

    def proofs(self) -> dict[str, Verification]:
        """Return how the catalog says that each object was compared, by key; asked of SQLite itself."""
        blocks = """
            SELECT a.prefix || CASE a.path WHEN '' THEN '' ELSE a.path || '/' END || m.x || '/' || m.y || '/' || m.z,
                   m.how
            FROM mirrored_block m JOIN array a ON a.id = m.array_id
        """
        with closing(sqlite3.connect(self.catalog)) as connection:
            rows = [*connection.execute(blocks), *connection.execute("SELECT key, how FROM mirrored_object")]
        return {key: Verification(how % HOW_ADOPTED) for key, how in rows}


@dataclass(frozen=True)
class Outcome:
    """What one sync came to."""

    report: SyncReport
    exit_code: ExitCode
    events: tuple[Event, ...]

    @property
    def skipped(self) -> dict[str, str]:
        """Key to reason of what was left out."""
        return {one.key: one.reason for one in self.report.skipped}

    @property
    def failed(self) -> dict[str, str]:
        """Key to reason of what failed."""
        return {one.key: one.reason for one in self.report.failed}


def make_oddlab(
    folder: Path,
    endpoint_url: str,
    bucket_name: str,
    blank_catalog: bytes,
    kind: type[OddLab] = OddLab,
    **knobs: Any,
) -> OddLab:
    """Make a lab with an empty, marked share."""
    lab = kind(folder, endpoint_url, bucket_name, **knobs)
    lab.catalog.parent.mkdir(parents=True)
    (folder / "oomirror.toml").touch()
    lab.catalog.write_bytes(blank_catalog)
    init(lab.settings(), config=folder / "oomirror.toml")
    return lab


def open_to_all(bucket: Bucket) -> None:
    """Let everyone list and read a bucket of moto."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{bucket.name}", f"arn:aws:s3:::{bucket.name}/*"],
    }
    bucket.client.put_bucket_policy(
        Bucket=bucket.name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )


def change_rules(share: Path, **rules: object) -> None:
    """Let a share's mark say that it takes other names."""
    path = share / ".oomirror" / MARKER
    document = json.loads(path.read_text())
    document["rules"] |= rules
    path.write_text(json.dumps(document))
    Marker.from_json(path.read_text())


def make_case_blind(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a share be one that is blind to case for all that asks: here is no such file system to try it on."""
    change_rules(share, is_case_blind=True)
    monkeypatch.setattr(short_look, "is_case_blind", lambda *_: True)


def small_dataset(name: str = ODD) -> dict[str, bytes]:
    """Return the objects of a dataset with one level of eight blocks, and a loose file."""
    container = f"{name}/{name}.n5/"
    array = {"dimensions": [4, 4, 4], "blockSize": [2, 2, 2], "dataType": "uint8", "compression": {"type": "raw"}}
    level = f"{container}volumes/raw/s0/"
    blocks = {f"{level}{x}/{y}/{z}": _block(x, y, z) for x in range(2) for y in range(2) for z in range(2)}
    return {
        f"{name}/README.md": b"a cell",
        f"{container}attributes.json": b'{"n5": "2.0.0"}',
        f"{level}attributes.json": json.dumps(array).encode(),
        **blocks,
    }


def volumes_dataset(grids: Mapping[str, tuple[int, int, int]], name: str = ODD) -> dict[str, bytes]:
    """Return the objects of a dataset with these arrays, and loose files.

    Parameters
    ----------
    grids
        Path in the container to blocks along x, y, z. No two blocks have the same bytes.
    """
    container = f"{name}/{name}.n5/"
    objects = {f"{name}/README.md": b"a cell", f"{name}/notes/a b.txt": b"a note", f"{container}attributes.json": b"{}"}
    for path, grid in grids.items():
        shape = [2 * n_blocks for n_blocks in grid]
        array = {"dimensions": shape, "blockSize": [2, 2, 2], "dataType": "uint8", "compression": {"type": "raw"}}
        objects[f"{container}{path}/attributes.json"] = json.dumps(array).encode()
        for x, y, z in product(*map(range, grid)):
            key = f"{container}{path}/{x}/{y}/{z}"
            objects[key] = _block(x, y, z) + hashlib.shake_128(key.encode()).digest(300 + x)
    return objects


def _block(x: int, y: int, z: int) -> bytes:
    header = (0).to_bytes(2, "big") + (3).to_bytes(2, "big") + 3 * (2).to_bytes(4, "big")
    return header + bytes([x, y, z, 7, 7, 7, 7, 7])
