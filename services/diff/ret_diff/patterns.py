"""Equal changes counted: (column, old, new), the most frequent first.

Where two are as frequent, the column that comes first in the result comes first, then the smaller old value, then the
smaller new one by code points, absent before all.
"""

from __future__ import annotations

from typing import Any

from ret_diff.arrow import Array, pa, pc
from ret_diff.model import Bytes8, CellState, Int64s, Pattern

LIMIT = 10_000
"""Patterns of a pair of tables that are kept; all are counted."""
SHOWN = 1000
"""Characters of a value in a pattern; a longer one ends with a mark."""
MARK = "…"
_ORDER = [
    ("count", "descending"),
    ("column", "ascending"),
    ("old_there", "ascending"),
    ("old", "ascending"),
    ("new_there", "ascending"),
    ("new", "ascending"),
]


class Patterns:
    """Counts the changes of a pair of tables; memory follows `LIMIT`, and the distinct changes of one column."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._best: Any = None
        self.total = 0
        """All patterns, kept or not."""

    def add(self, column: int, old: Array, new: Array, counts: Int64s, states: Bytes8) -> None:
        """Distinct changes of a column, each pair of values once; those that are ignored are none."""
        kept = pa.array(states != CellState.IGNORED)
        rows = pa.table(
            {
                "count": pa.array(counts),
                "column": pa.repeat(column, len(counts)),
                "old": pc.cast(old, pa.large_string()),
                "new": pc.cast(new, pa.large_string()),
                "format_only": pa.array(states == CellState.FORMAT_ONLY),
            }
        ).filter(kept)
        self.total += rows.num_rows
        self._best = self._cut(rows if self._best is None else pa.concat_tables([self._best, rows]))

    def found(self) -> tuple[Pattern, ...]:
        """The most frequent patterns in their order."""
        if self._best is None:
            return ()
        best = self._best.take(pc.sort_indices(_keyed(self._best), sort_keys=_ORDER))
        cells = (best.column(name).to_pylist() for name in ("column", "old", "new", "count", "format_only"))
        return tuple(
            Pattern(column, _shown(old), _shown(new), count, format_only)
            for column, old, new, count, format_only in zip(*cells, strict=True)
        )

    def _cut(self, rows: Any) -> Any:
        if rows.num_rows <= self._limit:
            return rows
        return rows.take(pc.select_k_unstable(_keyed(rows), k=self._limit, sort_keys=_ORDER))


def _keyed(rows: Any) -> Any:
    """What is sorted by: no two rows are equal in it, so that there is one order only."""
    keys = rows.select(["count", "column"])
    for name in ("old", "new"):
        keys = keys.append_column(f"{name}_there", pc.cast(pc.is_valid(rows.column(name)), pa.int8()))
        keys = keys.append_column(name, pc.fill_null(rows.column(name), ""))
    return keys


def _shown(value: str | None) -> str | None:
    return value if value is None or len(value) <= SHOWN else value[:SHOWN] + MARK
