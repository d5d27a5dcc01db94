"""JSON: a table is an array of objects, a row an object; absent cells are not in it, empty ones are empty strings."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ret_convert.arrow import Array, RecordBatch
from ret_convert.export.columns import columns_of, content, glued, present, replaced

OTHERS = bytes(range(32, 256))


def rows(batch: RecordBatch, names: Sequence[str], *, first: bool) -> bytes:
    """Rows as elements of an array that is open; one row a line. The `first` of all have no comma before them."""
    if not batch.num_columns:
        return b""
    cells = [_cells(name, column) for name, column in zip(names, columns_of(batch), strict=True)]
    # Inside of texts every line break is escaped, so that this is found at the beginnings of rows only.
    text = content(glued(present([",\n{", *cells], ", "), "}")).replace(b"\n{, ", b"\n{")
    return text[1:] if first else text


def end(*, empty: bool) -> bytes:
    """The end of the array, and of its last line."""
    return b"]\n" if empty else b"\n]\n"


def _cells(name: str, column: Array) -> Array:
    text = content(column)
    if b"\\" in text:
        column = replaced(column, "\\", "\\\\")
    if b'"' in text:
        column = replaced(column, '"', '\\"')
    for code in {*text.translate(None, OTHERS)}:
        column = replaced(column, chr(code), json.dumps(chr(code))[1:-1])
    return glued(f'{json.dumps(name, ensure_ascii=False)}: "', column, '"')
