"""Address of a MongoDB server: what of it may be shown, and what must never be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from catalog.errors import ImportUsageError

SCHEMES = ("mongodb://", "mongodb+srv://")
_URI = re.compile(r"(mongodb(?:\+srv)?://)(?:([^@/?]*)@)?([^@/?]+)(?:/([^@?]*))?(?:\?([^@]*))?")
_HOSTS = re.compile(r"(?:\[[0-9a-fA-F:.%]+\]|[^:,\[\]\s]+)(?::\d{1,5})?")
_SECRET_OPTION = re.compile(r"password|token|secret|properties", re.IGNORECASE)
SERVERS_OWN = frozenset(("admin", "config", "local"))
"""Databases that hold no data of users; an address names them for the login alone."""
_FORM = "mongodb://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE"
_HINT = "In a user, a password or a value, @ is written as %40, : as %3A, / as %2F and ? as %3F."


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address: whatever prints it, prints its `place`."""

    place: str
    """Scheme and hosts."""
    uri: str = field(repr=False)
    """As it was given, secrets and all; for the driver alone."""
    database: str | None
    """The one that the address names for data."""
    options: frozenset[str] = field(repr=False)
    """Names of those that are given, in lower case."""
    secrets: tuple[str, ...] = field(repr=False)
    """The passwords in all their spellings, the longest first."""

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Return the address that the text is; nothing of a text that is none is shown.

        Raises
        ------
        ImportUsageError
            It is none, or could be understood in two ways.
        """
        match = _URI.fullmatch(uri)
        hosts = match.group(3) if match else ""
        # An @ or a / that should have been escaped would make a part of the password look like a host, and be shown.
        if match is None or not all(_HOSTS.fullmatch(host) for host in hosts.split(",")):
            raise ImportUsageError("not the address of a MongoDB server", expected=_FORM, hint=_HINT)
        scheme, user, _, database, query = match.groups(default="")
        pairs = [pair.partition("=") for pair in re.split("[&;]", query) if pair]
        secrets = [user.partition(":")[2], *(value for name, _, value in pairs if _SECRET_OPTION.search(name))]
        name = unquote(database).partition(".")[0]
        return cls(
            place=scheme + hosts,
            uri=uri,
            database=name if name and name not in SERVERS_OWN else None,
            options=frozenset(name.lower() for name, _, _ in pairs),
            secrets=_spellings(secrets),
        )

    def hide(self, text: str) -> str:
        """Return a foreign text without the passwords, in whatever spelling they stand in it."""
        text = text.replace(self.uri, self.place)
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def _spellings(secrets: list[str]) -> tuple[str, ...]:
    found = set()
    for secret in filter(None, secrets):
        plain = {secret, unquote(secret), unquote_plus(secret)}
        found |= plain | {quoted(one) for one in plain for quoted in (quote, quote_plus, _repr_inside)}
    return tuple(sorted(found, key=lambda secret: (-len(secret), secret)))


def _repr_inside(text: str) -> str:
    return repr(text)[1:-1]
