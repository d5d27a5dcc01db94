"""Which column of A is which of B, by path and name; what is left may be found to be renamed once rows are aligned."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from ret_diff.model import NOWHERE, Column, ColumnStatus, Kind, MatchedColumn, Options

Pair = tuple[int, int]
"""Places of a column in A and in B."""

_NO_LETTER = re.compile(r"[\W_]+")
_GUARD = re.compile(r"^'(?=[=+\-@\t\r])")


def cleaned(name: str) -> str:
    """A name without what is only its writing: `Enabled Flag`, `ENABLED_FLAG` and `EnabledFlag` are one."""
    return _NO_LETTER.sub("", name).casefold()


def by_name(a: Sequence[Column], b: Sequence[Column]) -> list[Pair]:
    """Columns of the same path, then of the same name, then of the same cleaned name; each column at most once."""
    found: list[Pair] = []
    for same in (_path, _name, _cleaned):
        taken_a, taken_b = {one for one, _ in found}, {one for _, one in found}
        left = _grouped(((at, column) for at, column in enumerate(a) if at not in taken_a), same)
        right = _grouped(((at, column) for at, column in enumerate(b) if at not in taken_b), same)
        for what, places in left.items():
            others = right.get(what, [])
            # Columns that share a name are told apart by their number only, if there are as many of them.
            if len(places) == len(others):
                found += zip(places, others, strict=True)
    return sorted(found)


def left_over(a: Sequence[Column], b: Sequence[Column], pairs: Iterable[Pair]) -> tuple[list[int], list[int]]:
    """The columns of each side that have no partner, links left out."""
    some = list(pairs)
    taken_a, taken_b = {one for one, _ in some}, {one for _, one in some}
    return (
        [at for at, one in enumerate(a) if at not in taken_a and one.kind is not Kind.LINK],
        [at for at, one in enumerate(b) if at not in taken_b and one.kind is not Kind.LINK],
    )


def laid_out(
    a: Sequence[Column], b: Sequence[Column], pairs: Iterable[Pair], options: Options, renamed: Iterable[Pair] = ()
) -> tuple[MatchedColumn, ...]:
    """All columns in the order of the result: A's, and what only B has behind the column that is before it in B."""
    again = set(renamed)
    partner = dict((*pairs, *again))
    taken = {other: one for one, other in partner.items()}
    behind: dict[int, list[int]] = defaultdict(list)
    place = NOWHERE
    for at in range(len(b)):
        if at in taken:
            place = taken[at]
        else:
            behind[place].append(at)
    found = [_column(a, b, (NOWHERE, at), options) for at in behind[NOWHERE]]
    for at in range(len(a)):
        pair = (at, partner.get(at, NOWHERE))
        found.append(_column(a, b, pair, options, renamed=pair in again))
        found += [_column(a, b, (NOWHERE, other), options) for other in behind.get(at, ())]
    return tuple(found)


def _column(
    a: Sequence[Column], b: Sequence[Column], pair: Pair, options: Options, *, renamed: bool = False
) -> MatchedColumn:
    left, right = (side[at] if at != NOWHERE else None for side, at in zip((a, b), pair, strict=True))
    both = [side for side in (left, right) if side]
    link = any(side.kind is Kind.LINK for side in both)
    ignored = any(side.name in options.ignore_columns for side in both) or (link and len(both) == 1)
    if ignored:
        status = ColumnStatus.IGNORED
    elif left is None:
        status = ColumnStatus.ADDED
    elif right is None:
        status = ColumnStatus.REMOVED
    elif renamed or (_name(left) != _name(right) and not (_path(left) and _path(left) == _path(right))):
        status = ColumnStatus.RENAMED
    else:
        status = ColumnStatus.SAME
    return MatchedColumn(*pair, both[0].name, status, len(both) > 1 and not ignored and not link)


def _grouped(columns: Iterable[tuple[int, Column]], same: Callable[[Column], str]) -> dict[tuple[str, Kind], list[int]]:
    found: dict[tuple[str, Kind], list[int]] = defaultdict(list)
    for at, column in columns:
        if word := same(column):
            kind = Kind.LINK if column.kind is Kind.LINK else Kind.VALUE if same is not _path else column.kind
            found[word, kind].append(at)
    return found


def _path(column: Column) -> str:
    """Where in a document the column comes from; in a grid the path is but its number, and says nothing."""
    return column.path if column.path.startswith("/") else ""


def _name(column: Column) -> str:
    """The name without what our CSV puts before one that a spreadsheet would run: `'@id` is `@id`."""
    return _GUARD.sub("", column.name, count=1)


def _cleaned(column: Column) -> str:
    return cleaned(column.name)
