"""To which rows new rows belong when differences are taken over: links are named anew in the side that is edited."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ret_diff.applying import ID, PARENT, Into, Linking, Target
from ret_diff.differing import Found


def linking(
    found: Found, target: Target, into: Into, parents: Found | None, new: Mapping[str, str] | None
) -> Linking | None:
    """The links of what is to be put into a table; None where its rows have none.

    `new` are the ids that rows of the parent table have got before, None where there is no known parent table;
    `parents` is that table's result, None where both sides are the same.
    """
    if not target.links:
        return None
    highest = found.highest(into, ID) if ID in target.links else 0
    numbers = found.a_rows if into == "a" else found.b_rows
    next_id = max(highest, int(numbers.max(initial=0))) + 1
    wanted = _wanted(found, into) if PARENT in target.links and new is not None else set[str]()
    if not wanted or new is None:
        return Linking(next_id)
    known = parents.partners(into, ID, wanted) if parents is not None else _themselves(wanted)
    return Linking(next_id, {**known, **new})


def _wanted(found: Found, into: Into) -> set[str]:
    """The rows, by their ids in the other side, to which new rows belong."""
    place = next((at for at, one in enumerate(found.columns) if one.a == one.b == PARENT), None)
    if place is None:
        return set()
    sides = ((row.a, row.b) if into == "a" else (row.b, row.a) for row in found.rows([place]))
    return {theirs[0] for mine, theirs in sides if mine is None and theirs is not None and theirs[0] is not None}


def _themselves(wanted: Collection[str]) -> dict[str, str]:
    return {one: one for one in wanted}
