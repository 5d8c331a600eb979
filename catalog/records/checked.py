"""What the catalog knows of looks at the share: parts that were checked, and objects that were found damaged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from catalog.records.mirrored import NOTHING, Count

BlockToCheck: TypeAlias = tuple[int, int, int, bytes, bytes | None, int, int]
"""y, z, size, packed ETag, xxh3-128, how it was verified, run id."""
ObjectToCheck: TypeAlias = tuple[str, int, bytes, bytes | None, int, int]
"""Full key, size, packed ETag, xxh3-128, how it was verified, run id."""
KeyRange: TypeAlias = tuple[str, str | None]
"""Keys from the first on and before the second, in the order of their bytes; None: to the end."""


class SlabSum(NamedTuple):
    """The blocks of one slab of an array that are on the share."""

    x: int
    mirrored: Count


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """How far a part of the share was looked at, in one depth: a slab of blocks, or the other objects of a folder."""

    bucket_id: int
    prefix: str
    """Full key prefix."""
    depth: int
    """As `mirror` numbers them: greater ones see all that lesser ones do."""
    checked_at: datetime | None
    """When the last look that came to its end was begun: all was looked at since then; None: none came to its end."""
    resume_after: str | None
    """Where a look that was stopped goes on; None where none was."""
    decoded_before: int | None
    """Objects of runs with lesser numbers were decoded, each once; None: not all of them were."""
    run_id: int
    """The run that looked last."""
    checked: Count = NOTHING
    begun_at: datetime | None = None
    """When the look was begun that was stopped; None where none was."""


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """An object that was found damaged or gone, and its row as it was: what must be there again."""

    bucket_id: int
    key: str
    kind: str
    """size, content, header, decode, not_a_file or lost."""
    reason: str
    is_upstream: bool
    """Whether the file is byte for byte what the bucket has: it is damaged there."""
    size: int
    etag: bytes
    """Packed."""
    hash: bytes | None
    how: int
    mirrored_run_id: int
    """The run that had verified it."""
    run_id: int
    """The run that found the damage."""
    found_at: datetime
