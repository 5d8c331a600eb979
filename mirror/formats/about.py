"""What people say of a dataset: facts read from README.json, index.json, README.md and manifests of every era."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mirror.errors import MalformedDocumentError
from mirror.formats.about_fields import (
    COMPANIONS,
    NOT_OF_A_DATASET,
    ROOT,
    SECTIONS,
    FieldValue,
    Read,
    is_empty,
    meaning_of,
    split_key,
)
from mirror.formats.document import parse_json_object
from mirror.formats.layout import Fact, Finding, FindingCode, Severity, malformed
from mirror.formats.readme import parse_readme

_DEEPEST = 8
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class About:
    """What one document says of a dataset."""

    facts: tuple[Fact, ...]
    """In the document's order; of two equal ones the first."""
    unread: tuple[str, ...]
    """Paths of what was not understood, as `imaging.newField`."""


@dataclass(slots=True)
class _Reading:
    document: str
    facts: list[Fact] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def walk(self, part: Mapping[str, object], section: str, path: tuple[str, ...]) -> None:
        """Read one object and those inside it, as deep as such documents go."""
        siblings = {split_key(name)[0]: value for name, value in part.items()}
        for name, value in part.items():
            key, unit = split_key(name)
            if is_empty(value) or key in COMPANIONS or (section == ROOT and key in NOT_OF_A_DATASET):
                continue
            place = (*path, name)
            if isinstance(value, dict) and key in SECTIONS:
                self._into(value, SECTIONS[key], place)
            elif (meaning := meaning_of(section, key)) is not None:
                self._take(meaning, FieldValue(value, unit, key, siblings), place)
            elif isinstance(value, dict):
                self._into(value, section, place)
            else:
                self.unread.append(".".join(place))

    def _into(self, part: Mapping[str, object], section: str, path: tuple[str, ...]) -> None:
        if len(path) > _DEEPEST:
            self.unread.append(".".join(path))
        else:
            self.walk(part, section, path)

    def _take(self, meaning: tuple[str, Read], value: FieldValue, path: tuple[str, ...]) -> None:
        name, read = meaning
        found = read(value)
        place = ".".join(path)
        if found is None:
            self.unread.append(place)
        elif found not in ("", ()) and (name, found) not in {(fact.name, fact.value) for fact in self.facts}:
            self.facts.append(Fact(name, found, f"{self.document}: {place}"))


def read_facts(document: Mapping[str, object], source: str) -> About:
    """Return the facts in a JSON document that describes a dataset, whatever its era. Never fails.

    Parameters
    ----------
    source
        Name of the document; the facts' sources begin with it.

    >>> spacing = {"unit": "µm", "values": {"z": 0.008, "y": 4e-3, "x": "0.004"}}
    >>> read_facts({"imaging": {"gridSpacing": spacing}}, "README.json").facts[0]
    Fact(name='voxel_size_nm_xyz', value=(4.0, 4.0, 8.0), source='README.json: imaging.gridSpacing')
    """
    reading = _Reading(source)
    reading.walk(document, ROOT, ())
    return About(tuple(reading.facts), tuple(reading.unread))


def read_readme(text: str, source: str) -> About:
    """Return the facts in a README.md. Never fails."""
    sections = parse_readme(text)
    document = {**sections.pop("", {}), **sections}
    return read_facts(document, source)


def read_about(name: str, body: bytes, place: str) -> tuple[About, tuple[Finding, ...]]:
    """Return the facts in one file of a dataset's folder, and what of it could not be read.

    Parameters
    ----------
    name
        The file's name, as README.json.
    place
        Its full key, for the findings.
    """
    if name.lower().endswith(".md"):
        about = read_readme(body.decode("utf-8", "replace"), name)
    else:
        try:
            about = read_facts(parse_json_object(body, place), name)
        except MalformedDocumentError as error:
            return About((), ()), (malformed(error),)
    return about, unread_findings(about, place)


def unread_findings(about: About, place: str) -> tuple[Finding, ...]:
    """Return one finding that names what was not understood, or none."""
    if not about.unread:
        return ()
    more = len(about.unread) - _MOST_SHOWN
    shown = ", ".join(about.unread[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return (Finding(Severity.NOTE, FindingCode.FACT_NOT_READ, place, "facts that can be read", shown),)
