"""Work in a thread that must not be left half done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread_to_its_end(work: Callable[[], T], on_cancel: Callable[[], object] = lambda: None) -> T:
    """Return what blocking work returns; what is held while it is awaited is held until it has ended.

    Cancelled, it calls `on_cancel`, so that the work may come to its end sooner, and waits for that.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        on_cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # Looked at: what ended the run is that it was cancelled.
        raise
