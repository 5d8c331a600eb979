"""The recorder: bytes are durable before rows are committed, in batches, and its failures reach the run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from mirror.diff import Kind
from mirror.engine.fetch import Done, Item
from mirror.engine.recorder import Recorder
from mirror.objects import Verification


def done(name: str) -> Done:
    """Return an object that is on the share."""
    item = Item(Kind.NEW, name, f"bucket/{name}", 1, "e", 0, None, None)
    return Done(item, 1, "e", b"", Verification.MD5, is_adopted=False, replaced=False)


class Log:
    """What happened, in its order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def sync(self) -> None:
        """Note that bytes were made durable."""
        self.lines.append("sync")

    def commit(self, rows: Sequence[Done]) -> None:
        """Note which rows were committed."""
        self.lines.append("commit " + "".join(row.item.key for row in rows))


async def test_durable_then_committed_then_told() -> None:
    """In this order, for each batch; all that was submitted is committed at the end."""
    log = Log()
    async with Recorder(log.sync, log.commit) as recorder:
        await recorder.submit([done("a"), done("b")], lambda: log.lines.append("told"))
    assert log.lines == ["sync", "commit ab", "told"]


async def test_what_comes_together_is_committed_together() -> None:
    """A thousand small hand-overs make a few commits, and no row is lost or doubled."""
    commits: list[int] = []
    told: list[int] = []
    async with Recorder(lambda: None, lambda rows: commits.append(len(rows))) as recorder:
        for n in range(1000):
            await recorder.submit([done(str(n))], lambda n=n: told.append(n))  # type: ignore[misc]
    assert sum(commits) == 1000
    assert len(commits) < 100
    assert told == list(range(1000))


async def test_nothing_is_committed_that_is_not_durable() -> None:
    """A share that cannot be synced leaves the catalog as it was."""
    log = Log()

    def fail() -> None:
        """Fail."""
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        async with Recorder(fail, log.commit) as recorder:
            await recorder.submit([done("a")], lambda: log.lines.append("told"))
    assert log.lines == []


async def test_a_failure_is_seen_by_who_watches_and_by_the_next_submit() -> None:
    """Also where nothing is submitted any more."""

    def fail(rows: Sequence[Done]) -> None:
        """Fail."""
        raise ValueError("no catalog")

    recorder = await Recorder(lambda: None, fail).__aenter__()
    await recorder.submit([done("a")], lambda: None)
    with pytest.raises(ValueError, match="no catalog"):
        await asyncio.wait_for(recorder.watch(), 5)
    with pytest.raises(ValueError, match="no catalog"):
        await recorder.submit([done("b")], lambda: None)
    with pytest.raises(ValueError, match="no catalog"):
        await recorder.__aexit__(None, None, None)


async def test_the_error_of_the_run_is_the_one_to_read() -> None:
    """What was finished is committed though the run ends with an error, and that error is raised."""
    log = Log()

    async def run() -> None:
        """Run a recorder whose commit fails."""
        async with Recorder(log.sync, log.commit) as recorder:
            await recorder.submit([done("a")], lambda: None)
            raise KeyError

    with pytest.raises(KeyError):
        await run()
    assert log.lines == ["sync", "commit a"]


async def test_background_work_is_done_by_the_end() -> None:
    """Step by step while there is time, all of it at the latest at the end, and its failure counts."""
    steps: list[int] = []

    def work(n_steps: int) -> Iterator[None]:
        """Work in steps."""
        for n in range(n_steps):
            steps.append(n)
            yield
        if n_steps == 3:
            raise ValueError("no snapshot")

    async with Recorder(lambda: None, lambda _: None, work(200)):
        pass
    assert steps == list(range(200))
    with pytest.raises(ValueError, match="no snapshot"):
        async with Recorder(lambda: None, lambda _: None, work(3)):
            pass
