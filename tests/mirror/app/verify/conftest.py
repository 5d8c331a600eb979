"""A lab whose share holds both sample datasets: mirrored once, copied for each test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.session import Catalog, open_catalog
from mirror.app.setup import init
from mirror.app.sync import SyncRequest, sync
from mirror.app.verify import VerifyRequest, verify
from mirror.app.verify.feed import CLOCK, Clock
from mirror.config import Settings, load_settings
from mirror.engine.retry import RetryPolicy
from mirror.engine.scrub import Depth
from mirror.report.model import SyncReport
from mirror.report.verification import NAMED, VerifyReport
from mirror.selection import SelectionSpec, parse_scales, parse_volumes
from tests.servers import Bucket

DATASET = "jrc_hela-2"
HOME = "janelia-cosem-publications"
RAW = f"heinrich-2021a/{DATASET}/{DATASET}.n5/volumes/raw/s0/"
BLOCK = f"{RAW}1/0/1"
OTHER_BLOCK = f"{RAW}0/0/0"
SOON = RetryPolicy(attempts=2, base_seconds=0.001)


@dataclass(frozen=True)
class Lab:
    """Share, catalog and buckets of one test."""

    folder: Path
    endpoint_url: str

    @property
    def share(self) -> Path:
        """Root of the share."""
        return self.folder / "share"

    @property
    def settings(self) -> Settings:
        """The configuration."""
        buckets = {letter: {"endpoint_url": self.endpoint_url} for letter in "ab"}
        catalog = f"sqlite:///{self.folder}/catalog.db"
        given = {"share": str(self.share), "catalog": catalog, "buckets": buckets}
        return load_settings(self.folder / "oomirror.toml", given)

    def file(self, key: str) -> Path:
        """Return where an object of bucket B lies."""
        return self.share / HOME / key

    def sync(self, *volumes: str, scales: str = "all", bucket: str = "b", **more: Any) -> SyncReport:
        """Mirror volumes of the dataset."""
        spec = SelectionSpec(scales=parse_scales(scales), volumes=parse_volumes(volumes))
        return asyncio.run(sync(self.settings, SyncRequest((DATASET,), bucket=bucket, spec=spec, **more)))

    def verify(
        self, depth: Depth = Depth.FULL, *, clock: Clock = CLOCK, n_named: int = NAMED, **more: Any
    ) -> VerifyReport:
        """Check the share."""
        request = VerifyRequest(depth=depth, **more)
        return asyncio.run(verify(self.settings, request, clock=clock, policy=SOON, n_named=n_named))

    def catalog(self) -> Catalog:
        """Return the catalog, opened."""
        return open_catalog(self.settings.catalog)


def kinds(report: VerifyReport) -> dict[str, str]:
    """Return what is wrong with each key."""
    return {one.key: one.kind for one in report.damaged} | {one.key: "lost" for one in report.lost}


@pytest.fixture(scope="session")
def mirrored(tmp_path_factory: pytest.TempPathFactory, sample_buckets: dict[str, Bucket]) -> Lab:
    """Bucket B's raw, s0 and s1, with what lies beside it; to be copied."""
    lab = Lab(tmp_path_factory.mktemp("mirrored"), sample_buckets["b"].endpoint_url)
    (lab.folder / "oomirror.toml").touch()
    init(lab.settings, config=lab.folder / "oomirror.toml")
    assert not lab.sync("volumes/raw", scales="s0-s1").failed
    return lab


@pytest.fixture
def lab(mirrored: Lab, tmp_path: Path) -> Iterator[Lab]:
    """A copy of the mirror, to be damaged."""
    shutil.copytree(mirrored.folder, tmp_path / "lab")
    yield Lab(tmp_path / "lab", mirrored.endpoint_url)
    shutil.rmtree(tmp_path / "lab")


class Nights:
    """A clock that a test moves."""

    def __init__(self, first: datetime) -> None:
        self.moment = first
        self.seconds = 0.0

    def clock(self, *, seconds_a_look: float = 0.0) -> Clock:
        """Return the clock; each look at it takes some of its seconds."""

        def tick() -> float:
            self.seconds += seconds_a_look
            return self.seconds

        return Clock(now=lambda: self.moment, seconds=tick)
