"""What people say of a dataset: facts read from README.json, index.json, README.md and manifests of every era."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from mirror.errors import MalformedDocumentError
from mirror.formats import amounts
from mirror.formats.document import parse_json_object
from mirror.formats.layout import Fact, FactValue, Finding, FindingCode, Severity, malformed
from mirror.formats.readme import parse_readme, plain_text
from mirror.formats.amounts import parse_lengths, parse_lengths_text, parse_number, parse_quantity

_DEEPEST = 8
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class About:
    """What one document says of a dataset."""

    facts: tuple[Fact, ...]
    """In the document's order; of two equal ones the first."""
    unread: tuple[str, ...]
    """Paths of what was not understood, as `imaging.newField`."""


@dataclass(frozen=True, slots=True)
class _Value:
    """One field, with what stands around it."""

    value: object
    unit: str | None
    """In the field's name, as in `Size (GB)`."""
    key: str
    """The field's name without unit, letters and digits only, in lower case."""
    siblings: Mapping[str, object]
    """By such names, the fields beside it."""


_Read = Callable[[_Value], FactValue | None]
"""Returns None for what it does not understand."""


def _text(field_: _Value) -> str | None:
    value = field_.value
    number = parse_number(value)
    return plain_text(value) if isinstance(value, str) else None if number is None else f"{number:g}"


def _texts(field_: _Value) -> tuple[str, ...] | None:
    values = field_.value if isinstance(field_.value, list) else [field_.value]
    named = [_name_of(value) if isinstance(value, dict) else value for value in values]
    if not all(isinstance(value, str) for value in named):
        return None
    return tuple(plain_text(str(value)) for value in named if not _is_empty(value)) or None


def _name_of(entry: Mapping[str, object]) -> object:
    return entry.get("name") or entry.get("title") or entry.get("id")


def _date(field_: _Value) -> str | None:
    """Return a date as ISO 8601 writes it; as it stands where it is no date of the forms that were met."""
    text = _text(field_) or ""
    american = re.fullmatch(r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4})", text)
    short = re.fullmatch(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})(?:T.*)?", text)
    date = american or short
    if date is None:
        return text or None
    return f"{date['year']}-{int(date['month']):02}-{int(date['day']):02}"


def _scalar(field_: _Value, table: Mapping[str, float], unit: str | None) -> float | None:
    value, unit = field_.value, field_.unit or unit
    if isinstance(value, dict):
        return parse_quantity(value.get("value"), table, _word(value.get("unit")) or unit)
    return parse_quantity(value, table, unit)


def _bytes(field_: _Value) -> int | None:
    size = _scalar(field_, amounts.BYTES, None)
    return None if size is None or size <= 0 else round(size)


def _vector(field_: _Value) -> tuple[float, ...] | None:
    value, beside = field_.value, field_.siblings
    unit = field_.unit or _word(beside.get(field_.key + "unit")) or _word(beside.get("unit", beside.get("units")))
    axes = beside.get("gridaxes", beside.get("axes"))
    if isinstance(value, dict):
        unit = _word(value.get("unit", value.get("units"))) or unit
        axes = value.get("axes", axes)
        value = value.get("values", value.get("dimensions", value))
    if isinstance(value, str):
        return parse_lengths_text(value, unit)
    if isinstance(value, dict):
        named = {name: value[name] for name in ("x", "y", "z") if name in value}
        return parse_lengths(tuple(named.values()), unit, tuple(named))
    if isinstance(value, list):
        return parse_lengths(value, unit, axes if isinstance(axes, list) else None)
    return None


def _word(value: object) -> str | None:
    """Return a unit that may be one word or a list of equal words."""
    if isinstance(value, list) and value and all(item == value[0] for item in value):
        value = value[0]
    return value if isinstance(value, str) else None


def _links(field_: _Value) -> tuple[str, ...] | None:
    value = field_.value
    label = field_.key.removesuffix("doi") if field_.key.endswith("doi") else ""
    if isinstance(value, str):
        return tuple(_link(part, label) for part in map(plain_text, value.split(";")) if not _is_empty(part)) or None
    if isinstance(value, dict):
        pairs = [(target, name) for name, target in value.items()]
    elif isinstance(value, list):
        pairs = [_target_and_name(entry) for entry in value]
    else:
        return None
    if not all(isinstance(target, str) for target, _ in pairs):
        return None
    return tuple(_link(str(target), _word(name) or "") for target, name in pairs if not _is_empty(target))


def _target_and_name(entry: object) -> tuple[object, object]:
    if not isinstance(entry, dict):
        return entry, ""
    target = next((entry[name] for name in ("href", "url", "DOI", "doi") if name in entry), None)
    name = entry.get("title") or entry.get("name") or entry.get("id")
    return (name, "") if _is_empty(target) and isinstance(name, str) and "DOI" not in entry else (target, name)


def _link(target: str, name: str) -> str:
    """Return a DOI without its resolver, or what else was given, and its name behind it."""
    place = re.sub(r"(?i)^(https?://(dx\.)?doi\.org/|doi:\s*)(?=10\.)", "", plain_text(target))
    return f"{place} ({plain_text(name)})" if name.strip() else place


def _is_empty(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ("", "n/a", "na", "none", "tbd")
    return value is None or (isinstance(value, (list, dict)) and not value)


_ROOT, _SAMPLE, _ACQUISITION = "", "sample", "acquisition"
_SECTIONS = {
    **dict.fromkeys(("metadata", "summary", "datasetinformation", "dataset"), _ROOT),
    **dict.fromkeys(("sample", "about", "aboutthissample", "aboutsample"), _SAMPLE),
    **dict.fromkeys(("imaging", "acquisition", "acquisitioninformation", "imageacquisition"), _ACQUISITION),
}
"""Names of parts, and the section that each of them is."""

_NAMES_BY_SECTION: Mapping[str, Mapping[str, tuple[str, _Read]]] = {
    _SAMPLE: {
        **dict.fromkeys(("description", "sample"), ("sample_description", _text)),
        **dict.fromkeys(("type", "sampletype"), ("sample_type", _texts)),
        **dict.fromkeys(("subtype", "samplesubtype"), ("sample_subtype", _texts)),
        **dict.fromkeys(("name", "id"), ("sample_id", _text)),
    },
    _ACQUISITION: {
        **dict.fromkeys(("id", "name"), ("acquisition_id", _text)),
        "institution": ("acquisition_institution", _texts),
        "sample": ("sample_description", _text),
        "description": ("acquisition_description", _text),
        **dict.fromkeys(("date", "startdate"), ("acquisition_start_date", _date)),
        "dimensions": ("dimensions_nm_xyz", _vector),
    },
    _ROOT: {
        **dict.fromkeys(("title", "subject"), ("title", _text)),
        **dict.fromkeys(("description", "subtitle"), ("description", _text)),
        **dict.fromkeys(("id", "datasetid", "name"), ("dataset_id", _text)),
        "institution": ("institution", _texts),
        "sample": ("sample_description", _text),
    },
}
"""What a field means in one section alone."""

_days = partial(_scalar, table=amounts.DURATIONS_DAYS, unit="days")
_volts = partial(_scalar, table=amounts.VOLTS, unit="v")
_NAMES: Mapping[str, tuple[str, _Read]] = {
    **dict.fromkeys(("license", "licence"), ("licence", _text)),
    "organism": ("organism", _texts),
    "treatment": ("treatment", _texts),
    "protocol": ("protocol", _text),
    **dict.fromkeys(("contributions", "contribution"), ("contributions", _text)),
    **dict.fromkeys(("instrument", "microscope"), ("acquisition_instrument", _text)),
    **dict.fromkeys(("acquisitiondate", "imagingstartdate"), ("acquisition_start_date", _date)),
    **dict.fromkeys(("duration", "durationdays", "imagingduration"), ("acquisition_duration_days", _days)),
    **dict.fromkeys(("biasvoltage", "bias"), ("acquisition_bias_voltage_v", _volts)),
    "eht": ("acquisition_eht_v", _volts),
    **dict.fromkeys(
        ("scanrate", "scanningspeed"),
        ("acquisition_scan_rate_mhz", partial(_scalar, table=amounts.MEGAHERTZ, unit="mhz")),
    ),
    **dict.fromkeys(
        ("current", "imagingcurrent"), ("acquisition_current_na", partial(_scalar, table=amounts.NANOAMPERES, unit="na"))
    ),
    **dict.fromkeys(
        ("primaryenergy", "landingenergy"),
        ("acquisition_primary_energy_ev", partial(_scalar, table=amounts.ELECTRON_VOLTS, unit="ev")),
    ),
    **dict.fromkeys(
        ("gridspacing", "voxelsize", "finalvoxelsize", "pixelspacing", "pixelresolution", "resolution"),
        ("voxel_size_nm_xyz", _vector),
    ),
    **dict.fromkeys(("dimensions", "datadimensions", "griddimensions"), ("dimensions_nm_xyz", _vector)),
    **dict.fromkeys(("size", "datasize", "datasetsize"), ("published_size_bytes", _bytes)),
    **dict.fromkeys(("publications", "publication"), ("publications", _links)),
    **dict.fromkeys(("thumbnailurl", "thumbnail"), ("thumbnail", _text)),
    "softwareavailability": ("software_availability", _text),
    "hesslabinternalid": ("acquisition_id", _text),
}
"""What a field means wherever it stands. Units of those that never name them are those of the project's schema."""

_NOT_OF_A_DATASET = frozenset({"volumes", "sources", "datasources", "views", "meshes", "version", "schema"})
"""Parts that say nothing of the dataset as a whole, or only of the document: read as a manifest, or not at all."""
_COMPANIONS = frozenset({"unit", "units", "axes", "gridaxes", "gridspacingunit", "griddimensionsunit"})
"""Read together with the field that they belong to."""


@dataclass(slots=True)
class _Reading:
    document: str
    facts: list[Fact] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def walk(self, part: Mapping[str, object], section: str, path: tuple[str, ...]) -> None:
        """Read one object and those inside it, as deep as such documents go."""
        siblings = {_split_key(name)[0]: value for name, value in part.items()}
        for name, value in part.items():
            key, unit = _split_key(name)
            if _is_empty(value) or key in _COMPANIONS or (section == _ROOT and key in _NOT_OF_A_DATASET):
                continue
            place = (*path, name)
            if isinstance(value, dict) and key in _SECTIONS:
                self._into(value, _SECTIONS[key], place)
            elif (meaning := _meaning(section, key)) is not None:
                self._take(meaning, _Value(value, unit, key, siblings), place)
            elif isinstance(value, dict):
                self._into(value, section, place)
            else:
                self.unread.append(".".join(place))

    def _into(self, part: Mapping[str, object], section: str, path: tuple[str, ...]) -> None:
        if len(path) > _DEEPEST:
            self.unread.append(".".join(path))
        else:
            self.walk(part, section, path)

    def _take(self, meaning: tuple[str, _Read], value: _Value, path: tuple[str, ...]) -> None:
        name, read = meaning
        found = read(value)
        place = ".".join(path)
        if found is None:
            self.unread.append(place)
        elif found not in ("", ()) and (name, found) not in {(fact.name, fact.value) for fact in self.facts}:
            self.facts.append(Fact(name, found, f"{self.document}: {place}"))


def _split_key(name: str) -> tuple[str, str | None]:
    """Return the letters and digits of a field's name, and the unit in parentheses behind it."""
    match = re.fullmatch(r"(.*?)\s*(?:\(([^()]*)\))?\s*", name, re.DOTALL)
    text, unit = (match[1], match[2]) if match is not None else (name, None)
    return re.sub(r"[\W_]+", "", text).lower(), unit


def _meaning(section: str, key: str) -> tuple[str, _Read] | None:
    if key.endswith(("doi", "dois")):
        return "doi", _links
    return _NAMES_BY_SECTION[section].get(key) or _NAMES.get(key)


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
    reading.walk(document, _ROOT, ())
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
