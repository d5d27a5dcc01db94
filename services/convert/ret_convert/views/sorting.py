"""In which order rows are wanted: by columns, each by its type, with absent and empty cells last in both directions.

Numbers come by their value, what is no number in a column of numbers behind them as text; texts without regard to case,
then by code points. Rows that are equal stay in the order of the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

from ret_convert.arrow import pa, pc
from ret_convert.export.ahead import in_order
from ret_convert.views import values
from ret_kit.errors import Invalid

COLUMNS = 50
"""Columns to sort by at most."""
CODED = 1 << 16
"""Different values up to which a column is sorted by their places among each other."""
DICTIONARIES = 1 << 21
"""Entries of all dictionaries up to which they are put together."""
CANDIDATES = 1 << 19
"""Rows among which the first ones are looked for."""


@dataclass(frozen=True)
class By:
    """A column to sort by."""

    column: str
    descending: bool = False


@dataclass(frozen=True)
class Key:
    """What is sorted by: one value a row, null is last."""

    cells: Any
    descending: bool


def parsed(given: str) -> list[By]:
    """`a,-b%2Cc` as a and, descending, `b,c`; none for an empty text.

    A minus that belongs to the name of the first kind is written `%2D`. Invalid when a column is named twice.
    """
    if not given:
        return []
    named = [By(unquote(one.removeprefix("-")), one.startswith("-")) for one in given.split(",")]
    if len(named) > COLUMNS:
        raise Invalid(field="sort", reason=f"names {len(named)} columns, {COLUMNS} are the most")
    if len({one.column for one in named}) < len(named):
        raise Invalid(field="sort", reason="names a column twice")
    return named


def known(named: Sequence[By], columns: Mapping[str, bool]) -> None:
    """Invalid when a column is not there."""
    if missing := sum(one.column not in columns for one in named):
        raise Invalid(field="sort", reason=f"names {missing} columns the table does not have")


def keys(chunks: Sequence[Any], *, number: bool, descending: bool) -> list[Key]:
    """The keys of a column, by its cells in pieces: of strings, or coded with dictionaries."""
    if (coded := _coded(chunks, number=number, descending=descending)) is not None:
        return [Key(coded, descending)]
    filled = _joined([_filled(one) for one in chunks])
    found: list[Any] = []
    if number:
        written = values.numbers(filled)
        found.append(values.floats(written))
        longest = pc.max(pc.binary_length(written)).as_py() or 0
        if longest > values.EXACT:
            found.append(values.whole_parts(written))
        if written.null_count == filled.null_count:
            return [Key(one, descending) for one in found]
        filled = pc.if_else(pc.is_valid(written), None, filled)
    text = pc.utf8_lower(filled)
    found.append(text)
    if not text.equals(filled):
        found.append(filled)
    return [Key(one, descending) for one in found]


def lead(chunks: Sequence[Any], *, number: bool, descending: bool) -> Key:
    """The first of the keys of a column, in several threads: what decides about most rows."""
    if (coded := _coded(chunks, number=number, descending=descending)) is not None:
        return Key(coded, descending)
    steps = (partial(_lead, one, number=number) for one in chunks)
    return Key(_joined([*in_order(steps)], pa.float64() if number else pa.string()), descending)


def _lead(chunk: Any, *, number: bool) -> Any:
    filled = _filled(chunk)
    return values.floats(values.numbers(filled)) if number else pc.utf8_lower(filled)


def _filled(chunk: Any) -> Any:
    """Cells as strings, empty ones absent."""
    texts = chunk.cast(pa.string())
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _joined(chunks: Sequence[Any], kind: Any = None) -> Any:
    return pa.chunked_array(chunks, kind or pa.string()).combine_chunks()


def _coded(chunks: Sequence[Any], *, number: bool, descending: bool) -> Any | None:
    """The places of the cells' values among all values; None where that is not worth it."""
    if not chunks or not all(pa.types.is_dictionary(one.type) for one in chunks):
        return None
    if sum(len(one.dictionary) for one in chunks) > DICTIONARIES:
        return None
    unified = pa.chunked_array(chunks).unify_dictionaries()
    different = unified.chunk(0).dictionary
    if len(different) > CODED:
        return None
    places = pa.array(values.ranks(different.to_pylist(), number=number, descending=descending), pa.int32())
    indices = pa.chunked_array([one.indices for one in unified.chunks]).combine_chunks()
    return places.take(indices)


def order(by: Sequence[Key]) -> Any:
    """The places of the rows in their order."""
    if len(by) == 1:
        return pc.array_sort_indices(by[0].cells, order=_direction(by[0]), null_placement="at_end")
    names = [str(at) for at in range(len(by))]
    batch = pa.record_batch([one.cells for one in by], names=names)
    sort_keys = [(name, _direction(one), "at_end") for name, one in zip(names, by, strict=True)]
    return pc.sort_indices(batch, sort_keys=sort_keys)


def candidates(cells: Any, count: int, *, descending: bool) -> Any | None:
    """The places of rows among which the first `count` are, by what is sorted by first; None where these are many."""
    if len(cells) - cells.null_count < count or len(cells) <= CANDIDATES:
        return None
    filled = cells.drop_null()
    direction = "descending" if descending else "ascending"
    best = pc.select_k_unstable(filled, count, sort_keys=[("", direction)])
    last = filled[best[-1].as_py()]
    compare = pc.greater_equal if descending else pc.less_equal
    found = pc.indices_nonzero(pc.fill_null(compare(cells, last), False))  # noqa: FBT003 - Arrow's signature
    return found if len(found) <= CANDIDATES else None


def taken(chunks: Sequence[Any], places: Any) -> list[Any]:
    """The cells at some places of a column in pieces, in pieces; the places rise."""
    found: list[Any] = []
    start = 0
    for chunk in chunks:
        inside = pc.and_(pc.greater_equal(places, start), pc.less(places, start + len(chunk)))
        found.append(chunk.take(pc.subtract(places.filter(inside), start)))
        start += len(chunk)
    return found


def _direction(key: Key) -> str:
    return "descending" if key.descending else "ascending"
