"""Ids that were numbered anew everywhere in the same way: one finding, not as many changes as there are rows.

A child that compares two tables gives `evidence` of every column that may carry such ids, in bounded size; when all
are done, `findings` puts it together. What is looked at is which old value became which new one: nearly one to one,
nearly everywhere, in values that look like ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NotRequired, TypedDict

CHANGED = 0.5
"""Share of the rows with a value on both sides that must have changed for a column to be looked at."""
SAMPLED = 256
"""Different old values that are kept of a column: those with the lowest hashes, so that columns keep the same ones."""


class Renumbering(TypedDict):
    """What one column tells. JSON, at most SAMPLED mappings.

    `aligned` cells have a value on both sides, `cells` of them changed, with `olds` and `news` different values and
    `mapped` different combinations. `sample` are (old, new, cells).
    """

    pair: NotRequired[str]
    table: str
    column: str
    aligned: int
    cells: int
    olds: int
    news: int
    mapped: int
    sample: list[tuple[str, str, int]]


class Place(TypedDict):
    """Where ids were numbered anew."""

    pair: str
    table: str
    column: str
    cells: int


class Example(TypedDict):
    """One id, and in how many cells it was changed."""

    old: str
    new: str
    count: int
    pairs: int


class Finding(TypedDict):
    """As the message of that name. `places` with the most cells first, `examples` with the most cells first."""

    code: str
    detail: str
    cells: int
    values: int
    places: list[Place]
    examples: list[Example]


def evidence(table: str, column: str, aligned: int, old: Any, new: Any) -> Renumbering | None:
    """What a column of two aligned tables tells; None if it does not look like ids that were numbered anew.

    `old` and `new` are pyarrow arrays of strings of one length, the changed cells (CHANGED only, not FORMAT_ONLY) of
    rows that were aligned, in any order; `aligned` is how many such rows have a value on both sides. Call it for
    columns of which more than half changed; it is cheap to refuse. Put `pair` into what it gives.
    """
    raise NotImplementedError((table, column, aligned, old, new))


def findings(evidence: Iterable[Renumbering]) -> list[Finding]:
    """What all columns of all pairs tell together: columns whose ids agree are one finding, the largest first.

    Independent of the order in which evidence comes.
    """
    raise NotImplementedError(list(evidence))
