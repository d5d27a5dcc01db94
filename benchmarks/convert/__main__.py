"""How fast documents become tables and tables files: `python -m benchmarks.convert [megabytes]`.

One record-shaped document beside a bare expat parse of the same bytes (`ParseFile` without handlers) on one core, then
its table as CSV and as a workbook, the latter beside openpyxl write-only. Each figure is the median of three.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.parsers import expat

import openpyxl

from ret_convert.converting import convert
from ret_convert.export.archive import export
from ret_convert.tables import batches_of
from ret_kit.blobs import Blobs

WORDS = ("standard", "immediate", "net days", "approval", "local transfer", "résumé", "税", "R&amp;D", "interest")
ROUNDS = 3


def write_document(path: Path, megabytes: int) -> None:
    """About so many megabytes of records, different in every row."""
    rng = random.Random(3)
    with path.open("wb") as file:
        file.write(b"<?xml version='1.0' encoding='UTF-8'?>\n<InvoiceVO>\n")
        number = 0
        while file.tell() < megabytes << 20:
            number += 1
            fields = {
                "Number": str(number),
                "Code": f"{number:07d}",
                "Currency": rng.choice(["EUR", "USD", "GBP"]),
                "Amount": f"{rng.randrange(10**7) / 100:.2f}",
                "Enabled": rng.choice("YN"),
                "Start": f"2026-{rng.randrange(1, 13):02d}-01",
                "Description": " ".join(rng.choices(WORDS, k=5)),
            }
            cells = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
            file.write(f"  <InvoiceVORow>{cells}</InvoiceVORow>\n".encode())
        file.write(b"</InvoiceVO>\n")


def seconds(work: Callable[[], object]) -> float:
    """The median over the rounds."""
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def bare(path: Path) -> None:
    """The least any reader of XML must do."""
    with path.open("rb") as file:
        expat.ParserCreate().ParseFile(file)


def openpyxl_writes(blobs: Blobs, key: str, path: Path) -> None:
    """The same table by openpyxl, write-only."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    with blobs.reader(key) as file:
        for batch in batches_of(file):
            for row in batch.to_pylist():
                sheet.append(list(row.values()))
    book.save(path)


def main() -> None:
    """Print the figures."""
    megabytes = next((int(word) for word in sys.argv[1:] if word.isdigit()), 20)
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "document.xml"
        write_document(document, megabytes)
        url = (Path(folder) / "blobs").as_uri()
        blobs = Blobs(url)
        stored = blobs.put_sync("x", document.read_bytes())
        source = {
            "document_id": "0" * 32,
            "media_type": "application/xml",
            "bytes": stored.size,
            "key": stored.key,
            "offset": 0,
            "length": stored.size,
            "sha256": stored.sha256,
        }
        order: dict[str, Any] = {
            "blobs": url,
            "prefix": "t/",
            "job_id": "j",
            "layout": "auto",
            "repeats": 8,
            "columns": 200,
            "record_paths": {},
            "sources": [source],
        }
        made = convert(order, lambda _: None)["outcomes"][0]["tables"][0]
        size, floor = stored.size / 1e6, seconds(lambda: bare(document))
        took = seconds(lambda: convert(order, lambda _: None))
        print(f"{size:.0f} MB, {made['rows']:,} rows: bare expat {size / floor:.0f} MB/s, ours {size / took:.1f} MB/s,")
        print(f"  {floor / took:.2f} times the speed of bare expat")
        table = {name: made[name] for name in ("name", "role", "rows", "columns", "size", "sha256")}
        entry = {
            "name": "document.xml",
            "type": "document",
            "depth": 1,
            "original": None,
            "tables": [table | {"key": made["blob_key"]}],
        }
        for kind in ("csv", "xlsx"):
            given = {"blobs": url, "format": kind, "raw": False, "nested": "zip", "alone": True, "keep": False}
            sizes: list[int] = []

            def write(data: bytes, sizes: list[int] = sizes) -> None:
                sizes.append(len(data))

            whole = given | {"entries": [entry]}
            took = seconds(lambda whole=whole, write=write: export(whole, write))
            written = sum(sizes) / ROUNDS / 1e6
            print(f"{kind}: {written:.1f} MB in {took:.2f} s, {made['cells'] / took / 1e6:.2f} million cells/s")
        theirs = seconds(lambda: openpyxl_writes(blobs, made["blob_key"], Path(folder) / "book.xlsx"))
        print(f"openpyxl write-only takes {theirs:.2f} s: {theirs / took:.1f} times as long as ours")


if __name__ == "__main__":
    main()
