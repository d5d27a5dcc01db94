"""What the columns of a table hold, with its edits: counts, different values, the least and the greatest, the frequent.

Everything is exact but where a column has more different values than are counted: then the different and the frequent
ones are those of its first rows, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict, cast

from ret_convert.arrow import pa, pc
from ret_convert.views import values
from ret_convert.views.reading import Version, source_of
from ret_kit.blobs import Blobs

DISTINCT = 1 << 18
"""Different values of a column that are counted."""
DISTINCT_BYTES = 64 << 20
"""Bytes of these."""
TOP = 10
"""Most frequent values that are named."""
LENGTH = 200
"""Characters of a value that is named."""


class Examined(Version):
    """The columns of a version of a table that a child is to look at, each with whether it is one of numbers."""

    columns: dict[str, bool]


class Column(TypedDict):
    """What a column holds; `distinct` and `top` are of its first `counted` rows. Long values are cut."""

    count: int
    nulls: int
    empty: int
    distinct: int
    counted: int
    min: str | None
    max: str | None
    top: list[tuple[str, int]]


def profile(payload: dict[str, Any], _report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """`{name: Column}`, one column read after the other."""
    wanted = cast("Examined", payload)
    source = source_of(Blobs(wanted["blobs"]), wanted)
    found: dict[str, Any] = {}
    for name, number in wanted["columns"].items():
        tally = Tally(number=number)
        for piece in source.shown([name], [name]):
            tally.add(piece.rows.columns[0])
        found[name] = tally.column()
    return found


class Tally:
    """The figures of one column, piece by piece."""

    def __init__(self, *, number: bool) -> None:
        self._number = number
        self._rows = self._nulls = self._empty = self._counted = 0
        self._counts: dict[str, int] = {}
        self._bytes = 0
        self._full = False
        self._least: list[str] = []
        self._greatest: list[str] = []

    def add(self, cells: Any) -> None:
        """Cells as strings, or with a dictionary."""
        self._rows += len(cells)
        self._nulls += cells.null_count
        counted = pc.value_counts(cells.drop_null())
        different = counted.field(0)
        if pa.types.is_dictionary(different.type):
            different = different.cast(pa.string())
        self._extremes(different)
        self._empty += pc.sum(pc.if_else(pc.equal(different, ""), counted.field(1), 0)).as_py() or 0
        if self._full:
            return
        for value, count in zip(different.to_pylist(), counted.field(1).to_pylist(), strict=True):
            if value not in self._counts:
                self._bytes += len(value)
            self._counts[value] = self._counts.get(value, 0) + count
        self._counted = self._rows
        self._full = len(self._counts) > DISTINCT or self._bytes > DISTINCT_BYTES

    def _extremes(self, different: Any) -> None:
        """Note the least and the greatest of different values, numbers apart from texts."""
        filled = different.filter(pc.not_equal(different, ""))
        written = values.numbers(filled) if self._number else pa.nulls(len(filled), pa.string())
        numbers, texts = written.drop_null(), filled.filter(pc.is_null(written))
        for keys, cells in ((values.floats(numbers), numbers), (pc.utf8_lower(texts), texts)):
            ends = pc.min_max(keys).as_py()
            if ends["min"] is not None:
                self._least += cells.filter(pc.equal(keys, ends["min"])).to_pylist()
                self._greatest += cells.filter(pc.equal(keys, ends["max"])).to_pylist()
        self._least = self._ends(self._least)[:1]
        self._greatest = self._ends(self._greatest)[-1:]

    def _ends(self, found: list[str]) -> list[str]:
        """Values in their order; of numbers and texts only the numbers."""
        numbers = [one for one in found if self._number and values.is_number(one)]
        if numbers:
            return sorted(numbers, key=values.number_key)
        return [one for _, one in sorted(zip(values.lowered(found), found, strict=True))]

    def column(self) -> Column:
        """All of it."""
        frequent = sorted(self._counts.items(), key=lambda one: (-one[1], one[0]))[:TOP]
        return Column(
            count=self._rows,
            nulls=self._nulls,
            empty=self._empty,
            distinct=len(self._counts),
            counted=self._counted,
            min=self._least[0][:LENGTH] if self._least else None,
            max=self._greatest[0][:LENGTH] if self._greatest else None,
            top=[(value[:LENGTH], count) for value, count in frequent],
        )
