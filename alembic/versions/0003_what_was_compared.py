"""What was compared: the answers of `diff-buckets`, so that the same question later tells what changed since.

Revision 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of comparisons."""
    op.create_table(
        "comparison",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("a_snapshot_id", sa.Integer(), nullable=True),
        sa.Column("b_snapshot_id", sa.Integer(), nullable=True),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comparison"),
    )
    op.create_index("ix_comparison_dataset", "comparison", ["dataset"])


def downgrade() -> None:
    """Drop it; the same question asked again makes the same answer, from listings that are still kept."""
    op.drop_table("comparison")
