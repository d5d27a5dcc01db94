"""The tables of convert: what each document became and how, blobs nobody needs any more, and the tables of jobs."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)

from ret_kit.jobs.schema import ID, job_tables

metadata = MetaData()
jobs = job_tables(metadata)

tables = Table(
    "tables",
    metadata,
    Column("id", ID, primary_key=True),
    Column("document_id", ID, nullable=False),
    Column("collection_id", ID, nullable=False),
    Column("session_id", ID, nullable=False),
    Column("job_id", ID, nullable=False),
    # Milliseconds of the job's creation: a later conversion of a document wins over an earlier one.
    Column("job_order", BigInteger, nullable=False),
    # The main table is 0.
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", String(10), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("columns", BigInteger, nullable=False),
    Column("cells", BigInteger, nullable=False),
    Column("blob_key", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    # Whether somebody has begun to edit it; also where nothing of it is in effect any more.
    Column("edited", Boolean, nullable=False, server_default=false()),
    CheckConstraint("role IN ('main', 'child')", name="ck_tables_role"),
    Index("ix_tables_document", "document_id", "position"),
    Index("ix_tables_collection", "collection_id"),
    Index("ix_tables_session", "session_id"),
)

shapes = Table(
    "shapes",
    metadata,
    Column("document_id", ID, primary_key=True),
    Column("collection_id", ID, nullable=False),
    Column("session_id", ID, nullable=False),
    Column("layout", String(10), nullable=False),
    Column("record_path", Text, nullable=False),
    # Whether the record path was asked for, and not found.
    Column("chosen", Boolean, nullable=False),
    # A JSON list of `orders.CandidateMade`.
    Column("candidates", Text, nullable=False),
    Column("more", Integer, nullable=False),
    CheckConstraint("layout IN ('auto', 'single', 'related')", name="ck_shapes_layout"),
    Index("ix_shapes_collection", "collection_id"),
    Index("ix_shapes_session", "session_id"),
)
"""How each document was cut into records when it was converted last, and how it could be."""

leftovers = Table(
    "leftovers",
    metadata,
    Column("blob_key", Text, primary_key=True),
    Column("session_id", ID, nullable=False),
    Index("ix_leftovers_session", "session_id"),
)
"""Tables that were replaced: noted in the transaction that replaces them, their blobs removed after it."""
