"""Small documents, and what they become, for tests; nothing here knows how flattening works."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from ret_convert.batch import Restart
from ret_convert.flatten import Flattened, Flattening, Options
from ret_convert.layout import Kind, Layout, TablePlan
from ret_convert.xml import xml_flatten
from ret_kit.blobs import Blobs

Row = dict[str, str | None]


@dataclass
class Made:
    """What a document became: rows by table, in the order of the tables, and everything said about it."""

    rows: dict[str, list[Row]]
    flattened: Flattened

    @property
    def main(self) -> list[Row]:
        return self.rows[self.flattened.tables[0].name]

    @property
    def columns(self) -> list[str]:
        """The columns of the main table."""
        plan = self.flattened.tables[0]
        return [column.name for column in [*plan.columns, *(column for column, _ in plan.first)]]

    @property
    def codes(self) -> list[str]:
        return [warning.code for warning in self.flattened.warnings]


def made(
    body: str | bytes,
    layout: Layout = Layout.AUTO,
    *,
    path: str | None = None,
    repeats: int = 8,
    columns: int = 200,
    widest: int = 16_384,
    rows: int = 8192,
) -> Made:
    """Flatten a document, and hold it to its promise."""
    data = body.encode() if isinstance(body, str) else body
    options = Options(layout, path, repeats, columns, widest, rows)
    one = taken(xml_flatten(lambda: io.BytesIO(data), options, lambda _: None))
    assert one.flattened.conserved
    assert one.flattened.fidelity == 1.0
    return one


def taken(flattening: Flattening) -> Made:
    """Everything a flattening gives, as a reader of its tables sees it."""
    found: dict[TablePlan, list[Row]] = {}
    for batch in flattening.batches():
        if isinstance(batch, Restart):
            found.clear()
        else:
            found.setdefault(batch.table, []).extend(batch.columns.to_pylist())
    flattened = flattening.result()
    return Made({plan.name: _rows(plan, found.get(plan, [])) for plan in flattened.tables}, flattened)


def _rows(plan: TablePlan, rows: list[Row]) -> list[Row]:
    found = [{column.name: row.get(column.source) for column in plan.columns} for row in rows]
    for number, row in enumerate(found):
        row |= {column.name: None if number else cell for column, cell in plan.first}
    return found


def cells(one: Made, *kinds: Kind) -> Iterator[str]:
    """The cells of all columns of these kinds."""
    for table in one.flattened.tables:
        for column in [*table.columns, *(column for column, _ in table.first)]:
            if column.kind in kinds:
                for row in one.rows[table.name]:
                    cell = row[column.name]
                    if cell is not None:
                        yield cell


def values(one: Made, wrapper: str = "<x>{}</x>") -> Counter[str]:
    """The values in all cells; sources of mixed content are read by ElementTree, inside `wrapper`."""
    found = Counter(cell.strip() for cell in cells(one, Kind.VALUE, Kind.NIL) if cell.strip())
    for source in cells(one, Kind.SOURCE):
        for element in ET.fromstring(wrapper.format(source)).iter():  # noqa: S314 - ours
            texts = [element.text or "", *(child.tail or "" for child in element)]
            found.update(value for text in texts if (value := text.strip()))
            found.update(value for text in element.attrib.values() if (value := text.strip()))
    return found


def store(folder: Path) -> tuple[str, Blobs]:
    """An empty local blob store: (its URL, itself)."""
    url = (folder / "blobs").as_uri()
    return url, Blobs(url)
