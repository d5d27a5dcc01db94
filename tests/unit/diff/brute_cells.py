"""What two cells are to each other, worked out one at a time, by the rules as they are written down and not as they
are built."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from ret_diff.model import CellState, Options, Reading

Cell = str | None
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def state(old: Cell, new: Cell, options: Options, reading: Reading) -> CellState:
    """The state of a cell; `reading` is that of both sides together."""
    if old == new:
        return CellState.SAME
    left, right = looked_at(old, options, reading), looked_at(new, options, reading)
    if left == right or close(left, right, options.numeric_tolerance):
        return CellState.IGNORED
    return CellState.FORMAT_ONLY if plain(left) == plain(right) else CellState.CHANGED


def looked_at(cell: Cell, options: Options, reading: Reading) -> Cell:
    """A cell as the options and readings have it."""
    if cell is None:
        return "" if reading.absent_is_empty else None
    guarded = len(cell) > 1 and cell[0] == "'" and cell[1] in "=+-@\t\r"
    if reading.guarded and guarded and not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", cell[1:], re.ASCII):
        cell = cell[1:]
    if options.ignore_space:
        cell = " ".join(cell.split())
    return cell.lower() if options.ignore_case else cell


def close(old: Cell, new: Cell, tolerance: float) -> bool:
    """Whether both are numbers and no further apart."""
    if not tolerance or (one := number(old)) is None or (other := number(new)) is None:
        return False
    return abs(one - other) <= Decimal(repr(tolerance))


def number(cell: Cell) -> Decimal | None:
    """The number that a cell is, if it is written as one; with leading zeros it is a code."""
    text = (cell or "").strip()
    if re.fullmatch(r"[+-]?([1-9]\d{0,2}(,\d{3}){2,}(\.\d*)?|[1-9]\d{0,2},\d{3}\.\d+)", text, re.ASCII):
        return Decimal(text.replace(",", ""))
    if re.fullmatch(r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII):
        return Decimal(text)
    return None


def moment(cell: Cell) -> datetime | None:
    """The day, or the moment in UTC, that a cell is, if its parts cannot be mistaken."""
    text = (cell or "").strip()
    if named := re.fullmatch(r"(\d{1,2})[- ]([A-Za-z]{3})[- ](\d{4})", text, re.ASCII):
        day, month, year = named.groups()
        text = f"{year}-{MONTHS.index(month.upper()) + 1:02d}-{int(day):02d}" if month.upper() in MONTHS else text
    text = re.sub(r"^(\d{4})[/.](\d{2})[/.](\d{2})", r"\1-\2-\3", text)
    try:
        found = datetime.fromisoformat(text) if re.match(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found and found.tzinfo else found


def plain(cell: Cell) -> object:
    """One value for all ways to write the same."""
    if cell is None:
        return None
    for read in (number, moment):
        if (found := read(cell)) is not None:
            return found
    return cell.strip().replace("\r\n", "\n")
