"""Cells and names as a workbook takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ret_convert.arrow import Array, RecordBatch, pa, pc
from ret_convert.export.columns import (
    TEXT,
    any_of,
    columns_of,
    content,
    filled,
    glued,
    in_rows,
    is_wide,
    replaced,
    size,
    stacked,
)

UNITS = 32_767
"""UTF-16 code units that a cell takes."""
MARK = "… [cut, whole on the sheet “_long values”]"
NAME_UNITS = 31

BARE = '<c t="inlineStr"><is><t>'
OPEN = '<c t="inlineStr"><is><t xml:space="preserve">'
"""A reader may take blanks at the ends of a text away unless it is told not to."""
CLOSE = "</t></is></c>"
TITLE = OPEN.replace("<c ", '<c s="1" ')
ABSENT = "<c/>"
BLANKS = (b" ", b"\t", b"\n")
# What XML does not hold, what it would change (a carriage return), and what a reader would take for an escape.
ODD = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]|_x[0-9A-Fa-f]{4}_"
ODD_MARKS = (b"_x", b"\xef\xbf\xbe", b"\xef\xbf\xbf")
ALL_BUT_CONTROLS = bytes({*range(256)} - {*range(9), *range(11, 32)})
UNFIT = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")
ILLEGAL = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
LONGEST = pa.scalar(UNITS, pa.int64())
FALSE = pa.scalar(False, pa.bool_())  # noqa: FBT003 - a value


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


def rows_of(batch: RecordBatch) -> bytes:
    """Rows as a sheet's XML. Texts only: an empty text is one, an absent cell is none."""
    if is_wide(batch):
        opening, cells = _cells(stacked(batch))
        cells = filled(glued(opening, cells, CLOSE), ABSENT)
        return content(glued("<row>", in_rows(cells, batch.num_rows, ""), "</row>"))
    parts: list[Array | str] = []
    fixed = "<row>"
    for column in columns_of(batch):
        opening, cells = _cells(column)
        if column.null_count:
            parts += [fixed, filled(glued(opening, cells, CLOSE), ABSENT)]
            fixed = ""
        else:
            parts += [fixed + opening, cells]
            fixed = CLOSE
    return content(glued(*parts, fixed + "</row>"))


def _cells(column: Array) -> tuple[str, Array]:
    """(what stands before each text, the texts) for a sheet's XML."""
    text = content(column)
    opening = OPEN if any(blank in text for blank in BLANKS) else BARE
    long = too_long(column)
    if long is not None:
        column = _changed(column, long, cut)
    odd = None
    if any(mark in text for mark in ODD_MARKS) or text.translate(None, ALL_BUT_CONTROLS):
        odd = any_of(column, pc.match_substring_regex(column, ODD))
    escapes = column if odd is None else _changed(column, odd, escaped)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        if character.encode() in text:
            column = replaced(column, character, entity)
    return opening, column if odd is None else pc.if_else(odd, escapes, column)


def _changed(column: Array, which: Array, change: Callable[[str], str]) -> Array:
    """The column with some of its cells, which are few, changed one by one."""
    cells = [None if cell is None else change(cell) for cell in column.filter(which).to_pylist()]
    return pc.replace_with_mask(column, pc.fill_null(which, FALSE), pa.array(cells, TEXT))


def too_long(column: Array) -> Array | None:
    """Which cells of a column are too long for a sheet; None if none is."""
    if size(column) <= UNITS:
        return None
    # A text never has more units in UTF-16 than it has bytes in UTF-8.
    maybe = any_of(column, pc.greater(pc.binary_length(column), LONGEST))
    if maybe is None:
        return None
    long = [cell is not None and units(cell) > UNITS for cell in column.filter(maybe).to_pylist()]
    maybe = pc.fill_null(maybe, FALSE)
    return pc.replace_with_mask(maybe, maybe, pa.array(long, pa.bool_())) if any(long) else None


def long_values(names: Sequence[str], batches: Iterator[RecordBatch]) -> Iterator[tuple[str, str, str]]:
    """(column, row counted from 1, value) of everything too long; names of columns come first, without a row."""
    for name in names:
        if units(name) > UNITS:
            yield name, "", name
    before = 0
    for batch in batches:
        for name, column in zip(names, columns_of(batch), strict=True):
            long = too_long(column)
            for at, is_long in enumerate(long.to_pylist() if long is not None else ()):
                if is_long:
                    [value] = column.slice(at, 1).to_pylist()
                    yield name, str(before + at + 1), value or ""
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
    legal = head(ILLEGAL.sub("_", name).strip("'"), NAME_UNITS).rstrip("'") or "Sheet"
    # "History" is reserved for Excel's own use.
    found, number = legal, 1
    while found.casefold() in taken or found.casefold() == "history":
        number += 1
        tail = f" ({number})"
        found = head(legal, NAME_UNITS - len(tail)) + tail
    return found
