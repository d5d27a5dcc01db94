"""What people read: classes, options, figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ret_diff.report.order import Counts, Options, Order, Pair, Side, Table, Tally

CLASSES = {
    "mismatch": "In both with mismatch",
    "only_in_a": "Only in A",
    "only_in_b": "Only in B",
    "failed": "Failed objects",
    "pending": "Not compared yet",
    "identical": "In both and identical",
}
"""In the order in which they are listed."""
STATUSES = ("only_in_a", "mismatch", "only_in_b", "identical", "failed", "pending")
FIGURES = {
    "rows_added": "Rows added",
    "rows_removed": "Rows removed",
    "rows_changed": "Rows changed",
    "rows_moved": "Rows moved",
    "cells_changed": "Cells changed",
    "cells_format_only": "Of them only written differently",
}
MATCHES = {"path": "same path", "content": "same content", "name": "same name", "manual": "by hand", "": ""}
ABSENT, EMPTY = "(absent)", "(empty)"
WHOLE = "All"


def yes(given: bool) -> str:  # noqa: FBT001 - a word for a flag
    """A flag in words."""
    return "yes" if given else "no"


def figures(counts: Counts) -> list[int]:
    """The sums in the order of FIGURES."""
    return [
        counts["rows_added"],
        counts["rows_removed"],
        counts["rows_changed"],
        counts["rows_moved"],
        counts["cells_changed"],
        counts["cells_format_only"],
    ]


def tally(figures_of: Tally) -> list[int]:
    """Pairs in the order of STATUSES, then the sums."""
    statuses = [
        figures_of["only_in_a"],
        figures_of["mismatch"],
        figures_of["only_in_b"],
        figures_of["identical"],
        figures_of["failed"],
        figures_of["pending"],
    ]
    return [*statuses, *figures(figures_of["counts"])]


def options(given: Options) -> list[tuple[str, str]]:
    """The options, one line each."""
    return [
        ("Key columns", ", ".join(given["keys"]) or "looked for"),
        ("Ignored columns", ", ".join(given["ignore_columns"]) or "none"),
        ("Case is ignored", yes(given["ignore_case"])),
        ("Blanks are ignored", yes(given["ignore_space"])),
        ("Numbers are equal up to", f"{given['numeric_tolerance']:g}"),
    ]


def in_short(given: Options | None) -> str:
    """The options of one pair in a line; nothing where it has none of its own."""
    return "; ".join(f"{name}: {value}" for name, value in options(given)) if given else ""


def side(given: Side) -> list[tuple[str, str]]:
    """A side, one line each."""
    version = "as it was converted" if given["version"] == "original" else "with its edits"
    there = " (deleted since)" if given["gone"] else ""
    return [
        ("Name", given["name"] + there),
        ("What it is", f"{given['kind']} {given['id']}"),
        ("Version", version),
        ("SHA-256", given["sha256"] or "not known"),
    ]


def made(order: Order) -> list[tuple[str, str]]:
    """How the comparison and its report came to be, one line each."""
    return [
        ("Comparison", order["comparison_id"]),
        ("State", order["status"]),
        ("Compared at", order["compared_at"] or "not finished"),
        ("Report made at", order["made_at"]),
        ("Report made by", order["made_by"] or "not known"),
        ("Engine", order["engine"]),
        ("Recipe", order["recipe"] or "none"),
        ("Groups", ", ".join(order["groups"]) or "all"),
    ]


def by_class(pairs: Sequence[Pair]) -> list[tuple[int, Pair]]:
    """The pairs, numbered from 1, class by class and in their order."""
    places = list(CLASSES)
    ordered = sorted(pairs, key=lambda pair: places.index(pair["status"]))
    return list(enumerate(ordered, 1))


def compared(pairs: Sequence[tuple[int, Pair]]) -> Iterator[tuple[int, Pair, Table]]:
    """The tables in which something changed, with the numbers of their pairs."""
    for number, pair in pairs:
        for table in pair["tables"]:
            if table["prefix"] and any(figures(table["counts"])[:3]):
                yield number, pair, table


def renames(table: Table) -> str:
    """The columns that were renamed."""
    return ", ".join(f"{was} → {now}" for was, now in table["columns_renamed"])


def key(table: Table) -> str:
    """The columns that tell the rows of a table apart, and how sure that is."""
    if not table["key_columns"]:
        return "none: rows were paired by what they hold"
    how = "given" if table["key_given"] else f"found, {table['key_confidence']:.0%} sure"
    return f"{', '.join(table['key_columns'])} ({how})"
