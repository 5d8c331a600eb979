"""What the paper says: crops, their labels, evaluations, the cellmap table, and each document as it was.

Revision 0004, after 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "import_source",
    "source_document",
    "earlier_document",
    "import_issue",
    "label",
    "label_class",
    "crop",
    "crop_document",
    "crop_label",
    "class_crop",
    "evaluation",
)
"""In the order of their making: none refers to a later one."""


def upgrade() -> None:
    """Create the tables."""
    _create_documents()
    _create_crops()
    _create_evaluations()


def downgrade() -> None:
    """Drop them; importing again fills them, but for documents as they were before they changed."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_documents() -> None:
    """Create where documents come from, the documents as they were, and what is odd about them."""
    op.create_table(
        "import_source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("pass_number", sa.Integer(), nullable=False),
        sa.Column("resume_after", sa.Text(), nullable=True),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("documents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_import_source"),
        sa.UniqueConstraint("kind", "place", "collection", name="uq_import_source_kind_place_collection"),
    )
    op.create_table(
        "source_document",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("document_key", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("pass_number", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["import_source.id"], name="fk_source_document_source_id_import_source", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_source_document"),
        sa.UniqueConstraint("source_id", "document_key", name="uq_source_document_source_id_document_key"),
    )
    op.create_table(
        "earlier_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("document_key", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("replaced_at", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["import_source.id"], name="fk_earlier_document_source_id_import_source", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_earlier_document"),
    )
    op.create_index("ix_earlier_document_source_id_document_key", "earlier_document", ["source_id", "document_key"])
    op.create_table(
        "import_issue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("document_key", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["import_source.id"], name="fk_import_issue_source_id_import_source", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_import_issue"),
        sa.UniqueConstraint(
            "source_id", "document_key", "code", "field", name="uq_import_issue_source_id_document_key_code_field"
        ),
    )


def _create_crops() -> None:
    """Create crops and their labels, and the cellmap table's rows."""
    op.create_table(
        "label",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organelle_class", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_label"),
    )
    op.create_table(
        "label_class",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["label_id"], ["label.id"], name="fk_label_class_label_id_label"),
        sa.PrimaryKeyConstraint("name", "label_id", name="pk_label_class"),
    )
    op.create_table(
        "crop",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=True),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("biotype", sa.Text(), nullable=True),
        sa.Column("alias", sa.Text(), nullable=True),
        sa.Column("completion", sa.Integer(), nullable=True),
        sa.Column("shape_xyz", sa.Text(), nullable=True),
        sa.Column("offset_xyz", sa.Text(), nullable=True),
        sa.Column("resolution_nm_xyz", sa.Text(), nullable=True),
        sa.Column("others", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_crop"),
        sa.UniqueConstraint("number", "version", name="uq_crop_number_version"),
    )
    op.create_index("ix_crop_dataset", "crop", ["dataset"])
    op.create_table(
        "crop_document",
        sa.Column("crop_id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["crop_id"], ["crop.id"], name="fk_crop_document_crop_id_crop", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["source_document.id"],
            name="fk_crop_document_document_id_source_document",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("crop_id", "document_id", name="pk_crop_document"),
    )
    op.create_index("ix_crop_document_document_id", "crop_document", ["document_id"])
    op.create_table(
        "crop_label",
        sa.Column("crop_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("label_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["crop_id"], ["crop.id"], name="fk_crop_label_crop_id_crop", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("crop_id", "position", name="pk_crop_label"),
    )
    op.create_index("ix_crop_label_label_id", "crop_label", ["label_id"])
    op.create_table(
        "class_crop",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("class_label", sa.Text(), nullable=False),
        sa.Column("voxel_size_nm_zyx", sa.Text(), nullable=False),
        sa.Column("translation_nm_zyx", sa.Text(), nullable=False),
        sa.Column("shape_zyx", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["import_source.id"], name="fk_class_crop_source_id_import_source", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source_id", "number", "dataset", "class_label", name="pk_class_crop"),
    )
    op.create_index("ix_class_crop_dataset_number", "class_crop", ["dataset", "number"])


def _create_evaluations() -> None:
    """Create the results of the paper's evaluation."""
    op.create_table(
        "evaluation",
        sa.Column("document_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("dataset", sa.Text(), nullable=True),
        sa.Column("setup", sa.Text(), nullable=True),
        sa.Column("iteration", sa.BigInteger(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("crop", sa.Text(), nullable=True),
        sa.Column("threshold", sa.Float(), nullable=True),
        sa.Column("metric", sa.Text(), nullable=True),
        sa.Column("metric_params", sa.Text(), nullable=True),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("value_word", sa.Text(), nullable=True),
        sa.Column("raw_dataset", sa.Text(), nullable=True),
        sa.Column("parent_path", sa.Text(), nullable=True),
        sa.Column("parent_dataset_id", sa.Text(), nullable=True),
        sa.Column("refined", sa.Boolean(), nullable=True),
        sa.Column("others", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["source_document.id"],
            name="fk_evaluation_document_id_source_document",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", name="pk_evaluation"),
    )
    op.create_index("ix_evaluation_metric_label", "evaluation", ["metric", "label"])
