"""The organelle classes."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from mirror.formats.organelles import ORGANELLES, find_label, find_organelle, title_of


def test_no_spelling_means_two_classes() -> None:
    """Names and other names are all distinct, so are the labels."""
    names = [name for organelle in ORGANELLES for name in (organelle.name, *organelle.aliases)]
    labels = [organelle.label for organelle in ORGANELLES if organelle.label is not None]
    assert len(names) == len(set(names))
    assert len(labels) == len(set(labels)) == 37


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("er-mem", "ER membrane"),
        ("er_golgi", "endoplasmic reticulum (ER) with Golgi apparatus"),
        ("yolk", "yolk"),
        ("er_yolk", "er_yolk"),
        ("", ""),
    ],
    ids=["known", "two that touch", "unknown", "half known", "empty"],
)
def test_titles(name: str, title: str) -> None:
    """A class that is not known keeps its own name."""
    assert title_of(name) == title


@pytest.mark.samples
def test_all_labels_of_the_crop_lists_are_classes(samples: Path) -> None:
    """The 37 label names of the lab's dumps."""
    text = "".join(path.read_text() for path in (samples / "crops").glob("*_crops.txt"))
    labels = set(re.findall(r"\[\d+, '([^']+)'\]", text))
    assert len(labels) == 37
    assert all(find_label(label) is not None for label in labels)


@pytest.mark.samples
def test_all_classes_of_the_zarr_ground_truth_are_known(samples: Path) -> None:
    """The spellings of the CellMap project's list of training crops."""
    with (samples / "crops/cellmap_train_crop_manifest.csv").open() as rows:
        names = {row["class_label"] for row in csv.DictReader(rows)}
    assert [name for name in names if find_organelle(name) is None] == []
