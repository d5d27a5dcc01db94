"""Evidence as a workbook: a summary, all pairs and tables, every row that is not the same, patterns and findings.

Nothing is cut: a text that is too long for a cell goes on below, a table with too many columns for a sheet too, and
what does not fit on a sheet goes on on the next one, which is said at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from ret_diff.differing import Difference
from ret_diff.model import RowStatus
from ret_diff.report import words
from ret_diff.report.changed import Changed, Open, shown, title
from ret_diff.report.order import Order, Pair, Pattern, Table
from ret_diff.report.workbook import Book, Cell, Sheet, Style, Value, pieces

ACROSS = 16_000
"""Columns of a table beside each other."""
WIDTHS = (10, 10, 12, 18)
LABELS = 3
"""Cells before those of the table: what happened, which side, which row."""
CONTINUED = "… continued"


def write(order: Order, opened: Open, give: Callable[[bytes], object]) -> None:
    """Write the workbook piece by piece."""
    book = Book(give)
    pairs = words.by_class(order["pairs"])
    changes = Long(book, "Changes", WIDTHS)
    places: dict[tuple[str, str], str] = {}
    for number, pair, table in words.compared(pairs):
        places[pair["id"], table["name"]] = _table(changes, (number, pair, table), opened(table))
    changes.end()
    sheets = {
        "Pairs": _lines(book, "Pairs", PAIR_WIDTHS, _pairs(pairs, places)),
        "Tables": _lines(book, "Tables", TABLE_WIDTHS, _tables(pairs, places)),
        "Changes": changes.names,
        "Patterns": _lines(book, "Patterns", (30, 30, 40, 40, 12, 12, 12), _patterns(order)),
        "Findings": _lines(book, "Findings", (30, 80, 12, 12, 60), _findings(order, pairs)),
        "Failed objects": _lines(book, "Failed objects", (8, 50, 50, 30, 80), _failed(pairs)),
    }
    first = _lines(book, "Summary", (34, 40, 14), _summary(order, sheets), frozen=0)
    book.close([*first, *(name for names in sheets.values() for name in names)])


class Long:
    """Rows on as many sheets as they take: `Changes`, `Changes 2` and so on. The first is begun with the first row.

    `head` is repeated at the top of each further sheet.
    """

    def __init__(self, book: Book, name: str, widths: Sequence[int], *, frozen: int = 0) -> None:
        self._book = book
        self._name = name
        self._widths = widths
        self._frozen = frozen
        self._open = ExitStack()
        self._sheet: Sheet | None = None
        self.names: list[str] = []
        self.head: list[Sequence[Value]] = []

    def row(self, cells: Sequence[Value]) -> str:
        """Write a row, with as many lines as its longest text takes; gives where it is."""
        where = ""
        for line in _continued(cells):
            sheet = self._sheet or self._begin()
            if sheet.full:
                sheet.row([Cell(f"Continued on the sheet “{self._next}”", Style.FAINT)])
                sheet = self._begin()
                for head in self.head:
                    sheet.row(head)
            sheet.row(line)
            where = where or f"{sheet.name}, row {sheet.rows}"
        return where

    def end(self) -> None:
        """Close the last sheet."""
        self._open.close()

    @property
    def _next(self) -> str:
        return self._name if not self.names else f"{self._name} {len(self.names) + 1}"

    def _begin(self) -> Sheet:
        self._open.close()
        name = self._next
        self._sheet = self._open.enter_context(self._book.sheet(name, self._widths, frozen=self._frozen))
        self.names.append(name)
        return self._sheet


def _continued(cells: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """The lines of a row: one, or more where a text is too long for a cell."""
    texts = [cell.text if isinstance(cell, Cell) else cell for cell in cells]
    if all(not isinstance(text, str) or len(text) <= SURELY_FITS for text in texts):
        yield cells
        return
    cut = [pieces(text) if isinstance(text, str) else [] for text in texts]
    for at in range(max(map(len, cut))):
        line: list[Value] = []
        for cell, parts in zip(cells, cut, strict=True):
            if not parts:
                line.append(cell if at == 0 else None)
            elif at >= len(parts):
                line.append(None)
            else:
                line.append(Cell(parts[at], cell.style) if isinstance(cell, Cell) else parts[at])
        yield line


SURELY_FITS = 16_000


def _lines(
    book: Book, name: str, widths: Sequence[int], rows: Iterator[Sequence[Value]], *, frozen: int = 1
) -> list[str]:
    """A list with its titles in the first row; gives its sheets, none for a list without a line."""
    long = Long(book, name, widths, frozen=frozen)
    titles = next(rows)
    first = next(rows, None)
    if first is None:
        return []
    if frozen:
        long.head = [titles]
    long.row(titles)
    long.row(first)
    for row in rows:
        long.row(row)
    long.end()
    return long.names


def _titles(*names: str) -> list[Value]:
    return [Cell(name, Style.TITLE) for name in names]


# --- the changes -------------------------------------------------------------------------------------------------


def _table(changes: Long, found: tuple[int, Pair, Table], changed: Changed) -> str:
    """Every row of a table that is not the same; gives where they begin."""
    number, pair, table = found
    columns = changed.columns
    places = shown(columns, table)
    heading: list[Value] = [Cell(f"{number}. {pair['b_path'] or pair['a_path']}: {table['name']}", Style.HEADING)]
    titles = _wrapped(("What", "Side", "Row"), [Cell(title(columns[at]), Style.TITLE) for at in places], Style.TITLE)
    changes.head = []
    where = changes.row(heading)
    if len(places) < len(columns):
        changes.row([Cell(f"{len(places)} of {len(columns)} columns: keys and those with a change", Style.FAINT)])
    for line in titles:
        changes.row(line)
    changes.head = [heading, *titles]
    for row in changed.rows(places):
        for line in _row(row):
            changes.row(line)
    changes.head = []
    changes.row([])
    return where


def _row(row: Difference) -> Iterator[Sequence[Value]]:
    """The lines of a row: what was, and what is now."""
    whole = row.status is not RowStatus.CHANGED
    what = row.status.name.lower()
    for side, number, values, style in (
        ("A was", row.a_row, row.a, Style.WAS),
        ("B now", row.b_row, row.b, Style.NOW),
    ):
        if values is not None:
            cells = _whole(values, style) if whole else _cells(row, values, style)
            yield from _wrapped((what, side, number or None), cells, style if whole else None)


def _whole(values: Sequence[str | None], style: Style) -> list[Value]:
    """The cells of a row that one side does not have."""
    return [None if value is None else Cell(value, style) for value in values]


def _cells(row: Difference, values: Sequence[str | None], style: Style) -> list[Value]:
    """The cells of one side of a row; those that changed can be told, also where they hold nothing."""
    cells: list[Value] = list(values)
    for at in row.changed:
        if value := values[at]:
            cells[at] = Cell(value, Style.FORMAT if at in row.format_only else style)
        else:
            cells[at] = _value(value)
    return cells


def _wrapped(labels: Sequence[str | int | None], cells: list[Value], style: Style | None) -> list[Sequence[Value]]:
    """A row on as many lines as its columns take."""
    first: list[Value] = [Cell(one, style) if style and isinstance(one, str) else one for one in labels]
    lines: list[Sequence[Value]] = [[*first, *cells[:ACROSS]]]
    for at in range(ACROSS, len(cells), ACROSS):
        where = Cell(f"columns {at + 1} to {min(at + ACROSS, len(cells))}", Style.FAINT)
        lines.append([Cell(CONTINUED, Style.FAINT), where, None, *cells[at : at + ACROSS]])
    return lines


# --- the lists ---------------------------------------------------------------------------------------------------

PAIR_WIDTHS = (6, 22, 16, 50, 50, 14, 12, *(12 for _ in words.FIGURES), 10, 40, 60, 40, 60, 30)
TABLE_WIDTHS = (6, 50, 30, 22, 12, 12, *(12 for _ in words.FIGURES), 40, 30, 30, 30, 60, 30)


def _pairs(pairs: Sequence[tuple[int, Pair]], places: dict[tuple[str, str], str]) -> Iterator[Sequence[Value]]:
    yield _titles(
        *("No.", "Class", "Group", "Was (A)", "Now (B)", "Paired by", "Sure"),
        *(words.FIGURES.values()),
        *("Reviewed", "Note", "Remarks", "Options of its own", "Reason", "Changes"),
    )
    for number, pair in pairs:
        yield [
            number,
            words.CLASSES[pair["status"]],
            pair["group"],
            pair["a_path"] or None,
            pair["b_path"] or None,
            words.MATCHES.get(pair["match"], pair["match"]),
            f"{pair['confidence']:.0%}" if pair["match"] else None,
            *words.figures(pair["counts"]),
            words.yes(pair["reviewed"]),
            pair["note"] or None,
            " ".join(note["detail"] for note in pair["notes"]) or None,
            words.in_short(pair["options"]) or None,
            f"{pair['failure']['code']}: {pair['failure']['detail']}" if pair["failure"] else None,
            next((places[key] for table in pair["tables"] if (key := (pair["id"], table["name"])) in places), None),
        ]


def _tables(pairs: Sequence[tuple[int, Pair]], places: dict[tuple[str, str], str]) -> Iterator[Sequence[Value]]:
    yield _titles(
        *("Pair", "Document", "Table", "Class", "Rows in A", "Rows in B"),
        *(words.FIGURES.values()),
        *("Key", "Columns added", "Columns removed", "Columns renamed", "Remarks", "Changes"),
    )
    for number, pair in pairs:
        for table in pair["tables"]:
            yield [
                number,
                pair["b_path"] or pair["a_path"],
                table["name"],
                words.CLASSES.get(table["status"], table["status"]),
                table["a_rows"],
                table["b_rows"],
                *words.figures(table["counts"]),
                words.key(table),
                ", ".join(table["columns_added"]) or None,
                ", ".join(table["columns_removed"]) or None,
                words.renames(table) or None,
                " ".join(note["detail"] for note in table["notes"]) or None,
                places.get((pair["id"], table["name"])),
            ]


def _value(value: str | None) -> Value:
    return value or Cell(words.ABSENT if value is None else words.EMPTY, Style.FAINT)


def _pattern(one: Pattern) -> list[Value]:
    written = words.yes(one["format_only"])
    return [one["table"], one["column"], _value(one["old"]), _value(one["new"]), one["count"], one["pairs"], written]


def _patterns(order: Order) -> Iterator[Sequence[Value]]:
    yield _titles("Table", "Column", "Was", "Now", "Cells", "Pairs", "Only written differently")
    yield from map(_pattern, order["patterns"])
    if order["patterns_total"] > len(order["patterns"]):
        yield [Cell(f"The most frequent {len(order['patterns'])} of {order['patterns_total']}.", Style.FAINT)]


def _findings(order: Order, pairs: Sequence[tuple[int, Pair]]) -> Iterator[Sequence[Value]]:
    yield _titles("Finding", "What was found", "Cells", "Values", "Where")
    names = {pair["id"]: f"{number}. {pair['b_path'] or pair['a_path']}" for number, pair in pairs}
    for one in order["findings"]:
        first: list[Value] = [one["code"], one["detail"], one["cells"], one["values"]]
        for pair, table, column, cells in one["places"] or [("", "", "", 0)]:
            yield [*first, f"{names.get(pair, pair)}: {table}, {column} ({cells} cells)" if pair else None]
            first = [None, None, None, None]
        for example in one["examples"]:
            was, now = example["old"] or words.ABSENT, example["new"] or words.ABSENT
            yield [None, f"{was} → {now}", example["count"], None, f"{example['table']}, {example['column']}"]


def _failed(pairs: Sequence[tuple[int, Pair]]) -> Iterator[Sequence[Value]]:
    yield _titles("Pair", "Was (A)", "Now (B)", "Code", "Reason")
    for number, pair in pairs:
        if pair["status"] == "failed":
            failure = pair["failure"] or {"code": "", "detail": ""}
            yield [number, pair["a_path"] or None, pair["b_path"] or None, failure["code"], failure["detail"]]


def _summary(order: Order, sheets: dict[str, list[str]]) -> Iterator[Sequence[Value]]:
    yield [Cell("Comparison", Style.HEADING)]
    yield [None, Cell("A: was", Style.TITLE), Cell("B: now", Style.TITLE)]
    for (name, was), (_, now) in zip(words.side(order["a"]), words.side(order["b"]), strict=True):
        yield [name, was, now]
    for heading, lines in (("How it was made", words.made(order)), ("Options", words.options(order["options"]))):
        yield []
        yield [Cell(heading, Style.HEADING)]
        yield from ([name, value] for name, value in lines)
    yield []
    yield [Cell("Result", Style.HEADING)]
    yield _titles("Group", *(words.CLASSES[one] for one in words.STATUSES), *words.FIGURES.values())
    yield [words.WHOLE, *words.tally(order["summary"])]
    yield from ([name, *words.tally(one)] for name, one in order["by_group"])
    if order["notes"]:
        yield []
        yield [Cell("Remarks", Style.HEADING)]
        yield from ([note["code"], note["detail"]] for note in order["notes"])
    yield []
    yield [Cell("Sheets", Style.HEADING)]
    for name, names in sheets.items():
        yield [name, ", ".join(names) or "none: there is nothing to tell"]
