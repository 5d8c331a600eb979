"""The first tables: runs, arrays, snapshots of the buckets, state of the mirror.

Revision 0001, the first. Block rows lie WITHOUT ROWID, so that a row is its key and nothing is stored twice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

TABLES = (
    "share",
    "bucket",
    "run",
    "array",
    "document",
    "finding",
    "snapshot",
    "shard",
    "snapshot_shard",
    "listed_block",
    "listed_object",
    "mirrored_block",
    "mirrored_object",
)
"""In the order of their making: none refers to a later one."""


def upgrade() -> None:
    """Create all tables."""
    _create_origins()
    _create_documents_and_findings()
    _create_listing()
    _create_mirror_state()


def downgrade() -> None:
    """Drop all tables with their rows; what lies on the share can be adopted again."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_origins() -> None:
    """Create what all else refers to."""
    op.create_table(
        "share",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_share_only_one")),
        sa.PrimaryKeyConstraint("id", name="pk_share"),
        sa.UniqueConstraint("uuid", name="uq_share_uuid"),
    )
    op.create_table(
        "bucket",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bucket"),
        sa.UniqueConstraint("url", name="uq_bucket_url"),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("datasets", sa.Text(), nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("counters", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_run_bucket_id_bucket"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_table(
        "array",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("shape_xyz", sa.Text(), nullable=False),
        sa.Column("block_size_xyz", sa.Text(), nullable=False),
        sa.Column("data_type", sa.Text(), nullable=False),
        sa.Column("compression", sa.Text(), nullable=False),
        sa.Column("attributes_hash", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_array_bucket_id_bucket"),
        sa.PrimaryKeyConstraint("id", name="pk_array"),
        sa.UniqueConstraint("bucket_id", "prefix", "path", name="uq_array_bucket_id_prefix_path"),
    )


def _create_documents_and_findings() -> None:
    """Create what was read and what was odd."""
    op.create_table(
        "document",
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("etag", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_document_bucket_id_bucket"),
        sa.PrimaryKeyConstraint("bucket_id", "key", name="pk_document"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_finding_bucket_id_bucket"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_finding_run_id_run"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
    )
    op.create_index("ix_finding_bucket_id_dataset", "finding", ["bucket_id", "dataset"])
    op.create_index("ix_finding_run_id", "finding", ["run_id"])


def _create_listing() -> None:
    """Create what the buckets have."""
    op.create_table(
        "snapshot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_snapshot_bucket_id_bucket"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_snapshot_run_id_run"),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot"),
    )
    op.create_index("ix_snapshot_bucket_id_dataset", "snapshot", ["bucket_id", "dataset"])
    op.create_index("ix_snapshot_run_id", "snapshot", ["run_id"])
    op.create_table(
        "shard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("array_id", sa.Integer(), nullable=True),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["array_id"], ["array.id"], name="fk_shard_array_id_array"),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_shard_bucket_id_bucket"),
        sa.PrimaryKeyConstraint("id", name="pk_shard"),
        sa.UniqueConstraint("bucket_id", "prefix", "digest", name="uq_shard_bucket_id_prefix_digest"),
    )
    op.create_index("ix_shard_array_id", "shard", ["array_id"])
    op.create_table(
        "snapshot_shard",
        sa.Column("snapshot_id", sa.Integer(), nullable=False),
        sa.Column("shard_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["shard_id"], ["shard.id"], name="fk_snapshot_shard_shard_id_shard"),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["snapshot.id"], name="fk_snapshot_shard_snapshot_id_snapshot", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "shard_id", name="pk_snapshot_shard"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_snapshot_shard_shard_id", "snapshot_shard", ["shard_id"])
    op.create_table(
        "listed_block",
        sa.Column("shard_id", sa.Integer(), nullable=False),
        sa.Column("x", sa.Integer(), nullable=False),
        sa.Column("y", sa.Integer(), nullable=False),
        sa.Column("z", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["shard_id"], ["shard.id"], name="fk_listed_block_shard_id_shard", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shard_id", "x", "y", "z", name="pk_listed_block"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "listed_object",
        sa.Column("shard_id", sa.Integer(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.LargeBinary(), nullable=False),
        sa.Column("last_modified", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["shard_id"], ["shard.id"], name="fk_listed_object_shard_id_shard", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shard_id", "key", name="pk_listed_object"),
        sqlite_with_rowid=False,
    )


def _create_mirror_state() -> None:
    """Create what the share has."""
    op.create_table(
        "mirrored_block",
        sa.Column("array_id", sa.Integer(), nullable=False),
        sa.Column("x", sa.Integer(), nullable=False),
        sa.Column("y", sa.Integer(), nullable=False),
        sa.Column("z", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.Column("how", sa.SmallInteger(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["array_id"], ["array.id"], name="fk_mirrored_block_array_id_array"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_mirrored_block_run_id_run"),
        sa.PrimaryKeyConstraint("array_id", "x", "y", "z", name="pk_mirrored_block"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mirrored_object",
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.Column("how", sa.SmallInteger(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_mirrored_object_bucket_id_bucket"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_mirrored_object_run_id_run"),
        sa.PrimaryKeyConstraint("bucket_id", "key", name="pk_mirrored_object"),
        sqlite_with_rowid=False,
    )
