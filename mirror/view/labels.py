"""Names of labels, and which labels a word means."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from catalog.mongo.labels import LABELS, class_members
from catalog.records import CropRecord
from mirror.errors import UnknownNameError, known_hint


def label_names(record: CropRecord | None, known: Mapping[int, str]) -> dict[int, str]:
    """Return the name of each label by its number: as the crop's document has it, else the catalog, else the paper.

    Parameters
    ----------
    known
        Of the catalog.
    """
    said = () if record is None else record.labels
    own = {one.label_id: one.name for one in said if one.label_id is not None and one.name}
    return {**{one.id: one.name for one in LABELS}, **known, **own}


def label_ids(words: Collection[str | int], names: Mapping[int, str]) -> frozenset[int]:
    """Return the numbers of labels that are meant by number, name, class or short name; case, `-` and `_` are one.

    Raises
    ------
    UnknownNameError
        There is none of that name.

    >>> sorted(label_ids(["mito", "er-mem", 35], {}))
    [3, 4, 5, 16, 35]
    """
    return frozenset(number for word in words for number in _ids_of(str(word), names))


def _ids_of(word: str, names: Mapping[int, str]) -> tuple[int, ...]:
    if word.strip().isdecimal():
        return (int(word),)
    spelt = _plain(word)
    # With a blank it is the paper's own spelling, and means one label alone.
    exact = tuple(
        number for number, name in names.items() if " " in word and name.casefold() == word.strip().casefold()
    )
    by_class = {_plain(name): ids for name, ids in class_members().items()}
    by_name = tuple(number for number, name in names.items() if _plain(name) == spelt)
    by_short = tuple(one.id for one in LABELS if one.organelle_class and _plain(one.organelle_class) == spelt)
    found = exact or by_class.get(spelt) or by_name or by_short
    if not found:
        raise UnknownNameError("no such label", word, hint=known_hint(word, {*names.values(), *class_members()}))
    return found


def _plain(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")
