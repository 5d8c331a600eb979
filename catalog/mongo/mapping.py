"""What one foreign document says, as a record and issues: pure, and total. No document makes it raise.

Each field of a document is in a column of its record, among the record's `others`, or in an issue; `_id` is its key.
"""

from __future__ import annotations

from catalog.mongo.crop_fields import map_crop
from catalog.mongo.documents import Document
from catalog.mongo.evaluation_fields import map_evaluation
from catalog.mongo.mapped import Mapped
from catalog.records import CropRecord, Evaluation, ImportKind

__all__ = ["Mapped", "map_crop", "map_document", "map_evaluation"]


def map_document(kind: ImportKind, document: Document, version: str) -> Mapped[CropRecord] | Mapped[Evaluation]:
    """Return what a document of this kind says.

    Raises
    ------
    ValueError
        Documents of this kind are imported elsewhere.
    """
    match kind:
        case ImportKind.CROPS:
            return map_crop(document, version)
        case ImportKind.EVALUATIONS:
            return map_evaluation(document)
        case ImportKind.CLASS_CROPS:
            raise ValueError(f"documents of kind {kind} are no documents of the paper's databases")
