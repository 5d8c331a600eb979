"""What tables of the configuration share: their base, and how values that users write become values of ours."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from mirror.errors import UsageError


class SettingsTable(BaseModel):
    """A table of the file: unknown keys are faults, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def split_at_commas(value: object) -> object:
    """Return the parts of a text; anything else as it is."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def none_if_empty(value: object) -> object:
    """Return None for the empty text; anything else as it is."""
    return None if value == "" else value


def absolute(path: Path) -> Path:
    """Return the path without `~`; a relative one would mean another folder to cron than to a shell.

    Raises
    ------
    UsageError
        It is relative.
    """
    path = path.expanduser()
    if not path.is_absolute():
        raise UsageError("not an absolute path", expected="a path from the root", found=str(path))
    return path
