"""Numbers and strings kept in memory up to a budget, and beyond it in files that are mapped into memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from ret_diff.arrow import Array, pa
from ret_diff.model import Int32s

BUDGET = 1 << 30
"""Bytes of one comparison that stay in memory."""


class Shelf:
    """Where columns are put aside; its files are gone when it is left."""

    def __init__(self, budget: int = BUDGET, folder: Path | None = None) -> None:
        self._left = budget
        self._parent = folder
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def numbers(self, numbers: Int32s) -> Int32s:
        """The same numbers, in memory or mapped."""
        if self._fits(numbers.nbytes) or not numbers.size:
            return numbers
        path = self._path()
        numbers.tofile(path)
        mapped = np.memmap(path, np.int32, "r", shape=numbers.shape)
        path.unlink()  # what is mapped stays, and goes with a process that is killed
        return mapped

    def strings(self, strings: Array) -> Array:
        """The same strings, in memory or mapped."""
        if self._fits(strings.nbytes):
            return strings
        path = self._path()
        batch = pa.record_batch([strings], names=["value"])
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)
        mapped = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0).column(0)
        path.unlink()
        return mapped

    def _fits(self, size: int) -> bool:
        self._left -= size
        return self._left >= 0

    def _path(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="ret-diff-", dir=self._parent)
        self._count += 1
        return Path(self._folder.name) / str(self._count)
