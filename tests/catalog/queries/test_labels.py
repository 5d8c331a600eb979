"""Labels and the classes of several."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.mongo.labels import LABELS, class_members
from catalog.records import LabelRecord


@pytest.fixture
def filled(connection: Connection) -> Connection:
    """Return a connection to a catalog that knows the paper's labels."""
    queries.put_labels(connection, LABELS)
    queries.put_label_classes(connection, class_members())
    return connection


def test_a_word_means_labels(filled: Connection) -> None:
    """A number, a name of the paper, a class of several, or an organelle's short name; however it is spelt."""
    expected = {
        "16": (16,),
        "016": (16,),
        "ER membrane": (16,),
        "er membrane": (16,),
        "er_membrane": (16, 18, 20),
        "ER-membrane": (16, 18, 20),
        "er-mem": (16,),
        "er": tuple(range(16, 24)),
        "mito": (3, 4, 5),
        "MVB": (10, 11),
        "endo": (10, 11),
        "nucleus": (*range(20, 30), 37),
        "Nucleus combined": (37,),
        "ribo": (34,),
        "38": (),
        "yolk": (),
        "": (),
    }
    assert {word: queries.find_labels(filled, word) for word in expected} == expected


def test_what_is_known_stays(filled: Connection) -> None:
    """The first name of a label is its name."""
    queries.put_labels(filled, [LabelRecord(1, "outside"), LabelRecord(38, "Actin")])
    assert [one.name for one in queries.labels(filled) if one.id in {1, 38}] == ["ECS", "Actin"]
    queries.put_label_classes(filled, class_members())
    assert queries.label_classes(filled)["golgi"] == (6, 7)
