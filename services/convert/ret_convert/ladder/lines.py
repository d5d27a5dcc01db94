"""The last rung: whatever the bytes are, they are lines of text, and so a table. It cannot fail."""

from __future__ import annotations

import io
from collections.abc import Iterator

from ret_convert.arrow import batch_of
from ret_convert.conservation import Tally, stripped
from ret_convert.flatten import Batch, Flattened, Options, Progress, Source
from ret_convert.ladder.decoding import LOST, REPLACEMENT, Text, encoding_of
from ret_convert.layout import Column, Kind, TablePlan

CHARACTERS = 1 << 22
"""Characters of one batch."""
LONGEST = 32_767
"""Characters of a cell: what a spreadsheet takes. Longer lines go into several rows of the same number."""


class LinesFlattening:
    """The lines of a document that are not blank, with their numbers from 1."""

    def __init__(self, source: Source, options: Options, progress: Progress) -> None:
        self._source = source
        self._options = options
        self._progress = progress
        self._result: Flattened | None = None
        self.kept = 1.0
        """The share of the characters that the bytes were of and that are kept; known at the end."""

    def batches(self) -> Iterator[Batch]:
        table = TablePlan("lines", "main", [Column("line", "", Kind.LINK), Column("text", "")], 1)
        text = Text(self._source, encoding_of(self._source))
        values = Tally()
        written = values.sibling()
        numbers: list[str] = []
        texts: list[str] = []
        characters = lost = waiting = 0
        for number, line in cut(text.raw()):
            lost += line.count(LOST)
            characters += len(line)
            waiting += len(line)
            kept = line.replace(LOST, REPLACEMENT)
            values.add(stripped([kept]))
            numbers.append(str(number))
            texts.append(kept)
            if len(texts) >= self._options.rows or waiting >= CHARACTERS:
                yield _batch(table, numbers, texts, written)
                waiting = 0
                self._progress(text.read)
        yield _batch(table, numbers, texts, written)
        self.kept = 1 - lost / characters if lost else 1.0
        self._result = Flattened([table], values, written, [], "", [])

    def result(self) -> Flattened:
        if self._result is None:
            raise RuntimeError("the batches have not all been taken")
        return self._result


def _batch(table: TablePlan, numbers: list[str], texts: list[str], written: Tally) -> Batch:
    """The rows that wait; there is a batch even when there are none, since there is a table."""
    columns: list[list[str | None]] = [[*numbers], [*texts]]
    numbers.clear()
    texts.clear()
    written.add(stripped(columns[1]))
    return Batch(table, batch_of(columns, [column.name for column in table.columns]))


def cut(pieces: Iterator[str]) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, those too long for a cell in several parts: (number of the line, text)."""
    number, rest = 1, ""
    ends = io.IncrementalNewlineDecoder(None, translate=True)
    for piece in pieces:
        *whole, rest = (rest + ends.decode(piece)).split("\n")
        for line in whole:
            yield from _parts(number, line)
            number += 1
        while len(rest) > LONGEST:
            yield from _parts(number, rest[:LONGEST])
            rest = rest[LONGEST:]
    yield from _parts(number, rest + ends.decode("", final=True).rstrip("\n"))


def _parts(number: int, line: str) -> Iterator[tuple[int, str]]:
    for start in range(0, len(line), LONGEST):
        part = line[start : start + LONGEST]
        if not part.isspace():
            yield number, part


def lines_flatten(source: Source, options: Options, progress: Progress) -> LinesFlattening:
    """Flatten any bytes; only the store can fail."""
    return LinesFlattening(source, options, progress)
