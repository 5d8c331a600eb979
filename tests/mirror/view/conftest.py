"""Labs over the small sample buckets: one that has mirrored them, and copies of it that a test may spoil."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mirror.app.scan import EVERYTHING, scan
from mirror.app.setup import init
from mirror.app.sync import SyncRequest, sync
from mirror.config import Settings, load_settings
from tests.servers import Bucket

HELA = "jrc_hela-2"
MakeLab = Callable[[Path], "Lab"]


@dataclass(frozen=True)
class Lab:
    """A configuration, and what it leads to."""

    config: Path
    settings: Settings

    @property
    def root(self) -> Path:
        """Root of the share."""
        return self.settings.share_root()

    def folder(self, prefix: str, *, bucket: str = "b") -> Path:
        """Return the place on the share of a key or prefix."""
        return self.root / self.settings.bucket(bucket).url.bucket / prefix

    def sync(self, request: SyncRequest) -> None:
        """Mirror, and check that nothing failed."""
        assert asyncio.run(sync(self.settings, request)).failed == ()

    def scan(self, *, bucket: str | None = None, metadata_only: bool = False) -> None:
        """List jrc_hela-2 into the catalog."""
        asyncio.run(scan(self.settings, (HELA,), bucket=bucket, metadata_only=metadata_only))

    def copied(self, folder: Path) -> Lab:
        """Return a lab with copies of share and catalog."""
        shutil.copytree(self.root, folder / "share")
        shutil.copy(self.config.parent / "catalog.db", folder / "catalog.db")
        text = self.config.read_text().replace(str(self.config.parent), str(folder))
        (folder / "oomirror.toml").write_text(text)
        return Lab(folder / "oomirror.toml", load_settings(folder / "oomirror.toml"))


@pytest.fixture(scope="session")
def make_lab(sample_buckets: dict[str, Bucket]) -> MakeLab:
    """Make a lab with an empty, marked share in a folder."""

    def make(folder: Path) -> Lab:
        lines = [f"share = {json.dumps(str(folder / 'share'))}", f'catalog = "sqlite:///{folder}/catalog.db"']
        for letter, bucket in sample_buckets.items():
            lines += [f"[buckets.{letter}]", f'endpoint_url = "{bucket.endpoint_url}"']
        config = folder / "oomirror.toml"
        config.write_text("\n".join(lines) + "\n")
        settings = load_settings(config)
        init(settings, config=config)
        return Lab(config, settings)

    return make


@pytest.fixture(scope="session")
def mirrored(make_lab: MakeLab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab that has listed and mirrored jrc_hela-2 of both buckets, whole; read only, it is shared."""
    lab = make_lab(tmp_path_factory.mktemp("mirrored"))
    for bucket in ("a", "b"):
        lab.scan(bucket=bucket)
        lab.sync(SyncRequest((HELA,), bucket, EVERYTHING))
    return lab


@pytest.fixture
def spoilt(mirrored: Lab, tmp_path: Path) -> Lab:
    """A copy of the mirrored lab, to be spoilt."""
    return mirrored.copied(tmp_path)


@pytest.fixture
def empty_lab(make_lab: MakeLab, tmp_path: Path) -> Lab:
    """A lab that has mirrored nothing yet."""
    return make_lab(tmp_path)
