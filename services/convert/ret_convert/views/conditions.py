"""Which rows are wanted: conditions on columns, all of which must hold.

`contains`, `starts` and `ends` ignore case; `eq`, `ne`, `in` and `regex` do not. `lt`, `le`, `gt` and `ge` compare
numbers where the column is one of numbers and the value is one, else texts without regard to case; they do not hold for
a cell that is absent, empty, or no number among numbers. `empty` is absent or `""`. `ne` holds for an absent cell.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, cast

from ret_convert.arrow import pa, pc
from ret_convert.views import values
from ret_kit.errors import Invalid

CONDITIONS = 50
CHOICES = 1000
"""Values of one `in` at most."""
PATTERN = 1000
"""Characters of a regular expression at most."""
TEXT = 1 << 20
"""Characters of a value at most: a cell has no more."""
COMPARISONS = ("lt", "le", "gt", "ge")
WITHOUT = ("empty", "not_empty")
OPERATIONS = ("eq", "ne", "contains", "starts", "ends", *COMPARISONS, "in", *WITHOUT, "regex")


@dataclass(frozen=True)
class Condition:
    """What must hold for a column; `value` is a text, texts for `in`, none for `empty` and `not_empty`."""

    column: str
    op: str
    value: str | tuple[str, ...] | None = None


def parsed(given: str) -> list[Condition]:
    """The conditions of `[{"column", "op", "value"}]`, none for an empty text. Invalid, with what is wrong where."""
    if not given:
        return []
    try:
        # Numbers stay as they are written.
        listed = json.loads(given, parse_int=str, parse_float=str, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _refused("is not JSON") from None
    if not isinstance(listed, list):
        raise _refused("must be a list of conditions")
    try:
        json.dumps(listed, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _refused("holds half of a character (a surrogate alone)") from None
    conditions = cast("list[object]", listed)
    if len(conditions) > CONDITIONS:
        raise _refused(f"has {len(conditions)} conditions, {CONDITIONS} are the most")
    return [_condition(number, one) for number, one in enumerate(conditions, 1)]


def _condition(number: int, given: object) -> Condition:
    if not isinstance(given, dict):
        raise _refused(f"has a condition (number {number}) that is no object with column, op and value")
    one = cast("dict[str, object]", given)
    column, op, value = one.get("column"), one.get("op"), one.get("value")
    if unknown := one.keys() - {"column", "op", "value"}:
        raise _refused(f"has a condition (number {number}) with {len(unknown)} fields besides column, op and value")
    if not isinstance(column, str):
        raise _refused(f"has a condition (number {number}) without a column")
    if not isinstance(op, str) or op not in OPERATIONS:
        raise _refused(f"has a condition (number {number}) whose op is none of {', '.join(OPERATIONS)}")
    if op in WITHOUT:
        return Condition(column, op)
    if op == "in":
        return Condition(column, op, _choices(number, value))
    if not isinstance(value, str) or len(value) > TEXT:
        raise _refused(f"has a condition (number {number}, {op}) whose value is no text, or too long a one")
    if op == "regex":
        _check_pattern(number, value)
    return Condition(column, op, value)


def _choices(number: int, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _refused(f"has a condition (number {number}, in) whose value is no list of texts")
    choices = cast("list[object]", value)
    if not 1 <= len(choices) <= CHOICES:
        raise _refused(f"has a condition (number {number}, in) with {len(choices)} values; it takes 1 to {CHOICES}")
    texts = [one for one in choices if isinstance(one, str)]
    if len(texts) < len(choices) or sum(map(len, texts)) > TEXT:
        raise _refused(f"has a condition (number {number}, in) whose value is no list of texts, or too long a one")
    return tuple(texts)


def _check_pattern(number: int, pattern: str) -> None:
    if len(pattern) > PATTERN:
        raise _refused(f"has a regular expression (number {number}) of more than {PATTERN} characters")
    try:
        pc.match_substring_regex(pa.array([""], pa.string()), pattern)
    except pa.ArrowException as error:
        # RE2 says what is wrong, and then cites the expression.
        reason = str(error).removeprefix("Invalid regular expression: ").partition(":")[0]
        raise _refused(f"has a regular expression (number {number}) that cannot be used: {reason}") from None


def _no_constant(_name: str) -> str:
    raise ValueError


def _refused(reason: str) -> Invalid:
    return Invalid(field="filter", reason=reason)


def known(conditions: Sequence[Condition], columns: Mapping[str, bool]) -> None:
    """Invalid when a condition is about a column that is not there."""
    for number, one in enumerate(conditions, 1):
        if one.column not in columns:
            raise _refused(f"has a condition (number {number}) about a column the table does not have")


def holding(rows: Any, conditions: Sequence[Condition], numbers: Mapping[str, bool]) -> Any:
    """Which rows (of an Arrow batch) are wanted, as booleans without nulls; at least one condition.

    `numbers` says of each column whether it is one of numbers.
    """
    masks = (_mask(rows.column(one.column), one, number=numbers[one.column]) for one in conditions)
    return reduce(pc.and_, masks)


def _mask(cells: Any, one: Condition, *, number: bool) -> Any:
    if one.op in WITHOUT:
        empty = pc.fill_null(pc.equal(cells, ""), True)  # noqa: FBT003 - Arrow's signature
        return empty if one.op == "empty" else pc.invert(empty)
    if one.op == "in":
        return pc.is_in(cells, value_set=pa.array(one.value, cells.type))
    value = cast("str", one.value)
    if one.op == "ne":
        return pc.fill_null(pc.not_equal(cells, value), True)  # noqa: FBT003 - Arrow's signature
    compared = one.op in COMPARISONS
    found = _compared(cells, one.op, value, number=number) if compared else TEXTUAL[one.op](cells, value)
    return pc.fill_null(found, False)  # noqa: FBT003 - Arrow's signature


def _compared(cells: Any, op: str, value: str, *, number: bool) -> Any:
    compare = {"lt": pc.less, "le": pc.less_equal, "gt": pc.greater, "ge": pc.greater_equal}[op]
    if not (number and values.is_number(value)):
        filled = pc.if_else(pc.equal(cells, ""), None, cells)
        return compare(pc.utf8_lower(filled), values.lower(value))
    written = values.numbers(cells)
    measured = values.floats(written)
    bound = values.number_key(value)
    found = compare(measured, bound[0])
    # Where a float cannot tell them apart, the digits before the point can.
    close = pc.fill_null(pc.equal(measured, bound[0]), False)  # noqa: FBT003 - Arrow's signature
    some = pc.unique(written.filter(close)).to_pylist()
    if not some:
        return found
    holds = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}[op]
    fitting = [one for one in some if holds(values.number_key(one), bound)]
    return pc.if_else(close, pc.is_in(written, value_set=pa.array(fitting, written.type)), found)


def _contains(cells: Any, value: str) -> Any:
    return pc.match_substring(pc.utf8_lower(cells), values.lower(value))


TEXTUAL: dict[str, Callable[[Any, str], Any]] = {
    "eq": pc.equal,
    "contains": _contains,
    "starts": lambda cells, value: pc.starts_with(pc.utf8_lower(cells), values.lower(value)),
    "ends": lambda cells, value: pc.ends_with(pc.utf8_lower(cells), values.lower(value)),
    "regex": pc.match_substring_regex,
}
