"""Zarr's own specification as a judge of what others wrote; never a condition for reading it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mirror.formats.layout import Finding, FindingCode, Severity


def odd_by_specification(document: Mapping[str, Any], place: str) -> list[Finding]:
    """Return a finding where the metadata of an array are not what the specification of their version asks for.

    One for each document, with the first fault: one writer makes the same faults everywhere. Codecs and types that
    the specification does not name are no fault, for it allows them.
    """
    # Imported here: it takes a tenth of a second, and only zarr needs it.
    from zarr_metadata.model import read_array_metadata_v2, read_array_metadata_v3

    fill = document.get("fill_value")
    if isinstance(fill, float) and fill.is_integer():
        document = {**document, "fill_value": int(fill)}  # z5 writes 0.0 for whole numbers, which all readers take
    is_version_3 = "node_type" in document
    problems = (read_array_metadata_v3(document) if is_version_3 else read_array_metadata_v2(document)).problems
    if not problems:
        return []
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    expected = f"what the specification of zarr {3 if is_version_3 else 2} asks for"
    return [Finding(Severity.NOTE, FindingCode.ODD_METADATA, place, expected, f"{problems[0]}{more}")]
