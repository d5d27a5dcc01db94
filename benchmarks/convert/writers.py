"""How fast tables are written: `python -m benchmarks.convert.writers [cells]`, 1,200,000 cells unless said otherwise.

Every writer reads the same stored Parquet and writes into something that counts and forgets. They take turns; a figure
is the median of five. At the end what our workbook and our CSV take in memory, for that table and for one of ten times
its length, each in a process of its own.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import openpyxl

from ret_convert.arrow import RecordBatch, batch_of, pa, pq
from ret_convert.export.archive import export
from ret_convert.export.order import Format, Order, Table
from ret_convert.tables import batches_of
from ret_kit.blobs import Blobs

COLUMNS = 20
ROUNDS = 5
LONGER = 10
BATCH = 10_000
ABSENT = 0.2
WORDS = ("Standard", "Immediate", "net 30 days", "R&D", "<default>", "résumé", "税", 'the "other" one', "a, b")


@dataclass
class Sink:
    """Counts what is written to it, and when the first of it came."""

    began: float = field(default_factory=time.perf_counter)
    size: int = 0
    first: float = 0.0

    def write(self, data: bytes) -> int:
        self.first = self.first or time.perf_counter() - self.began
        self.size += len(data)
        return len(data)


@dataclass(frozen=True)
class Stored:
    """A stored table."""

    url: str
    table: Table

    def batches(self) -> Iterator[RecordBatch]:
        with Blobs(self.url).reader(self.table["key"]) as file:
            yield from batches_of(file)

    def rows(self) -> Iterator[list[str | None]]:
        """Row by row, as the writers take it that know no columns; the names first."""
        for number, batch in enumerate(self.batches()):
            if not number:
                yield [*batch.schema.names]
            yield from map(list, zip(*(column.to_pylist() for column in batch.columns), strict=True))


def cell(rng: random.Random, column: int, row: int) -> str | None:
    """Setup data: ids, codes with leading zeros, dates that may be absent, flags that may be empty, prose."""
    kinds = (
        str(300_000_000_000_000 + rng.randrange(10**11)),
        f"{row:07d}",
        None if rng.random() < ABSENT else f"2026-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}T00:00:00.000Z",
        rng.choice(("Y", "N", "")),
        " ".join(rng.choices(WORDS, k=3)),
    )
    return kinds[column % len(kinds)]


def store(folder: Path, cells: int) -> Stored:
    """A table of so many cells, stored as conversions store them."""
    rng = random.Random(7)
    rows = cells // COLUMNS
    key = f"t/{rows}.parquet"
    blobs = Blobs(folder.as_uri())
    names = [f"Column{number}" for number in range(COLUMNS)]
    batch = batch_of([[cell(rng, column, row) for row in range(BATCH)] for column in range(COLUMNS)], names)
    few = [name for number, name in enumerate(names) if number % 5 in (2, 3)]
    out = pa.BufferOutputStream()
    with pq.ParquetWriter(out, pa.schema(batch.schema), compression="zstd", compression_level=1, use_dictionary=few,
                          write_statistics=False) as parquet:  # fmt: skip
        for start in range(0, rows, BATCH):
            parquet.write_batch(batch.slice(0, min(BATCH, rows - start)), row_group_size=BATCH)
    stored = blobs.put_sync(key, out.getvalue().to_pybytes())
    table = Table(
        name="rows", role="main", key=key, rows=rows, columns=COLUMNS, size=stored.size, sha256=stored.sha256, version=1
    )
    return Stored(folder.as_uri(), table)


def ours(kind: Format) -> Callable[[Stored, Sink], object]:
    """Our export of one document in a format."""

    def write(stored: Stored, sink: Sink) -> None:
        order = Order(
            blobs=stored.url, format=kind, raw=False, bom=True, nested="zip", alone=True, keep=False,
            entries=[{"name": "rows.xml", "type": "document", "depth": 1, "original": None, "tables": [stored.table]}],
        )  # fmt: skip
        export(dict(order), sink.write)

    return write


def by_openpyxl(stored: Stored, sink: Sink) -> None:
    """By openpyxl in its write-only mode."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    for row in stored.rows():
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    sink.write(out.getvalue())


def by_xlsxwriter(stored: Stored, sink: Sink) -> None:
    """XlsxWriter in constant memory, told to take nothing for a formula, a number or an address."""
    out = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book: Any = importlib.import_module("xlsxwriter").Workbook(out, options)
    sheet = book.add_worksheet("rows")
    for number, row in enumerate(stored.rows()):
        for column, text in enumerate(row):
            if text is not None:
                sheet.write_string(number, column, text)
    book.close()
    sink.write(out.getvalue())


def by_pyarrow(stored: Stored, sink: Sink) -> None:
    """By pyarrow's CSV writer, with quotation marks around everything: no guards, no CRLF."""
    csv: Any = importlib.import_module("pyarrow.csv")
    out, writer = io.BytesIO(), None
    for batch in stored.batches():
        writer = writer or csv.CSVWriter(out, batch.schema)
        writer.write_batch(batch)
        sink.write(out.getvalue())
        out.seek(0)
        out.truncate()


def by_pandas(stored: Stored, sink: Sink) -> None:
    """By pandas' CSV writer: no guards."""
    pandas: Any = importlib.import_module("pandas")
    for number, batch in enumerate(stored.batches()):
        frame = pandas.DataFrame(batch.to_pylist(), columns=batch.schema.names, dtype=str)
        sink.write(frame.to_csv(index=False, header=not number, lineterminator="\r\n").encode())


def writers() -> dict[str, dict[str, Callable[[Stored, Sink], object]]]:
    """What is installed, ours first."""
    books: dict[str, Callable[[Stored, Sink], object]] = {
        "ours": ours("xlsx"),
        "openpyxl write-only": by_openpyxl,
        "XlsxWriter constant_memory": by_xlsxwriter,
    }
    texts: dict[str, Callable[[Stored, Sink], object]] = {
        "ours": ours("csv"),
        "pyarrow.csv": by_pyarrow,
        "pandas to_csv": by_pandas,
    }
    for missing, module, where in (
        ("XlsxWriter constant_memory", "xlsxwriter", books),
        ("pandas to_csv", "pandas", texts),
    ):
        if importlib.util.find_spec(module) is None:
            del where[missing]
    return {"workbook": books, "CSV": texts, "JSON": {"ours": ours("json")}, "Parquet": {"ours": ours("parquet")}}


def measured(stored: Stored, given: dict[str, Callable[[Stored, Sink], object]]) -> dict[str, tuple[float, float, int]]:
    """(seconds, seconds to the first byte, bytes) by writer, medians of rounds in which they take turns."""
    rounds: dict[str, list[tuple[float, float, int]]] = {name: [] for name in given}
    for _ in range(ROUNDS):
        for name, write in given.items():
            sink = Sink()
            write(stored, sink)
            rounds[name].append((time.perf_counter() - sink.began, sink.first, sink.size))
    return {
        name: (statistics.median(one[0] for one in all_), statistics.median(one[1] for one in all_), all_[0][2])
        for name, all_ in rounds.items()
    }


def _most_memory(kind: Format, stored: Stored, answer: Connection) -> None:
    ours(kind)(stored, Sink())
    # Not `getrusage`: that counts what the process was before it became this program.
    status = Path("/proc/self/status").read_text("ascii")
    answer.send(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def most_memory(kind: Format, stored: Stored) -> float:
    """MiB of resident memory, at most, of a process that writes our export and does nothing else (Linux)."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_most_memory, args=(kind, stored, theirs))
    process.start()
    most = mine.recv()
    process.join()
    return most


def main() -> None:
    """Print the figures."""
    cells = next((int(word) for word in sys.argv[1:] if word.isdigit()), 1_200_000)
    with tempfile.TemporaryDirectory() as folder:
        stored, longer = store(Path(folder), cells), store(Path(folder), cells * LONGER)
        print(f"{cells:,} cells in {COLUMNS} columns, from {stored.table['size'] / 1e6:.1f} MB of Parquet")
        for what, given in writers().items():
            found = measured(stored, given)
            mine = found["ours"][0]
            for name, (took, first, size) in found.items():
                print(
                    f"{what:8} {name:26} {took:7.3f} s {size / 1e6:6.1f} MB {size / 1e6 / took:7.1f} MB/s, "
                    f"first byte {first * 1000:5.0f} ms, {took / mine:6.2f} times as long as ours"
                )
        kinds: tuple[Format, ...] = ("xlsx", "csv")
        for kind in kinds:
            short, long = most_memory(kind, stored), most_memory(kind, longer)
            print(f"memory for {kind}: {cells:,} cells {short:.0f} MiB, {cells * LONGER:,} cells {long:.0f} MiB")


if __name__ == "__main__":
    main()
