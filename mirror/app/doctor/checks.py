"""One look of the doctor, as a value; what goes wrong while it looks is a finding, too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from catalog.errors import CatalogError
from mirror.errors import MirrorError
from mirror.report.doctor import Diagnosis, problem

Look = Callable[[], Awaitable[Iterable[Diagnosis]]]


@dataclass(frozen=True, slots=True)
class Check:
    """One look at something; any number of findings."""

    name: str
    """Of the finding where the look itself fails."""
    run: Look

    async def diagnoses(self) -> tuple[Diagnosis, ...]:
        """Return what was found; never raises what a share, a catalog or a bucket may be at fault for."""
        try:
            return tuple(await self.run())
        except (MirrorError, CatalogError) as error:
            found = ": ".join(filter(None, (error.what, error.thing, error.found)))
            return (problem(self.name, found, error.hint or "See that it can be reached, then look again."),)
        except OSError as error:
            return (problem(self.name, error.strerror or str(error), "See that it can be reached, then look again."),)


def blocking(look: Callable[[], Iterable[Diagnosis]]) -> Look:
    """Return a look that blocks as one that does not."""

    async def run() -> Iterable[Diagnosis]:
        """Look, in a thread."""
        return await asyncio.to_thread(lambda: tuple(look()))

    return run
