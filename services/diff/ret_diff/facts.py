"""What is told of two compared tables without opening their result."""

from __future__ import annotations

from dataclasses import dataclass

from ret_diff.model import ColumnStatus, Counts, KeyChoice, MatchedColumn, Note, Result, Source


@dataclass(frozen=True)
class Facts:
    """What is told of two compared tables without opening the result; `asdict` of it is JSON.

    `prefix` is empty when nothing was written: every row of A is the same row of B, and pages need A's table only.
    """

    status: str
    counts: Counts
    a_rows: int
    b_rows: int
    key_columns: tuple[str, ...]
    key_confidence: float
    key_given: bool
    runner_ups: tuple[tuple[tuple[str, ...], float], ...]
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    columns_renamed: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]
    changed_rows: int
    full_rows: int
    patterns: int
    prefix: str
    bytes: int


def facts_of(result: Result, a: Source, b: Source) -> Facts:
    """What is told of a result that is not stored yet."""
    columns = result.columns

    def named(status: ColumnStatus) -> list[MatchedColumn]:
        return [one for one in columns if one.status is status]

    def names(key: KeyChoice) -> tuple[str, ...]:
        return tuple(columns[at].name for at in key.columns)

    renamed = [(a.columns[one.a].name, b.columns[one.b].name) for one in named(ColumnStatus.RENAMED)]
    counts = result.counts
    rows = counts.rows_added + counts.rows_removed + counts.rows_changed
    added, removed = named(ColumnStatus.ADDED), named(ColumnStatus.REMOVED)
    return Facts(
        status="mismatch" if rows or added or removed or renamed else "identical",
        counts=counts,
        a_rows=a.rows,
        b_rows=b.rows,
        key_columns=names(result.key),
        key_confidence=result.key.confidence,
        key_given=result.key.given,
        runner_ups=tuple((names(one), one.confidence) for one in result.runner_ups),
        columns_added=tuple(one.name for one in added),
        columns_removed=tuple(one.name for one in removed),
        columns_renamed=tuple(renamed),
        notes=result.notes,
        changed_rows=rows,
        full_rows=len(result.status),
        patterns=result.patterns_total or len(result.patterns),
        prefix="",
        bytes=0,
    )
