"""Fixtures for the samples: each grown once a session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mirror.demo.buckets import SampleObject, sample_objects
from mirror.demo.specimen import Scale


@pytest.fixture(scope="session")
def samples() -> Mapping[tuple[str, str], SampleObject]:
    """Every object of the two tiny sample buckets, by bucket and key."""
    return {(sample.bucket, sample.key): sample for sample in sample_objects(scale=Scale.TINY)}


@pytest.fixture(scope="session")
def sample_folder(samples: Mapping[tuple[str, str], SampleObject], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample buckets as files, under `a/` and `b/`."""
    root = tmp_path_factory.mktemp("samples")
    for (bucket, key), sample in samples.items():
        if not key.endswith("/"):
            path = root / bucket / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(sample.body)
    return root
