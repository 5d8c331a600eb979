"""One thread that makes what is on the share durable and then commits its rows, batch by batch."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import NoReturn, Self

from mirror.engine.fetch import Done

COMMIT_OBJECTS = 5_000
COMMIT_SECONDS = 0.5
IDLE_SECONDS = 0.02
"""A batch is committed when it has this many objects, is this old, or when nothing came for a moment."""

Commit = Callable[[Sequence[Done]], None]
_Entry = tuple[Sequence[Done], Callable[[], None]]


class Recorder:
    """Takes finished objects, forces their bytes to the disk, commits their rows. Use as `async with`.

    Parameters
    ----------
    make_durable
        Called in the thread before each commit (`Staging.sync`): a row never claims what a power cut can take back.
    commit
        Writes the rows in one transaction; called in the thread.
    background
        Work that may wait (a snapshot's rows), done a step at a time while nothing is to be committed.
    """

    def __init__(
        self, make_durable: Callable[[], None], commit: Commit, background: Iterator[None] | None = None
    ) -> None:
        self._make_durable = make_durable
        self._commit = commit
        self._background = background
        self._queue: queue.Queue[_Entry | None] = queue.Queue(1024)
        self._error: Exception | None = None
        self._loop: asyncio.AbstractEventLoop
        self._failed = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="oomirror-recorder")

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Commit what was submitted, also when the run ends with an error; raise what went wrong in the thread."""
        if error is not None:
            self._background = None  # A run that was stopped has no time for what may wait.
        # Not to_thread: its threads may all hang on a share or a server that went away.
        with ThreadPoolExecutor(1, thread_name_prefix="oomirror-end") as executor:
            await self._loop.run_in_executor(executor, self._end)
        if self._error is not None and error is None:
            raise self._error

    async def submit(self, done: Sequence[Done], on_recorded: Callable[[], None]) -> None:
        """Hand over finished objects; `on_recorded` is called in the loop when their rows are committed.

        Raises
        ------
        Exception
            What an earlier batch ended with: nothing more can be recorded.
        """
        if self._error is not None:
            raise self._error
        try:
            self._queue.put_nowait((done, on_recorded))
        except queue.Full:
            await asyncio.to_thread(self._queue.put, (done, on_recorded))

    async def watch(self) -> NoReturn:
        """Wait for ever, or raise what the thread ended with: nobody else may be about to submit."""
        await self._failed.wait()
        raise self._error or RuntimeError("the recorder ended without an error")

    def _end(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._collect()
            if self._error is not None:
                continue
            try:
                self._record(batch)
                if not is_open:
                    self._finish_background()
            except Exception as error:  # noqa: BLE001 - handed to the loop by the next submit or the end
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._error = error
        self._loop.call_soon_threadsafe(self._failed.set)

    def _collect(self) -> tuple[list[_Entry], bool]:
        """Return what is to be committed together, and whether more can come."""
        batch: list[_Entry] = []
        n_objects = 0
        deadline = float("inf")
        while n_objects < COMMIT_OBJECTS and time.monotonic() < deadline:
            try:
                entry = self._queue.get(timeout=self._patience(is_begun=bool(batch)))
            except queue.Empty:
                if batch:
                    break
                continue
            if entry is None:
                return batch, False
            if not batch:
                deadline = time.monotonic() + COMMIT_SECONDS
            batch.append(entry)
            n_objects += len(entry[0])
        return batch, True

    def _patience(self, *, is_begun: bool) -> float:
        """Return how long to wait for the next entry (seconds), after a step of background work if there is time."""
        if self._background is not None and self._error is None and not is_begun and self._queue.empty():
            self._step()
            return 0.0001
        return IDLE_SECONDS

    def _step(self) -> None:
        background = self._background
        try:
            if background is not None:
                next(background)
        except StopIteration:
            self._background = None
        except Exception as error:  # noqa: BLE001 - as in _run
            self._fail(error)

    def _finish_background(self) -> None:
        while self._background is not None and self._error is None:
            self._step()

    def _record(self, batch: Sequence[_Entry]) -> None:
        if not batch:
            return
        self._make_durable()
        self._commit([done for entry, _ in batch for done in entry])
        for _, on_recorded in batch:
            self._loop.call_soon_threadsafe(on_recorded)
