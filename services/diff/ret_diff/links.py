"""Pairs of rows while they are found: for each row the row of the other side, or none yet."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ret_diff.model import NOWHERE, Bytes8, Flags, Int64s

SURE = 255
"""The confidence of a pair of equal rows."""


_Scalar = TypeVar("_Scalar", bound=np.generic)


class Links:
    """The pairs so far, with how sure each is (0 to 255, by A's rows)."""

    def __init__(self, rows_a: int, rows_b: int) -> None:
        self.a: Int64s = np.full(rows_a, NOWHERE, np.int64)
        self.b: Int64s = np.full(rows_b, NOWHERE, np.int64)
        self.confidence: Bytes8 = np.zeros(rows_a, np.uint8)
        self.equal: Flags = np.zeros(rows_a, np.bool_)
        """By A's rows: the pair is equal cell for cell as it stands."""
        self.moved: Flags = np.zeros(rows_a, np.bool_)
        """By A's rows: the pair is out of order."""

    def join(self, a: Int64s, b: Int64s, confidence: int | Bytes8, *, equal: bool = False) -> None:
        """Pair rows, none of which has a partner."""
        self.a[a], self.b[b] = b, a
        self.confidence[a] = confidence
        self.equal[a] = equal

    def left(self) -> tuple[Int64s, Int64s]:
        """The rows of each side that have no partner, rising."""
        return np.flatnonzero(self.a == NOWHERE), np.flatnonzero(self.b == NOWHERE)

    def flipped(self) -> Links:
        """The sides exchanged."""
        other = Links(0, 0)
        other.a, other.b = self.b, self.a
        other.confidence, other.equal = self._of_b(self.confidence), self._of_b(self.equal)
        other.moved = self._of_b(self.moved)
        return other

    def _of_b(self, of_a: npt.NDArray[_Scalar]) -> npt.NDArray[_Scalar]:
        paired = np.flatnonzero(self.a != NOWHERE)
        out: npt.NDArray[_Scalar] = np.zeros(len(self.b), of_a.dtype)
        out[self.a[paired]] = of_a[paired]
        return out
