"""What `--volumes` spells: globs on paths, a group for all below it, `!` for all but, `raw` for the EM."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from mirror.errors import UsageError
from mirror.formats.kinds import is_em_path

_RAW_WORD = "raw"
_TOKEN = re.compile(
    r"(?P<any_folders>(?:(?<=/)|^)\*\*/)|(?P<any_path>\*\*)|(?P<star>\*)|(?P<one>\?)|(?P<set>\[!?\]?[^]]*\])|(?P<text>.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern: `*`, `?` and `[...]` stay inside a component, `**` crosses slashes."""

    text: str
    """As it was given, with its `!`."""
    is_exclusion: bool
    regex: re.Pattern[str]

    def matches(self, path: str) -> bool:
        """Return whether the path, or a group above it, is meant. The leading `!` is not looked at."""
        is_word = self.text.removeprefix("!") == _RAW_WORD
        return any(
            self.regex.fullmatch(place) is not None or (is_word and is_em_path(place))
            for place in _with_groups_above(path)
        )


@dataclass(frozen=True, slots=True)
class VolumeFilter:
    """All patterns of one selection: what any of them chooses and none excludes; their order does not matter."""

    patterns: tuple[Pattern, ...]

    @property
    def chosen(self) -> tuple[Pattern, ...]:
        """The patterns without `!`; where there is none, all is chosen."""
        return tuple(pattern for pattern in self.patterns if not pattern.is_exclusion)

    @property
    def excluded(self) -> tuple[Pattern, ...]:
        """The patterns with `!`."""
        return tuple(pattern for pattern in self.patterns if pattern.is_exclusion)

    def takes(self, path: str) -> bool:
        """Return whether what lies at the path is chosen."""
        chosen = self.chosen
        if chosen and not any(pattern.matches(path) for pattern in chosen):
            return False
        return not any(pattern.matches(path) for pattern in self.excluded)


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Full keys, and globs of them: a key is meant by its text, by a glob, or because a folder above it is.

    >>> known = KeyFilter.parse(["jrc_x/a//b", "jrc_x/*/old"])
    >>> [known.has(key) for key in ("jrc_x/a//b", "jrc_x/em/old/0", "jrc_x/em/new")]
    [True, True, False]
    """

    texts: frozenset[str] = frozenset()
    regexes: tuple[re.Pattern[str], ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """Return the filter that the texts spell.

        Raises
        ------
        UsageError
            One of them is empty, or no glob.
        """
        known = tuple(texts)
        try:
            regexes = tuple(_compiled(text.strip("/")) for text in known)
        except re.error:
            regexes = ()
        if len(regexes) != len(known) or not all(text.strip("/") for text in known):
            raise UsageError("not a choice of keys", repr(known), expected="full keys or globs, as jrc_x/*/old")
        return cls(frozenset(known), regexes)

    def has(self, key: str) -> bool:
        """Return whether the key is meant."""
        if key in self.texts:
            return True
        return any(regex.fullmatch(place) is not None for place in _with_groups_above(key) for regex in self.regexes)

    def __bool__(self) -> bool:
        """Return whether it can mean any key."""
        return bool(self.texts)


def parse_volumes(patterns: Iterable[str]) -> VolumeFilter:
    """Return the filter that the patterns spell.

    Raises
    ------
    UsageError
        A pattern is empty.

    >>> volumes = parse_volumes(["labels", "!labels/*_pred", "raw"])
    >>> [volumes.takes(path) for path in ("labels/er_seg/s0", "labels/er_pred", "em/fibsem-uint16", "lm/er_palm")]
    [True, False, True, False]
    """
    return VolumeFilter(tuple(map(_parse_pattern, patterns)))


def _parse_pattern(text: str) -> Pattern:
    body = text.removeprefix("!").strip("/")
    try:
        regex = _compiled(body)
    except re.error as error:
        raise _no_pattern(text) from error
    if not body:
        raise _no_pattern(text)
    return Pattern(text, text.startswith("!"), regex)


def _compiled(body: str) -> re.Pattern[str]:
    return re.compile("".join(map(_regex_of, _TOKEN.finditer(body))))


def _no_pattern(text: str) -> UsageError:
    return UsageError("not a choice of volumes", repr(text), expected="a path or a glob, as em/* or !labels/*_pred")


def _regex_of(token: re.Match[str]) -> str:
    match token.lastgroup:
        case "any_folders":
            return "(?:.*/)?"
        case "any_path":
            return ".*"
        case "star":
            return "[^/]*"
        case "one":
            return "[^/]"
        case "set":
            return _regex_of_set(token[0])
        case _:
            return re.escape(token[0])


def _regex_of_set(text: str) -> str:
    members = text[1:-1]
    negated = members.startswith("!")
    # Of the characters with a meaning in a regex's set only `-` keeps it, as in a shell.
    body = re.sub(r"([\\\[\]^&~|])", r"\\\1", members[negated:])
    return f"(?!/)[{'^' if negated else ''}{body}]"


def _with_groups_above(path: str) -> Iterator[str]:
    yield path
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
