"""CSV and TSV documents as they are: the first row names the columns, every other row is a row.

The names are values too: what the tables keep is counted with them.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ret_convert.arrow import RecordBatch, batch_of
from ret_convert.blocks import uniquely
from ret_convert.build import Batch, Cells, Rows
from ret_convert.conservation import Tally, stripped
from ret_convert.encoding import chunks
from ret_convert.errors import Undecodable
from ret_convert.flatten import Flattened, Progress, Source, Warned
from ret_convert.layout import Column, Options, TablePlan

DELIMITERS = (",", ";", "\t", "|")
QUOTED = re.compile(r'(?:^|(?<=[,;\t|\r\n]))"(?:[^"]|"")*+"(?=[,;\t|\r\n]|$)')
"""A cell in quotation marks, whatever the delimiter."""
HEAD = 1 << 16
CELL = 1 << 30
"""Characters of a cell: as many as fit; the memory limit of the process is the one that counts."""
AHEAD = 1 << 24
"""Characters in which a quotation mark's end is looked for beyond its line."""
BYTES = "ret-bytes"
"""How undefined bytes are decoded: each is the character of its number, as browsers read windows-1252."""


def _bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


@dataclass
class Figures:
    """What a first reading found.

    The encoding, the delimiter, the widest row, the header, the values, how many lines have an unclosed quotation mark.
    """

    encoding: str
    delimiter: str
    width: int = 0
    header: list[str] = field(default_factory=list[str])
    values: Tally = field(default_factory=Tally)
    unclosed: int = 0


class Lines:
    """The lines of a text as rows.

    A quotation mark that opens a cell and has no proper end, and so would swallow lines after its own, is text like any
    other, and so are all marks in its line; `unclosed` counts such lines.
    """

    def __init__(self, text: Iterator[str], delimiter: str) -> None:
        self._text = text
        self._delimiter = delimiter
        self._read: list[str] = []
        self._again: deque[str] = deque()
        self._patience = AHEAD
        self.unclosed = 0

    def rows(self) -> Iterator[list[str]]:
        """The rows that are not blank."""
        csv.field_size_limit(CELL)
        reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        while True:
            self._read.clear()
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:
                row = self._plainly()
                reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
            if row:
                yield row

    def _lines(self) -> Iterator[str]:
        """Lines, first those to be read again; it ends early when one row has taken too much already."""
        size = 0
        while True:
            if not self._read:
                size = 0
            elif size > AHEAD or self._patience < 0:
                return
            if self._again:
                line = self._again.popleft()
            elif line := next(self._text, ""):
                self._patience += len(line)
            else:
                return
            size += len(line)
            self._read.append(line)
            yield line

    def _plainly(self) -> list[str]:
        """The first of the lines just read, with its marks as text; the others are to be read again."""
        self.unclosed += 1
        line, *rest = self._read
        # Reading again may take about as long as reading, else a file of nothing but marks would take for ever.
        self._patience -= sum(map(len, rest))
        self._again.extendleft(reversed(rest))
        return next(csv.reader([line], delimiter=self._delimiter, quoting=csv.QUOTE_NONE), list[str]())


class DelimitedFlattening:
    """One CSV or TSV document on its way; the same promise as for XML, with every cell a value."""

    def __init__(self, source: Source, options: Options) -> None:
        self._source = source
        self._options = options
        self._result: Flattened | None = None

    def batches(self) -> Iterator[Batch]:
        figures = self._look()
        names = [figures.header[at].strip() if at < len(figures.header) else "" for at in range(figures.width)]
        columns = [Column(name or f"column_{number}", str(number)) for number, name in enumerate(names, 1)]
        table = TablePlan("rows", "main", uniquely(columns))
        written = figures.values.sibling()
        written.add(stripped(names))
        rows = Rows(table, self._options)
        read = self._rows(figures)
        next(read, None)
        for row in read:
            cells: Cells = [*row]
            cells.extend([None] * (figures.width - len(row)))
            rows.waiting.append(cells)
            if len(rows.waiting) >= rows.limit:
                yield rows.batch(written)
        yield rows.batch(written) if rows.waiting else Batch(table, _without_rows(table))
        self._result = Flattened([table], figures.values, written, _warnings(figures), "", [])

    def result(self) -> Flattened:
        if self._result is None:
            raise RuntimeError("the batches have not all been taken")
        return self._result

    def _look(self) -> Figures:
        """Read once to know what is needed for all rows."""
        figures = self._encoding()
        read = self._rows(figures)
        figures.header = next(read, list[str]())
        figures.width = max(len(figures.header), 1)
        figures.values.add(stripped(figures.header))
        for row in read:
            figures.width = max(figures.width, len(row))
            figures.values.add(stripped(row))
        return figures

    def _encoding(self) -> Figures:
        """By its byte order mark, else UTF-8 if it is that throughout, else what Windows writes."""
        with self._source() as stream:
            head = stream.read(HEAD)
            encoding = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
            decoder = codecs.getincrementaldecoder(encoding)("strict")
            try:
                first = decoder.decode(head)
                for chunk in chunks(stream):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                if encoding == "utf-16":
                    raise Undecodable from None
                codecs.register_error(BYTES, _bytes)
                encoding, first = "cp1252", head.decode("cp1252", BYTES)
        return Figures(encoding, _delimiter(first))

    def _rows(self, figures: Figures) -> Iterator[list[str]]:
        """The rows that are not blank."""
        errors = BYTES if figures.encoding == "cp1252" else "strict"
        with self._source() as stream, io.TextIOWrapper(stream, figures.encoding, errors, newline="") as text:
            lines = Lines(text, figures.delimiter)
            yield from lines.rows()
            figures.unclosed = lines.unclosed


def _delimiter(text: str) -> str:
    """The delimiter that its first row has most of, outside quotation marks."""
    row = next((line for line in QUOTED.sub("", text).splitlines() if line.strip()), "")
    return max(DELIMITERS, key=row.count)


def _warnings(figures: Figures) -> list[Warned]:
    count = figures.unclosed
    if not count:
        return []
    lines = "A line has a quotation mark" if count == 1 else f"{count} lines have quotation marks"
    return [Warned("QUOTE_UNCLOSED", f"{lines} without a proper end; all marks there were read as text.")]


def _without_rows(table: TablePlan) -> RecordBatch:
    return batch_of([[] for _ in table.columns], [one.name for one in table.columns])


def delimited_flatten(source: Source, options: Options, progress: Progress) -> DelimitedFlattening:  # noqa: ARG001 - the promise's signature
    """Flatten a CSV or TSV document; it is done before anybody asks how far it is."""
    return DelimitedFlattening(source, options)
