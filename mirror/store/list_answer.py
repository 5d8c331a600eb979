"""What a ListObjectsV2 answer says. Plain ones are taken apart by one regular expression, all others by lxml."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote_plus

from mirror.errors import BrokenTransferError, StoreError
from mirror.objects import RemoteObject
from mirror.store.base import ListPage

if TYPE_CHECKING:
    from lxml import etree

_Decode = Callable[[str], str]

_OPEN, _CLOSE = b"<Contents>", b"</Contents>"
_PLACE = b"<Contents></Contents>"
_ENTRY = (
    r"<Contents><Key>([^<]*)</Key>"
    r"<LastModified>([^<]{16}):([0-5][0-9])(?:\.[0-9]{1,6})?Z</LastModified>"
    r"<ETag>QUOTE([^<QUOTE]*)QUOTE</ETag>"
    r"(?:<ChecksumAlgorithm>[^<]*</ChecksumAlgorithm>)*(?:<ChecksumType>[^<]*</ChecksumType>)?"
    r"<Size>([^<]*)</Size>"
    r"(?:<Owner>(?:<ID>[^<]*</ID>)?(?:<DisplayName>[^<]*</DisplayName>)?</Owner>)?"
    r"(?:<StorageClass>[^<]*</StorageClass>)?</Contents>"
)
_ENTRY_QUOTED = re.compile(_ENTRY.replace("QUOTE", '"'))
_ENTRY_ESCAPED = re.compile(_ENTRY.replace("<QUOTE", "<&").replace("QUOTE", "&quot;"))
_CONTROL = bytes(range(32)) + b"\x7f"
_MINUTE = re.compile(r"(?:19[7-9][0-9]|2[0-9]{3})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")
_new_object = cast("Callable[[tuple[object, ...]], RemoteObject]", partial(tuple.__new__, RemoteObject))
"""Half the cost of the class itself, or of its `_make`."""


def parse_page(body: bytes, thing: str) -> ListPage:
    """Return the page that a ListObjectsV2 answer holds.

    Parameters
    ----------
    thing
        `s3://` URL of the listed prefix, for the error.

    Raises
    ------
    BrokenTransferError
        The answer is cut short or is no listing.
    """
    return parse_plain_page(body, thing) or parse_any_page(body, thing)


def parse_plain_page(body: bytes, thing: str) -> ListPage | None:
    """Return what `parse_any_page` returns, at an eighth of its CPU, or None for a page that is not plain.

    The objects, nearly all of a page, are cut out and read by a regular expression that must account for each of
    their characters; lxml reads the rest, with an empty entry to see where they were. Raises as `parse_any_page`.
    """
    start, stop = body.find(_OPEN), body.rfind(_CLOSE)
    if start < 0 or stop < start:
        return None
    try:
        columns = _columns(body[start : stop + len(_CLOSE)])
        rest = _parse(body[:start] + _PLACE + body[stop + len(_CLOSE) :], thing)
    except (ValueError, BrokenTransferError):
        return None
    if columns is None or len(rest.findall(f"{_space(rest)}Contents")) != 1:
        return None
    return _page(rest, thing, lambda decode: _objects(columns, decode))


def parse_any_page(body: bytes, thing: str) -> ListPage:
    """Return the page that any ListObjectsV2 answer holds. Raises as `parse_page`."""
    root = _parse(body, thing)
    space = _space(root)
    entries = root.iterfind(f"{space}Contents")
    return _page(root, thing, lambda decode: tuple(_object(entry, space, decode) for entry in entries))


_Columns = tuple[list[str], list[int], list[str], list[int]]
"""Keys as they are spelled, sizes, ETags, seconds since 1970."""


def _columns(body: bytes) -> _Columns | None:
    """Return the entries' fields, or None where something else stands among or in them.

    Raises
    ------
    ValueError
        A size or a time is none, or not all of it is ASCII.
    """
    entries = body.decode("ascii")
    # What XML does not allow in a text, or would change.
    if len(body.translate(None, _CONTROL)) != len(body) or ("]" in entries and "]]>" in entries):
        return None
    is_quoted = '"' in entries
    between, keys, minutes, seconds, etags, sizes = _split(_ENTRY_QUOTED if is_quoted else _ENTRY_ESCAPED, entries)
    if any(between) or entries.count("&") != (0 if is_quoted else 2 * len(keys)):
        return None
    times = [minute + second for minute, second in zip(map(_minute, minutes), map(int, seconds), strict=True)]
    return keys, list(map(int, sizes)), etags, times


def _split(pattern: re.Pattern[str], text: str) -> list[list[str]]:
    parts = pattern.split(text)
    return [parts[n :: pattern.groups + 1] for n in range(pattern.groups + 1)]


@lru_cache(4096)
def _minute(text: str) -> int:
    if _MINUTE.fullmatch(text) is None:
        raise ValueError(text)
    return _seconds(f"{text}:00Z")


def _objects(columns: _Columns, decode: _Decode) -> tuple[RemoteObject, ...]:
    keys, *others = columns
    decoded = keys if decode is _plain else [_decoded(key, decode) for key in keys]
    return tuple(map(_new_object, zip(decoded, *others, strict=True)))


@cache
def _parser() -> etree.XMLParser:
    from lxml import etree

    return etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)


def _parse(body: bytes, thing: str) -> etree._Element:
    from lxml import etree

    try:
        root = etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as error:
        raise BrokenTransferError("cannot read the listing", thing, expected="XML", found=str(error)) from error
    return root


def _space(root: etree._Element) -> str:
    namespace, brace, _ = str(root.tag).rpartition("}")
    return namespace + brace


def _page(root: etree._Element, thing: str, objects: Callable[[_Decode], tuple[RemoteObject, ...]]) -> ListPage:
    space = _space(root)
    tag = str(root.tag).removeprefix(space)
    if tag != "ListBucketResult":
        raise StoreError("cannot list", thing, expected="ListBucketResult", found=tag)
    is_truncated = root.findtext(f"{space}IsTruncated") == "true"
    token = root.findtext(f"{space}NextContinuationToken")
    if is_truncated and not token:
        raise BrokenTransferError("cannot go on with the listing", thing, expected="a continuation token")
    decode = unquote_plus if root.findtext(f"{space}EncodingType") == "url" else _plain
    try:
        listed = objects(decode)
    except (TypeError, ValueError) as error:
        raise BrokenTransferError("cannot read the listing", thing, found=str(error)) from error
    prefixes = root.iterfind(f"{space}CommonPrefixes/{space}Prefix")
    return ListPage(listed, tuple(decode(entry.text or "") for entry in prefixes), token if is_truncated else None)


def _plain(text: str) -> str:
    return text


def _decoded(key: str, decode: _Decode) -> str:
    return decode(key) if "%" in key or "+" in key else key


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _object(entry, space: str, decode: _Decode) -> RemoteObject:  # type: ignore[no-untyped-def]
    return RemoteObject(
        _decoded(entry.findtext(f"{space}Key"), decode),
        int(entry.findtext(f"{space}Size")),
        entry.findtext(f"{space}ETag", "").strip('"'),
        _seconds(entry.findtext(f"{space}LastModified")),
    )
