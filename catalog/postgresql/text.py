r"""Text with NUL, which a key may have and PostgreSQL cannot store: escaped on its way there, whole on its way back.

U+0000 is stored as U+0001 U+0001, and U+0001 as U+0001 U+0002. The order of keys stays what it was, and so do ranges of
keys with one prefix. All other text, which is all that was ever seen, is stored as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Buffer

_TEXT_OID: Final = 25
_ESCAPED: Final = re.compile("\x01([\x01\x02])")


def escape(text: str) -> str:
    r"""Return text without NUL that stands for `text`, in the same order.

    >>> escape("a\0b")
    'a\x01\x01b'
    """
    return text.replace("\x01", "\x01\x02").replace("\0", "\x01\x01")


def unescape(text: str) -> str:
    r"""Return the text that `escape` was given.

    >>> unescape("a\x01\x01b")
    'a\x00b'
    """
    return _ESCAPED.sub(lambda found: chr(ord(found[1]) - 1), text)


class _EscapingDumper(Dumper):
    """A text of a type that the server finds out itself."""

    def dump(self, obj: str) -> Buffer:
        """Return the text as it is stored."""
        return (escape(obj) if "\0" in obj or "\x01" in obj else obj).encode()


class _EscapingTextDumper(_EscapingDumper):
    """A text that says it is one."""

    oid = _TEXT_OID


class _EscapingCopyDumper(_EscapingTextDumper):
    """A text in binary form, the same bytes: COPY takes it."""

    format = Format.BINARY


class _UnescapingLoader(Loader):
    def load(self, data: Buffer) -> str:
        """Return the text that was stored."""
        text = str(data, "utf-8")
        return unescape(text) if "\x01" in text else text


class _UnescapingBinaryLoader(_UnescapingLoader):
    format = Format.BINARY


def escape_text_of(connection: psycopg.Connection[Any]) -> None:
    """Have all text of a connection escaped and unescaped, whatever statement it goes with."""
    # The last one is what the driver takes for a parameter of unknown type.
    for dumper in (_EscapingCopyDumper, _EscapingTextDumper, _EscapingDumper):
        connection.adapters.register_dumper(str, dumper)
    for loader in (_UnescapingLoader, _UnescapingBinaryLoader):
        connection.adapters.register_loader(_TEXT_OID, loader)
