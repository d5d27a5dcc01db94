"""Cells and names as a workbook takes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ret_convert.arrow import Array, RecordBatch, pa, pc
from ret_convert.export.csv import glued, joined, pieces

UNITS = 32_767
"""UTF-16 code units that a cell takes."""
MARK = "… [cut, whole on the sheet “_long values”]"
NAME_UNITS = 31

OPEN = '<c t="inlineStr"><is><t xml:space="preserve">'
CLOSE = "</t></is></c>"
TITLE = OPEN.replace("<c ", '<c s="1" ')
ABSENT = "<c/>"
# What XML does not hold, what it would change (a carriage return), and what a reader would take for an escape.
ODD = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]|_x[0-9A-Fa-f]{4}_"
UNFIT = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")
ILLEGAL = re.compile(r"[\[\]:*?/\\\x00-\x1f]")


def units(text: str) -> int:
    """The length of a text as a spreadsheet counts it: characters above U+FFFF are two."""
    return len(text) + sum(character > "\uffff" for character in text) if not text.isascii() else len(text)


def head(text: str, limit: int) -> str:
    """As much of a text's beginning as fits into so many UTF-16 units."""
    found = text[:limit]
    while units(found) > limit:
        found = found[: -max(1, (units(found) - limit) // 2)]
    return found


def cut(text: str) -> str:
    """The text, cut with a mark if it is too long for a cell."""
    return text if units(text) <= UNITS else head(text, UNITS - len(MARK)) + MARK


def parts(text: str) -> Iterator[str]:
    """The text in pieces that fit into cells; put together they are the text."""
    at = 0
    while at < len(text):
        piece = head(text[at : at + UNITS], UNITS)
        yield piece
        at += len(piece)


def escaped(text: str) -> str:
    """The text for a sheet's XML; what XML does not hold is `_xHHHH_`, and so is what only looks like that."""
    text = UNFIT.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def title(name: str) -> str:
    """The cell of a column's name."""
    return f"{TITLE}{escaped(cut(name))}{CLOSE}"


def rows_of(batch: RecordBatch) -> tuple[bytes, bool]:
    """(rows as a sheet's XML, whether cells were cut). Texts only: an empty text is one, an absent cell is none."""
    texts: list[bytes] = []
    long = False
    for piece in pieces(batch):
        cells: list[Array] = []
        for column in piece.columns:
            text, too_long = _cells(column.cast(pa.large_string()))
            cells.append(text)
            long |= too_long
        texts.append(joined(glued("<row>", *cells, "</row>")))
    return b"".join(texts), long


def _cells(column: Array) -> tuple[Array, bool]:
    long = (pc.max(pc.binary_length(column)).as_py() or 0) > UNITS and any(
        cell is not None and units(cell) > UNITS for cell in column.to_pylist()
    )
    if long or pc.any(pc.match_substring_regex(column, ODD)).as_py():
        column = pa.array(
            [None if cell is None else escaped(cut(cell)) for cell in column.to_pylist()], pa.large_string()
        )
    elif pc.any(pc.match_substring_regex(column, "[&<>]")).as_py():
        for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            column = pc.replace_substring(column, character, entity)
    return pc.fill_null(glued(OPEN, column, CLOSE), ABSENT), long


def long_values(names: list[str], batches: Iterator[RecordBatch]) -> Iterator[tuple[str, int, str]]:
    """(column, row counted from 1, value) of every cell that is too long."""
    before = 0
    for batch in batches:
        for name, column in zip(names, batch.columns, strict=True):
            if (pc.max(pc.binary_length(column)).as_py() or 0) > UNITS:
                for at, cell in enumerate(column.to_pylist()):
                    if cell is not None and units(cell) > UNITS:
                        yield name, before + at + 1, cell
        before += batch.num_rows


def letters(number: int) -> str:
    """The name of a column: 1 is A, 27 is AA."""
    found = ""
    while number:
        number, rest = divmod(number - 1, 26)
        found = chr(65 + rest) + found
    return found


def sheet_name(name: str, taken: set[str]) -> str:
    """A legal name for a sheet that is not taken; `taken` holds names with their case folded."""
    legal = head(ILLEGAL.sub("_", name).strip("'") or "Sheet", NAME_UNITS)
    # "History" is reserved for Excel's own use.
    found, number = legal, 1
    while found.casefold() in taken or found.casefold() == "history":
        number += 1
        tail = f" ({number})"
        found = head(legal, NAME_UNITS - len(tail)) + tail
    return found
