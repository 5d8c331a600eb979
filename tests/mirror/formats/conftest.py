"""Fixtures for the tests of formats."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def samples() -> Path:
    """The folder of documents that are not ours to ship; skips the test without it."""
    folder = os.environ.get("OOMIRROR_TEST_SAMPLES")
    if not folder:
        pytest.skip("OOMIRROR_TEST_SAMPLES is not set")
    return Path(folder)
