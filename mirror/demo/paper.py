"""What the lab would export from the paper's databases, in small: the sample's crop, and evaluations on it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mirror.demo.specimen import ANNOTATED_IDS, DATASETS, Crop, Scale, crops_of
from mirror.errors import UnsafeError

LABEL_NAMES = (
    "ECS", "Plasma membrane", "Mito membrane", "Mito lumen", "Mito DNA", "Golgi Membrane", "Golgi lumen",
    "Vesicle membrane", "Vesicle lumen", "MVB membrane", "MVB lumen", "Lysosome membrane", "Lysosome lumen",
    "LD membrane", "LD lumen", "ER membrane", "ER lumen", "ERES membrane", "ERES lumen", "NE membrane", "NE lumen",
    "Nuclear pore out", "Nuclear pore in", "Hchrom", "NHChrom", "EChrom", "NEChrom", "Nucleoplasm", "Nucleolus",
    "Microtubules out", "Centrosome", "Distal appendages", "Subdistal appendages", "Ribosomes", "Cytosol",
    "Microtubules in", "Nucleus combined",
)  # fmt: skip
"""Of labels 1 to 37, as the paper's documents spell them."""


def write_paper(folder: Path, *, scale: Scale = Scale.DEMO) -> None:
    """Write `crops.json`, as mongoexport would, and `evaluations.csv` into a folder, which is made.

    Parameters
    ----------
    scale
        That of the sample buckets.

    Raises
    ------
    UnsafeError
        They cannot be written.
    """
    documents = (crop_document(name, crop) for name in DATASETS for crop in crops_of(name, scale))
    try:
        folder.mkdir(exist_ok=True)
        (folder / "crops.json").write_text("".join(f"{json.dumps(one)}\n" for one in documents), encoding="utf-8")
        (folder / "evaluations.csv").write_text(evaluations_csv(), encoding="utf-8")
    except OSError as error:
        raise UnsafeError("cannot write the demo's documents", str(folder), found=str(error.strerror)) from error


def crop_document(dataset: str, crop: Crop) -> dict[str, Any]:
    """Return a crop as the paper's database has it: offset in raw voxels, dimensions as well."""
    labels = list(enumerate(LABEL_NAMES, 1))
    return {
        "_id": {"$oid": f"{crop.number:024x}"},
        "number": str(crop.number),
        "dataset_id": dataset,
        "parent": f"{dataset}/{dataset}.n5",
        "biotype": "HeLa",
        "alias": "Demo001",
        "dimensions": _xyz(crop.shape_zyx),
        "offset": _xyz(crop.start_zyx),
        "resolution": _xyz((4.0, 4.0, 4.0)),
        "completion": 1,
        "labels": {
            "present_annotated": [label for label in labels if label[0] in ANNOTATED_IDS],
            "present_unannotated": [],
            "absent_annotated": [label for label in labels if label[0] not in ANNOTATED_IDS],
            "present_partial_annotation": [],
        },
    }


def evaluations_csv() -> str:
    """Return the results of two networks on crop 1, with the columns of the paper's table."""
    rows = list(_evaluations())
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _evaluations() -> Iterator[Mapping[str, Any]]:
    # Dice that rises, and falls where a network was trained for too long.
    for setup, label, dice in (("setup01", "mito", (61, 84, 79)), ("setup03", "er", (48, 66, 71))):
        for iteration, hundredths in zip((250_000, 500_000, 750_000), dice, strict=True):
            yield {
                "path": f"/predictions/{setup}/{DATASETS[0]}_it{iteration}.n5",
                "dataset": label,
                "setup": setup,
                "iteration": iteration,
                "label": label,
                "crop": "1",
                "threshold": 127,
                "metric": "dice",
                "metric_params": "{}",
                "value": f"0.{hundredths}",
                "raw_dataset": "volumes/raw/s0",
                "parent_path": f"/data/{DATASETS[0]}.n5",
                "parent_dataset_id": DATASETS[0],
                "refined": False,
            }


def _xyz(values_zyx: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip("zyx", values_zyx, strict=True))
