"""What the paper's databases and the cellmap table say: crops, their labels, evaluations; each document as it was."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from catalog.tables.base import JsonText, UtcText, key_to, metadata

import_source = Table(
    "import_source",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("collection", Text, nullable=False),
    Column("version", Text),
    Column("pass_number", Integer, nullable=False),
    Column("resume_after", Text),
    Column("started_at", UtcText, nullable=False),
    Column("finished_at", UtcText),
    Column("documents", BigInteger, nullable=False),
    UniqueConstraint("kind", "place", "collection"),
)

source_document = Table(
    "source_document",
    metadata,
    # Given by the importer, which is the only writer: a million rows need theirs before they are written.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("source_id", Integer, key_to("import_source.id", cascades=True), nullable=False),
    Column("document_key", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("pass_number", Integer, nullable=False),
    Column("first_seen_at", UtcText, nullable=False),
    Column("changed_at", UtcText, nullable=False),
    UniqueConstraint("source_id", "document_key"),
)

earlier_document = Table(
    "earlier_document",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", Integer, key_to("import_source.id", cascades=True), nullable=False),
    Column("document_key", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("replaced_at", UtcText, nullable=False),
    Column("reason", Text, nullable=False),
    Index(None, "source_id", "document_key"),
)

import_issue = Table(
    "import_issue",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", Integer, key_to("import_source.id", cascades=True), nullable=False),
    Column("document_key", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("found", Text, nullable=False),
    Column("first_seen_at", UtcText, nullable=False),
    UniqueConstraint("source_id", "document_key", "code", "field"),
)

label = Table(
    "label",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("organelle_class", Text),
)

label_class = Table(
    "label_class",
    metadata,
    Column("name", Text, primary_key=True),
    Column("label_id", Integer, key_to("label.id"), primary_key=True),
)

crop = Table(
    "crop",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("dataset", Text),
    Column("parent", Text),
    Column("biotype", Text),
    Column("alias", Text),
    Column("completion", Integer),
    Column("shape_xyz", JsonText),
    Column("offset_xyz", JsonText),
    Column("resolution_nm_xyz", JsonText),
    Column("others", JsonText, nullable=False),
    UniqueConstraint("number", "version"),
    Index(None, "dataset"),
)

crop_document = Table(
    "crop_document",
    metadata,
    Column("crop_id", Integer, key_to("crop.id", cascades=True), primary_key=True),
    Column("document_id", Integer, key_to("source_document.id", cascades=True), primary_key=True),
    Index(None, "document_id"),
)

crop_label = Table(
    "crop_label",
    metadata,
    Column("crop_id", Integer, key_to("crop.id", cascades=True), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("label_id", Integer),
    Column("name", Text),
    Index(None, "label_id"),
)

class_crop = Table(
    "class_crop",
    metadata,
    Column("source_id", Integer, key_to("import_source.id", cascades=True), primary_key=True),
    Column("number", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("class_label", Text, primary_key=True),
    Column("voxel_size_nm_zyx", JsonText, nullable=False),
    Column("translation_nm_zyx", JsonText, nullable=False),
    Column("shape_zyx", JsonText, nullable=False),
    Index(None, "dataset", "number"),
)

evaluation = Table(
    "evaluation",
    metadata,
    Column("document_id", Integer, key_to("source_document.id", cascades=True), primary_key=True, autoincrement=False),
    Column("path", Text),
    Column("dataset", Text),
    Column("setup", Text),
    Column("iteration", BigInteger),
    Column("label", Text),
    Column("crop", Text),
    Column("threshold", Float),
    Column("metric", Text),
    Column("metric_params", JsonText),
    Column("value", Float),
    Column("value_word", Text),
    Column("raw_dataset", Text),
    Column("parent_path", Text),
    Column("parent_dataset_id", Text),
    Column("refined", Boolean),
    Column("others", JsonText, nullable=False),
    Index(None, "metric", "label"),
)
