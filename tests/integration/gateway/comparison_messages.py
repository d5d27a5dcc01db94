"""A comparison as the service tells it, and as the contract has it."""

from __future__ import annotations

from typing import Any

from ret.diff.v1 import diff_pb2

ALL = "/api/v1/comparisons"
ONE = f"{ALL}/c1"
PAIRS = f"{ONE}/pairs"
PAIR = f"{PAIRS}/p1"
RECIPES = "/api/v1/comparison-recipes"

COUNTS = {
    "rows_added": 1,
    "rows_removed": 2,
    "rows_changed": 3,
    "rows_moved": 4,
    "cells_changed": 5,
    "cells_format_only": 6,
}
STATUSES = {"only_in_a": 7, "only_in_b": 8, "mismatch": 9, "identical": 10, "failed": 11, "pending": 12}
A_TALLY = diff_pb2.Tally(counts=diff_pb2.Counts(**COUNTS), **STATUSES)
TALLY = COUNTS | STATUSES
OPTIONS: dict[str, Any] = {
    "keys": ["Code"],
    "ignore_columns": ["Id", "Stamp"],
    "ignore_case": True,
    "ignore_space": False,
    "numeric_tolerance": 0.5,
}
A_COMPARISON = diff_pb2.Comparison(
    id="c1",
    status="running",
    a=diff_pb2.Side(collection_id="A", version="original", name="Was.zip", sha256="ab"),
    b=diff_pb2.Side(document_id="D", name="now.xml", gone=True),
    groups=["AR"],
    options=diff_pb2.Options(**OPTIONS),
    summary=A_TALLY,
    by_group=[diff_pb2.GroupTally(name="AR", tally=A_TALLY)],
    job_id="diff-1",
    created_at_ms=1_763_640_000_123,
    notes=[diff_pb2.Note(code="NOTHING_COMMON", detail="d")],
)
COMPARISON = {
    "id": "c1",
    "status": "running",
    "a": {
        "collection_id": "A",
        "document_id": None,
        "version": "original",
        "name": "Was.zip",
        "gone": False,
        "sha256": "ab",
    },
    "b": {
        "collection_id": None,
        "document_id": "D",
        "version": "edited",
        "name": "now.xml",
        "gone": True,
        "sha256": None,
    },
    "groups": ["AR"],
    "options": OPTIONS,
    "summary": TALLY | {"groups": {"AR": TALLY}},
    "job_id": "diff-1",
    "created_at": "2025-11-20T12:00:00.123Z",
    "finished_at": None,
    "notes": [{"code": "NOTHING_COMMON", "detail": "d"}],
}
RENAMES = [diff_pb2.Rename(**{"from": "Old", "to": "New"})]
A_TABLE = diff_pb2.TablePair(
    name="Rows",
    status="mismatch",
    counts=diff_pb2.Counts(**COUNTS),
    a_table_id="t1",
    a_rows=20,
    b_rows=21,
    key_columns=["Code"],
    key_confidence=0.75,
    runner_ups=[diff_pb2.KeyCandidate(columns=["Id"], confidence=0.5)],
    columns_added=["Region"],
    columns_renamed=RENAMES,
    changed_rows=6,
    full_rows=22,
)
A_PAIR = diff_pb2.Pair(
    id="p1",
    status="failed",
    group="AR",
    a_path="AR/x.xml",
    a_document_ids=["d1"],
    match="name",
    confidence=0.5,
    counts=diff_pb2.Counts(**COUNTS),
    key_columns=["Code"],
    columns_renamed=RENAMES,
    tables=[A_TABLE],
    failure=diff_pb2.Note(code="MEMORY_EXCEEDED", detail="why"),
    note="looked at",
    options=diff_pb2.Options(**OPTIONS),
)
COLUMNS: dict[str, Any] = {
    "columns_added": [],
    "columns_removed": [],
    "columns_renamed": [{"from": "Old", "to": "New"}],
}
TABLE = (
    COUNTS
    | COLUMNS
    | {
        "name": "Rows",
        "status": "mismatch",
        "a_table_id": "t1",
        "b_table_id": None,
        "a_rows": 20,
        "b_rows": 21,
        "key_columns": ["Code"],
        "key_confidence": 0.75,
        "key_given": False,
        "runner_ups": [{"columns": ["Id"], "confidence": 0.5}],
        "columns_added": ["Region"],
        "notes": [],
        "changed_rows": 6,
        "full_rows": 22,
    }
)
PAIR_BODY = (
    COUNTS
    | COLUMNS
    | {
        "id": "p1",
        "status": "failed",
        "group": "AR",
        "a_path": "AR/x.xml",
        "b_path": None,
        "a_document_ids": ["d1"],
        "b_document_ids": [],
        "match": "name",
        "confidence": 0.5,
        "runner_up": None,
        "runner_up_confidence": 0.0,
        "key_columns": ["Code"],
        "tables": [TABLE],
        "notes": [],
        "failure": {"code": "MEMORY_EXCEEDED", "detail": "why"},
        "reviewed": False,
        "note": "looked at",
        "options": OPTIONS,
    }
)
COLUMN = diff_pb2.ComparedColumn(name="Code", a_name="Code", status="removed", key=True, cells_changed=3)
COLUMN_BODY = {
    "name": "Code",
    "a_name": "Code",
    "b_name": None,
    "status": "removed",
    "key": True,
    "cells_changed": 3,
}
