"""The paper's labels, and the classes of several labels as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from catalog.queries.rows import insert_new
from catalog.records import LabelRecord
from catalog.tables import label, label_class


def put_labels(connection: Connection, records: Iterable[LabelRecord]) -> None:
    """Keep labels; one that is known stays as it is."""
    rows = [{"id": one.id, "name": one.name, "organelle_class": one.organelle_class} for one in records]
    if rows:
        connection.execute(insert_new(label, connection.dialect), rows)


def put_label_classes(connection: Connection, members: Mapping[str, Iterable[int]]) -> None:
    """Keep which labels belong to classes, all of which are known; what is known stays."""
    rows = [{"name": name, "label_id": label_id} for name, ids in members.items() for label_id in ids]
    if rows:
        connection.execute(insert_new(label_class, connection.dialect), rows)


def labels(connection: Connection) -> tuple[LabelRecord, ...]:
    """Return the labels, by number."""
    rows = connection.execute(select(label).order_by(label.c.id)).mappings()
    return tuple(LabelRecord(**row) for row in rows)


def label_classes(connection: Connection) -> dict[str, tuple[int, ...]]:
    """Return the labels of each class, by its name."""
    t = label_class.c
    members: dict[str, tuple[int, ...]] = {}
    for name, label_id in connection.execute(select(t.name, t.label_id).order_by(t.name, t.label_id)):
        members[name] = (*members.get(name, ()), label_id)
    return members


def find_labels(connection: Connection, word: str) -> tuple[int, ...]:
    """Return the labels that a word means; none where it means none. Case, `-` and `_` do not matter.

    It may be the number of a label, its name in the paper's documents (`ER membrane`), a class of several labels
    (`er_membrane`, `mito`), or the short name of an organelle class (`er-mem`); what comes first in this order counts.
    """
    known, wanted = labels(connection), _plain(word)
    if word.strip().isascii() and word.strip().isdigit():
        return tuple(one.id for one in known if str(one.id) == word.strip().lstrip("0"))
    # Numbers with a blank between them are the paper's own spelling, and mean one label alone.
    named = tuple(one.id for one in known if one.name.casefold() == word.strip().casefold())
    classes = {_plain(name): ids for name, ids in label_classes(connection).items()}
    if wanted in classes and (not named or " " not in word.strip()):
        return classes[wanted]
    return named or tuple(one.id for one in known if one.organelle_class and _plain(one.organelle_class) == wanted)


def _plain(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")
