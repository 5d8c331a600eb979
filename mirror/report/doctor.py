"""What `oomirror doctor` answers, as models."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

State: TypeAlias = Literal["ok", "note", "problem"]
"""A note is worth knowing and hinders nothing."""


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Diagnosis(_Report):
    """What one look found."""

    name: str
    """What was looked at: two words at most, as `share`, `bucket b`."""
    state: State
    found: str
    advice: str = ""
    """A sentence: what to do. Empty where nothing need be done."""


class DoctorReport(_Report):
    """What all of them found, in the order in which they were made."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    problems: int
    diagnoses: tuple[Diagnosis, ...]


def ok(name: str, found: str) -> Diagnosis:
    """Return that something is as it should be."""
    return Diagnosis(name=name, state="ok", found=found)


def note(name: str, found: str, advice: str = "") -> Diagnosis:
    """Return something that is worth knowing."""
    return Diagnosis(name=name, state="note", found=found, advice=advice)


def problem(name: str, found: str, advice: str) -> Diagnosis:
    """Return something that hinders, with what to do."""
    return Diagnosis(name=name, state="problem", found=found, advice=advice)
