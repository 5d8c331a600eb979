"""What the share has and the bucket has no more: which objects, how many, and whether that is too much to believe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mirror.errors import UnsafeError
from mirror.objects import Tally
from mirror.quantities import Limit

DEFAULT_LIMIT = Limit(percent=10)
"""Of the mirrored objects of a selection, and of their bytes."""
N_EXAMPLES = 3


class Held(NamedTuple):
    """An object that the catalog says is on the share."""

    key: str
    size: int
    etag: bytes
    """Packed."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What of one place goes: an array, a folder that is taken whole, or the files of a volume beside its levels."""

    dataset: str
    volume: str
    level: str
    """Empty without levels."""
    listed: Tally
    """What the bucket has there."""
    mirrored: Tally
    """What the share has there, with what goes."""
    vanished: Tally
    examples: tuple[str, ...] = ()
    """Full keys of the first."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """All that goes."""

    places: tuple[Leaving, ...]
    """All that was compared, by dataset, volume and level; also where nothing goes."""
    limit: Limit = DEFAULT_LIMIT

    @property
    def mirrored(self) -> Tally:
        """What the share has of all that was compared."""
        return sum((one.mirrored for one in self.places), Tally())

    @property
    def vanished(self) -> Tally:
        """What goes."""
        return sum((one.vanished for one in self.places), Tally())

    @property
    def leaving(self) -> tuple[Leaving, ...]:
        """The places of which something goes."""
        return tuple(one for one in self.places if one.vanished.objects)


def vanished(held: Iterable[Held], is_listed: Callable[[str], bool]) -> Iterator[Held]:
    """Yield what is held and not listed, in its order.

    >>> [one.key for one in vanished([Held("a", 1, b""), Held("b", 1, b"")], {"b"}.__contains__)]
    ['a']
    """
    return (one for one in held if not is_listed(one.key))


def check_deletion(deletion: Deletion) -> None:
    """Check that what goes can be believed.

    Raises
    ------
    UnsafeError
        The bucket has nothing of a dataset's selection; or more goes than the limit allows.
    """
    for dataset in sorted({one.dataset for one in deletion.leaving}):
        listed = sum(one.listed.objects for one in deletion.places if one.dataset == dataset)
        if not listed:
            raise UnsafeError(
                "nothing is deleted: the bucket's listing has none of what is mirrored of the dataset",
                dataset,
                found="an empty listing",
                hint="Is it the right bucket? To give up a mirror, remove its folder by hand.",
            )
    gone, mirrored, limit = deletion.vanished, deletion.mirrored, deletion.limit
    if not limit.allows(gone, mirrored):
        raise UnsafeError(
            "nothing is deleted: more would go than is allowed",
            ", ".join(sorted({one.dataset for one in deletion.leaving})),
            expected=f"at most {limit}",
            found=f"{gone.objects} of {mirrored.objects} objects, {gone.bytes} of {mirrored.bytes} B",
            hint="Look at the plan (--dry-run); if it is meant, allow it with --max-delete.",
        )
