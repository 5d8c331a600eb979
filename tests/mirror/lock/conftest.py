"""A share for each test of locks."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirror.keys import ShareRules
from mirror.store.share import Share


@pytest.fixture
def share(tmp_path: Path) -> Share:
    """A marked share of a test's own."""
    share = Share(tmp_path)
    share.write_marker(ShareRules())
    return share
