"""The one interface between documents and tables: bytes of a document in, batches of its tables out.

Everything around it (workers, Parquet, warnings, figures) knows only this. XML is flattened by the native core
(native.py); CSV, spreadsheets and the rungs of the ladder keep the same promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from ret_convert.batch import Batch, Restart
from ret_convert.conservation import Tally
from ret_convert.layout import Options, TablePlan
from ret_convert.shape import Candidate

Source = Callable[[], BinaryIO]
Progress = Callable[[int], None]
NAMED = 20
"""Entities that are named one by one; the native core (core.h) keeps no more."""
NAME = 100
"""Characters of a name that are told."""


@dataclass(frozen=True)
class Warned:
    """Something about a document that its owner should know; `detail` names no content but names of entities."""

    code: str
    detail: str


def outside_warnings(names: Sequence[str], count: int) -> list[Warned]:
    """What is said of entities outside the document: the first names, and how many there are."""
    found = [
        Warned("XML_EXTERNAL_ENTITY", f"The entity {name[:NAME]} is outside the document and was left out.")
        for name in names[:NAMED]
    ]
    if count > len(found):
        further = count - len(found)
        found.append(Warned("XML_EXTERNAL_ENTITY", f"{further} further entities are outside and were left out."))
    return found


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
