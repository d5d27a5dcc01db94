"""What is to be exported, as the server tells a pool child: JSON, made of keys and of names that are not trusted."""

from __future__ import annotations

from typing import Literal, TypedDict

from ret_convert.export.naming import clean, stem

Format = Literal["csv", "xlsx", "parquet", "json"]
FORMATS: tuple[Format, ...] = ("csv", "xlsx", "parquet", "json")
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
}
ZIP = "application/zip"
BINARY = "application/octet-stream"


class Bytes(TypedDict):
    """Where the bytes of an original file are."""

    key: str
    offset: int
    length: int
    sha256: str


class Table(TypedDict):
    """A stored table of a document."""

    name: str
    role: str
    key: str
    rows: int
    columns: int
    size: int
    sha256: str


class Entry(TypedDict):
    """A file or a container of the upload, in depth-first order; `depth` 1 is directly in the upload.

    A document has `tables`, the main one first; one without is exported as its `original`, like any other file.
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
    return entry if order["format"] == "xlsx" or len(entry["tables"]) <= 1 else None


def header(order: Order, name: str) -> tuple[str, str]:
    """(file name, media type) of an export; `name` is the upload's or the document's own."""
    alone = single(order)
    kind = order["format"]
    if alone is not None and not alone["tables"]:
        return clean(alone["name"]), BINARY
    if alone is not None:
        return f"{clean(stem(alone['name']))}.{kind}", MEDIA_TYPES[kind]
    return f"{clean(stem(name))}_{kind}.zip", ZIP
