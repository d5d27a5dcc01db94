"""How documents were cut into records, and how they could be."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "shapes",
        sa.Column("document_id", sa.String(length=80), nullable=False),
        sa.Column("collection_id", sa.String(length=80), nullable=False),
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("layout", sa.String(length=10), nullable=False),
        sa.Column("record_path", sa.Text(), nullable=False),
        sa.Column("chosen", sa.Boolean(), nullable=False),
        sa.Column("candidates", sa.Text(), nullable=False),
        sa.Column("more", sa.Integer(), nullable=False),
        sa.CheckConstraint("layout IN ('auto', 'single', 'related')", name="ck_shapes_layout"),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_index("ix_shapes_collection", "shapes", ["collection_id"], unique=False)
    op.create_index("ix_shapes_session", "shapes", ["session_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_shapes_session", table_name="shapes")
    op.drop_index("ix_shapes_collection", table_name="shapes")
    op.drop_table("shapes")
