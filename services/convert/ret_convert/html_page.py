"""What stands in an HTML page: the rows of its tables, and its characters by a count of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from importlib import import_module
from typing import Any

from ret_convert.conservation import Tally

etree: Any = import_module("lxml.etree")  # it comes without types
BLOCKS = frozenset(
    {
        *("address", "article", "blockquote", "body", "caption", "center", "dd", "div", "dl", "dt", "fieldset", "form"),
        *(
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "head",
            "hr",
            "html",
            "li",
            "ol",
            "p",
            "pre",
            "section",
            "table",
            "tbody",
        ),
        *("tfoot", "thead", "title", "tr", "ul"),
    }
)
"""Elements between which text does not run on."""
HIDDEN = frozenset({"script", "style", "xml", "template"})
"""Elements whose text is for programs."""
SPACE = re.compile(r"[ \t\r\n\f]+")
WIDEST, TALLEST = 1000, 65_534
"""How far a cell may reach (the HTML standard's limits)."""
COLUMNS = 16_384
TOKEN = re.compile(
    r"""<!--.*?(?:-->|\Z)"""
    r"""|<(script|style|xml|template)\b.*?(?:</\1\s*>|\Z)"""
    r"""|</?[a-zA-Z](?:[^>=]++|=\s*+(?:"[^"]*"|'[^']*'|(?!["'])))*+>"""
    r"""|<[!?][^>]*>""",
    re.IGNORECASE | re.DOTALL,
)
"""What is no text."""
TAG = re.compile(r"[a-zA-Z/!?]")
"""What makes a tag of `<`."""
HELD = 1 << 24
"""Characters of a tag, comment or script up to which its end is waited for."""
ENTITY = 40
"""Characters of the longest entity, and some more."""


class Characters:
    """The characters of a text, in any order and without white space: how many, and the sum of their numbers."""

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0

    def add(self, text: str) -> None:
        """Count a text's characters."""
        kept = "".join(text.split())
        self._count += len(kept)
        self._sum += sum(map(ord, kept))

    @property
    def tally(self) -> Tally:
        """As conversions compare it."""
        return Tally(self._count, self._sum)


class Page:
    """The characters of a page as they stand in its source, between tags; libxml2 has no part in it.

    `sure` is false when a tag or comment was too long to see its end.
    """

    def __init__(self) -> None:
        self.characters = Characters()
        self.sure = True
        self._held = ""

    def feed(self, text: str) -> None:
        """What comes next."""
        if self.sure:
            self._held += text
            self._take(last=False)
            self.sure = len(self._held) < HELD

    def close(self) -> None:
        """There is no more."""
        if self.sure:
            self._take(last=True)

    def _take(self, *, last: bool) -> None:
        pieces: list[str] = []
        self._held = self._held[self._split(pieces, last=last) :]
        # Each piece by itself: half an entity before a tag is none.
        self.characters.add("".join([unescape(piece) if "&" in piece else piece for piece in pieces]))

    def _split(self, pieces: list[str], *, last: bool) -> int:
        """Put the text between tags into `pieces`; how far that goes."""
        held, at = self._held, 0
        while True:
            tag = held.find("<", at)
            if tag < 0:
                end = len(held) if last else held.find("&", max(at, len(held) - ENTITY))
                end = len(held) if end < 0 else end
                pieces.append(held[at:end])
                return end
            found = TOKEN.match(held, tag)
            if found is not None and (last or found.end() < len(held)):
                pieces.append(held[at:tag])
                at = found.end()
            elif found is None and (last or (tag + 1 < len(held) and not TAG.match(held, tag + 1))):
                pieces.append(held[at : tag + 1])
                at = tag + 1
            else:
                pieces.append(held[at:tag])
                return tag


@dataclass(frozen=True)
class Row:
    """A row that has ended: its table's number in the page from 1, 0 for text outside all tables."""

    table: int
    cells: list[str | None]
    header: bool = False
    """Whether all cells are `<th>`."""

    @property
    def filled(self) -> int:
        """How many cells have text."""
        return len(self.cells) - self.cells.count(None)


@dataclass
class Cell:
    """A cell that is open and how far it reaches.

    Its runs are of text; None is a `<br>`, "" the border of a block.
    """

    runs: list[str | None] = field(default_factory=list[str | None])
    wide: int = 1
    tall: int = 1


@dataclass
class Table:
    """A table that is open."""

    number: int
    row: list[str | None] | None = None
    column: int = 0
    header: bool = True
    rows: int = 0
    below: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """Where cells reach into later rows: by their first column, (the row and the column behind them)."""
    cell: Cell | None = None


class Events:
    """What the parser tells, as rows: `ready` are those that have ended."""

    def __init__(self) -> None:
        self.ready: list[Row] = []
        self._tables: list[Table] = []
        self._number = 0
        self._outside: list[str | None] = []
        self._hidden = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._hidden or tag in HIDDEN:
            self._hidden += 1
            return
        table = self._tables[-1] if self._tables else None
        if tag == "br":
            self._runs.append(None)
            return
        if tag in BLOCKS:
            self._border()
        if tag == "table":
            self._number += 1
            self._tables.append(Table(self._number))
        elif table is not None and tag == "tr":
            self._end_row(table)
            table.row = []
        elif table is not None and tag in ("td", "th"):
            self._begin_cell(table, tag, attributes)

    def end(self, tag: str) -> None:
        if self._hidden:
            self._hidden -= 1
            return
        table = self._tables[-1] if self._tables else None
        if table is not None:
            if tag in ("td", "th"):
                self._end_cell(table)
            elif tag in ("tr", "table"):
                self._end_row(table)
            if tag == "table":
                self._tables.pop()
        if tag in BLOCKS:
            self._border()

    def data(self, data: str) -> None:
        if not self._hidden:
            self._runs.append(data)

    def comment(self, text: str) -> None:
        """Comments are no content."""

    def close(self) -> None:
        while self._tables:
            self._end_row(self._tables.pop())
        self._border()

    @property
    def _runs(self) -> list[str | None]:
        """Where text goes: into the innermost cell that is open, or outside."""
        if self._tables and (cell := self._tables[-1].cell) is not None:
            return cell.runs
        return self._outside

    def _border(self) -> None:
        """A block begins or ends: a new line inside a cell, a row of its own outside."""
        if self._tables and (cell := self._tables[-1].cell) is not None:
            cell.runs.append("")
        elif self._outside:
            text = shown(self._outside)
            self._outside.clear()
            if text is not None:
                self.ready.append(Row(0, [text]))

    def _begin_cell(self, table: Table, tag: str, attributes: Mapping[str, str]) -> None:
        self._end_cell(table)
        self._border()
        if table.row is None:
            table.row = []
        table.header = table.header and tag == "th"
        wide, tall = span(attributes.get("colspan"), WIDEST), span(attributes.get("rowspan"), TALLEST)
        table.cell = Cell([], wide, tall)

    def _end_cell(self, table: Table) -> None:
        cell, row = table.cell, table.row
        table.cell = None
        if cell is None or row is None:
            return
        while (above := table.below.get(table.column, (0, 0)))[0] > table.rows:
            table.column = above[1]
        at = table.column
        wide = cell.wide if at + cell.wide <= COLUMNS else 1
        row.extend([None] * (at - len(row)))
        row.append(shown(cell.runs))
        table.column += wide
        if cell.tall > 1:
            table.below[at] = (table.rows + cell.tall, at + wide)

    def _end_row(self, table: Table) -> None:
        if table.row is None:
            return
        self._end_cell(table)
        self.ready.append(Row(table.number, table.row, table.header))
        table.row, table.column, table.header = None, 0, True
        table.rows += 1


def rows_of(parts: Iterator[str]) -> Iterator[Row]:
    """The rows of a page that comes in pieces, those of one table in their order."""
    events = Events()
    parser = etree.HTMLParser(target=events, encoding="utf-8", huge_tree=True)
    fed = False
    for part in parts:
        # libxml2 ends at a NUL.
        parser.feed(part.replace("\0", "").encode())
        fed = True
        yield from events.ready
        events.ready.clear()
    if fed:
        parser.close()
    yield from events.ready


def span(given: str | None, most: int) -> int:
    """How far a cell reaches."""
    text = (given or "").strip()
    return max(1, min(int(text[:6]), most)) if text.isdecimal() else 1


def shown(runs: list[str | None]) -> str | None:
    """Text as a browser shows it: white space is one blank, `<br>` and blocks end a line; None if it is blank."""
    if len(runs) == 1 and (only := runs[0]):
        text = SPACE.sub(" ", only).strip(" ")
        return text if text and not text.isspace() else None
    lines, line = list[str](), list[str]()
    for run in [*runs, ""]:
        if run:
            line.append(run)
            continue
        text = SPACE.sub(" ", "".join(line)).strip(" ")
        # A block begins no line where nothing stands before it.
        if text or run is None:
            lines.append(text)
        line.clear()
    whole = "\n".join(lines).strip("\n")
    return whole if whole.strip() else None
