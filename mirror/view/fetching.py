"""Blocks fetched for a read: by a loop in a thread of its own, for that of a notebook is busy running the notebook."""

from __future__ import annotations

import threading
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from mirror.app.blocks import BlockRequest, fetch_blocks
from mirror.app.scan import scan
from mirror.config import Settings
from mirror.formats.n5.grid import BlockIndex
from mirror.store.loop import LoopThread
from mirror.view.find import Found

T = TypeVar("T")
_one_at_a_time = threading.Lock()
"""A process works on a dataset once at a time: threads that read would only wait for each other's lock on the share."""


def fetch_missing(settings: Settings, found: Found, blocks: Mapping[BlockIndex, str]) -> frozenset[BlockIndex]:
    """Fetch blocks, and what opens their array; return those that the bucket does not have. Raises as `fetch_blocks`.

    Parameters
    ----------
    blocks
        Position, x first, to the key below the array's prefix.
    """
    chosen = found.chosen
    container = chosen.volume.container_prefix
    request = BlockRequest(found.bucket, chosen.dataset, chosen.volume.path, container, chosen.array, blocks)
    with _one_at_a_time:
        return run_apart(fetch_blocks(settings, request)).absent


def describe_dataset(settings: Settings, dataset: str, bucket: str) -> None:
    """Take the volumes and levels of a dataset into the catalog. Raises as `scan`."""
    with _one_at_a_time:
        run_apart(scan(settings, (dataset,), bucket=bucket, metadata_only=True))


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Return what the work returns, whether or not a loop runs in this thread; Ctrl-C cancels it."""
    loop = LoopThread("oomirror-fetch")
    try:
        return loop.start(work).result()
    finally:
        loop.close(_nothing())


async def _nothing() -> None:
    """Do nothing."""
