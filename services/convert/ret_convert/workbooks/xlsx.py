"""XLSX workbooks, read as a stream: memory follows the row and the shared strings, not the sheet.

calamine would read them faster, but holds a sheet as a rectangle of cells, however few there are, and gives neither
errors nor whole numbers beyond 2**53 (docs/decisions/0014).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ret_convert.grid import Cells
from ret_convert.workbooks.book import Extent
from ret_convert.workbooks.errors import WorkbookDamaged, WorkbookTooLarge
from ret_convert.workbooks.package import Attributes, LocalNames, Package, plain
from ret_convert.workbooks.styles import kinds
from ret_convert.workbooks.values import FALSE, TRUE, moment, number, unescaped

WIDEST, LONGEST = 16_384, 1_048_576
STRINGS = 1 << 30
"""Bytes that the shared strings of a workbook may take."""
STRING = 64
"""Bytes that a string takes beside its characters."""
REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")
SHEETS = ("worksheet",)


class Columns(dict[str, int]):
    """The numbers of columns by their letters, from 1; remembered."""

    def __missing__(self, letters: str) -> int:
        found = 0
        for letter in letters.upper():
            found = found * 26 + ord(letter) - 64
        self[letters] = found
        return found


@dataclass
class Relation:
    """A part that another one names: its kind and its place in the package."""

    kind: str
    target: str


class SharedStrings:
    """The texts that cells refer to by number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.local = LocalNames()
        self._run: list[str] = []
        self._inside = False
        self._phonetic = False
        self._size = 0

    def start(self, written: str, _: Attributes) -> None:
        name = self.local[written]
        if name == "si":
            self._run.clear()
        elif name == "rPh":
            self._phonetic = True
        self._inside = name == "t" and not self._phonetic

    def text(self, data: str) -> None:
        if self._inside:
            self._run.append(data)

    def end(self, written: str) -> None:
        name = self.local[written]
        self._inside = False
        if name == "rPh":
            self._phonetic = False
        elif name == "si":
            text = unescaped("".join(self._run))
            self._size += len(text) + STRING
            if self._size > STRINGS:
                raise WorkbookTooLarge(what="its texts are too many to be held")
            self.texts.append(text)


class Counting:
    """The survey of a sheet: how many cells have a value, and how far they reach. It renders none."""

    def __init__(self, blank: set[str]) -> None:
        self.extent = Extent()
        self._blank = blank
        self._local, self._columns = LocalNames(), Columns()
        self._row = self._column = 0
        self._type = ""
        self._kept: list[str] = []
        self._inside = False
        self._phonetic = False
        self._said = False

    def start(self, written: str, attributes: Attributes) -> None:
        name = self._local[written]
        if name == "c":
            self._column = column_of(attributes.get("r"), self._column, self._columns)
            self._type = attributes.get("t", "n")
            self._kept.clear()
            self._said = False
        elif name == "row":
            self._row = row_of(attributes.get("r"), self._row)
            self._column = 0
        elif name == "rPh":
            self._phonetic = True
        self._inside = name in ("v", "t") and not self._phonetic
        # An empty text that was written down is a cell; one that a formula gave is not told from nothing.
        self._said = self._said or (self._inside and self._type == "inlineStr")

    def text(self, data: str) -> None:
        if self._inside:
            self._kept.append(data)

    def end(self, written: str) -> None:
        self._inside = False
        name = self._local[written]
        if name == "rPh":
            self._phonetic = False
        elif name == "c" and (self._kept or self._said):
            text = "".join(self._kept)
            if self._type == "s":
                self.extent.values += text.strip() not in self._blank
            else:
                self.extent.values += bool(unescaped(text).strip())
            self.extent.reach(self._row, self._column)


class Reading:
    """The rows of a sheet; `ready` are those that have ended."""

    def __init__(self, strings: list[str], styles: list[str | None], *, since_1904: bool) -> None:
        self.ready: list[tuple[int, list[str | None]]] = []
        self._strings, self._styles, self._since_1904 = strings, styles, since_1904
        self._local, self._columns = LocalNames(), Columns()
        self._row = 0
        self._cells: list[str | None] = []
        self._column = 0
        self._type = self._style = ""
        self._run: list[str] = []
        self._value = False
        self._inside = False
        self._phonetic = False

    def start(self, written: str, attributes: Attributes) -> None:
        name = self._local[written]
        if name == "c":
            self._column = column_of(attributes.get("r"), self._column, self._columns)
            self._type = attributes.get("t", "n")
            self._style = attributes.get("s", "0")
            self._run.clear()
            self._value = False
        elif name == "row":
            self._row = row_of(attributes.get("r"), self._row)
            self._cells = []
            self._column = 0
        elif name == "rPh":
            self._phonetic = True
        self._inside = name in ("v", "t") and not self._phonetic
        self._value = self._value or self._inside

    def text(self, data: str) -> None:
        if self._inside:
            self._run.append(data)

    def end(self, written: str) -> None:
        self._inside = False
        name = self._local[written]
        if name == "c":
            if self._value:
                missing = self._column - len(self._cells)
                if missing > 0:
                    self._cells.extend([None] * missing)
                self._cells[self._column - 1] = self._rendered("".join(self._run))
        elif name == "row":
            self.ready.append((self._row, self._cells))
        elif name == "rPh":
            self._phonetic = False

    def _rendered(self, text: str) -> str | None:
        """The text of a cell; none for a number that is not there."""
        kind = self._type
        if kind == "s":
            try:
                return self._strings[int(text)]
            except (ValueError, IndexError) as error:
                raise WorkbookDamaged(reason="a cell refers to a text that is not there") from error
        if kind in ("str", "inlineStr"):
            return unescaped(text)
        if not text.strip():
            return None
        if kind == "b":
            return TRUE if text.strip() == "1" else FALSE
        if kind != "n":
            return text
        style = int(self._style) if self._style.isdigit() else 0
        date = self._styles[style] if style < len(self._styles) else None
        return number(text) if date is None else moment(text, date, since_1904=self._since_1904)


def column_of(reference: str | None, before: int, columns: Columns) -> int:
    """The column of a cell, from 1: what its reference says, else the one after that before."""
    found = REFERENCE.fullmatch(reference) if reference else None
    column = columns[found[1]] if found else before + 1
    if column > WIDEST:
        raise WorkbookDamaged(reason="a cell stands beyond the last column")
    return column


def row_of(number_of: str | None, before: int) -> int:
    """The row's number, from 1: what it says if that comes later than the one before, else the next."""
    row = int(number_of) if number_of and number_of.isdecimal() else 0
    row = row if row > before else before + 1
    if row > LONGEST:
        raise WorkbookDamaged(reason="a row stands beyond the last one")
    return row


@dataclass
class Outline:
    """What the workbook part says: its sheets with their relations, and its calendar."""

    sheets: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    since_1904: bool = False
    local: LocalNames = field(default_factory=LocalNames)

    def start(self, written: str, attributes: Attributes) -> None:
        name = self.local[written]
        if name == "sheet":
            key = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            self.sheets.append((attributes.get("name", ""), key))
        elif name == "workbookPr":
            self.since_1904 = attributes.get("date1904", "0") in ("1", "true")


@dataclass
class StyleSheet:
    """The number formats of a workbook, and which one each style uses."""

    formats: dict[int, str] = field(default_factory=dict[int, str])
    used: list[int] = field(default_factory=list[int])
    inside: bool = False
    local: LocalNames = field(default_factory=LocalNames)

    def start(self, written: str, attributes: Attributes) -> None:
        name = self.local[written]
        given = attributes.get("numFmtId", "")
        key = int(given) if given.isdecimal() else 0
        if name == "numFmt":
            self.formats.setdefault(key, attributes.get("formatCode", ""))
        elif name == "cellXfs":
            self.inside = True
        elif name == "xf" and self.inside:
            self.used.append(key)

    def end(self, written: str) -> None:
        if self.local[written] == "cellXfs":
            self.inside = False


class Xlsx:
    """An open XLSX workbook (`book.Workbook`)."""

    def __init__(self, package: Package) -> None:
        self._package = package
        main = next(
            (one.target for one in self._relations("").values() if one.kind == "officeDocument"), "xl/workbook.xml"
        )
        outline = Outline()
        self._parsed(main, outline.start)
        relations = self._relations(main)
        found = [(name, relations[key]) for name, key in outline.sheets if key in relations]
        self._sheets = [(name, one.target) for name, one in found if one.kind in SHEETS and one.target in self._package]
        self._since_1904 = outline.since_1904
        strings, sheet = SharedStrings(), StyleSheet()
        for one in relations.values():
            if one.kind == "sharedStrings" and one.target in self._package:
                for _ in self._package.parse(one.target, strings.start, strings.end, strings.text):
                    pass
            elif one.kind == "styles" and one.target in self._package:
                self._parsed(one.target, sheet.start, sheet.end)
        self._strings, self._styles = strings.texts, kinds(sheet.formats, sheet.used)
        self._blank = {str(at) for at, text in enumerate(strings.texts) if not text.strip()}
        self._before = self._package.read
        self._whole = 2 * sum(self._package.size(target) for _, target in self._sheets)

    @property
    def sheets(self) -> list[str]:
        return [name for name, _ in self._sheets]

    @property
    def share(self) -> float:
        return min(1.0, (self._package.read - self._before) / max(1, self._whole))

    def survey(self, sheet: int) -> Extent:
        counting = Counting(self._blank)
        for _ in self._package.parse(self._sheets[sheet][1], counting.start, counting.end, counting.text):
            counting.extent.checked()
        return counting.extent

    def rows(self, sheet: int) -> Iterator[Cells]:
        reading = Reading(self._strings, self._styles, since_1904=self._since_1904)
        after = 1
        for _ in self._package.parse(self._sheets[sheet][1], reading.start, reading.end, reading.text):
            for row, cells in reading.ready:
                for _ in range(row - after):
                    yield ()
                yield cells
                after = row + 1
            reading.ready.clear()

    def _parsed(
        self, part: str, start: Callable[[str, Attributes], object], end: Callable[[str], object] | None = None
    ) -> None:
        for _ in self._package.parse(part, start, end or _nothing):
            pass

    def _relations(self, part: str) -> dict[str, Relation]:
        """The parts that a part names, by their keys; none if it names none."""
        folder, _, name = part.rpartition("/")
        place = posixpath.join(folder, "_rels", f"{name}.rels")
        found: dict[str, Relation] = {}

        def start(_: str, attributes: Attributes) -> None:
            if "Id" in attributes and attributes.get("TargetMode") != "External":
                kind = attributes.get("Type", "").rpartition("/")[2]
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
                found[attributes["Id"]] = Relation(kind, plain(target))

        if place in self._package:
            self._parsed(place, start)
        return found


def _nothing(_: str) -> None:
    """An end that says nothing."""
