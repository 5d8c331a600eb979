"""When it was checked: which part of the share was looked at, when and how, and what was found damaged or gone.

Revision 0005, after 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "checked_part",
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("prefix", key, nullable=False),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("checked_at", sa.Text(), nullable=True),
        sa.Column("begun_at", sa.Text(), nullable=True),
        sa.Column("resume_after", key, nullable=True),
        sa.Column("decoded_before", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_checked_part_bucket_id_bucket"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_checked_part_run_id_run"),
        sa.PrimaryKeyConstraint("bucket_id", "prefix", "depth", name="pk_checked_part"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "damaged_object",
        sa.Column("bucket_id", sa.Integer(), nullable=False),
        sa.Column("key", key, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_upstream", sa.Boolean(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.Column("how", sa.SmallInteger(), nullable=False),
        sa.Column("mirrored_run_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["bucket_id"], ["bucket.id"], name="fk_damaged_object_bucket_id_bucket"),
        sa.ForeignKeyConstraint(["mirrored_run_id"], ["run.id"], name="fk_damaged_object_mirrored_run_id_run"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_damaged_object_run_id_run"),
        sa.PrimaryKeyConstraint("bucket_id", "key", name="pk_damaged_object"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop them; checks begin anew, and what was found damaged stays without its row until the next sync."""
    op.drop_table("damaged_object")
    op.drop_table("checked_part")
