"""What `oomirror crops` and the listings of the paper's documents answer, as models."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from mirror.report.model import Amount, State


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Role: TypeAlias = Literal["training", "validation"]


class GroundTruth(_Report):
    """The ground truth of a crop in one bucket, as the catalog knows it."""

    bucket: str
    prefix: str
    """Full key prefix of the crop's folder."""
    arrays: int
    mirrored: Amount
    state: State
    """How much of it is on the share."""


class CropLine(_Report):
    """A crop, in short."""

    number: str
    version: str
    """Of the ground truth."""
    dataset: str | None
    role: Role
    """`validation` where it was kept from training."""
    biotype: str | None
    alias: str | None
    shape_zyx: tuple[int, ...] | None
    """Raw voxels; the ground truth has twice as many on each axis."""
    offset_zyx: tuple[int, ...] | None
    """First raw voxel, where a document tells it."""
    present_annotated: int
    """How many labels; the three below as well."""
    present_unannotated: int
    absent_annotated: int
    present_partial_annotation: int
    ground_truth: tuple[GroundTruth, ...]
    """By bucket; empty where no bucket that was scanned has it."""


class CropLabelLine(_Report):
    """What a crop says of a label."""

    state: str
    label: int | None
    name: str | None
    organelle_class: str | None
    """Short name, as in the paths of volumes."""


class IssueLine(_Report):
    """Something odd about a foreign document."""

    severity: Literal["note", "warning"]
    code: str
    kind: str
    """`crops`, `evaluations` or `class-crops`."""
    place: str
    """Of the source: address without user and password, or path."""
    collection: str
    document: str
    """What names the document in its source; empty: the source as a whole."""
    field: str
    """Path inside the document; empty: the document as a whole."""
    expected: str
    found: str
    first_seen_at: str | None


class DocumentLine(_Report):
    """A foreign document, as it is kept."""

    place: str
    collection: str
    document: str
    first_seen_at: str
    changed_at: str
    """When it was last found to be another than before."""
    body: dict[str, Any] | None
    """As canonical Extended JSON; null unless it was asked for."""


class CropReport(CropLine):
    """All that is known of a crop."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    parent: str | None
    completion: int | None
    resolution_nm_zyx: tuple[float, ...] | None
    """As the documents say: nominal, not the true spacing."""
    labels: tuple[CropLabelLine, ...]
    others: dict[str, Any]
    """Fields of its documents that have no meaning here."""
    documents: tuple[DocumentLine, ...] | None
    """null where the catalog is a published one, which has no documents."""
    issues: tuple[IssueLine, ...] | None


class EvaluationLine(_Report):
    """One result of the paper's evaluation."""

    dataset: str | None
    label: str | None
    metric: str | None
    value: float | None
    """null where `value_word` has it."""
    value_word: str | None
    """`nan`, `inf` or `-inf`: results, too."""
    setup: str | None
    iteration: int | None
    crop: str | None
    threshold: float | None
    metric_params: Any
    refined: bool | None
    raw_dataset: str | None
    array: str | None
    """Of the file of predictions."""
    path: str | None
    parent_path: str | None
    others: dict[str, Any]


class BestLine(_Report):
    """The setup and iteration with the best mean over crops."""

    dataset: str | None
    label: str | None
    metric: str
    better: Literal["higher", "lower"]
    setup: str | None
    iteration: int | None
    value: float
    """Mean over the crops; results that are no number are left out of it."""
    crops: int
    candidates: int
    """Setups, iterations and so on that it is the best of."""
    threshold: float | None
    metric_params: Any
    refined: bool | None
    raw_dataset: str | None
