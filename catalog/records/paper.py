"""What the paper's databases and the cellmap table say, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ImportKind(StrEnum):
    """What the documents of one source tell of."""

    CROPS = "crops"
    EVALUATIONS = "evaluations"
    CLASS_CROPS = "class-crops"
    """Rows of the cellmap table: one class of one crop each."""


class LabelState(StrEnum):
    """What a crop says of a label."""

    PRESENT_ANNOTATED = "present_annotated"
    PRESENT_UNANNOTATED = "present_unannotated"
    ABSENT = "absent_annotated"
    PARTIAL = "present_partial_annotation"


@dataclass(frozen=True, slots=True)
class ImportSource:
    """A collection or a file that documents come from. `(kind, place, collection)` names it."""

    kind: ImportKind
    place: str
    """Address of the server without user, password and options, or the file's path."""
    collection: str
    """`database/collection`; empty where the source has none."""
    version: str | None
    """Of the ground truth, as `0003`; None where the source tells none."""
    pass_number: int
    """How often it was begun to be read from its start; a pass that was cut goes on with its number."""
    resume_after: str | None
    """Key of the last document that was committed in a pass that is not finished."""
    started_at: datetime
    finished_at: datetime | None
    """End of the newest pass; None while it is not finished."""
    documents: int
    """How many the pass has seen so far."""
    id: int | None = None
    """None until it was put."""


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """One foreign document, as it was. `(source_id, document_key)` names it."""

    source_id: int
    document_key: str
    """Its `_id` as canonical Extended JSON; where it has none, what names it naturally."""
    hash: bytes
    """xxh3-128 of its content, blind to the order of fields and to the widths of integers."""
    body: bytes
    """Canonical Extended JSON, v2, in UTF-8."""
    pass_number: int
    """The newest pass in which it was seen."""
    first_seen_at: datetime
    changed_at: datetime
    id: int | None = None


@dataclass(frozen=True, slots=True)
class EarlierDocument:
    """A document as it was before it changed or was dropped."""

    source_id: int
    document_key: str
    hash: bytes
    body: bytes
    replaced_at: datetime
    reason: str
    """`changed` or `dropped`."""


@dataclass(frozen=True, slots=True)
class ImportIssue:
    """Something odd about one document. `(source_id, document_key, code, field)` names it."""

    source_id: int
    document_key: str
    code: str
    field: str
    """Path inside the document, as `labels.absent_annotated.3`; empty for the document as a whole."""
    expected: str
    found: str
    first_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """One of the paper's labels."""

    id: int
    name: str
    """As the paper's documents call it: `Mito membrane`."""
    organelle_class: str | None = None
    """Short name, as in paths of volumes: `mito-mem`."""


@dataclass(frozen=True, slots=True)
class CropLabel:
    """What one crop says of one label."""

    state: LabelState
    label_id: int | None
    """None where the document has none that is a number."""
    name: str | None


@dataclass(frozen=True, slots=True)
class CropRecord:
    """A ground-truth crop, as all documents of its number and version describe it together."""

    number: str
    version: str
    """Of the ground truth: `0003`."""
    dataset: str | None = None
    parent: str | None = None
    """Container inside bucket B's folder: `jrc_hela-2/jrc_hela-2.n5`."""
    biotype: str | None = None
    alias: str | None = None
    completion: int | None = None
    """-1 marks a validation crop."""
    shape_xyz: tuple[int, ...] | None = None
    """Raw voxels: `dimensions`; ground truth has twice as many on each axis."""
    offset_xyz: tuple[int, ...] | None = None
    """First raw voxel; None where no document of the crop has `offset`."""
    resolution_nm_xyz: tuple[float, ...] | None = None
    """As written: nominal, not the true spacing."""
    labels: tuple[CropLabel, ...] = ()
    """In the order of the document."""
    others: Mapping[str, object] = field(default_factory=dict)
    """Fields that are understood by nothing here, as relaxed Extended JSON values."""
    id: int | None = None

    @property
    def is_validation(self) -> bool:
        """Whether it was kept from training."""
        return self.completion == -1


@dataclass(frozen=True, slots=True)
class ClassCrop:
    """One row of the cellmap table: where the ground truth of one class of one crop lies in bucket A's frame."""

    number: str
    dataset: str
    class_label: str
    voxel_size_nm_zyx: tuple[float, float, float]
    """Of the ground truth."""
    translation_nm_zyx: tuple[float, float, float]
    """Centre of its first voxel."""
    shape_zyx: tuple[int, int, int]
    """Voxels of the ground truth."""
    source_id: int | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One result of the paper's evaluation."""

    document_id: int | None
    path: str | None
    dataset: str | None
    setup: str | None
    iteration: int | None
    label: str | None
    crop: str | None
    threshold: float | None
    metric: str | None
    metric_params: object
    """A JSON value."""
    value: float | None
    """None where `value_word` says what it is instead, and where the document has none."""
    value_word: str | None
    """`nan`, `inf` or `-inf`: data, and not the lack of a value."""
    raw_dataset: str | None
    parent_path: str | None
    parent_dataset_id: str | None
    refined: bool | None
    others: Mapping[str, object] = field(default_factory=dict)
