"""`[notify]`: who is told what a run came to. Addresses and commands may hold secrets, and are never shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Secret, SecretStr, field_validator

from mirror.config.fields import SettingsTable, absolute, none_if_empty
from mirror.errors import UsageError

_ADDRESS = re.compile(r"https?://[^/?#\s]+\S*")
SECRETS = frozenset({"webhook", "command", "healthcheck"})
"""Fields of which no fault may show the value."""


def _address(value: object) -> object:
    if value in ("", None):
        return None
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        # What was found is left out here and below: it may be most of a secret.
        raise UsageError("not the address of a receiver", expected="https://HOST/PATH in quotes")
    return value


def _argv(value: object) -> object:
    """Return a line for the shell, or a list of words, as the words to start."""
    if value in ("", None):
        return None
    if isinstance(value, str):
        return ("/bin/sh", "-c", value)
    if isinstance(value, list | tuple) and value and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise UsageError("not a command", expected="a line for the shell in quotes, or a list of words")


class NotifySettings(SettingsTable):
    """Who is told, and of what."""

    on: Literal["failure", "change", "always"] = "failure"
    """When webhook and command are told: after a failure; also after a change; after each run."""
    webhook: Annotated[SecretStr | None, BeforeValidator(_address)] = None
    """Gets a JSON document by POST."""
    command: Annotated[Secret[tuple[str, ...]] | None, BeforeValidator(_argv)] = None
    """Gets the same document on its standard input."""
    healthcheck: Annotated[SecretStr | None, BeforeValidator(_address)] = None
    """Gets a GET after each refresh that is well; one with `/start` at its end before, with `/fail` after any other."""
    metrics: Annotated[Path | None, BeforeValidator(none_if_empty)] = None
    """A text file for Prometheus's node_exporter."""

    @property
    def has_receivers(self) -> bool:
        """Whether anyone is told of what is no refresh."""
        return self.webhook is not None or self.command is not None

    @field_validator("metrics")
    @classmethod
    def _check_metrics(cls, value: Path | None) -> Path | None:
        return None if value is None else absolute(value)
