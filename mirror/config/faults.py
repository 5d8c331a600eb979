"""What pydantic found wrong, in sentences: where the value was given, what was expected, what was found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirror.config.mirrors import MirrorSettings
from mirror.config.notify import NotifySettings
from mirror.config.settings import PREFIX, BucketSettings, MongoSettings, Settings, TransferSettings
from mirror.errors import ConfigError, known_hint
from mirror.store.words import without_passwords

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


class Origins:
    """Tells from which source a value came, in the order in which they win."""

    def __init__(self, flags: Mapping[str, Any], environ: Mapping[str, str], file: Path | None) -> None:
        self._flags = flags
        self._variables = {name.upper() for name, value in environ.items() if value}
        self._file = file or "the environment"

    def name(self, place: tuple[str, ...]) -> str:
        """Return the words that lead the user to the value at `place`."""
        dotted = _spelled(place)
        variable = PREFIX + "__".join(place).upper()
        if _holds(self._flags, place):
            return f"{dotted} on the command line"
        if variable in self._variables:
            return variable
        if any(name.startswith(f"{variable}__") for name in self._variables):
            return f"{dotted}, of which the environment gives a part"
        return f"{dotted} in {self._file}"


def _spelled(place: tuple[str, ...]) -> str:
    """Return the way to a value as users count: `[[mirrors]]` from 1.

    >>> _spelled(("transfer", "fsync")), _spelled(("mirrors", "0", "scales"))
    ('transfer.fsync', 'scales of [[mirrors]] number 1')
    """
    if place[0] != "mirrors" or len(place) == 1:
        return ".".join(place)
    entry = f"[[mirrors]] number {int(place[1]) + 1}" if place[1].isdecimal() else f"mirrors.{place[1]}"
    return f"{'.'.join(place[2:])} of {entry}" if place[2:] else entry


def _holds(tree: object, place: tuple[str, ...]) -> bool:
    for key in place:
        if not isinstance(tree, Mapping) or key not in tree:
            return False
        tree = tree[key]
    return True


def config_error(error: ValidationError, origins: Origins) -> ConfigError:
    """Return the first fault as one sentence, and the places of the others."""
    first, *others = error.errors(include_url=False)
    sentence = _explained(first, origins)
    if others:
        places = ", ".join(origins.name(_place(fault)) for fault in others)
        sentence.hint = f"{sentence.hint} Also wrong: {places}.".strip()
    return sentence


def _place(fault: ErrorDetails) -> tuple[str, ...]:
    return tuple(str(step) for step in fault["loc"] if step != "[key]")


def _explained(fault: ErrorDetails, origins: Origins) -> ConfigError:
    place = _place(fault)
    thing = origins.name(place)
    cause = fault.get("ctx", {}).get("error")
    if fault["type"] == "extra_forbidden":
        return ConfigError("unknown setting", thing, hint=known_hint(place[-1], _known_at(place[:-1])))
    if cause is not None:  # one of ours, which knows its own words: UsageError or CatalogUrlError
        found = without_passwords(cause.found or cause.thing)
        return ConfigError(f"{cause.what}", thing, expected=cause.expected, found=found, hint=cause.hint)
    return ConfigError("cannot use the setting", thing, expected=_expected(fault), found=_found(fault))


def _known_at(place: tuple[str, ...]) -> Mapping[str, object]:
    match place:
        case ():
            return Settings.model_fields
        case ("transfer", *_):
            return TransferSettings.model_fields
        case ("mirrors", *_):
            return MirrorSettings.model_fields
        case ("notify", *_):
            return NotifySettings.model_fields
        case ("mongo", *_):
            return MongoSettings.model_fields
        case _:
            return BucketSettings.model_fields


_EXPECTED = {
    "missing": "a value",
    "int": "a whole number",
    "bool": "true or false",
    "string": "text in quotes",
    "path": "a path",
    "tuple": "a list",
    "model": "a table",
    "dict": "a table",
}


def _expected(fault: ErrorDetails) -> str:
    context = fault.get("ctx", {})
    match fault["type"]:
        case "literal_error" | "enum":
            return str(context["expected"])
        case "greater_than_equal" | "less_than_equal":
            return f"at {'least' if 'ge' in context else 'most'} {context.get('ge', context.get('le'))}"
        case "string_pattern_mismatch":
            return "a name of lower-case letters, digits, _ and -"
        case kind:
            return _EXPECTED.get(kind.partition("_")[0], fault["msg"])


def _found(fault: ErrorDetails) -> str:
    value = fault["input"]
    match value:
        case _ if fault["type"] == "missing":
            return "none"
        case str() if _place(fault)[:1] == ("mongo",) or _expected(fault) == _EXPECTED["model"]:
            return "a text, which is not shown: it may hold a password"
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
        case _:
            return without_passwords(repr(value))
