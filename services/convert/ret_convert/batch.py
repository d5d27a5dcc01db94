"""What a flattening gives while it goes on."""

from __future__ import annotations

from dataclasses import dataclass

from ret_convert.arrow import RecordBatch
from ret_convert.layout import TablePlan


@dataclass(frozen=True)
class Batch:
    """Rows of one table, at most some megabytes of them: one string column for each column of the table.

    `starts` and `ends` are where the element of each row stands in the document (bytes; int64, -1 is nowhere), for
    documents of which that is known.
    """

    table: TablePlan
    columns: RecordBatch
    starts: bytes = b""
    ends: bytes = b""


@dataclass(frozen=True)
class Restart:
    """Everything before it is void: the tables were laid out wrongly."""
