"""Which of two sides comes first, by what they hold: so that exchanging them changes nothing but their names."""

from __future__ import annotations

import numpy as np

from ret_diff.arrow import pa, pc
from ret_diff.encode import Coded
from ret_diff.rows import Tables


def forward(tables: Tables) -> bool:
    """Whether A comes first; for exchanged sides it is the other way round, unless they are equal.

    The order of rows and columns matters only where every column holds the same values on both sides.
    """
    if tables.rows[0] != tables.rows[1]:
        return tables.rows[0] < tables.rows[1]
    order = sorted(range(len(tables.names)), key=lambda at: tables.names[at])
    for at in order:
        found = _by_values(tables.columns[at])
        if found is not None:
            return found
    differ = [(int(np.argmax(which)), at) for at in order if (which := _differing(tables.columns[at])).any()]
    if not differ:
        return True
    row = min(row for row, _ in differ)
    column = tables.columns[next(at for first, at in differ if first == row)]
    old, new = column.values.take(pa.array([column.a[row], column.b[row]])).to_pylist()
    return (old is not None, old or "") < (new is not None, new or "")


def _differing(column: Coded) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(column.a != column.b)


def _by_values(column: Coded) -> bool | None:
    """Whether A holds the smallest of the values of which one side has more; None where all are as frequent."""
    count = len(column.values)
    in_a, in_b = np.bincount(column.a, minlength=count), np.bincount(column.b, minlength=count)
    differ = np.flatnonzero(in_a != in_b)
    if not len(differ):
        return None
    values = column.values.take(pa.array(differ))
    # A null is the smallest.
    least = 0 if values.null_count else pc.index(values, pc.min(values)).as_py()
    code = differ[pc.index(pc.is_null(values), True).as_py() if values.null_count else least]
    return bool(in_a[code] > in_b[code])
