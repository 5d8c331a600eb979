"""Fields of the documents that describe a dataset: under which names each fact was written, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from mirror.formats import amounts
from mirror.formats.amounts import parse_amount, parse_lengths, parse_lengths_text, parse_number
from mirror.formats.layout import FactValue
from mirror.formats.readme import plain_text


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One field, with what stands around it."""

    value: object
    unit: str | None
    """In the field's name, as in `Size (GB)`."""
    key: str
    """The field's name without unit, letters and digits only, in lower case."""
    siblings: Mapping[str, object]
    """By such names, the fields beside it."""


Read = Callable[[FieldValue], FactValue | None]
"""Returns None for what it does not understand, and what is empty for what says nothing."""


def _text(field_: FieldValue) -> str | None:
    value = field_.value
    number = parse_number(value)
    return plain_text(value) if isinstance(value, str) else None if number is None else f"{number:g}"


def _texts(field_: FieldValue) -> tuple[str, ...] | None:
    values = field_.value if isinstance(field_.value, list) else [field_.value]
    named = [_name_of(value) if isinstance(value, dict) else value for value in values]
    if not all(isinstance(value, str) for value in named):
        return None
    return tuple(plain_text(str(value)) for value in named if not is_empty(value)) or None


def _name_of(entry: Mapping[str, object]) -> object:
    return entry.get("name") or entry.get("title") or entry.get("id")


def _date(field_: FieldValue) -> str | None:
    """Return a date as ISO 8601 writes it; as it stands where it is no date of the forms that were met."""
    text = _text(field_) or ""
    american = re.fullmatch(r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4})", text)
    short = re.fullmatch(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})(?:T.*)?", text)
    date = american or short
    if date is None:
        return text or None
    return f"{date['year']}-{int(date['month']):02}-{int(date['day']):02}"


def _scalar(field_: FieldValue, convert: amounts.Convert, unit: str | None) -> float | None:
    value, unit = field_.value, field_.unit or unit
    if isinstance(value, dict):
        return parse_amount(value.get("value"), convert, _word(value.get("unit")) or unit)
    return parse_amount(value, convert, unit)


def _bytes(field_: FieldValue) -> int | None:
    size = _scalar(field_, amounts.n_bytes, None)
    return None if size is None or size <= 0 else round(size)


def _vector(field_: FieldValue) -> tuple[float, ...] | None:
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


def _links(field_: FieldValue) -> tuple[str, ...] | None:
    value = field_.value
    label = field_.key.removesuffix("doi") if field_.key.endswith("doi") else ""
    if isinstance(value, str):
        return tuple(_link(part, label) for part in map(plain_text, value.split(";")) if not is_empty(part)) or None
    if isinstance(value, dict):
        pairs = [(target, name) for name, target in value.items()]
    elif isinstance(value, list):
        pairs = [_target_and_name(entry) for entry in value]
    else:
        return None
    if not all(isinstance(target, str) for target, _ in pairs):
        return None
    return tuple(_link(str(target), _word(name) or "") for target, name in pairs if not is_empty(target))


def _target_and_name(entry: object) -> tuple[object, object]:
    if not isinstance(entry, dict):
        return entry, ""
    target = next((entry[name] for name in ("href", "url", "DOI", "doi") if name in entry), None)
    name = entry.get("title") or entry.get("name") or entry.get("id")
    return (name, "") if is_empty(target) and isinstance(name, str) and "DOI" not in entry else (target, name)


def _link(target: str, name: str) -> str:
    """Return a DOI without its resolver, or what else was given, and its name behind it."""
    place = re.sub(r"(?i)^(https?://(dx\.)?doi\.org/|doi:\s*)(?=10\.)", "", plain_text(target))
    return f"{place} ({plain_text(name)})" if name.strip() else place


def is_empty(value: object) -> bool:
    """Return whether a value says nothing: none, no text, no members, or words for nothing."""
    if isinstance(value, str):
        return value.strip().lower() in ("", "n/a", "na", "none", "tbd")
    return value is None or (isinstance(value, (list, dict)) and not value)


ROOT, _SAMPLE, _ACQUISITION = "", "sample", "acquisition"
SECTIONS = {
    **dict.fromkeys(("metadata", "summary", "datasetinformation", "dataset"), ROOT),
    **dict.fromkeys(("sample", "about", "aboutthissample", "aboutsample"), _SAMPLE),
    **dict.fromkeys(("imaging", "acquisition", "acquisitioninformation", "imageacquisition"), _ACQUISITION),
}
"""Names of parts, and the section that each of them is."""

_NAMES_BY_SECTION: Mapping[str, Mapping[str, tuple[str, Read]]] = {
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
    ROOT: {
        **dict.fromkeys(("title", "subject"), ("title", _text)),
        **dict.fromkeys(("description", "subtitle"), ("description", _text)),
        **dict.fromkeys(("id", "datasetid", "name"), ("dataset_id", _text)),
        "institution": ("institution", _texts),
        "sample": ("sample_description", _text),
    },
}
"""What a field means in one section alone."""

_read_days = partial(_scalar, convert=amounts.days, unit="days")
_read_volts = partial(_scalar, convert=amounts.volts, unit="v")
_NAMES: Mapping[str, tuple[str, Read]] = {
    **dict.fromkeys(("license", "licence"), ("licence", _text)),
    "organism": ("organism", _texts),
    "treatment": ("treatment", _texts),
    "protocol": ("protocol", _text),
    **dict.fromkeys(("contributions", "contribution"), ("contributions", _text)),
    **dict.fromkeys(("instrument", "microscope"), ("acquisition_instrument", _text)),
    **dict.fromkeys(("acquisitiondate", "imagingstartdate"), ("acquisition_start_date", _date)),
    **dict.fromkeys(("duration", "durationdays", "imagingduration"), ("acquisition_duration_days", _read_days)),
    **dict.fromkeys(("biasvoltage", "bias"), ("acquisition_bias_voltage_v", _read_volts)),
    "eht": ("acquisition_eht_v", _read_volts),
    **dict.fromkeys(
        ("scanrate", "scanningspeed"),
        ("acquisition_scan_rate_mhz", partial(_scalar, convert=amounts.megahertz, unit="mhz")),
    ),
    **dict.fromkeys(
        ("current", "imagingcurrent"),
        ("acquisition_current_na", partial(_scalar, convert=amounts.nanoamperes, unit="na")),
    ),
    **dict.fromkeys(
        ("primaryenergy", "landingenergy"),
        ("acquisition_primary_energy_ev", partial(_scalar, convert=amounts.electron_volts, unit="ev")),
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

NOT_OF_A_DATASET = frozenset({"volumes", "sources", "datasources", "views", "meshes", "version", "schema"})
"""Parts that say nothing of the dataset as a whole, or only of the document: read as a manifest, or not at all."""
COMPANIONS = frozenset({"unit", "units", "axes", "gridaxes", "gridspacingunit", "griddimensionsunit"})
"""Read together with the field that they belong to."""


def split_key(name: str) -> tuple[str, str | None]:
    """Return the letters and digits of a field's name, and the unit in parentheses behind it."""
    match = re.fullmatch(r"(.*?)\s*(?:\(([^()]*)\))?\s*", name, re.DOTALL)
    text, unit = (match[1], match[2]) if match is not None else (name, None)
    return re.sub(r"[\W_]+", "", text).lower(), unit


def meaning_of(section: str, key: str) -> tuple[str, Read] | None:
    """Return the name of the fact that a field of the section holds and how to read it, or None."""
    if key.endswith(("doi", "dois")):
        return "doi", _links
    return _NAMES_BY_SECTION[section].get(key) or _NAMES.get(key)
