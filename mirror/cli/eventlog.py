"""The file of `--log-json`: each event as a JSON object on a line of its own, with its time in UTC."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mirror.engine.events import Event
from mirror.errors import UsageError


class EventLog:
    """Appends to a file, line by line; a file that can no longer be written ends no run.

    Raises
    ------
    UsageError
        The file cannot be opened.
    """

    def __init__(self, file: Path) -> None:
        try:
            self._stream = file.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        except OSError as error:
            raise UsageError("cannot write the log", str(file), found=str(error.strerror)) from error
        self.is_broken = False

    def take(self, event: Event) -> None:
        """Write an event of the engine."""
        self.write(_snake(type(event).__name__), asdict(event))

    def write(self, event: str, fields: Mapping[str, Any]) -> None:
        """Write a line."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            self._stream.write(json.dumps({"time": now, "event": event, **fields}, default=str) + "\n")
        except (OSError, ValueError):
            self.is_broken = True

    def close(self) -> None:
        """Close the file."""
        try:
            self._stream.close()
        except OSError:
            self.is_broken = True


def _snake(name: str) -> str:
    """Return `TransferStarted` as `transfer_started`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
