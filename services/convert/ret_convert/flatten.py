"""The one interface between documents and tables: bytes of a document in, batches of its tables out.

Everything around it (workers, Parquet, warnings, figures) knows only this. `expat_flatten` is the first implementation,
on CPython's pyexpat and in two parses; a native one replaces it behind the same promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from ret_convert.blocks import plan
from ret_convert.build import Batch, Builder, Restart
from ret_convert.conservation import Tally
from ret_convert.layout import Options, TablePlan
from ret_convert.parse import Parse
from ret_convert.shape import Candidate, Shape, candidates, learn

FLUSH = 8 << 20
"""Bytes of a document after which all rows that have ended go into batches."""
NAMED = 20
"""Entities that are named one by one."""
NAME = 100
"""Characters of a name that are told."""
Source = Callable[[], BinaryIO]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Warned:
    """Something about a document that its owner should know; `detail` names no content but names of entities."""

    code: str
    detail: str


@dataclass(frozen=True)
class Flattened:
    """What a document became.

    `tables` has the main one first; `values` were in the document, `written` are in the cells: they must be equal.
    `record_path` and `candidates` say what was taken for a record and what could have been.
    """

    tables: list[TablePlan]
    values: Tally
    written: Tally
    warnings: list[Warned]
    record_path: str
    candidates: list[Candidate]

    @property
    def conserved(self) -> bool:
        """Whether the multiset of values in the tables is the document's."""
        return self.values == self.written

    @property
    def fidelity(self) -> float:
        """The share of the values that is kept: 1.0 only if nothing at all differs."""
        if self.conserved:
            return 1.0
        whole = self.values.count
        return min(self.written.count / whole, (whole - 1) / whole) if whole else 0.0


class Flattening(Protocol):
    """One document on its way: take all batches, then ask for the result."""

    def batches(self) -> Iterator[Batch | Restart]:
        """The rows of all tables, those of one table in document order; after a Restart those before it are void.

        DocumentFailed when the document is refused.
        """
        ...

    def result(self) -> Flattened:
        """What the document became; after the last batch."""
        ...


class Flatten(Protocol):
    """How a document is flattened.

    `source` opens it from its beginning, as often as needed; `progress` hears the bytes of the document that are done,
    rising to its size.
    """

    def __call__(self, source: Source, options: Options, progress: Progress) -> Flattening: ...


class ExpatFlattening:
    """Two parses on pyexpat: one learns the shape and counts the values, one fills the rows."""

    def __init__(self, source: Source, options: Options, progress: Progress) -> None:
        self._source = source
        self._options = options
        self._progress = progress
        self._result: Flattened | None = None

    def batches(self) -> Iterator[Batch]:
        with self._source() as stream:
            shape = learn(stream, lambda done: self._progress(done // 2))
        laid = plan(shape, self._options)
        written = shape.values.sibling()
        builder = Builder(laid, laid.top, iter(shape.sources), self._options, written)
        if laid.outside is not None and laid.outside_table is not None:
            # Its rows are tallied where they end up: on the main table's first row.
            around = Builder(laid, laid.outside, iter(shape.sources), Options(), Tally())
            with self._source() as stream:
                for _ in Parse(stream, around.start, around.end, around.text).feed():
                    pass
            builder.first = around.rows(laid.outside_table)[0]
        with self._source() as stream:
            flushed = 0
            for done in Parse(stream, builder.start, builder.end, builder.text).feed():
                if done - flushed >= FLUSH:
                    builder.flush()
                    flushed = done
                yield from builder.ready
                builder.ready.clear()
                self._progress((shape.size + done) // 2)
        builder.flush()
        yield from builder.ready
        self._result = Flattened(
            laid.tables,
            shape.values,
            written,
            _warnings(shape),
            "/".join(laid.record.steps),
            [one for _, one in candidates(shape)],
        )

    def result(self) -> Flattened:
        if self._result is None:
            raise RuntimeError("the batches have not all been taken")
        return self._result


def expat_flatten(source: Source, options: Options, progress: Progress) -> ExpatFlattening:
    """Flatten with CPython's own expat."""
    return ExpatFlattening(source, options, progress)


def _warnings(shape: Shape) -> list[Warned]:
    found = [
        Warned("XML_EXTERNAL_ENTITY", f"The entity {name[:NAME]} is outside the document and was left out.")
        for name in shape.outside[:NAMED]
    ]
    further = len(shape.outside) - NAMED
    if further > 0:
        found.append(Warned("XML_EXTERNAL_ENTITY", f"{further} further entities are outside and were left out."))
    if shape.too_deep:
        found.append(Warned("XML_DEPTH", "Elements below level 512 were kept as source."))
    return found
