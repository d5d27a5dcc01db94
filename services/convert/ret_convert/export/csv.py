"""CSV as RFC 4180 has it, in UTF-8 with or without a byte order mark, lines ending in CRLF."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ret_convert.arrow import Array, RecordBatch, pc
from ret_convert.export.columns import (
    any_of,
    columns_of,
    content,
    either,
    empty,
    filled,
    glued,
    in_rows,
    is_wide,
    replaced,
    scalar,
    stacked,
)

BOM = b"\xef\xbb\xbf"
LINE = "\r\n"
STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would run as a formula starts so."""
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$"
QUOTED = ('"', ",", "\r", "\n")


def head(names: Sequence[str], *, raw: bool, bom: bool) -> bytes:
    """The line of names; guarded like cells, unless `raw`."""
    line = ",".join(_quoted(name if raw else guarded(name)) for name in names) + LINE
    return (BOM if bom else b"") + line.encode()


def lines(batch: RecordBatch, *, raw: bool) -> bytes:
    """Rows as lines. Cells that a spreadsheet would run get an apostrophe in front, unless `raw`.

    An absent cell is nothing, an empty one is `""`; where a table has one column only, both are `""`, since an empty
    line would be no row.
    """
    if not batch.num_columns:
        return b""
    if is_wide(batch):
        cells = filled(_cells(stacked(batch), raw=raw), "")
        return content(glued(in_rows(cells, batch.num_rows, ","), LINE))
    cells = [_cells(column, raw=raw) for column in columns_of(batch)]
    # The end of the line is put to the last column alone: that is less to copy than all of it.
    cells[-1] = glued(filled(cells[-1], '""' if len(cells) == 1 else ""), LINE)
    return content(glued(*cells, between=",", absent=""))


def guarded(text: str) -> str:
    """The text, with an apostrophe if a spreadsheet would run it."""
    return f"'{text}" if text.startswith(STARTS) and not re.fullmatch(NUMBER[1:-1], text, re.ASCII) else text


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if not text or any(mark in text for mark in QUOTED) else text


def _cells(column: Array, *, raw: bool) -> Array:
    text = content(column)
    if not raw and (starts := [start for start in STARTS if start.encode() in text]):
        column = _guarded(column, starts)
    blank = empty(column)
    if blank is not None:
        column = pc.if_else(blank, scalar('""'), column)
    if special := [mark for mark in QUOTED if mark.encode() in text]:
        which = either([pc.match_substring(column, mark) for mark in special])
        if blank is not None:
            which = pc.and_not(which, blank)
        doubled = replaced(column, '"', '""') if '"' in special else column
        column = pc.if_else(which, glued('"', doubled, '"'), column)
    return column


def _guarded(column: Array, starts: list[str]) -> Array:
    """The column with an apostrophe before everything that a spreadsheet would run."""
    risky = any_of(column, either([pc.starts_with(column, start) for start in starts]))
    if risky is None:
        return column
    risky = pc.and_(risky, pc.invert(pc.match_substring_regex(column, NUMBER)))
    return pc.if_else(risky, glued("'", column), column)
