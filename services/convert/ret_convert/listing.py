"""What ingest lists and what convert has made, joined to the entries of an export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Row

from ret.ingest.v1 import ingest_pb2
from ret_convert.errors import NotConverted
from ret_convert.export.order import AS_CONVERTED, Bytes, Entry, Table, report


@dataclass(frozen=True)
class Listed:
    """What of the listing is wanted: other files too, main tables alone, a report of edits, or originals with them.

    `versions` are those of edited tables, by their keys; `names` are those of people, by their ids, for the report.
    """

    keep: bool
    main: bool
    report: bool = False
    originals: bool = False
    versions: Mapping[str, int] = field(default_factory=dict[str, int])
    names: Mapping[str, str] = field(default_factory=dict[str, str])


def entries(
    found: Iterable[ingest_pb2.InventoryEntry], tables: Mapping[str, Sequence[Row[Any]]], wanted: Listed
) -> list[Entry]:
    """The entries of an export. NotConverted when a document is neither converted nor failed."""
    listed: list[Entry] = []
    missing = 0
    for one in found:
        made: list[Table] = []
        if one.type == "document":
            rows = tables.get(one.document_id, ())
            if one.status == "converted" and rows:
                made = _wanted([table(row, wanted.versions) for row in rows], wanted)
            elif one.status != "failed":
                missing += 1
        elif one.type == "other" and not wanted.keep:
            continue
        listed.append(
            Entry(
                name=one.name or one.path.rpartition("/")[2],
                type=cast("Any", one.type),
                depth=one.depth,
                original=original(one.content) if one.HasField("content") else None,
                tables=made,
            )
        )
    if missing:
        raise NotConverted(documents=missing)
    return listed


def _wanted(tables: list[Table], wanted: Listed) -> list[Table]:
    """Which of a document's tables are exported. For originals with their edits: all, or none if nothing is edited."""
    if wanted.originals:
        reported = report(tables, wanted.names)
        return [*tables, *(reported if wanted.report else [])] if reported else []
    found = tables[:1] if wanted.main else tables
    return [*found, *(report(found, wanted.names) if wanted.report else [])]


def original(content: ingest_pb2.Content) -> Bytes:
    """Where the bytes of a file are."""
    return Bytes(key=content.blob_key, offset=content.offset, length=content.length, sha256=content.sha256)


def table(row: Row[Any], versions: Mapping[str, int]) -> Table:
    """A table as an export reads it."""
    return Table(
        name=row.name,
        role=row.role,
        key=row.blob_key,
        rows=row.rows,
        columns=row.columns,
        size=row.size,
        sha256=row.sha256,
        version=versions.get(row.blob_key, AS_CONVERTED),
    )
