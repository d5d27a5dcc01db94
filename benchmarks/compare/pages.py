"""Pages of a result of 1 M rows and 20 columns: `python -m benchmarks.compare.pages [rows]`.

Milliseconds of pages of 200 rows anywhere in every view, first read from the stored result in this process, then asked
for through the gateway of a running product, whose two tables were put in the places of small converted ones.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from itertools import product as every
from pathlib import Path
from typing import Any

from benchmarks.compare.tables import Made, Stored, made
from benchmarks.product import Product, product
from ret_convert.layout import Column, Kind
from ret_convert.tables import ROWS, field_of, parquet_writer, repeating
from ret_diff.arrow import pa, pq
from ret_diff.artefact import Side, write
from ret_diff.engine import compare
from ret_diff.marks import Which
from ret_diff.meta import TableBlob
from ret_diff.model import Options, Reading
from ret_diff.opened import Compared
from ret_diff.pages import ResultPages, Window
from ret_kit.blobs import Blobs

TABLE = 1_000_000, 20
PAGE, ASKED, BAR = 200, 200, 60.0
VIEWS = tuple(every(("changed", "full"), ("changed", "all")))


def as_converted(path: Path) -> Path:
    """The table as convert writes one."""
    read = pq.read_table(path)
    names: list[str] = read.schema.names
    columns = [Column(name, f"/Rows/Row/{name}", Kind.VALUE) for name in names]
    schema = pa.schema([field_of(column) for column in columns])
    batch = pa.table([cells.cast(pa.string()) for cells in read.columns], schema=schema).combine_chunks()
    target = path.with_suffix(".converted.parquet")
    writer = parquet_writer(str(target), schema, repeating(batch.to_batches()[0], columns))
    writer.write_table(batch, row_group_size=ROWS)
    writer.close()
    return target


def told(name: str, took: list[float]) -> None:
    """Print a line: the first page apart, because it opens the result."""
    first, rest = took[0], sorted(took[1:])
    middle, p95 = rest[len(rest) // 2], rest[int(len(rest) * 0.95)]
    print(f"{name:34} {first:8.0f} {middle:8.1f} {p95:8.1f} {rest[-1]:8.1f}", flush=True)


def timed(ask: Callable[[int], object], total: int) -> list[float]:
    """Milliseconds of pages at random offsets."""
    rng = random.Random(1)
    took: list[float] = []
    for _ in range(ASKED + 1):
        offset = rng.randrange(max(1, total - PAGE))
        start = time.perf_counter()
        ask(offset)
        took.append((time.perf_counter() - start) * 1000)
    return took


def in_process(folder: Path, tables: tuple[Path, Path]) -> None:
    """The pages of `ResultPages`, up to their JSON."""
    blobs, sources = Blobs(folder.as_uri()), [Stored(path) for path in tables]
    result = compare(sources[0], sources[1], Options(), Reading(), Reading())
    a, b = (
        TableBlob(path.name, path.stat().st_size, source.rows) for path, source in zip(tables, sources, strict=True)
    )
    facts = write(blobs, "r/", result, Side(sources[0], a), Side(sources[1], b))
    print(f"stored result {facts.bytes / 1e6:.1f} MB beside tables of {(a.size + b.size) / 1e6:.1f} MB")
    for view, columns in VIEWS:
        of, total = Compared(facts.prefix, a, b), facts.full_rows if view == "full" else facts.changed_rows
        told(f"{view} view, {columns} columns", timed(reader(ResultPages(blobs), of, view, columns), total))


def reader(pages: ResultPages, of: Compared, view: str, columns: str) -> Callable[[int], object]:
    """Makes a page's JSON."""
    which = Which.FULL if view == "full" else Which.CHANGED

    def ask(offset: int) -> bytes:
        return b"".join(pages.rows(of, Window(which, offset, PAGE, all_columns=columns == "all")).pieces())

    return ask


def placed(run: Product, folder: Path, table: Path, mark: str) -> str:
    """The id of a document whose table has the content of a file."""
    read = pq.ParquetFile(table)
    names = read.schema_arrow.names
    row = "".join(f"<{name}>{mark}</{name}>" for name in names)
    small = folder / f"Table_{mark}.xml"
    small.write_text(f"<Rows>{f'<Row>{row}</Row>' * 2}</Rows>")
    collection, job = run.upload(small)
    run.wait(job)
    run.convert(collection["id"])
    [found] = run.client.get(f"/api/v1/collections/{collection['id']}/documents").raise_for_status().json()["items"]
    with closing(sqlite3.connect(run.data / "sql" / "convert.db")) as db, db:
        [table_id] = [one["id"] for one in found["tables"]]
        (key,) = db.execute("SELECT blob_key FROM tables WHERE id = ?", [table_id]).fetchone()
        digest = hashlib.sha256(table.read_bytes()).hexdigest()
        changed = [read.metadata.num_rows, table.stat().st_size, digest, table_id]
        db.execute("UPDATE tables SET rows = ?, size = ?, sha256 = ? WHERE id = ?", changed)
    stored = run.data / "blobs" / key
    stored.unlink()
    table.rename(stored)
    return str(found["id"])


def through_the_gateway(folder: Path, tables: tuple[Path, Path]) -> None:
    """The same pages, asked for over HTTP."""
    with product() as run:
        a, b = (placed(run, folder, path, mark) for path, mark in zip(tables, ("was", "now"), strict=True))
        start = time.perf_counter()
        order = {"a": {"document_id": a}, "b": {"document_id": b}}
        answer = run.client.post("/api/v1/comparisons", json=order).raise_for_status().json()
        run.wait(answer["job"])
        print(f"compared through the product in {time.perf_counter() - start:.1f} s")
        base = f"/api/v1/comparisons/{answer['comparison']['id']}/pairs"
        [pair] = run.client.get(base).raise_for_status().json()["items"]
        if pair["status"] != "mismatch":
            raise RuntimeError(pair["failure"] or pair["status"])
        for view, columns in VIEWS:
            ask = asker(run, f"{base}/{pair['id']}/rows", view, columns)
            told(f"{view} view, {columns} columns", timed(ask, int(ask(0)["total"])))


def asker(run: Product, path: str, view: str, columns: str) -> Callable[[int], Any]:
    """Asks for a page."""

    def ask(offset: int) -> Any:
        given = {"view": view, "columns": columns, "offset": offset, "limit": PAGE}
        return run.client.get(path, params=given).raise_for_status().json()

    return ask


def main() -> None:
    """Print the figures."""
    rows = next((int(word) for word in sys.argv[1:] if word.isdigit()), TABLE[0])
    with tempfile.TemporaryDirectory(prefix="ret-bench-data-") as name:
        folder = Path(name)
        whole: Made = made(folder, rows, TABLE[1], key=True, shuffled=True)
        tables = as_converted(whole.a), as_converted(whole.b)
        print(f"pages of {PAGE} rows of {rows:,}, ms      first   median      p95  slowest   (bar: p95 {BAR:.0f})")
        in_process(folder, tables)
        print("through the gateway")
        through_the_gateway(folder, tables)


if __name__ == "__main__":
    main()
