"""The engine's answer to some planted scripts, as one number: `python truth_digest.py` prints it.

Run as a program, so that the hash seed and the threads are those of another process.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from planted import EVERYTHING, Planted, planted
from planted_scores import parents_of
from planted_shapes import SHAPES, Table

from ret_diff.engine import compare
from ret_diff.model import Options, Reading, Result

ROWS = 80


def digest(result: Result) -> str:
    """All of a result, down to its last byte."""
    found = hashlib.sha256()
    alignment = result.alignment
    for array in (alignment.a_rows, alignment.b_rows, alignment.moved, alignment.confidence, result.status):
        found.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    for cells in result.cells:
        new: Any = cells.new
        told = (cells.column, new.to_pylist() if new is not None else None)
        found.update(repr(told).encode() + cells.positions.tobytes() + cells.states.tobytes())
    rest = (result.columns, result.key, result.runner_ups, result.counts, result.patterns, result.notes)
    found.update(repr((*rest, result.patterns_total)).encode())
    return found.hexdigest()


def digests(pieces: int = 1) -> list[str]:
    """Of every shape, with sources that come in so many pieces."""
    made = [planted(shape, ROWS, 5, EVERYTHING) for shape in SHAPES if shape.name != "200 columns"]
    return [digest(compared(replace(one.a, pieces=pieces), replace(one.b, pieces=pieces), one)) for one in made]


def compared(a: Table, b: Table, made: Planted) -> Result:
    """The engine's answer."""
    return compare(a, b, Options(), Reading(), Reading(), parents_of(made))


if __name__ == "__main__":
    print("\n".join(digests()))
