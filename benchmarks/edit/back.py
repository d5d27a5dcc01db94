"""Edits put back into a large document: `python -m benchmarks.edit.back [megabytes]`.

The document is converted and edited, then exported as XML by a process of its own, as the product does it: seconds to
the first byte and to the last one, and the most memory; beside it the document without edits, and one of a tenth.
"""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.convert.documents import write
from ret_convert.converting import convert
from ret_convert.editing.orders import Order as Save
from ret_convert.editing.overlay import Edit
from ret_convert.editing.versions import By, Versions
from ret_convert.export.archive import export
from ret_convert.export.order import Bytes, Entry, Order, Table, report
from ret_convert.pages import Pages, Where
from ret_kit.blobs import Blobs

COLUMN = "Code"


def made(folder: Path, megabytes: float) -> Entry:
    """A document with its table, in a store below the folder."""
    path = folder / "document.xml"
    write(path, "record-shaped", megabytes)
    blobs = Blobs(folder.as_uri())
    digest = hashlib.sha256()
    with blobs.writer("x/document") as blob, path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            blob.write(piece)
    source = Bytes(key="x/document", offset=0, length=blob.size, sha256=digest.hexdigest())
    given = {"document_id": "d", "media_type": "application/xml", "bytes": blob.size, **source}
    order: dict[str, Any] = {
        "blobs": folder.as_uri(), "prefix": "t/", "job_id": "j", "layout": "auto", "repeats": 8, "columns": 200,
        "record_paths": {}, "sources": [given],
    }  # fmt: skip
    [one] = convert(order, lambda _: None)["outcomes"][0]["tables"]
    table = Table(name=one["name"], role="main", key=one["blob_key"], rows=one["rows"], columns=one["columns"],
                  size=one["size"], sha256=one["sha256"], version=1)  # fmt: skip
    return Entry(name="document.xml", type="document", depth=1, original=source, tables=[table])


def edited(folder: Path, entry: Entry, edits: int) -> None:
    """Change so many cells, all over the table."""
    [table] = entry["tables"]
    blobs = Blobs(folder.as_uri())
    rows = range(1, table["rows"] + 1, max(1, table["rows"] // edits))[:edits]
    changes = [Edit(row, COLUMN, f"edited {row}") for row in rows]
    where = Where(table["key"], table["size"])
    save = Save(table["version"], changes)
    table["version"] = Versions(blobs, Pages(blobs)).save(where, save, By("benchmark")).version


def exported(folder: str, entry: Entry) -> None:
    """The export, in this process: figures as JSON."""
    begun = time.perf_counter()
    first = 0.0
    size = 0

    def write(data: bytes) -> None:
        nonlocal first, size
        first = first or time.perf_counter() - begun
        size += len(data)

    tables = entry["tables"] if report(entry["tables"], {}) else []
    originals = Entry(name=entry["name"], type="document", depth=1, original=entry["original"], tables=tables)
    order = Order(blobs=Path(folder).as_uri(), format="xml", raw=False, bom=True, nested="zip", alone=True, keep=False,
                  entries=[originals])  # fmt: skip
    export(dict(order), write)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(json.dumps({"first": first, "whole": time.perf_counter() - begun, "size": size, "peak": peak}))


def measured(folder: Path, entry: Entry) -> dict[str, float]:
    """The same in another process."""
    command = [sys.executable, "-m", "benchmarks.edit.back", "--export", str(folder), json.dumps(entry)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print the figures."""
    if "--export" in sys.argv:
        folder, entry = sys.argv[-2:]
        exported(folder, json.loads(entry))
        return
    megabytes = next((float(word) for word in sys.argv[1:] if word.replace(".", "").isdigit()), 100.0)
    print("  MB    edits  first byte     whole      peak")
    for size in (megabytes / 10, megabytes):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            entry = made(folder, size)
            for edits in (0, 1, 1000):
                if edits:
                    edited(folder, entry, edits)
                found = measured(folder, entry)
                times = f"{found['first']:8.3f} s  {found['whole']:6.3f} s"
                print(f"{size:5.0f} {edits:7,}  {times}  {found['peak']:4.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
