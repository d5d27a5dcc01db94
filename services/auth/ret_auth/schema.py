"""The tables of auth. Times are milliseconds since 1970 by the database's clock."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from ret_auth.policy import LockKind, Reason, Role, SessionState, UserStatus
from ret_kit.jobs.schema import outbox_table

ID = String(32)
HASH = String(64)

metadata = MetaData()


def _one_of(column: str, choices: Iterable[StrEnum | str]) -> str:
    return f"{column} IN ({', '.join(repr(str(choice)) for choice in choices)})"


users = Table(
    "users",
    metadata,
    Column("id", ID, primary_key=True),
    Column("username", String(100), nullable=False),
    # NFKC and case-folded: "ß" becomes "ss", so a key can be longer than its name.
    Column("name_key", String(400), nullable=False),
    Column("password_hash", String(255)),
    Column("must_change_password", Boolean, nullable=False),
    Column("role", String(10), nullable=False),
    Column("status", String(10), nullable=False),
    # Where the last login came from, keyed hash: a lock on an administrator's account does not hold there.
    Column("login_address_hash", HASH),
    Column("version", Integer, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    UniqueConstraint("name_key", name="uq_users_name_key"),
    CheckConstraint(_one_of("role", Role), name="ck_users_role"),
    CheckConstraint(_one_of("status", UserStatus), name="ck_users_status"),
    Index("ix_users_created_at", "created_at_ms"),
)

user_limits = Table(
    "user_limits",
    metadata,
    Column("user_id", ID, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("upload_bytes", BigInteger, nullable=False),
    Column("running_tasks", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("upload_bytes > 0", name="ck_user_limits_upload_bytes"),
    CheckConstraint("running_tasks > 0", name="ck_user_limits_running_tasks"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("user_id", ID, ForeignKey("users.id"), nullable=False),
    Column("state", String(10), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("last_seen_ms", BigInteger, nullable=False),
    # The earlier of the idle and the absolute end.
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("absolute_end_ms", BigInteger, nullable=False),
    # Emptied when the session is destroyed.
    Column("address", String(64), nullable=False),
    Column("user_agent", String(400), nullable=False),
    CheckConstraint(_one_of("state", SessionState), name="ck_sessions_state"),
    Index("ix_sessions_state_expires_at", "state", "expires_at_ms"),
    Index("ix_sessions_user_state", "user_id", "state"),
    Index("ix_sessions_created_at", "created_at_ms"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", HASH, primary_key=True),
    Column("session_id", ID, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("issued_at_ms", BigInteger, nullable=False),
    Column("rotated_at_ms", BigInteger),
    # With the secret and the token itself it makes the successor; alone it says nothing.
    Column("successor_nonce", String(64)),
    Column("successor_hash", HASH),
    CheckConstraint(
        "(rotated_at_ms IS NULL) = (successor_hash IS NULL) AND (successor_hash IS NULL) = (successor_nonce IS NULL)",
        name="ck_refresh_tokens_rotation",
    ),
    Index("ix_refresh_tokens_session", "session_id"),
)

reset_tokens = Table(
    "reset_tokens",
    metadata,
    Column("token_hash", HASH, primary_key=True),
    Column("user_id", ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Index("ix_reset_tokens_user", "user_id"),
    Index("ix_reset_tokens_expires_at", "expires_at_ms"),
)

lockouts = Table(
    "lockouts",
    metadata,
    Column("kind", String(10), nullable=False),
    Column("subject_hash", HASH, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_failure_ms", BigInteger, nullable=False),
    Column("locked_until_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "subject_hash"),
    CheckConstraint(_one_of("kind", LockKind), name="ck_lockouts_kind"),
    CheckConstraint("failures >= 0", name="ck_lockouts_failures"),
    Index("ix_lockouts_last_failure", "last_failure_ms"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", ID, primary_key=True),
    Column("state", String(10), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    # At most one key of each state: of two replicas that rotate at once, one fails and takes what the other made.
    UniqueConstraint("state", name="uq_signing_keys_state"),
    CheckConstraint(_one_of("state", ("next", "current", "previous")), name="ck_signing_keys_state"),
)

created_users = Table(
    "created_users",
    metadata,
    Column("session_id", ID, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("key_hash", HASH, nullable=False),
    Column("user_id", ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("session_id", "key_hash"),
)

# How far the end of a session has come. Sweep 1 makes it destroyed, sweep 2 follows after the longest lease.
endings = Table(
    "endings",
    metadata,
    Column("session_id", ID, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("reason", String(30), nullable=False),
    Column("closing_at_ms", BigInteger, nullable=False),
    Column("sweep", Integer, nullable=False),
    # How often the sweep was ordered, and when it is ordered again unless it is done by then.
    Column("orders", Integer, nullable=False),
    Column("next_order_ms", BigInteger, nullable=False),
    Column("finished_at_ms", BigInteger),
    CheckConstraint(_one_of("reason", Reason), name="ck_endings_reason"),
    CheckConstraint("sweep IN (1, 2)", name="ck_endings_sweep"),
    Index("ix_endings_finished_next_order", "finished_at_ms", "next_order_ms"),
)

# What the services have answered.
clearings = Table(
    "clearings",
    metadata,
    Column("session_id", ID, ForeignKey("endings.session_id", ondelete="CASCADE"), nullable=False),
    Column("sweep", Integer, nullable=False),
    Column("service", String(40), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("blobs", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("session_id", "sweep", "service"),
)

# That a session's data is gone. Outlives the session's row; the hash chain joins it with the audit log.
audit_receipts = Table(
    "audit_receipts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("session_id", ID, nullable=False),
    Column("user_id", ID, nullable=False),
    Column("reason", String(30), nullable=False),
    Column("sweep", Integer, nullable=False),
    Column("closing_at_ms", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("blobs", BigInteger, nullable=False),
    # A JSON object of services, each with its rows and blobs.
    Column("services", Text, nullable=False),
    Column("correlation_id", String(64), nullable=False),
    UniqueConstraint("session_id", "sweep", name="uq_audit_receipts_session_sweep"),
    CheckConstraint(_one_of("reason", Reason), name="ck_audit_receipts_reason"),
    CheckConstraint("sweep IN (1, 2)", name="ck_audit_receipts_sweep"),
    Index("ix_audit_receipts_at", "at_ms"),
    Index("ix_audit_receipts_correlation_id", "correlation_id"),
)

outbox = outbox_table(metadata)
