"""Units of length as documents name them, and what a length in them is in nanometres."""

from __future__ import annotations

import unicodedata

_METRES_NM = {
    "": 1e9,
    "kilo": 1e12,
    "deci": 1e8,
    "centi": 1e7,
    "milli": 1e6,
    "micro": 1e3,
    "nano": 1.0,
    "pico": 1e-3,
    "femto": 1e-6,
}
_IN_NM = {
    "m": 1e9,
    "km": 1e12,
    "dm": 1e8,
    "cm": 1e7,
    "mm": 1e6,
    "um": 1e3,
    "µm": 1e3,
    "micron": 1e3,
    "nm": 1.0,
    "pm": 1e-3,
    "fm": 1e-6,
    "å": 0.1,
    "angstrom": 0.1,
    "ångström": 0.1,
    "ångstrom": 0.1,
    "inch": 2.54e7,
    "in": 2.54e7,
    "foot": 3.048e8,
    **{f"{prefix}{metre}": nm for prefix, nm in _METRES_NM.items() for metre in ("meter", "metre")},
}
# Both signs for micro, and both for the ångström, become one.
_NANOMETRES = {unicodedata.normalize("NFKC", unit): nm for unit, nm in _IN_NM.items()}
_DIGITS = 12
"""That are kept: 0.00524 µm is 5.24 nm, not 5.239999999999999."""


def nanometres(length: float, unit: str) -> float | None:
    """Return a length in nanometres, or None where the unit is not known. Upper and lower case do not matter.

    >>> nanometres(5.24, "nm"), nanometres(0.00524, "µm"), nanometres(40, "angstrom"), nanometres(1, "pixel")
    (5.24, 5.24, 4.0, None)
    """
    name = unicodedata.normalize("NFKC", unit.strip()).casefold()
    nm = _NANOMETRES.get(name, _NANOMETRES.get(name.removesuffix("s")))
    if nm is None:
        return None
    return length if nm == 1 else float(f"{length * nm:.{_DIGITS}g}")
