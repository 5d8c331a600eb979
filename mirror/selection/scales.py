"""What `--scales` and `--formats` spell."""

from __future__ import annotations

from dataclasses import dataclass

from mirror.errors import UsageError, known_hint
from mirror.formats.folder import Format
from mirror.formats.n5.multiscale import parse_level_name

_FORMS = "s3, s0-s2, s1,s3-s5, s2- or all"

Range = tuple[int, int | None]
"""First and last level, both inclusive; None: all that follow."""


@dataclass(frozen=True, slots=True)
class Scales:
    """A set of levels; `str` spells it in the one canonical way.

    >>> str(parse_scales("s1, s0, s4-s5,s5-"))
    's0-s1,s4-'
    """

    ranges: tuple[Range, ...]
    """Sorted; neither overlapping nor touching."""

    def __contains__(self, level: int) -> bool:
        """Return whether the level is meant."""
        return any(first <= level and (last is None or level <= last) for first, last in self.ranges)

    @property
    def named(self) -> tuple[int, ...]:
        """The levels that must exist somewhere for the words to make sense; of an open range its first."""
        if self == ALL_SCALES:
            return ()
        return tuple(
            level for first, last in self.ranges for level in range(first, (first if last is None else last) + 1)
        )

    def __str__(self) -> str:
        return "all" if self == ALL_SCALES else ",".join(map(_spell, self.ranges))


ALL_SCALES = Scales(((0, None),))


def parse_scales(spec: str) -> Scales:
    """Return the levels that `spec` spells: `s3`, `s0-s2`, `s1,s3-s5`, `s2-` (and coarser), `all`.

    Raises
    ------
    UsageError
        It spells none, or a range that runs backwards.

    >>> [level for level in range(6) if level in parse_scales("s0,s3-")]
    [0, 3, 4, 5]
    """
    if spec.strip() == "all":
        return ALL_SCALES
    return Scales(_merge(sorted(_parse_range(part.strip(), spec) for part in spec.split(","))))


def _parse_range(part: str, spec: str) -> tuple[int, float]:
    first_name, dash, last_name = part.partition("-")
    first = parse_level_name(first_name.strip())
    if first is None:
        raise UsageError("not a choice of scales", spec, expected=_FORMS, found=repr(part))
    if not dash:
        return first, first
    if not last_name.strip():
        return first, float("inf")
    last = parse_level_name(last_name.strip())
    if last is None:
        raise UsageError("not a choice of scales", spec, expected=_FORMS, found=repr(part))
    if last < first:
        hint = f"The finer level comes first: s{last}-s{first}."
        raise UsageError("not a choice of scales", spec, found=f"{part}, which runs backwards", hint=hint)
    return first, last


def _merge(ranges: list[tuple[int, float]]) -> tuple[Range, ...]:
    merged: list[tuple[int, float]] = []
    for first, last in ranges:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple((first, None if last == float("inf") else int(last)) for first, last in merged)


def _spell(levels: Range) -> str:
    first, last = levels
    if last is None:
        return f"s{first}-"
    return f"s{first}" if first == last else f"s{first}-s{last}"


def parse_formats(spec: str) -> tuple[Format, ...]:
    """Return the formats that a comma-separated list names, in the order of `Format`.

    Raises
    ------
    UsageError
        It names none, or one that does not exist.

    >>> [str(name) for name in parse_formats("zarr,n5")]
    ['n5', 'zarr']
    """
    words = {word.strip() for word in spec.split(",")}
    known = [str(member) for member in Format]
    for word in sorted(words.difference(known)):
        raise UsageError("no such format", word or repr(spec), hint=known_hint(word, known))
    return tuple(member for member in Format if member in words)
