"""The document that a webhook and a command of `[notify]` get."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class NoticeDocument(BaseModel):
    """What a run came to. Chat programs that take a `text` show that; the rest is for programs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    command: str
    state: Literal["failed", "changed", "unchanged"]
    exit: int
    """Exit code of the run."""
    text: str
    """The answer in a sentence or some."""
    host: str
    version: str
    """Of oomirror."""
    share: str | None
    started_at: str
    """ISO 8601, UTC."""
    finished_at: str
    seconds: float
    report: dict[str, Any]
    """What the command prints with `--json`; of its lists of objects the first ones."""
