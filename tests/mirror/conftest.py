"""Labs over the small sample buckets: one that has mirrored them, and copies of it that a test may spoil."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror.app.scan import EVERYTHING
from mirror.app.sync import SyncRequest
from tests.labs import HELA, Lab, make_lab
from tests.servers import Bucket


@pytest.fixture(scope="session")
def mirrored(sample_buckets: dict[str, Bucket], tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab that has listed and mirrored jrc_hela-2 of both buckets, whole; read only, it is shared."""
    lab = make_lab(tmp_path_factory.mktemp("mirrored"), sample_buckets)
    for bucket in ("a", "b"):
        lab.scan(bucket=bucket)
        lab.sync(SyncRequest((HELA,), bucket, EVERYTHING))
    return lab


@pytest.fixture
def spoilt(mirrored: Lab, tmp_path: Path) -> Lab:
    """A copy of the mirrored lab, to be spoilt."""
    return mirrored.copied(tmp_path)


@pytest.fixture
def empty_lab(sample_buckets: dict[str, Bucket], tmp_path: Path) -> Lab:
    """A lab that has mirrored nothing yet."""
    return make_lab(tmp_path, sample_buckets)
