"""Documents on the ladder, for tests: what they become, by which rung, and what is said of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from convert_documents import Made, Row, taken

from ret_convert.flatten import Batch, Flatten, Flattened, Options, Restart
from ret_convert.ladder.ladder import Keeping, Landed, climb, xml_rungs
from ret_convert.xml import xml_flatten

Taken = list[Batch | Restart]

TWO = "<Item><A>a1</A><B>b1</B></Item>", "<Item><A>a2</A><B>b2</B></Item>"
ROWS = [{"A": "a1", "B": "b1"}, {"A": "a2", "B": "b2"}]
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def doc(*items: str) -> str:
    """Records in an element, those of `ROWS` unless others are given."""
    return f"{HEAD}<Items>{''.join(items or TWO)}</Items>"


@dataclass
class Again:
    """Batches that were taken before."""

    kept: Taken
    flattened: Flattened

    def batches(self) -> Iterator[Batch | Restart]:
        return iter(self.kept)

    def result(self) -> Flattened:
        return self.flattened


@dataclass
class Climbed:
    """A document at the end of its climb."""

    landed: Landed[Taken]
    made: Made

    @property
    def method(self) -> str:
        return self.landed.method

    @property
    def fidelity(self) -> float:
        return self.landed.fidelity

    @property
    def main(self) -> list[Row]:
        return self.made.main

    @property
    def errors(self) -> list[Row]:
        return self.made.rows.get("_errors", [])

    @property
    def codes(self) -> list[str]:
        return [one.code for one in self.landed.warnings]

    @property
    def said(self) -> str:
        return self.landed.warnings[0].detail if self.landed.warnings else ""

    @property
    def cells(self) -> list[str]:
        """All cells but those of `_errors`."""
        tables = (rows for name, rows in self.made.rows.items() if name != "_errors")
        return [cell for rows in tables for row in rows for cell in row.values() if cell]


def climbed(body: str | bytes, options: Options | None = None, native: Flatten = xml_flatten) -> Climbed:
    """Climb with a document."""
    data = body.encode() if isinstance(body, str) else body
    rungs = xml_rungs(lambda: io.BytesIO(data), options or Options(), lambda _: None, native)
    landed = climb(rungs, Keeping(lambda batches: [*batches], lambda: None), "document")
    return Climbed(landed, taken(Again(landed.kept, landed.flattened)))
