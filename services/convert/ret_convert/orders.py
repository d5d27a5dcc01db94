"""What a pool child is asked and what it answers: JSON, made of ids and figures, without names and without content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict


class SourceOrder(TypedDict):
    """One document to convert, as ingest names it; `key`, `offset`, `length`, `sha256` are where its bytes are."""

    document_id: str
    media_type: str
    bytes: int
    key: str
    offset: int
    length: int
    sha256: str


class Order(TypedDict):
    """What `convert` is asked for. `prefix` is where tables go; `record_paths` are by document."""

    blobs: str
    prefix: str
    job_id: str
    layout: str
    repeats: int
    columns: int
    record_paths: dict[str, str]
    sources: list[SourceOrder]


class TableListed(TypedDict):
    """A table as ingest lists it with its document."""

    id: str
    name: str
    role: str
    rows: int
    columns: int


class TableMade(TableListed):
    """A table that was stored."""

    cells: int
    blob_key: str
    size: int
    sha256: str


class CandidateMade(TypedDict):
    """A path that could be the record (`shape.Candidate`)."""

    path: str
    count: int
    fields: int
    share: float


class ShapeMade(TypedDict):
    """How a document was cut into records.

    `chosen` tells a record path that was asked for from one that was found. `candidates` are those that hold the most,
    the shallowest first; `more` is how many others there are.
    """

    layout: str
    record_path: str
    chosen: bool
    candidates: list[CandidateMade]
    more: int


class Outcome(TypedDict):
    """What became of one document; without `shape` when it failed."""

    document_id: str
    status: Literal["converted", "failed"]
    method: str
    fidelity: float | None
    bytes: int
    tables: list[TableMade]
    warnings: list[dict[str, str]]
    shape: NotRequired[ShapeMade]


@dataclass
class Progress:
    """How far a call is, as it is reported: documents and bytes that are done, and figures of what was made."""

    report: Callable[[dict[str, Any]], None]
    documents: int = 0
    bytes: int = 0
    rows: int = 0
    cells: int = 0
    failed: int = 0
    methods: dict[str, int] = field(default_factory=dict[str, int])

    def figures(self) -> dict[str, Any]:
        """The figures so far."""
        return {
            "documents": self.documents,
            "bytes": self.bytes,
            "rows": self.rows,
            "cells": self.cells,
            "failed": self.failed,
            "methods": self.methods,
        }

    def within(self, done: int) -> None:
        """Bytes of the document in hand that are done."""
        self.report(self.figures() | {"bytes": self.bytes + done})

    def finished(self, outcome: Outcome) -> None:
        """A document is done."""
        self.documents += 1
        self.bytes += outcome["bytes"]
        self.rows += sum(table["rows"] for table in outcome["tables"])
        self.cells += sum(table["cells"] for table in outcome["tables"])
        if outcome["status"] == "failed":
            self.failed += 1
        else:
            self.methods[outcome["method"]] = self.methods.get(outcome["method"], 0) + 1
        self.within(0)
