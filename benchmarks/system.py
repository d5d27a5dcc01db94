"""What the whole product does on this machine, beside what the machine can do anyway.

`python -m benchmarks system` prints: a 2 GiB upload with the memory of every process, beside a plain copy with
SHA-256; a ZIP of 10,000 documents scanned, beside Python's zipfile reading the same entries; 1,000 documents and one of
100 MB converted, beside a bare expat parse; the first byte of an export.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from xml.parsers import expat

from benchmarks.product import CHUNK, Product, Watch, product

MIB = 1 << 20


@contextmanager
def scratch() -> Generator[Path]:
    """A folder for the block."""
    folder = Path(tempfile.mkdtemp(prefix="ret-bench-data-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def record(rng: random.Random, number: int) -> str:
    """A row of setup data: a surrogate id, a code with leading zeros, money, a flag, a date, prose."""
    fields = {
        "ObjectId": f"3000{rng.randrange(10**11):011d}", "Name": f"Term {number:06d}", "Code": f"{number:05d}",
        "Amount": f"{rng.randrange(10**7) / 100:.2f}", "EnabledFlag": rng.choice("YN"),
        "StartDate": f"20{rng.randrange(10, 27)}-0{rng.randrange(1, 9)}-1{rng.randrange(9)}",
        "Description": " ".join(rng.choices(["net", "days", "local", "batch", "review", "transfer"], k=5)),
    }  # fmt: skip
    return "<TermVORow>" + "".join(f"<{key}>{value}</{key}>" for key, value in fields.items()) + "</TermVORow>\n"


def document(rows: int, seed: int = 1) -> bytes:
    """A flat document, about 250 bytes a row."""
    rng = random.Random(seed)
    return ("<TermVO>\n" + "".join(record(rng, number) for number in range(rows)) + "</TermVO>\n").encode()


def many(path: Path, count: int, rows: int) -> Path:
    """A ZIP of `count` small documents in 20 folders."""
    bodies = [document(rows, seed) for seed in range(50)]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(count):
            archive.writestr(f"part_{number % 20}/AR_DOC_{number:05d}.xml", bodies[number % 50])
    return path


def big_upload(run: Product, folder: Path) -> None:
    """2 GiB of a ZIP whose one other file cannot be packed any further, beside a copy with SHA-256."""
    path = folder / "AR_Big.zip"
    noise = os.urandom(64 * MIB)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("AR_x/1.xml", document(10))
        with archive.open("AR_x/noise.bin", "w", force_zip64=True) as entry:
            for _ in range(31):
                entry.write(noise)
            entry.write(noise[: 63 * MIB])
    size = path.stat().st_size

    def copy() -> None:
        digest = hashlib.sha256()
        with path.open("rb") as source, (folder / "copy").open("wb") as target:
            while piece := source.read(CHUNK):
                digest.update(piece)
                target.write(piece)

    bare = timed(copy)
    (folder / "copy").unlink()
    with Watch(run.programs()) as watch:
        start = time.perf_counter()
        collection, job = run.upload(path)
        up = time.perf_counter() - start
        run.wait(job)
        scan = time.perf_counter() - start - up
    print(
        f"upload of {size / MIB:.0f} MiB: {up:.1f} s ({size / MIB / up:.0f} MiB/s), a copy with SHA-256 {bare:.1f} s: "
        f"ratio {up / bare:.2f}; scan {scan:.1f} s"
    )
    for name, most in sorted(watch.most.items()):
        print(f"  most memory of a process of {name}: {most / MIB:.0f} MiB")
    run.client.delete(f"/api/v1/collections/{collection['id']}").raise_for_status()
    path.unlink()


def scanning(run: Product, folder: Path) -> None:
    """10,000 documents in one ZIP, beside zipfile reading every entry."""
    path = many(folder / "AR_Many.zip", 10_000, 4)

    def read() -> None:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                archive.read(entry)

    bare = timed(read)
    start = time.perf_counter()
    collection, job = run.upload(path)
    run.wait(job)
    seconds = time.perf_counter() - start
    found = run.client.get(f"/api/v1/collections/{collection['id']}").json()["documents"]
    print(
        f"{found} documents uploaded and scanned in {seconds:.2f} s: {found / seconds:.0f} documents/s; "
        f"zipfile alone {bare:.2f} s: ratio {seconds / bare:.2f}"
    )
    run.client.delete(f"/api/v1/collections/{collection['id']}").raise_for_status()


def converting(run: Product, folder: Path) -> None:
    """1,000 documents of 10 kB, and one of 100 MB, beside bare expat."""
    small = many(folder / "AR_Small.zip", 1000, 45)
    collection, job = run.upload(small)
    run.wait(job)
    seconds = timed(lambda: run.convert(collection["id"]))
    print(f"1000 documents of {len(document(45)) / 1000:.0f} kB converted in {seconds:.2f} s: {1000 / seconds:.0f}/s")
    for form in ("csv", "xlsx"):
        first, whole, size = run.export(collection["id"], form)
        print(f"  their {form} export: first byte after {first:.2f} s, {size / MIB:.1f} MiB in {whole:.1f} s")
    one = folder / "AR_One.xml"
    one.write_bytes(document(440_000))
    bare = timed(lambda: expat.ParserCreate().ParseFile(io.BytesIO(one.read_bytes())))
    collection, job = run.upload(one)
    run.wait(job)
    with Watch(run.programs()) as watch:
        seconds = timed(lambda: run.convert(collection["id"]))
    print(
        f"one document of {one.stat().st_size / 1e6:.0f} MB converted in {seconds:.1f} s "
        f"({one.stat().st_size / 1e6 / seconds:.1f} MB/s), bare expat {bare:.2f} s: ratio {bare / seconds:.2f}; "
        f"most memory of a convert worker process {watch.most.get('convert-work-1', 0) / MIB:.0f} MiB"
    )


def main() -> None:
    """Measure everything against one running product."""
    with scratch() as folder, product() as run:
        for part in (scanning, converting, big_upload):
            part(run, folder)


if __name__ == "__main__":
    main()
