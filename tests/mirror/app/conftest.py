"""A lab of a test's own: an empty share, a catalog, and the sample buckets of the session."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mirror.app.setup import init
from mirror.config import Settings, load_settings
from tests.servers import Bucket


@pytest.fixture
def make_lab(
    tmp_path: Path, sample_buckets: dict[str, Bucket], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Settings]:
    """Make settings over the sample buckets; keyword arguments override, nested as in the file."""
    monkeypatch.setenv("OOMIRROR_CONFIG", str(tmp_path / "oomirror.toml"))
    (tmp_path / "oomirror.toml").write_text("")

    def make(**overrides: Any) -> Settings:
        places = {name: {"endpoint_url": bucket.endpoint_url} for name, bucket in sample_buckets.items()}
        given = {
            "share": tmp_path / "share",
            "catalog": f"sqlite:///{tmp_path}/catalog.db",
            "buckets": places,
        }
        return load_settings(None, given | overrides)

    return make


@pytest.fixture
def lab(make_lab: Callable[..., Settings], tmp_path: Path, blank_catalog: Path) -> Settings:
    """Settings of a lab whose share is marked and empty."""
    shutil.copy(blank_catalog, tmp_path / "catalog.db")
    settings = make_lab()
    init(settings, config=tmp_path / "oomirror.toml")
    return settings
