"""A lab over the small sample buckets, in a folder: its configuration, its share and its catalog."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mirror.app.scan import scan
from mirror.app.setup import init
from mirror.app.sync import SyncRequest, sync
from mirror.config import Settings, load_settings
from tests.servers import Bucket

HELA = "jrc_hela-2"


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


def make_lab(folder: Path, buckets: Mapping[str, Bucket]) -> Lab:
    """Return a lab with an empty, marked share in a folder."""
    lines = [f"share = {json.dumps(str(folder / 'share'))}", f'catalog = "sqlite:///{folder}/catalog.db"']
    for letter, bucket in buckets.items():
        lines += [f"[buckets.{letter}]", f'endpoint_url = "{bucket.endpoint_url}"']
    config = folder / "oomirror.toml"
    config.write_text("\n".join(lines) + "\n")
    settings = load_settings(config)
    init(settings, config=config)
    return Lab(config, settings)
