"""The tables that every service with jobs or events keeps in its own schema."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    false,
)

ID = String(80)
STATES = "('queued','running','succeeded','failed','cancelled')"
AUTO_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only a column that is exactly INTEGER


@dataclass(frozen=True)
class JobTables:
    """A service's job tables.

    Times are milliseconds since 1970 by the database's clock; JSON stands in text columns.
    """

    metadata: MetaData
    jobs: Table
    job_events: Table
    tasks: Table
    outbox: Table
    tombstones: Table
    idempotency: Table


def outbox_table(metadata: MetaData) -> Table:
    """Messages that left with a transaction: published in the order of their ids, then deleted."""
    return Table(
        "outbox",
        metadata,
        Column("id", AUTO_ID, primary_key=True, autoincrement=True),
        Column("owner", String(40), nullable=False),
        Column("session_id", ID, nullable=False, server_default=""),
        Column("subject", String(200), nullable=False),
        Column("durable", Boolean, nullable=False),
        Column("msg_id", String(120), nullable=False),
        Column("headers", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Index("ix_outbox_created_at", "created_at"),
    )


def tombstones_table(metadata: MetaData) -> Table:
    """Sessions that have ended here: nothing of theirs may be made again."""
    return Table(
        "tombstones", metadata, Column("session_id", ID, primary_key=True), Column("at", BigInteger, nullable=False)
    )


def idempotency_table(metadata: MetaData) -> Table:
    """First answers by session, route and key."""
    return Table(
        "idempotency",
        metadata,
        Column("session_id", ID, nullable=False),
        Column("route", String(60), nullable=False),
        Column("key", String(200), nullable=False),
        Column("answer", LargeBinary, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        PrimaryKeyConstraint("session_id", "route", "key"),
    )


def _jobs(metadata: MetaData) -> Table:
    return Table(
        "jobs",
        metadata,
        Column("id", ID, primary_key=True),
        Column("type", String(40), nullable=False),
        Column("state", String(12), nullable=False),
        Column("session_id", ID, nullable=False),
        Column("user_id", ID, nullable=False),
        Column("payload", Text, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("max_attempts", Integer, nullable=False),
        Column("fence", Integer, nullable=False),
        Column("worker", String(80), nullable=False, server_default=""),
        Column("lease_until", BigInteger, nullable=False, server_default="0"),
        Column("not_before", BigInteger, nullable=False, server_default="0"),
        Column("fanned_out", Boolean, nullable=False, server_default=false()),
        Column("settled", Boolean, nullable=False, server_default=false()),
        Column("swept", Boolean, nullable=False, server_default=false()),
        Column("done", BigInteger, nullable=False, server_default="0"),
        Column("total", BigInteger, nullable=False, server_default="0"),
        Column("unit", String(20), nullable=False, server_default=""),
        Column("work_done", Float, nullable=False, server_default="0"),
        Column("work_total", Float, nullable=False, server_default="0"),
        Column("detail", Text, nullable=False, server_default="{}"),
        Column("result", Text, nullable=False, server_default=""),
        Column("error_code", String(60), nullable=False, server_default=""),
        Column("error_detail", Text, nullable=False, server_default=""),
        Column("correlation_id", String(64), nullable=False),
        Column("traceparent", String(80), nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("state_seq", BigInteger, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("started_at", BigInteger, nullable=False, server_default="0"),
        Column("finished_at", BigInteger, nullable=False, server_default="0"),
        CheckConstraint(f"state IN {STATES}", name="ck_jobs_state"),
        Index("ix_jobs_state", "state", "lease_until"),
        Index("ix_jobs_session", "session_id", "created_at"),
        Index("ix_jobs_created_at", "created_at"),
        Index("ix_jobs_correlation_id", "correlation_id"),
        Index("ix_jobs_error_code", "error_code"),
    )


def _job_events(metadata: MetaData) -> Table:
    return Table(
        "job_events",
        metadata,
        Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("session_id", ID, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("snapshot", LargeBinary, nullable=False),
        PrimaryKeyConstraint("job_id", "seq"),
        Index("ix_job_events_session", "session_id", "at"),
    )


def _tasks(metadata: MetaData) -> Table:
    return Table(
        "tasks",
        metadata,
        Column("id", ID, primary_key=True),
        Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        Column("session_id", ID, nullable=False),
        Column("user_id", ID, nullable=False),
        Column("ordinal", Integer, nullable=False),
        Column("state", String(12), nullable=False),
        Column("published", Boolean, nullable=False, server_default=false()),
        Column("payload", Text, nullable=False),
        Column("weight", Float, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("max_attempts", Integer, nullable=False),
        Column("fence", Integer, nullable=False),
        Column("worker", String(80), nullable=False, server_default=""),
        Column("lease_until", BigInteger, nullable=False, server_default="0"),
        Column("not_before", BigInteger, nullable=False, server_default="0"),
        Column("done", BigInteger, nullable=False, server_default="0"),
        Column("work_done", Float, nullable=False, server_default="0"),
        Column("detail", Text, nullable=False, server_default="{}"),
        Column("result", Text, nullable=False, server_default=""),
        Column("error_code", String(60), nullable=False, server_default=""),
        Column("error_detail", Text, nullable=False, server_default=""),
        CheckConstraint(f"state IN {STATES}", name="ck_tasks_state"),
        Index("ix_tasks_job", "job_id", "state"),
        Index("ix_tasks_user", "user_id", "state"),
        Index("ix_tasks_state", "state", "lease_until"),
        Index("ix_tasks_session", "session_id"),
    )


def job_tables(metadata: MetaData) -> JobTables:
    """Add the tables to a service's metadata; its migrations create them."""
    return JobTables(
        metadata,
        _jobs(metadata),
        _job_events(metadata),
        _tasks(metadata),
        outbox_table(metadata),
        tombstones_table(metadata),
        idempotency_table(metadata),
    )
