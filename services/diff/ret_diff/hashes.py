"""Rows as 64-bit numbers: equal rows have equal ones.

The number of a row is the sum of one for each of its cells, so a column can be taken away from it again. Unequal rows
of equal numbers (one in 10^7 comparisons of a million rows) cost an odd pair and nothing else: what is shown of a pair
is always worked out from its cells.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ret_diff.model import Int32s, Int64s

Hashes = npt.NDArray[np.uint64]

_SEED = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_FEW = 4
"""Numbers are mixed once each where cells are this many times as many."""


def mixed(numbers: npt.NDArray[np.generic], seed: int) -> Hashes:
    """Numbers spread over 64 bits, for each seed in another way (the finaliser of SplitMix64)."""
    out = numbers.astype(np.uint64)
    out += np.uint64((seed + 1) * _SEED & _MASK)
    out ^= out >> np.uint64(30)
    out *= np.uint64(0xBF58476D1CE4E5B9)
    out ^= out >> np.uint64(27)
    out *= np.uint64(0x94D049BB133111EB)
    out ^= out >> np.uint64(31)
    return out


def cells(codes: Int32s | Int64s, sizes: int, seed: int) -> Hashes:
    """What each cell of a column adds to its row; `sizes` is how many numbers there are."""
    if sizes * _FEW < len(codes):
        return mixed(np.arange(sizes), seed)[codes]
    return mixed(codes, seed)


def rows(columns: Iterable[tuple[int, Int32s | Int64s, int]], count: int) -> Hashes:
    """The rows' numbers from columns: (seed of the column, its codes, how many codes there are)."""
    total = np.zeros(count, np.uint64)
    for seed, codes, sizes in columns:
        total += cells(codes, sizes, seed)
    return total
