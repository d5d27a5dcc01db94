"""Our side of a comparison of two Parquet files, in a process of its own: `python -m benchmarks.compare.ours A B …`.

Printed as JSON: seconds up to the result (and of processors), seconds to the stored artefact, memory, counts. With
`--cells`: seconds up to the changed cells by a key alone, which is all that a peer gives: no moves, patterns, classes.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.compare.tables import Stored
from ret_diff import keyed
from ret_diff.artefact import Side, write
from ret_diff.engine import compare
from ret_diff.meta import TableBlob
from ret_diff.model import Options, Reading
from ret_kit.blobs import Blobs


def compared(a: Path, b: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """What is measured, in this process."""
    start, begun = time.perf_counter(), time.process_time()
    one, other = Stored(a), Stored(b)
    result = compare(one, other, Options(keys=keys), Reading(), Reading())
    cells, used = time.perf_counter() - start, time.process_time() - begun
    with tempfile.TemporaryDirectory() as folder:
        blobs = Blobs(Path(folder).as_uri())
        left, right = (TableBlob(path.name, path.stat().st_size, side.rows) for path, side in ((a, one), (b, other)))
        write(blobs, "r/", result, Side(one, left), Side(other, right))
        whole = time.perf_counter() - start
    return {
        "seconds": cells,
        "cpu": used,
        "whole": whole,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "key": [result.columns[at].name for at in result.key.columns],
        **asdict(result.counts),
    }


def cells(a: Path, b: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """Rows paired by the key, and the cells in which pairs differ, with both values."""
    start, begun = time.perf_counter(), time.process_time()
    one, other = Stored(a), Stored(b)
    names = [(column.name, column.name) for column in one.columns]
    key = [(name, name) for name in keys]
    with keyed.Columns(one, other, names, key) as columns:
        paired = keyed.paired(columns.whole(key), Options(keys=keys), Reading())
        if paired is None:
            raise SystemExit("the key is not unique")
        changed = sum(len(rows) for rows, _, _ in columns.differences(names, paired[0]))
    return {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - begun,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "cells_changed": changed,
    }


def measured(a: Path, b: Path, *keys: str) -> dict[str, Any]:
    """The same in another process."""
    command = [sys.executable, "-m", "benchmarks.compare.ours", str(a), str(b), *keys]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main() -> None:
    """Print the figures of one comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    parser.add_argument("keys", nargs="*")
    parser.add_argument("--cells", action="store_true")
    asked = parser.parse_args()
    print(json.dumps((cells if asked.cells else compared)(asked.a, asked.b, tuple(asked.keys))))


if __name__ == "__main__":
    main()
