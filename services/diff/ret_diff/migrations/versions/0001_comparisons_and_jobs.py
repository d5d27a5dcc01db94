"""Comparisons, pairs, tables, options under names, artefacts to remove, and the tables of jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

STATUS = "status IN ('only_in_a', 'only_in_b', 'mismatch', 'identical', 'failed', 'pending')"


def upgrade() -> None:
    op.create_table(
        "idempotency",
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("route", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "route", "key"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.String(length=80), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=80), server_default="", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("not_before", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("fanned_out", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("settled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("swept", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unit", sa.String(length=20), server_default="", nullable=False),
        sa.Column("work_done", sa.Float(), server_default="0", nullable=False),
        sa.Column("work_total", sa.Float(), server_default="0", nullable=False),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
        sa.Column("error_code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("error_detail", sa.Text(), server_default="", nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.Column("traceparent", sa.String(length=80), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state_seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("finished_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("state IN ('queued','running','succeeded','failed','cancelled')", name="ck_jobs_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_jobs_correlation_id", "jobs", ["correlation_id"], unique=False)
    op.create_index("ix_jobs_created_at", "jobs", ["created_at"], unique=False)
    op.create_index("ix_jobs_error_code", "jobs", ["error_code"], unique=False)
    op.create_index("ix_jobs_session", "jobs", ["session_id", "created_at"], unique=False)
    op.create_index("ix_jobs_state", "jobs", ["state", "lease_until"], unique=False)
    op.create_table(
        "leftovers",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("prefix"),
    )
    op.create_index("ix_leftovers_session", "leftovers", ["session_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("session_id", sa.String(length=80), server_default="", nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("durable", sa.Boolean(), nullable=False),
        sa.Column("msg_id", sa.String(length=120), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_outbox_created_at", "outbox", ["created_at"], unique=False)
    op.create_table(
        "recipes",
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "name", name="pk_recipes"),
    )
    op.create_table(
        "tombstones",
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_table(
        "comparisons",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.String(length=80), nullable=False),
        sa.Column("job_id", sa.String(length=80), nullable=False),
        sa.Column("a_collection", sa.String(length=80), nullable=False),
        sa.Column("a_document", sa.String(length=80), server_default="", nullable=False),
        sa.Column("a_version", sa.String(length=10), nullable=False),
        sa.Column("a_name", sa.Text(), nullable=False),
        sa.Column("a_sha256", sa.String(length=64), server_default="", nullable=False),
        sa.Column("b_collection", sa.String(length=80), nullable=False),
        sa.Column("b_document", sa.String(length=80), server_default="", nullable=False),
        sa.Column("b_version", sa.String(length=10), nullable=False),
        sa.Column("b_name", sa.Text(), nullable=False),
        sa.Column("b_sha256", sa.String(length=64), server_default="", nullable=False),
        sa.Column("a_gone", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("b_gone", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), server_default="[]", nullable=False),
        sa.Column("zips", sa.Text(), server_default="[]", nullable=False),
        sa.Column("conversions", sa.Text(), server_default="[]", nullable=False),
        sa.Column("state", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("a_version IN ('edited', 'original')", name="ck_comparisons_a_version"),
        sa.CheckConstraint("b_version IN ('edited', 'original')", name="ck_comparisons_b_version"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", name="uq_comparisons_job_id"),
    )
    op.create_index("ix_comparisons_a", "comparisons", ["a_collection"], unique=False)
    op.create_index("ix_comparisons_b", "comparisons", ["b_collection"], unique=False)
    op.create_index("ix_comparisons_session", "comparisons", ["session_id", "created_at"], unique=False)
    op.create_table(
        "job_events",
        sa.Column("job_id", sa.String(length=80), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "seq"),
    )
    op.create_index("ix_job_events_session", "job_events", ["session_id", "at"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("job_id", sa.String(length=80), nullable=False),
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.String(length=80), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("published", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=80), server_default="", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("not_before", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("work_done", sa.Float(), server_default="0", nullable=False),
        sa.Column("detail", sa.Text(), server_default="{}", nullable=False),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
        sa.Column("error_code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("error_detail", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("state IN ('queued','running','succeeded','failed','cancelled')", name="ck_tasks_state"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_tasks_job", "tasks", ["job_id", "state"], unique=False)
    op.create_index("ix_tasks_session", "tasks", ["session_id"], unique=False)
    op.create_index("ix_tasks_state", "tasks", ["state", "lease_until"], unique=False)
    op.create_index("ix_tasks_user", "tasks", ["user_id", "state"], unique=False)
    op.create_table(
        "pairs",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("comparison_id", sa.String(length=80), nullable=False),
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("group", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("a_path", sa.Text(), server_default="", nullable=False),
        sa.Column("b_path", sa.Text(), server_default="", nullable=False),
        sa.Column("a_documents", sa.Text(), server_default="[]", nullable=False),
        sa.Column("b_documents", sa.Text(), server_default="[]", nullable=False),
        sa.Column("matched_by", sa.String(length=10), server_default="", nullable=False),
        sa.Column("confidence", sa.Float(), server_default="0", nullable=False),
        sa.Column("runner_up", sa.Text(), server_default="", nullable=False),
        sa.Column("runner_up_confidence", sa.Float(), server_default="0", nullable=False),
        sa.Column("rows_added", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_removed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_moved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cells_changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cells_format_only", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("notes", sa.Text(), server_default="[]", nullable=False),
        sa.Column("failure_code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("failure_detail", sa.Text(), server_default="", nullable=False),
        sa.Column("options", sa.Text(), server_default="", nullable=False),
        sa.Column("job_id", sa.String(length=80), server_default="", nullable=False),
        sa.Column("reviewed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("(status = 'failed') = (failure_code <> '')", name="ck_pairs_failure"),
        sa.CheckConstraint("matched_by IN ('', 'path', 'content', 'name', 'manual')", name="ck_pairs_matched_by"),
        sa.CheckConstraint(STATUS, name="ck_pairs_status"),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparisons.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_pairs_path", "pairs", ["comparison_id", "path"], unique=False)
    op.create_index("ix_pairs_session", "pairs", ["session_id"], unique=False)
    op.create_index("ix_pairs_status", "pairs", ["comparison_id", "status", "path"], unique=False)
    op.create_table(
        "table_pairs",
        sa.Column("pair_id", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("comparison_id", sa.String(length=80), nullable=False),
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("rows_added", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_removed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_moved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cells_changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cells_format_only", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sides", sa.Text(), nullable=False),
        sa.Column("changed_rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("full_rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("artefact", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            STATUS,
            name="ck_table_pairs_status",
        ),
        sa.ForeignKeyConstraint(["pair_id"], ["pairs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pair_id", "position", name="pk_table_pairs"),
    )
    op.create_index("ix_table_pairs_comparison", "table_pairs", ["comparison_id"], unique=False)
    op.create_index("ix_table_pairs_session", "table_pairs", ["session_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_table_pairs_session", table_name="table_pairs")
    op.drop_index("ix_table_pairs_comparison", table_name="table_pairs")
    op.drop_table("table_pairs")
    op.drop_index("ix_pairs_status", table_name="pairs")
    op.drop_index("ix_pairs_session", table_name="pairs")
    op.drop_index("ix_pairs_path", table_name="pairs")
    op.drop_table("pairs")
    op.drop_index("ix_tasks_user", table_name="tasks")
    op.drop_index("ix_tasks_state", table_name="tasks")
    op.drop_index("ix_tasks_session", table_name="tasks")
    op.drop_index("ix_tasks_job", table_name="tasks")
    op.drop_table("tasks")
    op.drop_index("ix_job_events_session", table_name="job_events")
    op.drop_table("job_events")
    op.drop_index("ix_comparisons_session", table_name="comparisons")
    op.drop_index("ix_comparisons_b", table_name="comparisons")
    op.drop_index("ix_comparisons_a", table_name="comparisons")
    op.drop_table("comparisons")
    op.drop_table("tombstones")
    op.drop_table("recipes")
    op.drop_index("ix_outbox_created_at", table_name="outbox")
    op.drop_table("outbox")
    op.drop_index("ix_leftovers_session", table_name="leftovers")
    op.drop_table("leftovers")
    op.drop_index("ix_jobs_state", table_name="jobs")
    op.drop_index("ix_jobs_session", table_name="jobs")
    op.drop_index("ix_jobs_error_code", table_name="jobs")
    op.drop_index("ix_jobs_created_at", table_name="jobs")
    op.drop_index("ix_jobs_correlation_id", table_name="jobs")
    op.drop_table("jobs")
    op.drop_table("idempotency")
