"""CSV and TSV documents as they are: every line a row, every cell what stands in it.

Arrow reads what is written as RFC 4180 has it; what is not (rows of another length, quotation marks inside text or
without an end) is read row by row. A cell without anything is absent, `""` is an empty one.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain, islice

from ret_convert.arrow import RecordBatch, csv_reader, pa
from ret_convert.batch import Batch
from ret_convert.conservation import Tally
from ret_convert.export.columns import columns_of, content, glued
from ret_convert.flatten import Flattened, Options, Progress, Source, Warned
from ret_convert.grid import SAMPLE, Cells, Grid, batch, limit
from ret_convert.plaintext import Encoding, encoding_of, utf8

DELIMITERS = ("\t", ";", "|", ",")
QUOTED = re.compile(r'(?:^|(?<=[,;\t|\r\n]))"(?:[^"]|"")*+"(?=[,;\t|\r\n]|$)')
"""A cell in quotation marks, whatever the delimiter."""
DECIMAL = re.compile(r"(?<=\d),(?=\d)")
SEPARATOR = re.compile(rb"sep=([!-~\t])\r?\n", re.IGNORECASE)
"""What Excel writes before the first row, for itself: no content."""
HEAD = 1 << 16
LINES = 200
"""Lines by which the delimiter is known."""
BLOCK = 4 << 20
"""Bytes of rows that are read at once."""
ROWS = 4096
"""Rows that are read one by one and go on together."""
CELL = 1 << 30
"""Characters of a cell: as many as fit; the memory limit of the process is the one that counts."""
AHEAD = 1 << 24
"""Bytes in which a quotation mark's end is looked for beyond its line."""
Block = RecordBatch | list[Cells]


class Content:
    """Everything in a text but delimiters, quotation marks, line ends and blanks, in its order: its length and hash.

    Both sides of a document are counted so: its bytes, before anything has read them, and the cells of its tables.
    """

    def __init__(self, delimiter: str) -> None:
        self._syntax = (delimiter + '" \t\r\n').encode()
        self._digest = blake2b(digest_size=16)
        self._count = 0

    def add(self, text: bytes) -> None:
        """What comes next, in UTF-8."""
        kept = text.translate(None, self._syntax)
        self._count += len(kept)
        self._digest.update(kept)

    @property
    def tally(self) -> Tally:
        """As conversions compare it."""
        return Tally(self._count, int.from_bytes(self._digest.digest(), "big"))


@dataclass
class Figures:
    """What a first reading found: how to read, the first rows, the widest one's cells, and the content."""

    encoding: Encoding
    delimiter: str
    skipped: int
    """Bytes before the first row."""
    first: list[Cells] = field(default_factory=list[Cells])
    width: int = 0
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
        one = re.escape(delimiter)
        self._fields = re.compile(rf'(?:\A|{one})(?:("(?:[^"]|"")*+")(?={one}|\Z)|[^{one}]*)')
        self._empty = re.compile(rf'(?:\A|{one})""(?={one}|[\r\n]|\Z)')
        self._read: list[str] = []
        self._again: deque[str] = deque()
        self._patience = AHEAD
        self.unclosed = 0

    def rows(self) -> Iterator[Cells]:
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
                if line := self._plainly():
                    yield [cell or None for cell in line]
                reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
            else:
                if row:
                    yield self._present(row) if "" in row else row

    def _present(self, row: list[str]) -> Cells:
        """The row with nothing where nothing stands; `""` is an empty text."""
        record = "".join(self._read)
        if not self._empty.search(record):
            return [cell or None for cell in row]
        marked = [found[1] for found in self._fields.finditer(record.rstrip("\r\n"))]
        return [cell or (None if mark is None else "") for cell, mark in zip(row, marked, strict=True)]

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


class Blocks:
    """The rows of a text in UTF-8, some megabytes at once: as Arrow has them, or as lists where rows differ.

    From the first block on that is not written as RFC 4180 has it, everything is read line by line.
    """

    def __init__(self, parts: Iterator[bytes], delimiter: str) -> None:
        self._parts = parts
        self._delimiter = delimiter
        one = re.escape(delimiter)
        self._proper = re.compile(rf'"(?<=[{one}\r\n]")[^"]*+(?:""[^"]*+)*+"(?=[{one}\r\n])'.encode())
        self.unclosed = 0

    def __iter__(self) -> Iterator[Block]:
        held = b""
        for part in self._parts:
            held += part
            if len(held) < BLOCK:
                continue
            end = held.rfind(b"\n") + 1
            if not end or held.count(b'"', 0, end) % 2:
                if len(held) < AHEAD:
                    continue
                break
            if not self._is_proper(held[:end]):
                break
            yield self._read(held[:end])
            held = held[end:]
        else:
            if held and self._is_proper(held):
                yield self._read(held)
                return
        yield from self._by_line(held)

    def _is_proper(self, block: bytes) -> bool:
        """Whether all quotation marks are around whole cells."""
        return b'"' not in block or b'"' not in self._proper.sub(b"", b"\n" + block + b"\n")

    def _read(self, block: bytes) -> Block:
        """The rows of a proper block."""
        if found := csv_reader(block, self._delimiter):
            return found
        lines = Lines(io.StringIO(block.decode(), newline=""), self._delimiter)
        rows = [*lines.rows()]
        self.unclosed += lines.unclosed
        return rows

    def _by_line(self, held: bytes) -> Iterator[Block]:
        stream = io.BufferedReader(_Parts(chain([held], self._parts)))
        with io.TextIOWrapper(stream, "utf-8", newline="") as text:
            lines = Lines(text, self._delimiter)
            rows = lines.rows()
            while found := [*islice(rows, ROWS)]:
                yield found
            self.unclosed += lines.unclosed


class _Parts(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        super().__init__()
        self._parts = iter(parts)
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer).cast("B")  # pyright: ignore[reportArgumentType] - what BufferedReader gives
        while not self._held:
            self._held = next(self._parts, b"")
            if not self._held:
                return 0
        taken = self._held[: len(view)]
        self._held = self._held[len(taken) :]
        view[: len(taken)] = taken
        return len(taken)


class DelimitedFlattening:
    """One CSV or TSV document on its way; the same promise as for XML, with every cell a value."""

    def __init__(self, source: Source, options: Options, progress: Progress) -> None:
        self._source = source
        self._options = options
        self._progress = progress
        self._result: Flattened | None = None

    def batches(self) -> Iterator[Batch]:
        figures = self._look()
        grid = Grid("rows", "main", figures.first, figures.width)
        written = Content(figures.delimiter)
        for one in grid.title_batches():
            _count(written, one)
            yield one
        written.add("".join(cell or "" for cell in grid.header).encode())
        blocks = Blocks(self._parts(figures, self._progress), figures.delimiter)
        empty = True
        for one in self._rows(grid, blocks):
            _count(written, one)
            empty = False
            yield one
        if empty:
            yield batch(grid.table, [])
        self._result = Flattened(grid.tables, figures.values, written.tally, _warnings(figures), "", [])

    def result(self) -> Flattened:
        if self._result is None:
            raise RuntimeError("the batches have not all been taken")
        return self._result

    def _look(self) -> Figures:
        """Read once to know what is needed for all rows."""
        encoding = encoding_of(self._source)
        head = next(utf8(self._source, encoding, HEAD), b"")
        told = SEPARATOR.match(head)
        delimiter = told[1].decode() if told else delimiter_of(head.decode("utf-8", "replace"))
        figures = Figures(encoding, delimiter, len(told[0]) if told else 0)
        counted = Content(delimiter)

        def parts() -> Iterator[bytes]:
            for part in self._parts(figures):
                counted.add(part)
                yield part

        blocks = Blocks(parts(), delimiter)
        for block in blocks:
            figures.width = max(figures.width, _width(block))
            wanted = SAMPLE - len(figures.first)
            if wanted > 0:
                figures.first.extend(block[:wanted] if isinstance(block, list) else _listed(block.slice(0, wanted)))
        figures.values, figures.unclosed = counted.tally, blocks.unclosed
        return figures

    def _parts(self, figures: Figures, progress: Progress | None = None) -> Iterator[bytes]:
        """The text in UTF-8, as it is to be read."""
        skip = figures.skipped
        for part in utf8(self._source, figures.encoding, progress=progress):
            yield part[skip:]
            skip = max(0, skip - len(part))

    def _rows(self, grid: Grid, blocks: Blocks) -> Iterator[Batch]:
        """The rows that are data."""
        skip, most = grid.skip, limit(grid.table, self._options)
        for block in blocks:
            size = len(block) if isinstance(block, list) else block.num_rows
            for start in range(min(skip, size), size, most):
                if isinstance(block, list):
                    yield batch(grid.table, block[start : start + most])
                else:
                    yield _named(grid, block.slice(start, most))
            skip -= min(skip, size)


def _width(block: Block) -> int:
    return max(map(len, block), default=0) if isinstance(block, list) else block.num_columns


def _listed(found: RecordBatch) -> list[Cells]:
    return [*zip(*(column.to_pylist() for column in found.columns), strict=True)]


def _named(grid: Grid, found: RecordBatch) -> Batch:
    """Rows as they were read, with all columns of their table and their names."""
    missing = len(grid.table.columns) - found.num_columns
    columns = [*found.columns, *(pa.nulls(found.num_rows, pa.string()) for _ in range(missing))]
    return Batch(grid.table, pa.record_batch(columns, names=[column.name for column in grid.table.columns]))


def _count(written: Content, one: Batch) -> None:
    """Count the cells as they stand in a batch, row by row."""
    if one.columns.num_rows:
        written.add(content(glued(*columns_of(one.columns), absent="")))


def delimiter_of(text: str) -> str:
    """The delimiter that most of the first lines have, and equally many of; outside quotation marks."""
    lines = [line for line in QUOTED.sub("", text).splitlines()[:LINES] if line.strip()]

    def score(delimiter: str) -> tuple[int, int]:
        counts = Counter(number for line in lines if (number := _occurrences(line, delimiter)))
        usual, often = max(counts.items(), key=lambda one: (one[1], one[0]), default=(0, 0))
        return often, usual

    best = max(DELIMITERS, key=score)
    return best if score(best)[0] else ","


def _occurrences(line: str, delimiter: str) -> int:
    if delimiter == "," and (";" in line or "\t" in line):
        line = DECIMAL.sub("", line)
    return line.count(delimiter)


def _warnings(figures: Figures) -> list[Warned]:
    count = figures.unclosed
    if not count:
        return []
    lines = "A line has a quotation mark" if count == 1 else f"{count} lines have quotation marks"
    return [Warned("QUOTE_UNCLOSED", f"{lines} without a proper end; all marks there were read as text.")]


def delimited_flatten(source: Source, options: Options, progress: Progress) -> DelimitedFlattening:
    """Flatten a CSV or TSV document."""
    return DelimitedFlattening(source, options, progress)
