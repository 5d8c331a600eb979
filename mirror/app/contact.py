"""A bucket that is asked for the datasets of a run at once, and answers while the run is still getting ready."""

from __future__ import annotations

import asyncio
from functools import partial
from types import TracebackType
from typing import Self

from mirror.app.datasets import check_names
from mirror.app.opened import open_bucket
from mirror.config import Settings
from mirror.engine.events import EventSink
from mirror.store.bucket import Bucket


class Contact:
    """An open bucket, and the question whether it has the datasets. Use as `async with`.

    Parameters
    ----------
    name
        Of the bucket, as the configuration names it; None is its `default_bucket`.
    """

    def __init__(self, settings: Settings, name: str | None, datasets: tuple[str, ...], sink: EventSink) -> None:
        self.bucket = open_bucket(settings.bucket(name), sink)
        self._ask = partial(check_names, settings, name or settings.default_bucket, datasets, self.bucket, sink)
        self._task: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        # No task group: it would wrap what its body raises, and end the body when the bucket has no good answer.
        await self.bucket.__aenter__()
        self._task = asyncio.create_task(self._ask())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # Seen: a run that ends before it wants the answer has a reason of its own.
        await self.bucket.__aexit__(kind, error, traceback)

    async def checked(self) -> Bucket:
        """Return the bucket once it is known to have the datasets. Raises as `check_names`."""
        await self._task
        return self.bucket
