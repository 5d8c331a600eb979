"""An event loop in a thread of its own, for threads that call what is asynchronous."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads, from the first one on until it is closed. Thread-safe."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread
        self._is_closed = False

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Return the future of work that has begun; cancelling it cancels the work. Once closed, it is cancelled."""
        with self._lock:
            if self._is_closed:
                work.close()
                never: Future[T] = Future()
                never.cancel()
                never.set_running_or_notify_cancel()
                return never
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Cancel what still runs, run `last`, and end the thread; a second time it does nothing."""
        with self._lock:
            loop, is_open = self._loop, not self._is_closed
            self._is_closed = True
        if loop is None or not is_open:
            last.close()
            return
        try:
            asyncio.run_coroutine_threadsafe(_wind_up(last), loop).result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()


async def _wind_up(last: Coroutine[Any, Any, None]) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others)
    await last
    await asyncio.get_running_loop().shutdown_asyncgens()
    await asyncio.get_running_loop().shutdown_default_executor()
    await asyncio.sleep(0)  # Connections that were aborted go in the loop's next turn.
