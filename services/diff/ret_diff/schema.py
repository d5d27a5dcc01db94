"""The tables of diff: comparisons, their pairs and tables, options under names, and the tables of jobs.

Lists and options stand as JSON in text columns. Times are milliseconds since 1970 by the database's clock.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from ret_kit.jobs.schema import ID, job_tables

STATUSES = "'only_in_a', 'only_in_b', 'mismatch', 'identical', 'failed', 'pending'"
COUNTS = ("rows_added", "rows_removed", "rows_changed", "rows_moved", "cells_changed", "cells_format_only")

metadata = MetaData()
jobs = job_tables(metadata)


def _counts() -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False, server_default="0") for name in COUNTS]


def _side(name: str) -> list[Column[str]]:
    """What is compared on a side: a collection, or one document of it; and what it was when it was compared."""
    return [
        Column(f"{name}_collection", ID, nullable=False),
        Column(f"{name}_document", ID, nullable=False, server_default=""),
        Column(f"{name}_version", String(10), nullable=False),
        Column(f"{name}_name", Text, nullable=False),
        Column(f"{name}_sha256", String(64), nullable=False, server_default=""),
    ]


comparisons = Table(
    "comparisons",
    metadata,
    Column("id", ID, primary_key=True),
    Column("session_id", ID, nullable=False),
    Column("user_id", ID, nullable=False),
    Column("job_id", ID, ForeignKey("jobs.id"), nullable=False),
    *_side("a"),
    *_side("b"),
    Column("a_gone", Boolean, nullable=False, server_default=false()),
    Column("b_gone", Boolean, nullable=False, server_default=false()),
    Column("groups", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("notes", Text, nullable=False, server_default="[]"),
    # The paths of ZIPs of both sides; all other containers are folders.
    Column("zips", Text, nullable=False, server_default="[]"),
    # Conversions that were begun for it, by the service's job ids.
    Column("conversions", Text, nullable=False, server_default="[]"),
    # Counts up with every change of a pair: what was made of an older state is told from the present one.
    Column("state", BigInteger, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    CheckConstraint("a_version IN ('edited', 'original')", name="ck_comparisons_a_version"),
    CheckConstraint("b_version IN ('edited', 'original')", name="ck_comparisons_b_version"),
    UniqueConstraint("job_id", name="uq_comparisons_job_id"),
    Index("ix_comparisons_session", "session_id", "created_at"),
    Index("ix_comparisons_a", "a_collection"),
    Index("ix_comparisons_b", "b_collection"),
)

pairs = Table(
    "pairs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("comparison_id", ID, ForeignKey("comparisons.id", ondelete="CASCADE"), nullable=False),
    Column("session_id", ID, nullable=False),
    Column("status", String(10), nullable=False),
    Column("group", Text, nullable=False),
    # Where it stands among the others: the path in B, or in A of what is only there.
    Column("path", Text, nullable=False),
    Column("a_path", Text, nullable=False, server_default=""),
    Column("b_path", Text, nullable=False, server_default=""),
    Column("a_documents", Text, nullable=False, server_default="[]"),
    Column("b_documents", Text, nullable=False, server_default="[]"),
    Column("matched_by", String(10), nullable=False, server_default=""),
    Column("confidence", Float, nullable=False, server_default="0"),
    Column("runner_up", Text, nullable=False, server_default=""),
    Column("runner_up_confidence", Float, nullable=False, server_default="0"),
    *_counts(),
    Column("notes", Text, nullable=False, server_default="[]"),
    Column("failure_code", String(60), nullable=False, server_default=""),
    Column("failure_detail", Text, nullable=False, server_default=""),
    # Options of its own, where it was compared again; empty: those of the comparison.
    Column("options", Text, nullable=False, server_default=""),
    # The job that compares it again; empty: none does.
    Column("job_id", ID, nullable=False, server_default=""),
    Column("reviewed", Boolean, nullable=False, server_default=false()),
    Column("note", Text, nullable=False, server_default=""),
    CheckConstraint(f"status IN ({STATUSES})", name="ck_pairs_status"),
    CheckConstraint("matched_by IN ('', 'path', 'content', 'name', 'manual')", name="ck_pairs_matched_by"),
    CheckConstraint("(status = 'failed') = (failure_code <> '')", name="ck_pairs_failure"),
    Index("ix_pairs_path", "comparison_id", "path"),
    Index("ix_pairs_status", "comparison_id", "status", "path"),
    Index("ix_pairs_session", "session_id"),
)

table_pairs = Table(
    "table_pairs",
    metadata,
    Column("pair_id", ID, ForeignKey("pairs.id", ondelete="CASCADE"), nullable=False),
    # The main table is 0.
    Column("position", Integer, nullable=False),
    Column("comparison_id", ID, nullable=False),
    Column("session_id", ID, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", String(10), nullable=False),
    *_counts(),
    # A JSON object: the tables of both sides as they were compared (`orders.StoredTable`), null where there is none.
    Column("sides", Text, nullable=False),
    Column("changed_rows", BigInteger, nullable=False, server_default="0"),
    Column("full_rows", BigInteger, nullable=False, server_default="0"),
    # A JSON object: keys, columns that came, went or were renamed, notes (`orders.Told`).
    Column("told", Text, nullable=False),
    # Where the artefact is; empty where there is none.
    Column("artefact", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("pair_id", "position", name="pk_table_pairs"),
    CheckConstraint(f"status IN ({STATUSES})", name="ck_table_pairs_status"),
    Index("ix_table_pairs_comparison", "comparison_id"),
    Index("ix_table_pairs_session", "session_id"),
)

recipes = Table(
    "recipes",
    metadata,
    Column("session_id", ID, nullable=False),
    Column("name", Text, nullable=False),
    Column("options", Text, nullable=False),
    PrimaryKeyConstraint("session_id", "name", name="pk_recipes"),
)

leftovers = Table(
    "leftovers",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("session_id", ID, nullable=False),
    Index("ix_leftovers_session", "session_id"),
)
"""Artefacts nobody needs any more: noted in the transaction that replaces them, their blobs removed after it."""
