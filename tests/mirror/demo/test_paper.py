"""The demo's documents: as the paper's are, and true of the sample."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from catalog.mongo.labels import LABELS
from mirror.demo.buckets import B_PREFIX, SampleObject
from mirror.demo.paper import LABEL_NAMES, crop_document, evaluations_csv, write_paper
from mirror.demo.specimen import DATASETS, Scale, crops_of
from mirror.errors import UnsafeError
from tests.catalog.mongo.sources import crop_fields, evaluation_fields

HELA = DATASETS[0]


def test_labels_are_those_of_the_paper() -> None:
    """All 37, by their numbers; each is in one of the crop's lists."""
    assert tuple(one.name for one in LABELS) == LABEL_NAMES
    (crop,) = crops_of(HELA, Scale.DEMO)
    lists = crop_document(HELA, crop)["labels"].values()
    assert sorted(number for one in lists for number, _ in one) == list(range(1, 38))


def test_the_crop_is_where_its_ground_truth_says(samples: Mapping[tuple[str, str], SampleObject]) -> None:
    """The document's offset is in raw voxels, the attribute's in nanometres of 4 a voxel; one is twice as fine."""
    (crop,) = crops_of(HELA, Scale.TINY)
    document = crop_document(HELA, crop)
    key = f"{B_PREFIX}{HELA}/{HELA}.n5/volumes/groundtruth/0003/crop1/labels/all/attributes.json"
    stored = json.loads(samples["b", key].body)
    assert [4 * document["offset"][axis] for axis in "xyz"] == stored["offset"]
    assert [2 * document["dimensions"][axis] for axis in "xyz"] == stored["dimensions"]


def test_fields_are_those_of_real_documents(tmp_path: Path) -> None:
    """But for the key, which an export has, and the date of access."""
    write_paper(tmp_path / "paper")
    (document,) = map(json.loads, (tmp_path / "paper" / "crops.json").read_text().splitlines())
    assert document.keys() - {"_id"} == crop_fields().keys() - {"access_date"}
    rows = list(csv.DictReader(io.StringIO(evaluations_csv())))
    assert rows[0].keys() == evaluation_fields().keys()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """Its name is told."""
    with pytest.raises(UnsafeError, match="nowhere/paper"):
        write_paper(tmp_path / "nowhere" / "paper")
