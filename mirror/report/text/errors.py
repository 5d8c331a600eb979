"""An error that a report holds, as a sentence."""

from __future__ import annotations

from mirror.report.model import ErrorParts
from mirror.report.text.table import plain


def error_sentence(parts: ErrorParts) -> str:
    """Return an error's parts as the sentence that the command line makes of them."""
    thing = f": {parts.thing}" if parts.thing else ""
    expected = f"; expected {parts.expected}" if parts.expected else ""
    found = f"{',' if parts.expected else ';'} found {parts.found}" if parts.found else ""
    return plain(f"{parts.what[:1].upper()}{parts.what[1:]}{thing}{expected}{found}. {parts.hint}".rstrip())
