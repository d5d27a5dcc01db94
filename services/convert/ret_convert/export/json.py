"""JSON: a table is an array of objects, a row an object; absent cells are not in it, empty ones are empty strings."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ret_convert.arrow import Array, RecordBatch, pa
from ret_convert.export.columns import (
    TEXT,
    columns_of,
    content,
    filled,
    glued,
    in_rows,
    is_wide,
    present,
    replaced,
    stacked,
)

OTHERS = bytes(range(32, 256))


def rows(batch: RecordBatch, names: Sequence[str], *, first: bool) -> bytes:
    """Rows as elements of an array that is open; one row a line. The `first` of all have no comma before them."""
    if not batch.num_columns:
        return b""
    keys = [f'{json.dumps(name, ensure_ascii=False)}: "' for name in names]
    if is_wide(batch):
        count = batch.num_rows
        stack = pa.array([key for key in keys for _ in range(count)], TEXT)
        cells = filled(glued(", ", stack, _escaped(stacked(batch)), '"'), "")
        lines = glued(",\n{", in_rows(cells, count, ""), "}")
    else:
        columns = zip(keys, columns_of(batch), strict=True)
        lines = glued(present([",\n{", *(glued(key, _escaped(column), '"') for key, column in columns)], ", "), "}")
    # Inside of texts every line break is escaped, so that this is found at the beginnings of rows only.
    text = content(lines).replace(b"\n{, ", b"\n{")
    return text[1:] if first else text


def end(*, empty: bool) -> bytes:
    """The end of the array, and of its last line."""
    return b"]\n" if empty else b"\n]\n"


def _escaped(column: Array) -> Array:
    text = content(column)
    if b"\\" in text:
        column = replaced(column, "\\", "\\\\")
    if b'"' in text:
        column = replaced(column, '"', '\\"')
    for code in {*text.translate(None, OTHERS)}:
        column = replaced(column, chr(code), json.dumps(chr(code))[1:-1])
    return column
