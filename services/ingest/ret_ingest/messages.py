"""Rows of the inventory as messages of the contract, and choices of the contract as ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row

from ret.ingest.v1 import ingest_pb2
from ret_ingest.conversions import Converted
from ret_ingest.inventory import Opened
from ret_ingest.schema import CollectionStatus, DocumentStatus
from ret_kit.errors import Invalid

ENDED = ("failed", "cancelled")
GROUPS = 10_000  # groups that one message holds


def collection_message(
    row: Row[Any], groups: Sequence[Row[Any]], warnings: Sequence[Row[Any]], total_warnings: int
) -> ingest_pb2.Collection:
    """A collection with its groups and as many of its warnings as were read, as far as a message holds them."""
    status = row.status
    if status == CollectionStatus.SCANNING and row.job_state in ENDED:
        status = CollectionStatus.FAILED  # the worker has yet to put it away
    message = ingest_pb2.Collection(
        id=row.id,
        name=row.name,
        kind=row.kind,
        status=status,
        grouping=row.grouping,
        created_at_ms=row.created_at,
        bytes=row.bytes,
        documents=row.documents,
        stats=ingest_pb2.Stats(
            containers=row.containers, max_depth=row.max_depth, other_files=row.other_files, seconds=row.seconds
        ),
    )
    if status == CollectionStatus.SCANNING:
        return message
    if row.status != CollectionStatus.READY:
        groups = ()  # what a scan has written does not count; where it was stopped does
    shown = sorted(sorted(groups, key=lambda one: -one.documents)[:GROUPS], key=lambda one: one.name.casefold())
    message.groups.extend(
        ingest_pb2.Group(name=one.name, documents=one.documents, bytes=one.bytes, converted=one.converted, index="none")
        for one in shown
    )
    message.warnings.extend(map(warning_message, warnings))
    for code, what, left in (
        ("GROUPS_CUT", "smaller groups", len(groups) - len(shown)),
        ("WARNINGS_CUT", "warnings", total_warnings - len(warnings)),
    ):
        if left > 0:
            message.warnings.append(ingest_pb2.Warning(code=code, detail=f"{left:,} further {what} are not listed."))
    return message


def warning_message(row: Row[Any]) -> ingest_pb2.Warning:
    """A warning by its full path."""
    return ingest_pb2.Warning(code=row.code, path=row.path, detail=row.detail)


def document_message(row: Row[Any], warnings: Iterable[Row[Any]]) -> ingest_pb2.Document:
    """A document with what its last conversion gave."""
    message = ingest_pb2.Document(
        id=row.id,
        collection_id=row.collection_id,
        path=row.path,
        name=row.name,
        group=row.group,
        group_reason=row.reason,
        bytes=row.bytes,
        media_type=row.media_type,
        status=row.status,
        method=row.method,
        fidelity=row.fidelity,
        tables=[ingest_pb2.TableRef(**table) for table in json.loads(row.tables)],
    )
    message.warnings.extend(map(warning_message, warnings))
    return message


def source_message(row: Row[Any]) -> ingest_pb2.ConversionSource:
    """A document as a conversion takes it."""
    content = ingest_pb2.Content(
        blob_key=row.content_key, offset=row.content_offset, length=row.content_length, sha256=row.content_sha256
    )
    return ingest_pb2.ConversionSource(
        document_id=row.id, name=row.name, media_type=row.media_type, bytes=row.content_length, content=content
    )


def entry_message(row: Row[Any]) -> ingest_pb2.InventoryEntry:
    """A file or a ZIP as an export or a comparison needs it."""
    message = ingest_pb2.InventoryEntry(
        path=row.path,
        type=row.type,
        document_id=row.document_id or "",
        status=row.document_status or "",
        name=row.name,
        depth=row.depth,
        group=row.group_name or "",
        media_type=row.media_type if row.document_id else "",
    )
    if row.blob_key:
        message.content.CopyFrom(
            ingest_pb2.Content(
                blob_key=row.blob_key, offset=row.blob_offset, length=row.blob_length, sha256=row.blob_sha256
            )
        )
    return message


def node_message(row: Row[Any]) -> ingest_pb2.TreeNode:
    """A file or a ZIP in the tree."""
    return ingest_pb2.TreeNode(
        depth=row.depth, name=row.name, path=row.path, type=row.type, document_id=row.document_id or ""
    )


def folder_node(folder: Opened) -> ingest_pb2.TreeNode:
    """A folder in the tree."""
    return ingest_pb2.TreeNode(depth=folder.depth, name=folder.name, path=folder.path, type="folder")


def converted(fact: ingest_pb2.DocumentConverted) -> Converted:
    """What became of a document, as convert tells it; Invalid for a state that is no end."""
    if fact.status not in (DocumentStatus.CONVERTED, DocumentStatus.FAILED):
        raise Invalid(field="status", reason="must be converted or failed")
    tables = [
        {"id": table.id, "name": table.name, "role": table.role, "rows": table.rows, "columns": table.columns}
        for table in fact.tables
    ]
    return Converted(
        fact.document_id,
        fact.status,
        fact.method,
        fact.fidelity if fact.HasField("fidelity") else None,
        tables,
        [(warning.code, warning.path, warning.detail) for warning in fact.warnings],
    )
