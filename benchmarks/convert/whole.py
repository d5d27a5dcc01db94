"""The whole path of a conversion in a running product: `python -m benchmarks.convert.whole [megabytes] [gigabytes]`.

One document uploaded and converted, beside a bare expat parse of its bytes; a thousand small ones; and one of some
gigabytes, zipped in its upload, with the most memory that a process of the workers had. Figures are medians of five, of
the large one a single run.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

from benchmarks.convert.core import bare
from benchmarks.convert.documents import small, write
from benchmarks.product import Product, Watch, product

ROUNDS = 5
MANY = 1000
MIB = 1 << 20


def converted(run: Product, path: Path) -> tuple[float, float]:
    """Seconds to upload and scan a file, and seconds to convert it; nothing of it stays."""
    start = time.perf_counter()
    collection, job = run.upload(path)
    run.wait(job)
    uploaded = time.perf_counter()
    job = run.convert(collection["id"])
    ended = time.perf_counter()
    facts: dict[str, Any] = job["result"]
    if facts["failed"]:
        raise RuntimeError(f"{facts['failed']} documents failed")
    run.client.delete(f"/api/v1/collections/{collection['id']}").raise_for_status()
    return uploaded - start, ended - uploaded


def one(run: Product, folder: Path, megabytes: float) -> None:
    """A large document beside the parser alone."""
    path = folder / "AR_One.xml"
    size = write(path, "record-shaped", megabytes) / 1e6
    ratios: list[float] = []
    took: list[float] = []
    works: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        bare(path)
        floor = time.perf_counter() - start
        up, work = converted(run, path)
        ratios.append(floor / (up + work))
        took.append(up + work)
        works.append(work)
    seconds = statistics.median(took)
    ratio, work = statistics.median(ratios), statistics.median(works)
    print(
        f"one document of {size:.0f} MB, upload to converted: {seconds:.2f} s, {size / seconds:.0f} MB/s, "
        f"{work:.2f} s of it converting; {ratio:.2f} times the speed of bare expat"
    )


def many(run: Product, folder: Path) -> None:
    """A thousand documents of ten kilobytes."""
    path = folder / "AR_Many.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(MANY):
            archive.writestr(f"AR/Document_{number:04d}.xml", small(10, number))
    took = [sum(converted(run, path)) for _ in range(ROUNDS)]
    seconds = statistics.median(took)
    print(f"{MANY} documents of 10 kB, upload to converted: {seconds:.2f} s, {MANY / seconds:.0f} documents/s")


def huge(run: Product, folder: Path, gigabytes: float) -> None:
    """A document of gigabytes, and the memory of who works on it."""
    document, path = folder / "AR_Huge.xml", folder / "AR_Huge.zip"
    size = write(document, "record-shaped", gigabytes * 1000) / 1e9
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.write(document, document.name)
    document.unlink()
    with Watch(run.programs()) as watch:
        up, work = converted(run, path)
    workers = {name: most / MIB for name, most in watch.most.items() if "work" in name}
    print(f"one document of {size:.1f} GB, zipped: uploaded and scanned {up:.0f} s, converted {work:.0f} s")
    print(
        "  most memory of a process: " + ", ".join(f"{name} {most:.0f} MiB" for name, most in sorted(workers.items()))
    )


def main() -> None:
    """Measure everything against one running product."""
    numbers = [float(word) for word in sys.argv[1:] if word.replace(".", "").isdigit()]
    megabytes, gigabytes = (*numbers, *(100.0, 3.0)[len(numbers) :])[:2]
    with tempfile.TemporaryDirectory(prefix="ret-bench-data-") as name, product() as run:
        one(run, Path(name), megabytes)
        many(run, Path(name))
        huge(run, Path(name), gigabytes)


if __name__ == "__main__":
    main()
