"""What the peers do, run by the Python of their own environment: `python beside.py PEER A B [words]` prints JSON.

No module of RET is imported here: it is not installed there.
"""

from __future__ import annotations

import csv
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Found = dict[str, Any]


def daff(a: str, b: str, *words: str) -> Found:
    """Keyless: aligned and made into a diff; `ordered` as the third word looks at the order of rows, too."""
    module = importlib.import_module("daff")
    sides = [list(csv.reader(Path(path).read_text(encoding="utf-8").splitlines())) for path in (a, b)]
    start = time.perf_counter()
    one, other = (module.PythonTableView(side) for side in sides)
    flags = module.CompareFlags()
    flags.ordered = "ordered" in words
    alignment = module.Coopy.compareTables(one, other, flags).align()
    out: list[list[Any]] = []
    module.TableDiff(alignment, flags).hilite(module.PythonTableView(out))
    seconds = time.perf_counter() - start
    marks = [str(row[0]) for row in out]
    return {
        "seconds": seconds,
        "changed": sum("->" in mark for mark in marks),
        "added": marks.count("+++"),
        "removed": marks.count("---"),
        "rows": [row for row in out if row[0] not in {"@@", "!", "..."} and row[0]][:20],
    }


def csv_diff(a: str, b: str, *words: str) -> Found:
    """By a key, the third word, or by whole rows."""
    module = importlib.import_module("csv_diff")
    start = time.perf_counter()
    with Path(a).open(encoding="utf-8") as one, Path(b).open(encoding="utf-8") as other:
        found = module.compare(*(module.load_csv(side, key=words[0] if words else None) for side in (one, other)))
    return {
        "seconds": time.perf_counter() - start,
        **{name: len(found[name]) for name in ("changed", "added", "removed")},
        "rows": [*found["changed"], *found["added"], *found["removed"]][:20],
    }


def datacompy(a: str, b: str, *words: str) -> Found:
    """By a key, with polars: `seconds` from files to mismatches, `compare` without reading."""
    module, polars = importlib.import_module("datacompy"), importlib.import_module("polars")
    start, begun = time.perf_counter(), time.process_time()
    if a.endswith(".parquet"):
        one, other = (polars.read_parquet(path) for path in (a, b))
    else:
        one, other = (polars.read_csv(path, infer_schema=False) for path in (a, b))
    reading = time.perf_counter() - start
    compared = module.PolarsCompare(one, other, join_columns=list(words))
    columns = [found for found in compared.column_stats if found["unequal_cnt"]]
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "compare": seconds - reading,
        "cpu": time.process_time() - begun,
        "cells": sum(int(found["unequal_cnt"]) for found in columns),
        "added": len(compared.df2_unq_rows),
        "removed": len(compared.df1_unq_rows),
        "changed": int(
            compared.intersect_rows_count() if callable(getattr(compared, "intersect_rows_count", None)) else 0
        ),
        "rows": [],
    }


def main() -> None:
    """Print what one peer finds, with the most memory of this process in MiB."""
    peers: dict[str, Callable[..., Found]] = {"daff": daff, "csv-diff": csv_diff, "datacompy": datacompy}
    name, *words = sys.argv[1:]
    found = peers[name](*words)
    print(json.dumps({**found, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}, default=str))


if __name__ == "__main__":
    main()
