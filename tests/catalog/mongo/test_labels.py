"""The paper's labels."""

from __future__ import annotations

from catalog.mongo.labels import CLASSES, LABEL_IDS, LABELS, SHORT_NAMES, class_members
from mirror.formats.organelles import find_label, find_organelle


def test_short_names_are_those_of_volumes() -> None:
    """The catalog cannot look them up: it knows nothing of `mirror`."""
    for one in LABELS:
        organelle = find_label(one.name)
        assert organelle is not None, one.name
        assert one.organelle_class == organelle.name


def test_classes_are_made_of_labels() -> None:
    """Each of a class's numbers is a label's, and none is there twice."""
    for name, ids in class_members().items():
        assert set(ids) <= LABEL_IDS, name
        assert len(set(ids)) == len(ids)


def test_short_names_of_classes_are_organelles() -> None:
    """They are there beside the names of the paper's networks."""
    for short, name in SHORT_NAMES.items():
        assert find_organelle(short) is not None
        assert short not in CLASSES
        assert name in CLASSES
