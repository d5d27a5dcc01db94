"""CSV as RFC 4180 has it, in UTF-8 with a byte order mark: column by column in Arrow, no cell passes through Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import cast

from ret_convert.arrow import Array, RecordBatch, pa, pc

BOM = b"\xef\xbb\xbf"
LINE = "\r\n"
STARTS = r"^[=+\-@\t\r]"
"""What a spreadsheet would run as a formula."""
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$"
QUOTED = r'[",\r\n]'
PIECE = 16 << 20
"""Bytes of rows that become text at once."""


def csv_chunks(names: list[str], batches: Iterable[RecordBatch], *, raw: bool) -> Iterator[bytes]:
    """A table as CSV. Cells that a spreadsheet would run get an apostrophe in front, unless `raw`.

    An absent cell is nothing, an empty one is `""`; where a table has one column only, both are `""`, since an empty
    line would be no row.
    """
    yield BOM + (",".join(_quoted(name if raw else guarded(name)) for name in names) + LINE).encode()
    for batch in batches:
        for piece in pieces(batch):
            yield _lines(piece, raw=raw)


def guarded(text: str) -> str:
    """The text, with an apostrophe if a spreadsheet would run it."""
    return f"'{text}" if re.match(STARTS, text) and not re.fullmatch(NUMBER[1:-1], text, re.ASCII) else text


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if not text or re.search(QUOTED, text) else text


def pieces(batch: RecordBatch) -> Iterator[RecordBatch]:
    """The batch in parts that are small enough to be turned into text."""
    rows = batch.num_rows
    step = max(1, min(rows, rows * PIECE // max(1, batch.nbytes)))
    for start in range(0, rows, step):
        yield batch.slice(start, step)


def _lines(batch: RecordBatch, *, raw: bool) -> bytes:
    alone = batch.num_columns == 1
    cells = [_cells(column.cast(pa.large_string()), raw=raw, alone=alone) for column in batch.columns]
    lines = glued(*cells, between=",") if not alone else cells[0]
    return joined(glued(lines, LINE))


def _cells(column: Array, *, raw: bool, alone: bool) -> Array:
    if not raw:
        risky = pc.match_substring_regex(column, STARTS)
        if pc.any(risky).as_py():
            risky = pc.and_(risky, pc.invert(pc.match_substring_regex(column, NUMBER)))
            column = pc.if_else(risky, glued("'", column), column)
    special = pc.or_(pc.match_substring_regex(column, QUOTED), pc.equal(column, ""))
    if pc.any(special).as_py():
        doubled = pc.replace_substring(column, '"', '""')
        column = pc.if_else(special, glued('"', doubled, '"'), column)
    return pc.fill_null(column, '""' if alone else "")


def glued(*parts: Array | str, between: str = "") -> Array:
    """Strings put together row by row; null where one of them is."""
    wide = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*wide, pa.scalar(between, pa.large_string()))


def joined(lines: Array) -> bytes:
    """All strings of a freshly computed large_string array, one after the other: its data buffer."""
    data = lines.buffers()[2]
    length = cast("int", pc.sum(pc.binary_length(lines)).as_py()) if len(lines) else 0
    return data.to_pybytes()[:length] if data is not None else b""
