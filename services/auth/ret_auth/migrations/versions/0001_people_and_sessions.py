"""People, sessions, tokens, and the end of a session."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "audit_receipts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("sweep", sa.Integer(), nullable=False),
        sa.Column("closing_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("blobs", sa.BigInteger(), nullable=False),
        sa.Column("services", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "reason IN ('logout', 'expired', 'ended_by_user', 'ended_by_administrator', 'reuse', 'password_changed')",
            name="ck_audit_receipts_reason",
        ),
        sa.CheckConstraint("sweep IN (1, 2)", name="ck_audit_receipts_sweep"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("session_id", "sweep", name="uq_audit_receipts_session_sweep"),
    )
    op.create_index("ix_audit_receipts_at", "audit_receipts", ["at_ms"], unique=False)
    op.create_index("ix_audit_receipts_correlation_id", "audit_receipts", ["correlation_id"], unique=False)
    op.create_table(
        "lockouts",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("subject_hash", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failure_ms", sa.BigInteger(), nullable=False),
        sa.Column("locked_until_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('account', 'address', 'session')", name="ck_lockouts_kind"),
        sa.CheckConstraint("failures >= 0", name="ck_lockouts_failures"),
        sa.PrimaryKeyConstraint("kind", "subject_hash"),
    )
    op.create_index("ix_lockouts_last_failure", "lockouts", ["last_failure_ms"], unique=False)
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
        "signing_keys",
        sa.Column("kid", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('next', 'current', 'previous')", name="ck_signing_keys_state"),
        sa.PrimaryKeyConstraint("kid"),
        sa.UniqueConstraint("state", name="uq_signing_keys_state"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("username", sa.String(length=100), nullable=False),
        sa.Column("name_key", sa.String(length=400), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("login_address_hash", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role IN ('user', 'admin', 'guest')", name="ck_users_role"),
        sa.CheckConstraint("status IN ('active', 'disabled')", name="ck_users_status"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name_key", name="uq_users_name_key"),
    )
    op.create_index("ix_users_created_at", "users", ["created_at_ms"], unique=False)
    op.create_table(
        "reset_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_reset_tokens_expires_at", "reset_tokens", ["expires_at_ms"], unique=False)
    op.create_index("ix_reset_tokens_user", "reset_tokens", ["user_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("absolute_end_ms", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=400), nullable=False),
        sa.CheckConstraint("state IN ('active', 'closing', 'destroyed')", name="ck_sessions_state"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_sessions_created_at", "sessions", ["created_at_ms"], unique=False)
    op.create_index("ix_sessions_state_expires_at", "sessions", ["state", "expires_at_ms"], unique=False)
    op.create_index("ix_sessions_user_state", "sessions", ["user_id", "state"], unique=False)
    op.create_table(
        "user_limits",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("upload_bytes", sa.BigInteger(), nullable=False),
        sa.Column("running_tasks", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("running_tasks > 0", name="ck_user_limits_running_tasks"),
        sa.CheckConstraint("upload_bytes > 0", name="ck_user_limits_upload_bytes"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "created_users",
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", "key_hash"),
    )
    op.create_table(
        "endings",
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("closing_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("sweep", sa.Integer(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("next_order_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('logout', 'expired', 'ended_by_user', 'ended_by_administrator', 'reuse', 'password_changed')",
            name="ck_endings_reason",
        ),
        sa.CheckConstraint("sweep IN (1, 2)", name="ck_endings_sweep"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_index("ix_endings_finished_next_order", "endings", ["finished_at_ms", "next_order_ms"], unique=False)
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("issued_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("rotated_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("successor_nonce", sa.String(length=64), nullable=True),
        sa.Column("successor_hash", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "(rotated_at_ms IS NULL) = (successor_hash IS NULL)"
            " AND (successor_hash IS NULL) = (successor_nonce IS NULL)",
            name="ck_refresh_tokens_rotation",
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_refresh_tokens_session", "refresh_tokens", ["session_id"], unique=False)
    op.create_table(
        "clearings",
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("sweep", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("blobs", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["endings.session_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", "sweep", "service"),
    )


def downgrade() -> None:
    op.drop_table("clearings")
    op.drop_table("refresh_tokens")
    op.drop_table("endings")
    op.drop_table("created_users")
    op.drop_table("user_limits")
    op.drop_table("sessions")
    op.drop_table("reset_tokens")
    op.drop_table("users")
    op.drop_table("signing_keys")
    op.drop_table("outbox")
    op.drop_table("lockouts")
    op.drop_table("audit_receipts")
