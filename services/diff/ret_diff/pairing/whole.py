"""Long values of a workbook of ours, put back where they were cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from ret_diff.arrow import pa, pc
from ret_diff.model import Column, Source
from ret_diff.pairing.tables import LONG_COLUMNS, sheet_name

MARK = "… [cut, whole on the sheet “_long values”]"
"""How a cell ends that was cut, as exports write it (the source of the format is convert's `export/cells.py`)."""


class Whole:
    """A `Source` whose cut cells are whole again: `long` is the table of the sheet `_long values` beside it.

    `name` is what the table was called where it was exported from: `TablePair.name`. A cell is put back only where what
    is left of it is the beginning of the long value; cells that were moved or changed since stay as they are.
    """

    def __init__(self, source: Source, long: Source, name: str) -> None:
        self._source = source
        self._values: dict[str, dict[int, str]] = defaultdict(dict)
        for column, row, value in _values(long, name):
            self._values[column][row] = self._values[column].get(row, "") + value

    @property
    def rows(self) -> int:
        return self._source.rows

    @property
    def columns(self) -> Sequence[Column]:
        return self._source.columns

    def read(self, names: Sequence[str]) -> Any:
        """As the source's, with whole values."""
        table = self._source.read(names)
        for at, name in enumerate(table.schema.names):
            if self._values.get(name):
                cells = pa.chunked_array([self._whole(table.column(at), self._values[name])])
                table = table.set_column(at, name, cells)
        return table

    @staticmethod
    def _whole(column: Any, values: dict[int, str]) -> Any:
        cells = column.combine_chunks().cast(pa.large_string())
        kept = {
            row: value
            for row, value in sorted(values.items())
            if row < len(cells) and _is_head(cells[row].as_py() or "", value)
        }
        mask = pc.is_in(pa.array(range(len(cells)), pa.int64()), pa.array(list(kept), pa.int64()))
        return pc.replace_with_mask(cells, mask, pa.array(list(kept.values()), pa.large_string()))


def _is_head(cell: str, value: str) -> bool:
    """Whether a cell is what is left of a value that was cut."""
    return cell.endswith(MARK) and value.startswith(cell[: -len(MARK)])


def _values(long: Source, name: str) -> Iterator[tuple[str, int, str]]:
    """(column, row from 0, a piece of its value) of a table; a value may take several cells and rows."""
    names = [one.name for one in long.columns]
    listed: list[dict[str, str | None]] = long.read(names).to_pylist()
    exact = any(row[LONG_COLUMNS[0]] == name for row in listed)
    for row in listed:
        table, column, number = (row[one] or "" for one in LONG_COLUMNS[:3])
        # In a workbook without its origin only the name of the sheet is known, which may be shorter.
        same = table == name if exact else sheet_name(table) == sheet_name(name)
        if same and number.isdecimal() and int(number):
            yield column, int(number) - 1, "".join(row[one] or "" for one in names[len(LONG_COLUMNS) - 1 :])
