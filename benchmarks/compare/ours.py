"""Our side of a comparison of two Parquet files, in a process of its own: `python -m benchmarks.compare.ours A B …`.

Printed as JSON: seconds up to the changed cells (and of processors), seconds to the stored artefact, memory, counts.
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
    asked = parser.parse_args()
    print(json.dumps(compared(asked.a, asked.b, tuple(asked.keys))))


if __name__ == "__main__":
    main()
