"""A share, a catalog and a bucket's address of a test's own, and the two ways to run on them: here, or as a process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mirror.app.setup import init
from mirror.app.sync import SyncRequest, sync
from mirror.config import Settings, load_settings
from mirror.report.model import SyncReport
from mirror.selection import SelectionSpec, parse_scales, parse_volumes
from tests.servers import Bucket

CHECKOUT = Path(__file__).parents[2]
DATASET = "jrc_hela-2"


@dataclass(frozen=True)
class Workbench:
    """One lab: `share`, `catalog.db` and `oomirror.toml` in a folder; both sample buckets at one endpoint."""

    folder: Path
    endpoint_url: str
    server_url: str = field(default="", kw_only=True)
    """URL of a catalog on a server; empty where it is a file."""

    @property
    def share(self) -> Path:
        """Root of the share."""
        return self.folder / "share"

    @property
    def catalog(self) -> Path:
        """The catalog's file."""
        return self.folder / "catalog" / "catalog.db"

    @property
    def catalog_url(self) -> str:
        """The URL of the catalog."""
        return self.server_url or f"sqlite:///{self.catalog}"

    @property
    def variables(self) -> dict[str, str]:
        """The environment that a process of ours runs in: nothing of the user's configuration."""
        ours = {
            "OOMIRROR_SHARE": str(self.share),
            "OOMIRROR_CATALOG": self.catalog_url,
            "OOMIRROR_CONFIG": str(self.folder / "oomirror.toml"),
            "OOMIRROR_BUCKETS__A__ENDPOINT_URL": self.endpoint_url,
            "OOMIRROR_BUCKETS__B__ENDPOINT_URL": self.endpoint_url,
            "PYTHONPATH": str(CHECKOUT),
            "NO_COLOR": "1",
        }
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("OOMIRROR_", "AWS_"))}
        return {**outside, **ours}

    def settings(self, **changes: Any) -> Settings:
        """Return the configuration as a run in this process takes it."""
        buckets = {letter: {"endpoint_url": self.endpoint_url} for letter in "ab"}
        given = {"share": str(self.share), "catalog": self.catalog_url, "buckets": buckets, **changes}
        return load_settings(self.folder / "oomirror.toml", given)

    def at(self, endpoint_url: str) -> Workbench:
        """Return the same lab, which reaches its buckets somewhere else."""
        return replace(self, endpoint_url=endpoint_url)

    def sync(self, request: SyncRequest) -> SyncReport:
        """Run one sync here, and return what it says."""
        return asyncio.run(sync(self.settings(), request))

    def start(self, *words: str, wrapper: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start `oomirror` with these words as a process."""
        return subprocess.Popen(
            [*wrapper, sys.executable, "-m", "oomirror", *words],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, wrapper: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run `oomirror` with these words to its end."""
        with self.start(*words, wrapper=wrapper) as process:
            stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def make_workbench(folder: Path, endpoint_url: str, blank_catalog: bytes | None = None) -> Workbench:
    """Make a lab with an empty, marked share.

    Parameters
    ----------
    blank_catalog
        A catalog without rows, to be copied: running the migrations takes half a second.
    """
    workbench = Workbench(folder, endpoint_url)
    workbench.catalog.parent.mkdir(parents=True)
    (folder / "oomirror.toml").touch()
    if blank_catalog is not None:
        workbench.catalog.write_bytes(blank_catalog)
    init(workbench.settings(), config=folder / "oomirror.toml")
    return workbench


def asking(bucket: str, *, scales: str = "all", volumes: tuple[str, ...] = (), **more: Any) -> SyncRequest:
    """Return what `oomirror sync jrc_hela-2 --bucket BUCKET --scales SCALES --volumes VOLUME...` asks for."""
    spec = SelectionSpec(scales=parse_scales(scales), volumes=parse_volumes(volumes))
    return SyncRequest((DATASET,), bucket=bucket, spec=spec, **more)


def bodies(bucket: Bucket) -> Mapping[str, bytes]:
    """Return every object of a bucket as the server gives it, by its full key."""
    import http.client
    from urllib.parse import quote, urlsplit

    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    connection = http.client.HTTPConnection(urlsplit(bucket.endpoint_url).netloc)
    found: dict[str, bytes] = {}
    for key in keys:
        connection.request("GET", f"/{bucket.name}/{quote(key)}")
        found[key] = connection.getresponse().read()
    connection.close()
    return found
