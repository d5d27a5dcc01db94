"""Two packages of 2,000 files, 20 of them changed, through a running product: `python -m benchmarks.compare.packages`.

Printed are seconds from the order until the first files have their status, until all have it, and until the job ends.
Both are uploaded anew each time: nothing was converted before.
"""

from __future__ import annotations

import random
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

from benchmarks.product import Product, product
from benchmarks.system import document

FILES, CHANGED, ROWS = 2000, 20, 45
BAR = 10.0
ROUNDS = 3


def package(path: Path, *, changed: bool) -> Path:
    """A ZIP of documents, each different; in some of them one cell is another one, if asked."""
    others = set(random.Random(1).sample(range(FILES), CHANGED)) if changed else set[int]()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(FILES):
            body = document(ROWS, number)
            if number in others:
                body = body.replace(b"<EnabledFlag>Y</EnabledFlag>", b"<EnabledFlag>N</EnabledFlag>", 1)
            archive.writestr(f"part_{number % 20}/AR_DOC_{number:05d}.xml", body)
    return path


def uploaded(run: Product, path: Path) -> str:
    """The id of the collection."""
    collection, job = run.upload(path)
    run.wait(job)
    return str(collection["id"])


def compared(run: Product, a: str, b: str) -> tuple[dict[str, float], dict[str, Any]]:
    """(seconds until this was the case, the comparison in the end)."""
    order = {"a": {"collection_id": a}, "b": {"collection_id": b}}
    start = time.perf_counter()
    answer = run.client.post("/api/v1/comparisons", json=order).raise_for_status().json()
    path, seen = f"/api/v1/comparisons/{answer['comparison']['id']}", dict[str, float]()
    while True:
        found = run.client.get(path).raise_for_status().json()
        took, told = time.perf_counter() - start, found["summary"]
        known = sum(told[name] for name in ("only_in_a", "only_in_b", "mismatch", "identical", "failed"))
        if known:
            seen.setdefault("first", took)
        if known == FILES and not told["pending"]:
            seen.setdefault("all", took)
        if found["status"] in {"ready", "failed", "cancelled"}:
            seen["ended"] = took
            return seen, found
        time.sleep(0.02)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="ret-bench-data-") as name, product() as run:
        paths = package(Path(name) / "Was.zip", changed=False), package(Path(name) / "Now.zip", changed=True)
        for _ in range(ROUNDS):
            a, b = (uploaded(run, path) for path in paths)
            seen, found = compared(run, a, b)
            told = found["summary"]
            print(
                f"{FILES:,} files, {CHANGED} changed: first statuses after {seen['first']:.2f} s, all after "
                f"{seen['all']:.2f} s (bar {BAR:.0f}), ended after {seen['ended']:.2f} s; {found['status']}, "
                f"{told['identical']} identical, {told['mismatch']} with mismatch, {told['failed']} failed",
                flush=True,
            )


if __name__ == "__main__":
    main()
