"""What other programs answer, beside what we do, where the design says that they fail.

`python -m benchmarks.compare.peers`: they run by the Python of their own environment, which `make bench` makes
(.venv/ret-peers, peers.txt).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.compare.ours import measured
from benchmarks.compare.planting import CASES, NOT_RUN, Case, as_csv
from ret_diff.arrow import pa, pq

PYTHON = Path(sys.prefix) / "ret-peers" / "bin" / "python"


def asked(peer: str, a: Path, b: Path, *words: str) -> dict[str, Any]:
    """What a peer answers to two files."""
    if not PYTHON.exists():
        raise SystemExit("the peers are not installed: `make bench ARGS=compare` installs them")
    program = Path(__file__).with_name("beside.py")
    command = [str(PYTHON), str(program), peer, str(a), str(b), *words]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def stored(path: Path, case: Case, rows: Any) -> Path:
    """The rows as Parquet; a header that is there twice is numbered, as conversion does it."""
    header = [name if name not in case.a[0][:at] else f"{name}_{at}" for at, name in enumerate(case.a[0])]
    pq.write_table(pa.table({name: [row[at] for row in rows[1:]] for at, name in enumerate(header)}), str(path))
    return path


def told(found: dict[str, Any]) -> str:
    """A peer's answer in our words."""
    if "cells" in found:
        return f"{found['added']} added, {found['removed']} removed, {found['cells']} cells changed"
    return f"{found['added']} added, {found['removed']} removed, {found['changed']} rows changed"


def main() -> None:
    """Print the answers."""
    with tempfile.TemporaryDirectory(prefix="ret-bench-data-") as name:
        folder = Path(name)
        for case in CASES:
            sides = [folder / "a.csv", folder / "b.csv"]
            for path, rows in zip(sides, (case.a, case.b), strict=True):
                path.write_bytes(as_csv(rows))
            peer = asked(case.peer, sides[0], sides[1], *case.words)
            one, other = (stored(path.with_suffix(".parquet"), case, rows)
                          for path, rows in zip(sides, (case.a, case.b), strict=True))  # fmt: skip
            ours = measured(one, other)
            added, removed, _, cells = case.truth
            print(f"{case.name}: {added} added, {removed} removed, {cells} cells changed in truth")
            print(f"  {case.peer:10} {told(peer)} ({case.failing})")
            print(f"  {'ours':10} {ours['rows_added']} added, {ours['rows_removed']} removed, "
                  f"{ours['cells_changed']} cells changed", flush=True)  # fmt: skip
    for peer, failing in NOT_RUN:
        print(f"{peer} is in no package registry of Python's and was not run; known: {failing}")


if __name__ == "__main__":
    main()
