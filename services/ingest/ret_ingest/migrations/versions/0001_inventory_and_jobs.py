"""Collections, their entries, documents, groups and warnings, and the tables of jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "collections",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.String(length=80), nullable=False),
        sa.Column("job_id", sa.String(length=80), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("upload_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("grouping", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("documents", sa.Integer(), server_default="0", nullable=False),
        sa.Column("other_files", sa.Integer(), server_default="0", nullable=False),
        sa.Column("containers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_depth", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seconds", sa.Float(), server_default="0", nullable=False),
        sa.Column("error_code", sa.String(length=60), server_default="", nullable=False),
        sa.CheckConstraint("grouping IN ('container', 'name')", name="ck_collections_grouping"),
        sa.CheckConstraint("kind IN ('tables', 'code')", name="ck_collections_kind"),
        sa.CheckConstraint("status IN ('scanning', 'ready', 'failed')", name="ck_collections_status"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", name="uq_collections_job_id"),
    )
    op.create_index("ix_collections_session", "collections", ["session_id", "created_at"], unique=False)
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
        "tombstones",
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_table(
        "entries",
        sa.Column("collection_id", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=10), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("levels", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=100), server_default="", nullable=False),
        sa.Column("blob_key", sa.String(length=300), server_default="", nullable=False),
        sa.Column("blob_offset", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("blob_length", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("blob_sha256", sa.String(length=64), server_default="", nullable=False),
        sa.CheckConstraint("type IN ('zip', 'folder', 'document', 'other')", name="ck_entries_type"),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("collection_id", "position", name="pk_entries"),
    )
    op.create_table(
        "groups",
        sa.Column("collection_id", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("collection_id", "number", name="pk_groups"),
    )
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
        "warnings",
        sa.Column("collection_id", sa.String(length=80), nullable=False),
        sa.Column("document_id", sa.String(length=80), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("collection_id", "document_id", "position", name="pk_warnings"),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("collection_id", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(length=80), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("by_container", sa.Integer(), nullable=False),
        sa.Column("container_reason", sa.String(length=10), nullable=False),
        sa.Column("by_name", sa.Integer(), nullable=False),
        sa.Column("name_reason", sa.String(length=10), nullable=False),
        sa.Column("moved_to", sa.Integer(), nullable=True),
        sa.Column("plain_key", sa.String(length=300), server_default="", nullable=False),
        sa.Column("plain_offset", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("plain_length", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("plain_sha256", sa.String(length=64), server_default="", nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("status_before", sa.String(length=10), nullable=False),
        sa.Column("conversion_job", sa.String(length=80), server_default="", nullable=False),
        sa.Column("conversion_order", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("conversion_fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("method", sa.String(length=20), server_default="", nullable=False),
        sa.Column("fidelity", sa.Float(), nullable=True),
        sa.Column("tables", sa.Text(), server_default="[]", nullable=False),
        sa.CheckConstraint(
            "container_reason IN ('container', 'folder', 'name', 'none')", name="ck_documents_container_reason"
        ),
        sa.CheckConstraint("name_reason IN ('container', 'folder', 'name', 'none')", name="ck_documents_name_reason"),
        sa.CheckConstraint("status IN ('found', 'converting', 'converted', 'failed')", name="ck_documents_status"),
        sa.CheckConstraint("status_before IN ('found', 'converted', 'failed')", name="ck_documents_status_before"),
        sa.ForeignKeyConstraint(
            ["collection_id", "position"],
            ["entries.collection_id", "entries.position"],
            name="fk_documents_entry",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collection_id", "position", name="uq_documents_entry"),
    )
    op.create_index("ix_documents_conversion", "documents", ["conversion_job"], unique=False)
    op.create_index("ix_documents_session", "documents", ["session_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_documents_session", table_name="documents")
    op.drop_index("ix_documents_conversion", table_name="documents")
    op.drop_table("documents")
    op.drop_table("warnings")
    op.drop_index("ix_tasks_user", table_name="tasks")
    op.drop_index("ix_tasks_state", table_name="tasks")
    op.drop_index("ix_tasks_session", table_name="tasks")
    op.drop_index("ix_tasks_job", table_name="tasks")
    op.drop_table("tasks")
    op.drop_index("ix_job_events_session", table_name="job_events")
    op.drop_table("job_events")
    op.drop_table("groups")
    op.drop_table("entries")
    op.drop_table("tombstones")
    op.drop_index("ix_outbox_created_at", table_name="outbox")
    op.drop_table("outbox")
    op.drop_index("ix_jobs_state", table_name="jobs")
    op.drop_index("ix_jobs_session", table_name="jobs")
    op.drop_index("ix_jobs_error_code", table_name="jobs")
    op.drop_index("ix_jobs_created_at", table_name="jobs")
    op.drop_index("ix_jobs_correlation_id", table_name="jobs")
    op.drop_table("jobs")
    op.drop_table("idempotency")
    op.drop_index("ix_collections_session", table_name="collections")
    op.drop_table("collections")
