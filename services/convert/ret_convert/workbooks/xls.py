"""XLS workbooks: calamine renders them; a walk over their records counts values and finds errors, which it omits."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

import python_calamine

from ret_convert.grid import Cells
from ret_convert.workbooks.book import Extent
from ret_convert.workbooks.errors import WorkbookDamaged, WorkbookEncrypted, WorkbookTooLarge
from ret_convert.workbooks.ole import Streams
from ret_convert.workbooks.values import FALSE, TRUE, clock, number

BOF, EOF, BOUNDSHEET, FILEPASS, DIMENSIONS = 0x0809, 0x000A, 0x0085, 0x002F, 0x0200
LABEL, LABELSST, RSTRING, NUMBER, RK, MULRK, BOOLERR, FORMULA = (
    0x0204, 0x00FD, 0x00D6, 0x0203, 0x027E, 0x00BD, 0x0205, 0x0006,
)  # fmt: skip
TEXTS = frozenset({LABEL, LABELSST, RSTRING})
WORKSHEET = 0
LONGEST = 1 << 16
DIMENSIONS_97 = 14
"""Bytes of that record since Excel 97."""
ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
AREA = 1 << 25
"""Cells of all sheets, empty ones too: calamine holds all of them at once, 32 bytes each."""
FORMULA_TEXT, FORMULA_FLAG, FORMULA_ERROR, FORMULA_EMPTY = range(4)


@dataclass
class Walked:
    """What the records of a sheet say: its reach, its texts (maybe blank ones) and other values, and its errors."""

    start: int
    reach: Extent = field(default_factory=Extent)
    texts: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    others: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict[tuple[int, int], str])


class Records:
    """A walk over the records of a workbook stream ([MS-XLS] 2.1)."""

    def __init__(self, stream: bytes) -> None:
        self._stream = stream
        self.sheets: list[Walked] = []
        for kind, data in self._from(0):
            if kind == FILEPASS:
                raise WorkbookEncrypted
            if kind == BOUNDSHEET:
                start, what = struct.unpack_from("<IxB", data)
                if what == WORKSHEET:
                    self.sheets.append(Walked(start))
        if len({one.start for one in self.sheets}) < len(self.sheets):
            raise WorkbookDamaged(reason="its list of sheets is damaged")
        for sheet in self.sheets:
            self._walk(sheet)

    def _from(self, at: int) -> Iterator[tuple[int, bytes]]:
        """(type, content) of the records of a substream."""
        depth = 0
        while at + 4 <= len(self._stream):
            kind, size = struct.unpack_from("<HH", self._stream, at)
            yield kind, self._stream[at + 4 : at + 4 + size]
            depth += (kind == BOF) - (kind == EOF)
            if depth <= 0:
                return
            at += 4 + size

    def _walk(self, sheet: Walked) -> None:
        depth = 0
        for kind, data in self._from(sheet.start):
            depth += (kind == BOF) - (kind == EOF)
            if depth != 1 or len(data) < 4:  # noqa: PLR2004 - a row and a column; deeper are charts
                continue
            row, column = struct.unpack_from("<HH", data)
            if kind == DIMENSIONS:
                # calamine asks for memory by this record, before it has seen a cell. Older ones have 16 bits for rows.
                if len(data) >= DIMENSIONS_97 and max(struct.unpack_from("<II", data)) > LONGEST:
                    raise WorkbookDamaged(reason="a sheet of it is damaged")
            elif kind in TEXTS:
                sheet.texts.append((row, column))
                sheet.reach.reach(row + 1, column + 1)
            elif kind in (NUMBER, RK):
                self._other(sheet, row, column)
            elif kind == MULRK:
                for at in range(column, column + (len(data) - 6) // 6):
                    self._other(sheet, row, at)
            elif kind == BOOLERR and len(data) >= 8:  # noqa: PLR2004 - its length
                self._other(sheet, row, column, ERRORS.get(data[6], "#N/A") if data[7] else "")
            elif kind == FORMULA and len(data) >= 14:  # noqa: PLR2004 - with its result
                self._formula(sheet, row, column, data[6:14])

    def _formula(self, sheet: Walked, row: int, column: int, result: bytes) -> None:
        if result[6:] != b"\xff\xff":
            self._other(sheet, row, column)
        elif result[0] == FORMULA_TEXT:
            sheet.texts.append((row, column))
            sheet.reach.reach(row + 1, column + 1)
        elif result[0] == FORMULA_FLAG:
            self._other(sheet, row, column)
        elif result[0] == FORMULA_ERROR:
            self._other(sheet, row, column, ERRORS.get(result[2], "#N/A"))

    @staticmethod
    def _other(sheet: Walked, row: int, column: int, error: str = "") -> None:
        sheet.others += 1
        sheet.reach.reach(row + 1, column + 1)
        if error:
            sheet.errors[row, column] = error


class Xls:
    """An open XLS workbook (`book.Workbook`)."""

    def __init__(self, file: BinaryIO) -> None:
        streams = Streams(file)
        if "EncryptedPackage" in streams:
            raise WorkbookEncrypted
        name = next((one for one in ("Workbook", "Book") if one in streams), None)
        if name is None:
            raise WorkbookDamaged(reason="there is no workbook in it")
        try:
            self._walked = Records(streams.read(name)).sheets
        except struct.error as error:
            raise WorkbookDamaged(reason="it is cut off") from error
        if sum(one.reach.rows * one.reach.columns for one in self._walked) > AREA:
            raise WorkbookTooLarge(what="its sheets have cells too far apart to be tables")
        file.seek(0)
        with judged():
            self._book = python_calamine.CalamineWorkbook.from_filelike(file)
        kinds = [one for one in self._book.sheets_metadata if one.typ == python_calamine.SheetTypeEnum.WorkSheet]
        if len(kinds) != len(self._walked):
            raise WorkbookDamaged(reason="its list of sheets is damaged")
        self.sheets = [one.name for one in kinds]
        self.share = 0.0
        self._rows: dict[int, list[Cells]] = {}

    def survey(self, sheet: int) -> Extent:
        """How far a sheet reaches; of its texts, those count that are not blank."""
        walked, rows = self._walked[sheet], self._rendered(sheet)
        texts = sum(bool((rows[row][column] or "").strip()) for row, column in set(walked.texts))
        return Extent(walked.others + texts, walked.reach.rows, walked.reach.columns)

    def rows(self, sheet: int) -> Iterator[Cells]:
        self.share = (sheet + 1) / len(self.sheets)
        yield from self._rendered(sheet)

    def _rendered(self, sheet: int) -> list[Cells]:
        if sheet in self._rows:
            return self._rows[sheet]
        walked = self._walked[sheet]
        texts = set(walked.texts)
        with judged():
            found = self._book.get_sheet_by_name(self.sheets[sheet]).to_python(skip_empty_area=False)
        width, height = walked.reach.columns, walked.reach.rows
        rows: list[Cells] = []
        for at in range(height):
            given = found[at] if at < len(found) else []
            cells = [rendered(value, told=(at, number_of) in texts) for number_of, value in enumerate(given[:width])]
            cells.extend([None] * (width - len(cells)))
            rows.append(cells)
        for (row, column), error in walked.errors.items():
            rows[row] = [*rows[row][:column], error, *rows[row][column + 1 :]]
        self._rows = {sheet: rows}
        return rows


@contextmanager
def judged() -> Generator[None]:
    """Errors of calamine as ours; its panics too, which are no Exception."""
    try:
        yield
    except python_calamine.PasswordError as error:
        raise WorkbookEncrypted from error
    except python_calamine.CalamineError as error:
        raise WorkbookDamaged(reason="its records are damaged") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise WorkbookDamaged(reason="its records are damaged") from error


def rendered(value: object, *, told: bool) -> str | None:
    """A cell as text; an empty one is a text only where the file has one."""
    if isinstance(value, str):
        return value if value or told else None
    match value:
        case bool():
            text = TRUE if value else FALSE
        case float():
            text = number(repr(value))
        case dt.date() | dt.time():
            text = value.isoformat()
            text = text.rstrip("0") if "." in text else text
        case dt.timedelta():
            text = clock(round(value.total_seconds() * 1000))
        case _:
            text = str(value)
    return text
