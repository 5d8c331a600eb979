"""The crops that a sync was about, as a part of its report."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from mirror.plan import Plan


class ChosenCropLine(BaseModel):
    """A crop of which the blocks were mirrored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    number: str
    source: str
    """What says where it lies, as in `crops locate`."""
    raw: str
    """Full prefix of the volume of raw in the bucket."""
    start_zyx: tuple[int, ...]
    """In voxels of raw's finest level, as it is stored; without padding."""
    shape_zyx: tuple[int, ...]
    padding: int
    """Voxels of raw's finest level on each side."""
    ground_truth: tuple[str, ...]
    """Full prefixes of the volumes of its ground truth; empty where the bucket has none."""


def crop_lines(plan: Plan) -> Iterator[ChosenCropLine]:
    """Yield a line for each crop of a plan, by dataset and number."""
    for dataset, choice in plan.crops:
        for crop in choice.crops:
            yield ChosenCropLine(
                dataset=dataset,
                number=crop.number,
                source=crop.source,
                raw=crop.raw,
                start_zyx=crop.box.start_zyx,
                shape_zyx=crop.box.shape_zyx,
                padding=choice.spec.padding,
                ground_truth=crop.ground_truth,
            )
