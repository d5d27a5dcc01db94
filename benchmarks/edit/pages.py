"""Pages and views of a table of 5 M rows and 40 columns, through the gateway of a running product.

The table is made once a run, as Parquet in the product's own way of writing, and put in the place of a small one that
was converted. Printed are milliseconds: of pages in the table's own order anywhere in it, of the first page of sorted
and filtered views, of the pages after it, of jumps in a view, of a search through the whole table.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.product import Product, product
from ret_convert.arrow import pa, pc
from ret_convert.layout import Column, Kind
from ret_convert.tables import ROWS, field_of, parquet_writer, repeating

TABLE_ROWS = 5_000_000
COLUMNS = 40
PAGE = 200
NAMES = [f"Col{number:02d}" for number in range(COLUMNS)]
KINDS = ("Head Office", "Plant", "Warehouse", "Branch", "Retail", "Cost centre", "Project", "Vendor")
PLACES = ("Munich", "Wien", "Zürich", "Lyon", "Oslo", "Porto", "Gdańsk", "Graz")
WORDS = pa.array([f"{kind} {place}" for kind in KINDS for place in PLACES])


def integers(rows: int, bits: int) -> Any:
    """Random integers, as text."""
    return pc.cast(positions(rows, bits), pa.string())


def positions(rows: int, bits: int) -> Any:
    """Random integers of so many bits."""
    numbers = pa.Array.from_buffers(pa.int64(), rows, [None, pa.py_buffer(os.urandom(8 * rows))])
    return pc.bit_wise_and(numbers, (1 << bits) - 1)


def cells(number: int, first: int, rows: int) -> Any:
    """The cells of a column: eight kinds take turns, of which three repeat little or not at all."""
    made: list[Callable[[], Any]] = [
        lambda: pc.cast(pa.arange(first, first + rows), pa.string()) if number == 0 else integers(rows, 34),
        lambda: WORDS.take(positions(rows, 6)),
        lambda: pc.binary_join_element_wise(integers(rows, 17), pc.utf8_lpad(integers(rows, 6), 2, "0"), "."),
        lambda: pc.binary_join_element_wise("2024", *(pc.utf8_lpad(integers(rows, 3), 2, "0") for _ in range(2)), "-"),
        lambda: pc.binary_join_element_wise(WORDS.take(positions(rows, 6)), integers(rows, 20), " "),
        lambda: integers(rows, 1),
        lambda: pc.if_else(pc.equal(positions(rows, 3), 0), integers(rows, 10), pa.scalar(None, pa.string())),
        lambda: pc.binary_join_element_wise("C", integers(rows, 10), ""),
    ]
    return made[number % len(made)]()


def write(path: Path, rows: int) -> None:
    """A table as the product stores one."""
    columns = [Column(name, f"/Rows/Row/{name}", Kind.VALUE) for name in NAMES]
    schema = pa.schema([field_of(column) for column in columns])
    writer: Any = None
    for first in range(1, rows + 1, 8 * ROWS):
        count = min(8 * ROWS, rows + 1 - first)
        made = [cells(number, first, count) for number in range(COLUMNS)]
        batch = pa.RecordBatch.from_arrays(made, schema=schema)
        writer = writer or parquet_writer(str(path), schema, repeating(batch, columns))
        writer.write_batch(batch, row_group_size=ROWS)
    writer.close()


def placed_table(made: Product, path: Path, rows: int) -> str:
    """The id of a table that has the content of this file."""
    row = "".join(f"<{name}>1</{name}>" for name in NAMES)
    small = path.with_suffix(".xml")
    small.write_text(f"<Rows>{f'<Row>{row}</Row>' * 2}</Rows>")
    collection, job = made.upload(small)
    made.wait(job)
    made.convert(collection["id"])
    listed = made.client.get(f"/api/v1/collections/{collection['id']}/documents").raise_for_status().json()
    table_id = listed["items"][0]["tables"][0]["id"]
    with closing(sqlite3.connect(made.data / "sql" / "convert.db")) as db, db:
        (key,) = db.execute("SELECT blob_key FROM tables WHERE id = ?", [table_id]).fetchone()
        changed = [rows, path.stat().st_size, table_id]
        db.execute("UPDATE tables SET rows = ?, size = ? WHERE id = ?", changed)
    stored = made.data / "blobs" / key
    stored.unlink()
    path.rename(stored)
    return str(table_id)


class Reader:
    """Asks for pages of a table."""

    def __init__(self, made: Product, table_id: str) -> None:
        self._client = made.client
        self._path = f"/api/v1/tables/{table_id}"

    def page(self, offset: int, **given: str) -> float:
        """Milliseconds until all of a page was there."""
        begun = time.perf_counter()
        answer = self._client.get(self._path, params={"offset": offset, "limit": PAGE, **given}).raise_for_status()
        spent = time.perf_counter() - begun
        assert len(answer.json()["rows"]) == PAGE  # noqa: S101 - a figure of another page is none
        return spent * 1000

    def find(self, q: str) -> float:
        """Milliseconds until it was known that nothing is found."""
        begun = time.perf_counter()
        assert self._client.get(f"{self._path}/find", params={"q": q}).status_code == 404  # noqa: PLR2004, S101 - as above
        return (time.perf_counter() - begun) * 1000


def p95(figures: list[float]) -> float:
    """The 95th percentile."""
    return sorted(figures)[max(0, -(-len(figures) * 95 // 100) - 1)]


def views() -> Iterator[tuple[str, dict[str, str]]]:
    """Views as users make them, by what they are called."""
    yield "sort: words that repeat", {"sort": "Col01"}
    yield "sort: numbers, falling", {"sort": "-Col02"}
    yield "sort: texts, all different", {"sort": "Col04"}
    yield "sort: words, then numbers", {"sort": "Col09,-Col10"}
    yield "filter: equal (1 in 64)", {"filter": condition("Col01", "eq", "Plant Graz")}
    yield "filter: contains (1 in 8)", {"filter": condition("Col04", "contains", "GRAZ")}
    yield "filter and sort", {"filter": condition("Col02", "gt", "65536"), "sort": "Col12"}


def condition(column: str, op: str, value: str) -> str:
    """A filter of one condition."""
    return json.dumps([{"column": column, "op": op, "value": value}])


def measured(reader: Reader, given: dict[str, str], last: int) -> tuple[float, float, float, float]:
    """(first page, 95th percentile of the pages after it, slowest of them, slowest jump) of a view."""
    first = reader.page(0, **given)
    time.sleep(0.5)  # nobody reads faster
    scrolled: list[float] = []
    for offset in range(PAGE, 150 * PAGE, PAGE):
        scrolled.append(reader.page(offset, **given))
        time.sleep(0.03)
    chosen = random.Random(7)
    jumps: list[float] = []
    for _ in range(5):
        jumps.append(reader.page(chosen.randrange(40_000, last - PAGE), **given))
        time.sleep(0.2)
    return first, p95(scrolled), max(scrolled), max(jumps)


def main() -> None:
    """Print the figures."""
    chosen = random.Random(1)
    with product() as made:
        path = made.data / "table.parquet"
        begun = time.perf_counter()
        write(path, TABLE_ROWS)
        size = path.stat().st_size
        print(f"{TABLE_ROWS:,} rows, {COLUMNS} columns, {size / 1e6:.0f} MB, {time.perf_counter() - begun:.0f} s")
        reader = Reader(made, placed_table(made, path, TABLE_ROWS))
        first = reader.page(0)
        anywhere = [reader.page(chosen.randrange(TABLE_ROWS - PAGE)) for _ in range(100)]
        print(f"| page of {PAGE} rows | first | median | p95 |\n|---|---|---|---|")
        print(f"| anywhere | {first:.0f} | {sorted(anywhere)[50]:.0f} | {p95(anywhere):.0f} |\n")
        print("| view | first page | scrolling on, p95 | slowest | slowest of 5 jumps |\n|---|---|---|---|---|")
        for name, given in views():
            last = TABLE_ROWS // 80 if "filter" in given else TABLE_ROWS
            figures = " | ".join(f"{one:.0f}" for one in measured(reader, given, last))
            print(f"| {name} | {figures} |", flush=True)
        print(f"\na search through the whole table: {reader.find('nowhere to be found') / 1000:.1f} s")


if __name__ == "__main__":
    main()
