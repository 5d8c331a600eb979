"""Work in a thread is never left half done."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mirror.app.threads import in_thread_to_its_end


def test_cancelled_it_is_waited_for() -> None:
    """It is told, and its end is awaited before the cancelling goes on; what it raises then is nobody's."""
    told, ended = threading.Event(), threading.Event()

    def work() -> None:
        assert told.wait(10)
        ended.set()
        raise ValueError

    async def cancel() -> None:
        """Cancel it once it is under way."""
        task = asyncio.ensure_future(in_thread_to_its_end(work, told.set))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()

    asyncio.run(cancel())


def test_result_and_error_come_through() -> None:
    """As if it were called here."""
    assert asyncio.run(in_thread_to_its_end(lambda: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_thread_to_its_end(lambda: 1 // 0))
