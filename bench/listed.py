"""When a server says that its objects were last modified, asked as the tools ask it: by LIST."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime

_ENTRY = re.compile(r"<Contents>.*?</Contents>", re.DOTALL)


def list_modified(endpoint_url: str, bucket: str, prefix: str) -> Iterator[tuple[str, float]]:
    """Yield key and seconds since 1970 of each object, in the order of keys. Keys need no escaping here."""
    after = ""
    while True:
        query = urllib.parse.urlencode({"list-type": 2, "prefix": prefix, "start-after": after})
        with urllib.request.urlopen(f"{endpoint_url}/{bucket}?{query}") as answer:  # noqa: S310  http on loopback
            page = answer.read().decode()
        for entry in _ENTRY.findall(page):
            after = _text(entry, "Key")
            yield after, datetime.fromisoformat(_text(entry, "LastModified")).timestamp()
        if _text(page, "IsTruncated") != "true":
            return


def _text(document: str, tag: str) -> str:
    match = re.search(f"<{tag}>(.*?)</{tag}>", document)
    return match[1] if match else ""
