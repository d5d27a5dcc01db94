"""Planted truth in tables larger than those of the tests: `python -m benchmarks.compare.truth [rows]`."""

from __future__ import annotations

import sys
import time

from benchmarks.compare.planting import PLANS, SHAPES, parents_of, planted, score
from ret_diff.engine import compare
from ret_diff.model import Options, Reading

SEEDS = (1, 2, 3)


def main() -> None:
    """Print F1 of row pairs and inflation of changed cells, the worst of all seeds."""
    asked = next((int(word) for word in sys.argv[1:] if word.isdigit()), 10_000)
    print("shape             rows    plan          worst F1 (bar 0.995)  worst inflation (bar 1.05)  columns  seconds")
    for shape in SHAPES:
        rows = asked // 5 if shape.name == "200 columns" else asked
        for name, plan in PLANS.items():
            start, f1, inflation, right = 0.0, 1.0, 0.0, True
            for seed in SEEDS:
                made = planted(shape, rows, seed, plan)
                begun = time.perf_counter()
                result = compare(made.a, made.b, Options(), Reading(), Reading(), parents_of(made))
                start += time.perf_counter() - begun
                found = score(made, result)
                f1, inflation = min(f1, found.f1), max(inflation, found.inflation)
                right = right and found.columns_right
            print(
                f"{shape.name:16} {rows:6,}  {name:12} {f1:13.4f} {inflation:25.3f}"
                f"{'right' if right else 'WRONG':>21} {start / len(SEEDS):8.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
