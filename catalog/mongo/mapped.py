"""What comes of understanding one document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from catalog.mongo.issues import Issue
from catalog.records import CropRecord, Evaluation

R = TypeVar("R", CropRecord, Evaluation)


@dataclass(frozen=True, slots=True)
class Mapped(Generic[R]):
    """A document as far as it is understood."""

    record: R | None
    """None where it lacks what names its subject: an issue says what."""
    issues: tuple[Issue, ...]
