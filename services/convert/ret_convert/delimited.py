"""CSV and TSV documents as they are: the first row names the columns, every other row is a row."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from ret_convert.arrow import RecordBatch, batch_of
from ret_convert.blocks import uniquely
from ret_convert.build import Batch, Cells, Rows
from ret_convert.conservation import Tally, stripped
from ret_convert.encoding import chunks
from ret_convert.errors import Undecodable
from ret_convert.flatten import Flattened, Progress, Source
from ret_convert.layout import Column, Options, TablePlan

DELIMITERS = (",", ";", "\t", "|")
HEAD = 1 << 16
CELL = 1 << 30
"""Characters of a cell: as many as fit; the memory limit of the process is the one that counts."""


@dataclass
class Figures:
    """What a first reading found: the encoding, the delimiter, the widest row, the header, the values."""

    encoding: str
    delimiter: str
    width: int = 0
    header: list[str] = field(default_factory=list[str])
    values: Tally = field(default_factory=Tally)


class Lines:
    """The lines of a text that become rows.

    A quotation mark that opens a cell and has no proper end, so that it would swallow lines after its own, is text like
    any other, and so are all marks in its line; `unclosed` counts these lines.
    """

    def __init__(self, text: Iterator[str], delimiter: str) -> None:
        self._text = text
        self._delimiter = delimiter
        self._patience = PATIENCE
        self._read: list[str] = []
        self._again: deque[str] = deque()
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
                # The reader's own lines may have ended with the text, which goes on before that now.
                reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
            if row:
                yield row

    def _lines(self) -> Iterator[str]:
        """Lines, those first that were taken too many; no more of them for one row than it can be worth."""
        size = 0
        while line := self._again.popleft() if self._again else next(self._text, ""):
            if not self._read:
                size = 0
            size += len(line)
            self._read.append(line)
            yield line
            if size > AHEAD or (not self._patience and self._read):
                return

    def _plainly(self) -> list[str]:
        """The first of the lines read, its marks as text; the others are to be read again."""
        self.unclosed += 1
        line, *rest = self._read
        if len(rest) >= FAR:
            self._patience -= 1
        self._again.extendleft(reversed(rest))
        return next(csv.reader([line], delimiter=self._delimiter, quoting=csv.QUOTE_NONE), [])


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
        rows = Rows(table, self._options)
        read = iter(self._rows(figures))
        next(read, None)
        for row in read:
            cells: Cells = [*row]
            cells.extend([None] * (figures.width - len(row)))
            rows.waiting.append(cells)
            if len(rows.waiting) >= rows.limit:
                yield rows.batch(written)
        yield rows.batch(written) if rows.waiting else Batch(table, _without_rows(table))
        self._result = Flattened([table], figures.values, written, [], "", [])

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
                encoding, first = "cp1252", head.decode("cp1252", "replace")
        return Figures(encoding, max(DELIMITERS, key=first.partition("\n")[0].count))

    def _rows(self, figures: Figures) -> Iterator[list[str]]:
        """The rows that are not blank."""
        csv.field_size_limit(CELL)
        # cp1252 has five bytes without a character; they become marks, and no row is lost for one.
        errors = "replace" if figures.encoding == "cp1252" else "strict"
        with self._source() as stream, io.TextIOWrapper(stream, figures.encoding, errors, newline="") as text:
            for row in csv.reader(text, delimiter=figures.delimiter):
                if row:
                    yield row


def _without_rows(table: TablePlan) -> RecordBatch:
    return batch_of([[] for _ in table.columns], [one.name for one in table.columns])


def delimited_flatten(source: Source, options: Options, progress: Progress) -> DelimitedFlattening:  # noqa: ARG001 - the promise's signature
    """Flatten a CSV or TSV document; it is done before anybody asks how far it is."""
    return DelimitedFlattening(source, options)
