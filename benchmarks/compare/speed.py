"""Whole tables compared, beside daff and datacompy: `python -m benchmarks.compare.speed [rows of the large table]`.

Every figure is of a process of its own; ours and the peer's take turns. daff reads CSV, the others Parquet; reading
counts for datacompy and for us, not for daff.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.compare.ours import measured
from benchmarks.compare.peers import asked
from benchmarks.compare.tables import KEY, Made, made

SMALL = 100_000, 10
LARGE = 1_000_000, 20
ROUNDS = 3


def truth(found: dict[str, Any], tables: Made) -> str:
    """Whether all that was planted, and nothing else, was found."""
    told = found["cells_changed"], found["rows_removed"], found["rows_added"]
    wanted = tables.cells, tables.removed, tables.added
    return "all found" if told == wanted else f"found {told} of {wanted}"


def beside_daff(folder: Path) -> None:
    """Keyless: 100 k x 10, 1 % of the rows changed."""
    rows, columns = SMALL
    for key in (False, True):
        for shuffled in (True, False):
            tables = made(folder, rows, columns, key=key, shuffled=shuffled)
            ours = middle([measured(tables.a, tables.b) for _ in range(ROUNDS)], "seconds")
            peer = asked("daff", *tables.csv(), *([] if shuffled else ["ordered"]))
            bar = 20 if shuffled else 5
            print(
                f"{'shuffled' if shuffled else 'in order':9} {'with a code' if key else 'no unique column':17} "
                f"daff {peer['seconds']:6.2f} s  ours {ours['seconds']:5.2f} s (stored {ours['whole']:5.2f} s)  "
                f"{peer['seconds'] / ours['seconds']:5.0f} x  (bar {bar})  {truth(ours, tables)}",
                flush=True,
            )


def keyless(folder: Path, rows: int, columns: int) -> None:
    """1 M x 20, no key declared."""
    for key in (True, False):
        for shuffled in (True, False):
            tables = made(folder, rows, columns, key=key, shuffled=shuffled)
            ours = measured(tables.a, tables.b)
            print(
                f"{'shuffled' if shuffled else 'in order':9} {'with a code' if key else 'no unique column':17} "
                f"{ours['seconds']:5.1f} s, stored {ours['whole']:5.1f} s (bar 25)  {ours['peak']:5} MiB (bar 2,384)  "
                f"{truth(ours, tables)}",
                flush=True,
            )


def keyed(folder: Path, rows: int, columns: int) -> None:
    """1 M x 20 by a key, beside datacompy with polars."""
    for shuffled in (True, False):
        tables = made(folder, rows, columns, key=True, shuffled=shuffled)
        ours: list[dict[str, Any]] = []
        peer: list[dict[str, Any]] = []
        whole: list[dict[str, Any]] = []
        for _ in range(ROUNDS):
            peer.append(asked("datacompy", tables.a, tables.b, KEY))
            ours.append(measured(tables.a, tables.b, KEY, "--cells"))
            whole.append(measured(tables.a, tables.b, KEY))
        one, other, all_ = middle(ours, "seconds"), middle(peer, "seconds"), middle(whole, "whole")
        right = truth(all_, tables) if one["cells_changed"] == tables.cells else f"found {one['cells_changed']} cells"
        print(
            f"{'shuffled' if shuffled else 'in order':9} datacompy {figures(other)}  "
            f"ours {figures(one)}: {other['seconds'] / one['seconds']:4.2f} x (bar 1.5)  "
            f"stored {all_['whole']:5.2f} s ({all_['peak']} MiB): {other['seconds'] / all_['whole']:4.2f} x (bar 1)  "
            f"{right}",
            flush=True,
        )


def figures(found: dict[str, Any]) -> str:
    """Seconds, processor seconds, the most memory."""
    return f"{found['seconds']:5.2f} s ({found['cpu']:5.2f} s of processors, {found['peak']:5} MiB)"


def middle(found: list[dict[str, Any]], what: str) -> dict[str, Any]:
    """The run with the median figure."""
    return sorted(found, key=lambda one: one[what])[len(found) // 2]


def main() -> None:
    """Print the figures."""
    rows = next((int(word) for word in sys.argv[1:] if word.isdigit()), LARGE[0])
    with tempfile.TemporaryDirectory(prefix="ret-bench-data-") as name:
        folder = Path(name)
        print(f"keyless, {SMALL[0]:,} x {SMALL[1]}, 1 % of the rows changed, beside daff")
        beside_daff(folder)
        print(f"keyless, {rows:,} x {LARGE[1]}")
        keyless(folder, rows, LARGE[1])
        print(f"by a key, {rows:,} x {LARGE[1]}, beside datacompy")
        keyed(folder, rows, LARGE[1])


if __name__ == "__main__":
    main()
