"""A lab over one bucket of a few small datasets, and what a test of a refresh needs beside it."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mirror.app.refresh import RefreshRequest, refresh
from mirror.app.setup import init
from mirror.config import Settings, load_settings
from mirror.engine.events import Event, EventSink, Note, ignore
from mirror.lock import Holder
from mirror.report.refresh import RefreshReport
from tests.servers import Bucket

N_BLOCKS = 3
_ATTRIBUTES = json.dumps(
    {
        "dimensions": [N_BLOCKS, 1, 1],
        "blockSize": [1, 1, 1],
        "dataType": "uint8",
        "compression": {"type": "raw"},
    }
).encode()


def block(dataset: str, number: int, array: str = "raw/s0") -> str:
    """Return the key of one block."""
    return f"{dataset}/{dataset}.n5/{array}/{number}/0/0"


def fill(bucket: Bucket, *datasets: str, array: str = "raw/s0") -> None:
    """Write an array of some blocks into each dataset."""
    for dataset in datasets:
        bucket.put(f"{dataset}/{dataset}.n5/{array}/attributes.json", _ATTRIBUTES)
        for number in range(N_BLOCKS):
            bucket.put(block(dataset, number, array), f"block {number} of {dataset}".encode())


def lab_of(bucket: Bucket, folder: Path, mirrors: Sequence[dict[str, Any]], **more: Any) -> Settings:
    """Return settings over a bucket called x, with a marked share; called again, of the same lab."""
    config = folder / "o.toml"
    config.touch()
    place = {"url": f"s3://{bucket.name}", "endpoint_url": bucket.endpoint_url}
    given = {
        "share": folder / "share",
        "catalog": f"sqlite:///{folder}/c.db",
        "buckets": {"x": place},
        "default_bucket": "x",
        "mirrors": list(mirrors),
        **more,
    }
    settings = load_settings(config, given)
    init(settings, config=config)
    return settings


def run(settings: Settings, *, sink: EventSink = ignore, **asked: Any) -> RefreshReport:
    """Run one refresh here."""
    return asyncio.run(refresh(settings, RefreshRequest(**asked), sink=sink))


def states(report: RefreshReport) -> list[str]:
    """Return how each entry ended, in the order of the configuration."""
    return [line.state for line in report.mirrors]


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


class Notes:
    """A sink that keeps the sentences, and does something at the first that begins with some words."""

    def __init__(self, at: str = "", do: Any = None) -> None:
        self.texts: list[str] = []
        self._at = at
        self._do = do

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, Note):
            self.texts.append(event.text)
            if self._at and event.text.startswith(self._at):
                self._at = ""
                self._do()


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold a lock as another host would, whose counter moves quickly."""
    lock.mkdir(parents=True, exist_ok=True)
    holder = replace(Holder.of_this_process(), host="another-host")
    file = lock / holder.token
    ended = threading.Event()

    def beat() -> None:
        """Move the counter until the end."""
        number = 0
        while not ended.wait(0.05):
            number += 1
            file.write_bytes(replace(holder, beat=number).to_json())

    file.write_bytes(holder.to_json())
    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        shutil.rmtree(lock)
