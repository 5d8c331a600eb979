"""What is to be done with some documents, told from what the catalog has of them: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from catalog.mongo.bodies import MOST_DEEP, body_of, content_hash, storable
from catalog.mongo.documents import Document, Unreadable
from catalog.queries.imports import KnownDocument


@dataclass(frozen=True, slots=True)
class Incoming:
    """A document with what it is compared and kept by."""

    document: Document
    key: str
    """What names it in the catalog."""
    hash: bytes


@dataclass(slots=True)
class BatchPlan:
    """Some documents, sorted by what is to be done with each."""

    new: list[Incoming] = field(default_factory=list)
    changed: list[tuple[Incoming, KnownDocument]] = field(default_factory=list)
    unchanged: list[tuple[Incoming, KnownDocument]] = field(default_factory=list)
    refused: list[Unreadable] = field(default_factory=list)
    """Those that cannot be kept, or whose key another document of this pass has: no source should give one twice."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    """Of the new and the changed, by key."""


def incoming(found: Document | Unreadable) -> Incoming | Unreadable:
    """Return a document with its hash; one that is nested too deeply is unreadable."""
    if isinstance(found, Unreadable):
        return found
    try:
        return Incoming(found, storable(found.key), content_hash(found.fields))
    except RecursionError:
        return _too_deep(found)


def plan_batch(
    documents: Iterable[Incoming], known: Mapping[str, KnownDocument], pass_number: int, *, is_resumed: bool
) -> BatchPlan:
    """Return what is to be done with documents of one source.

    Parameters
    ----------
    known
        What the catalog has under their keys.
    is_resumed
        The pass was cut before: a document that it saw then may come again, and is no second one.
    """
    plan = BatchPlan()
    taken = {key for key, one in known.items() if one.pass_number == pass_number and not is_resumed}
    for one in documents:
        before = known.get(one.key)
        if one.key in taken:
            plan.refused.append(Unreadable(one.document.place, "a key of its own", f"another document with {one.key}"))
            continue
        taken.add(one.key)
        if before is not None and before.hash == one.hash:
            plan.unchanged.append((one, before))
            continue
        try:
            plan.bodies[one.key] = body_of(one.document.fields)
        except RecursionError:
            plan.refused.append(_too_deep(one.document))
            continue
        if before is None:
            plan.new.append(one)
        else:
            plan.changed.append((one, before))
    return plan


def _too_deep(document: Document) -> Unreadable:
    return Unreadable(document.place, f"values nested at most {MOST_DEEP} deep", "values nested deeper")
