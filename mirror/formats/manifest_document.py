"""manifest.json of the project as frozen models, of every era: nothing that was written is lost.

The eras differ in names: `sources` is a `volumes` list in older ones, `url` was `URI` and before that `path`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, WrapValidator
from pydantic import ValidatorFunctionWrapHandler as Handler

from mirror.errors import MalformedDocumentError
from mirror.formats.document import parse_json_object
from mirror.formats.foreign import first_fault

_DEEPEST = 32
_PARTS = ("sources", "volumes", "metadata")


def _keep_odd(value: Any, handler: Handler, info: ValidationInfo) -> Any:
    """Keep a part that cannot be read as it stands, and tell of it: it must be given back as it was."""
    try:
        return handler(value)
    except ValidationError as error:
        if isinstance(info.context, list):
            info.context.append(f"{info.field_name}: {first_fault(error)}")
        return value


Kept = WrapValidator(_keep_odd)
"""Of a field that may hold anything: whoever reads it asks for its type."""
Number = int | float
Numbers = list[Number] | dict[str, Number]
"""In the order of the axes, or by their names."""


class _Part(BaseModel):
    # Strict: a number that is text stays text.
    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class ManifestTransform(_Part):
    """Where voxels lie in the world. Lists go by `axes`: z, y, x as a rule."""

    axes: Annotated[list[str] | None, Kept] = None
    units: Annotated[list[str] | str | None, Kept] = None
    scale: Annotated[Numbers | None, Kept] = None
    translate: Annotated[Numbers | None, Kept] = None


class ManifestSource(_Part):
    """One volume or mesh."""

    # The document's own names: with aliases, a document's `uri` would be taken for a `URI` that is set.

    name: Annotated[str | None, Kept] = None
    description: Annotated[str | None, Kept] = None
    url: Annotated[str | None, Kept] = None
    URI: Annotated[str | None, Kept] = None
    path: Annotated[str | None, Kept] = None
    format: Annotated[str | None, Kept] = None
    contentType: Annotated[str | None, Kept] = None  # noqa: N815
    sampleType: Annotated[str | None, Kept] = None  # noqa: N815
    transform: Annotated[ManifestTransform | None, Kept] = None
    subsources: Annotated[Sources | None, Kept] = None
    meshes: Annotated[Sources | None, Kept] = None


OneSource = Annotated[ManifestSource, Kept]
Sources = list[OneSource] | dict[str, OneSource]
"""A list, or by name."""


class ManifestDocument(_Part):
    """A whole manifest.json."""

    name: Annotated[str | None, Kept] = None
    metadata: Annotated[dict[str, Any] | None, Kept] = None
    sources: Annotated[Sources | None, Kept] = None
    volumes: Annotated[Sources | None, Kept] = None

    def as_document(self) -> dict[str, Any]:
        """Return the JSON object that was read: every field, under its own name and with its own value."""
        # What was kept as it stood has not the type of its field, of which pydantic warns.
        return self.model_dump(exclude_unset=True, warnings=False)


def read_manifest(body: bytes, place: str) -> tuple[ManifestDocument, tuple[str, ...]]:
    """Return the document, and a line for each part of it that is odd.

    Parameters
    ----------
    place
        The document's address, for the error.

    Raises
    ------
    MalformedDocumentError
        Not a JSON object, nested deeper than any manifest, or with none of the parts that make it one.
    """
    document = parse_json_object(body, place)
    if not any(part in document for part in _PARTS):
        raise _no_manifest(place, f"an object with {', '.join(sorted(document)[:5]) or 'nothing'}")
    if _is_deeper(document, _DEEPEST):
        raise _no_manifest(place, f"more than {_DEEPEST} levels")
    faults: list[str] = []
    return ManifestDocument.model_validate(document, context=faults), tuple(faults)


def _no_manifest(place: str, found: str) -> MalformedDocumentError:
    expected = f"a manifest with {', '.join(_PARTS[:-1])} or {_PARTS[-1]}"
    return MalformedDocumentError("cannot read the manifest", place, expected=expected, found=found)


def _is_deeper(document: Mapping[str, Any], most: int) -> bool:
    level: list[Any] = [document]
    for _ in range(most):
        below = [value for part in level for value in (part.values() if isinstance(part, dict) else part)]
        level = [value for value in below if isinstance(value, (dict, list))]
    return bool(level)
