"""Saves of 1,000 edits through the gateway: `python -m benchmarks.edit.save [rows …]`.

For a small table and a large one: the time of the first save after the service has forgotten the table, of those after
it, of an undo, and of one that is refused for a stale version with all of its cells in conflict.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx

from benchmarks.product import Product, product

COLUMNS = 40
EDITS = 1000
SAVES = 60


def table(running: Product, rows: int) -> str:
    """The id of a table of so many rows."""
    path = running.data / f"rows-{rows}.csv"
    with path.open("w") as file:
        file.write(",".join(f"Column{at}" for at in range(COLUMNS)) + "\n")
        file.writelines(",".join(str(row * at % 9973) for at in range(COLUMNS)) + "\n" for row in range(rows))
    collection, job = running.upload(path)
    running.wait(job)
    running.convert(collection["id"])
    path.unlink()
    answer = running.client.get(f"/api/v1/collections/{collection['id']}/documents").raise_for_status()
    return str(answer.json()["items"][0]["tables"][0]["id"])


def change(rows: int, version: int, chosen: random.Random) -> dict[str, Any]:
    """1,000 edits of cells anywhere."""
    cells = {(chosen.randint(1, rows), chosen.randrange(COLUMNS)) for _ in range(EDITS * 2)}
    edits = [{"row": row, "column": f"Column{at}", "value": f"edited {version}"} for row, at in sorted(cells)]
    chosen.shuffle(edits)
    return {"version": version, "edits": edits[:EDITS]}


def timed(call: Callable[[], httpx.Response], expected: int = httpx.codes.OK) -> tuple[float, dict[str, Any]]:
    """(milliseconds, the answer)."""
    begun = time.perf_counter()
    answer = call()
    milliseconds = (time.perf_counter() - begun) * 1000
    assert answer.status_code == expected, answer.text  # noqa: S101 - a figure of what failed is none
    return milliseconds, answer.json()


def measured(running: Product, rows: int) -> list[float]:
    """Milliseconds of the first save, of the median and the 95th percentile of all, of an undo, and of a refusal."""
    path = f"/api/v1/tables/{table(running, rows)}"
    chosen = random.Random(rows)
    version, times = 1, list[float]()
    body: dict[str, Any] = {}
    for _ in range(SAVES):
        body = change(rows, version, chosen)
        taken, answer = timed(lambda body=body: running.client.patch(path, json=body))
        times.append(taken)
        version = answer["version"]
    undo, _ = timed(lambda: running.client.post(f"{path}/undo"))
    timed(lambda: running.client.post(f"{path}/redo"))
    late: dict[str, Any] = {"version": version - 1, "edits": [one | {"value": "late"} for one in body["edits"]]}
    refused, answer = timed(lambda: running.client.patch(path, json=late), httpx.codes.CONFLICT)
    assert len(answer["conflicts"]) == EDITS  # noqa: S101 - all of them are what is measured
    worst, _ = timed(lambda: running.client.patch(path, json=late | {"version": 1}), httpx.codes.CONFLICT)
    times_of_all = [times[0], statistics.median(times), statistics.quantiles(times, n=20)[-1]]
    return [*times_of_all, undo, refused, worst]


def main() -> None:
    """Print the figures."""
    sizes = [int(word) for word in sys.argv[1:] if word.isdigit()] or [1_000, 1_000_000]
    print("     rows   first save   median      p95     undo  refused  refused, cells read from the table")
    with product() as running:
        for rows in sizes:
            figures = "  ".join(f"{one:6.1f}" for one in measured(running, rows))
            print(f"{rows:9,} ms {figures}", flush=True)


if __name__ == "__main__":
    main()
