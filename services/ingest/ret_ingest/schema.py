"""The tables of ingest. Times are milliseconds since 1970 by the database's clock; names and paths are nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from ret_kit.jobs.schema import ID, job_tables


class CollectionStatus(StrEnum):
    """Where a collection is on its way."""

    SCANNING = "scanning"
    READY = "ready"
    FAILED = "failed"


class DocumentStatus(StrEnum):
    """What conversion has made of a document."""

    FOUND = "found"
    CONVERTING = "converting"
    CONVERTED = "converted"
    FAILED = "failed"


def _one_of(column: str, choices: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(choice)) for choice in choices)})"


metadata = MetaData()
jobs = job_tables(metadata)

collections = Table(
    "collections",
    metadata,
    Column("id", ID, primary_key=True),
    Column("session_id", ID, nullable=False),
    Column("user_id", ID, nullable=False),
    Column("job_id", ID, nullable=False),
    Column("name", Text, nullable=False),
    Column("upload_name", Text, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("status", String(10), nullable=False),
    Column("grouping", String(10), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("documents", Integer, nullable=False, server_default="0"),
    Column("other_files", Integer, nullable=False, server_default="0"),
    Column("containers", Integer, nullable=False, server_default="0"),
    Column("max_depth", Integer, nullable=False, server_default="0"),
    Column("seconds", Float, nullable=False, server_default="0"),
    Column("error_code", String(60), nullable=False, server_default=""),
    CheckConstraint("kind IN ('tables', 'code')", name="ck_collections_kind"),
    CheckConstraint(_one_of("status", CollectionStatus), name="ck_collections_status"),
    CheckConstraint("grouping IN ('container', 'name')", name="ck_collections_grouping"),
    UniqueConstraint("job_id", name="uq_collections_job_id"),
    Index("ix_collections_session", "session_id", "created_at"),
)

# Groups by number: a document keeps its numbers for good, renaming and merging only change what a number is called.
groups = Table(
    "groups",
    metadata,
    Column("collection_id", ID, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    PrimaryKeyConstraint("collection_id", "number", name="pk_groups"),
)

# Files, ZIPs and empty folders in depth-first order; `depth` counts ancestors, the last `levels` of them are folders.
entries = Table(
    "entries",
    metadata,
    Column("collection_id", ID, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("type", String(10), nullable=False),
    Column("path", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("levels", Integer, nullable=False),
    Column("media_type", String(100), nullable=False, server_default=""),
    Column("blob_key", String(300), nullable=False, server_default=""),
    Column("blob_offset", BigInteger, nullable=False, server_default="0"),
    Column("blob_length", BigInteger, nullable=False, server_default="0"),
    Column("blob_sha256", String(64), nullable=False, server_default=""),
    PrimaryKeyConstraint("collection_id", "position", name="pk_entries"),
    CheckConstraint("type IN ('zip', 'folder', 'document', 'other')", name="ck_entries_type"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", ID, primary_key=True),
    Column("collection_id", ID, nullable=False),
    Column("position", Integer, nullable=False),
    Column("session_id", ID, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("by_container", Integer, nullable=False),
    Column("container_reason", String(10), nullable=False),
    Column("by_name", Integer, nullable=False),
    Column("name_reason", String(10), nullable=False),
    Column("moved_to", Integer),
    # Where a compressed document lies unpacked; empty for all others, whose bytes are those of their entry.
    Column("plain_key", String(300), nullable=False, server_default=""),
    Column("plain_offset", BigInteger, nullable=False, server_default="0"),
    Column("plain_length", BigInteger, nullable=False, server_default="0"),
    Column("plain_sha256", String(64), nullable=False, server_default=""),
    Column("status", String(10), nullable=False),
    # What a conversion that takes the document and lets it go again puts back.
    Column("status_before", String(10), nullable=False),
    Column("conversion_job", ID, nullable=False, server_default=""),
    Column("conversion_order", BigInteger, nullable=False, server_default="0"),
    Column("conversion_fence", BigInteger, nullable=False, server_default="0"),
    Column("method", String(20), nullable=False, server_default=""),
    Column("fidelity", Float),
    Column("tables", Text, nullable=False, server_default="[]"),
    ForeignKeyConstraint(
        ["collection_id", "position"],
        ["entries.collection_id", "entries.position"],
        ondelete="CASCADE",
        name="fk_documents_entry",
    ),
    UniqueConstraint("collection_id", "position", name="uq_documents_entry"),
    CheckConstraint(_one_of("status", DocumentStatus), name="ck_documents_status"),
    CheckConstraint("status_before IN ('found', 'converted', 'failed')", name="ck_documents_status_before"),
    CheckConstraint(
        "container_reason IN ('container', 'folder', 'name', 'none')", name="ck_documents_container_reason"
    ),
    CheckConstraint("name_reason IN ('container', 'folder', 'name', 'none')", name="ck_documents_name_reason"),
    Index("ix_documents_session", "session_id"),
    Index("ix_documents_conversion", "conversion_job"),
)

# Of the scan (no document), and of the conversion of a document.
warnings = Table(
    "warnings",
    metadata,
    Column("collection_id", ID, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("document_id", ID, nullable=False, server_default=""),
    Column("position", Integer, nullable=False),
    Column("code", String(60), nullable=False),
    Column("path", Text, nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("collection_id", "document_id", "position", name="pk_warnings"),
)
