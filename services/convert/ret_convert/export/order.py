"""What is to be exported, as the server tells a pool child: JSON, made of keys and of names that are not trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict

from ret_convert.export.naming import clean, stem

Format = Literal["csv", "xlsx", "parquet", "json", "xml"]
FORMATS: tuple[Format, ...] = ("csv", "xlsx", "parquet", "json", "xml")
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "xml": "application/xml",
}
ZIP = "application/zip"
BINARY = "application/octet-stream"
AS_CONVERTED = 1
"""The version of a table that was never edited."""
EDITS = "_edits"
"""What the table of a document's edits is called; only as a report there is one."""


class Bytes(TypedDict):
    """Where the bytes of an original file are."""

    key: str
    offset: int
    length: int
    sha256: str


class Table(TypedDict):
    """A stored table as it is in a `version`; or, with the role `report`, what was edited in those of `of`.

    `names` are those of people, by their ids, as far as they are known.
    """

    name: str
    role: str
    key: str
    rows: int
    columns: int
    size: int
    sha256: str
    version: int
    of: NotRequired[list[Table]]
    names: NotRequired[dict[str, str]]


class Entry(TypedDict):
    """A file or a container of the upload, in depth-first order; `depth` 1 is directly in the upload.

    A document has `tables`, the main one first; one without is exported as its `original`, like any other file. Where
    the export is of XML only documents that are edited have tables: all of them.
    """

    name: str
    type: Literal["zip", "folder", "document", "other"]
    depth: int
    original: Bytes | None
    tables: list[Table]


class Order(TypedDict):
    """An export.

    `bom` says that CSVs begin with a byte order mark, `alone` that it is of one document, without an archive around it
    if one file will do, `keep` that ZIPs are there even if nothing is in them.
    """

    blobs: str
    format: Format
    raw: bool
    bom: bool
    nested: Literal["zip", "folder"]
    alone: bool
    keep: bool
    entries: list[Entry]


def single(order: Order) -> Entry | None:
    """The one document that is exported as one file; None when it takes a ZIP."""
    if not order["alone"] or len(order["entries"]) != 1:
        return None
    entry = order["entries"][0]
    if order["format"] == "xml":
        return None if report_of(entry) else entry
    return entry if order["format"] == "xlsx" or len(entry["tables"]) <= 1 else None


def report_of(entry: Entry) -> Table | None:
    """The report of a document's edits, if there is to be one."""
    return next((table for table in entry["tables"] if table["role"] == "report"), None)


def report(tables: list[Table], names: Mapping[str, str]) -> list[Table]:
    """The report of what was edited in these tables; none if nothing was."""
    edited = [table for table in tables if table["version"] > AS_CONVERTED]
    if not edited:
        return []
    made = Table(name=EDITS, role="report", key="", rows=0, columns=0, size=0, sha256="", version=0, of=edited)
    return [{**made, "names": dict(names)}]


def header(order: Order, name: str) -> tuple[str, str]:
    """(file name, media type) of an export; `name` is the upload's or the document's own."""
    alone = single(order)
    kind = order["format"]
    if alone is not None and (kind == "xml" or not alone["tables"]):
        return clean(alone["name"]), MEDIA_TYPES[kind] if alone["tables"] else BINARY
    if alone is not None:
        return f"{clean(stem(alone['name']))}.{kind}", MEDIA_TYPES[kind]
    return f"{clean(stem(name))}_{kind}.zip", ZIP
