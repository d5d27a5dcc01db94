"""How fast uploads are scanned: `python benchmarks/ingest/scan.py [documents] [kilobytes each]`.

One ZIP of small documents in twenty folders, another of as many ZIPs with one document each. Each is scanned as a pool
child scans it and its inventory written into SQLite as the worker writes it, all in this process on one core; the
figures are documents a second for both steps together. The bar is 1,000.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from ret_ingest import filing
from ret_ingest.grouping import Layout, Mode
from ret_ingest.scanning import scan
from ret_ingest.schema import jobs
from ret_ingest.worker import batches
from ret_kit.blobs import Blobs
from ret_kit.database import Database
from ret_kit.migrations import upgrade_sync

UPLOAD = "sessions/s/collections/c/upload"


def document(number: int, kilobytes: int) -> bytes:
    """About so many kilobytes of rows, different in every document."""
    rows = (
        f"<Row><Id>{number}.{row}</Id><Word>standard immediate net {row * number}</Word></Row>" for row in range(9999)
    )
    found, size = ["<?xml version='1.0'?><Rows>"], 0
    for row in rows:
        if size > kilobytes << 10:
            break
        found.append(row)
        size += len(row)
    return "".join([*found, "</Rows>"]).encode()


def flat(count: int, kilobytes: int) -> bytes:
    """One ZIP with everything in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(count):
            archive.writestr(f"part_{number % 20}/AR_DOC_{number:05d}.xml", document(number, kilobytes))
    return out.getvalue()


def nested(count: int, kilobytes: int) -> bytes:
    """A ZIP of compressed ZIPs with one document each, as setup-data exports are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(count):
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as one:
                one.writestr(f"AR_DOC_{number:05d}.xml", document(number, kilobytes))
            archive.writestr(f"AR_{number:05d}.zip", inner.getvalue())
    return out.getvalue()


async def write(database: Database, blobs: Blobs, inventory: str) -> None:
    """The inventory into rows."""
    async with database.write() as conn:
        await conn.execute(
            insert(jobs.jobs).values(
                id="j", type="ingest", state="running", session_id="s", user_id="u", payload="{}", attempt=1,
                max_attempts=3, fence=1, correlation_id="", traceparent="", seq=1, state_seq=1, created_at=1,
            )
        )  # fmt: skip
        values: dict[str, Any] = {"id": "c", "session_id": "s", "user_id": "u", "job_id": "j", "name": "Upload.zip"}
        values |= {"upload_name": "Upload.zip", "kind": "tables", "grouping": "container", "bytes": 1, "sha256": ""}
        await filing.create(conn, values)
    async for rows in batches(blobs.stream(inventory)):
        async with database.write() as conn:
            await filing.fill(conn, "c", "s", rows)


async def measure(name: str, upload: bytes, count: int) -> None:
    """Scan and write one upload, and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        url = (Path(folder) / "blobs").as_uri()
        blobs = Blobs(url)
        blobs.put_sync(UPLOAD, upload)
        address = f"sqlite:///{folder}/ingest.db"
        upgrade_sync(address, "ingest", "ret_ingest")
        async with Database(address, "ingest") as database:
            start = time.perf_counter()
            order = {"blobs": url, "upload": UPLOAD, "size": len(upload), "name": "Upload.zip"}
            found = scan(order | {"staging": "sessions/s/j/1/", "limits": {}, "words": {}}, lambda _: None)
            scanned = time.perf_counter()
            await write(database, blobs, found["inventory"])
            ended = time.perf_counter()
    print(
        f"{name:8} {len(upload) >> 20:5} MB, {found['bytes'] >> 20:5} MB unpacked: scan {scanned - start:.2f} s, "
        f"rows {ended - scanned:.2f} s, {count / (ended - start):,.0f} documents/s"
    )


def grouping(count: int) -> None:
    """Both groupings of as many documents as an upload may have."""
    paths = [f"part_{n % 900}/AR_{n}_x.zip/{n % 7}_BATCH.zip/journal_entry_{n}.xml" for n in range(count)]
    start = time.perf_counter()
    layout = Layout(paths, "Upload.zip")
    for mode in Mode:
        layout.groups(mode)
    print(f"grouping {count:,} documents in both modes: {time.perf_counter() - start:.2f} s")


def main() -> None:
    """Measure and print."""
    count, kilobytes = (int(sys.argv[at]) if len(sys.argv) > at else default for at, default in ((1, 10_000), (2, 4)))
    uploads: dict[str, Callable[[int, int], bytes]] = {"flat": flat, "nested": nested}
    for name, build in uploads.items():
        asyncio.run(measure(name, build(count, kilobytes), count))
    grouping(200_000)


if __name__ == "__main__":
    main()
