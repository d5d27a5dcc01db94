"""The fourth rung: the tolerant reading itself, guesses and all. What was damaged is told beside the tables.

A damaged record stays in its table as it was read, so that nothing is missing and rows can be counted; the table
`_errors` has it once more, with its number, its line, the reason and its source, so that somebody can judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ret_convert.arrow import batch_of
from ret_convert.flatten import Batch, Flattened, Options, Progress, Restart
from ret_convert.ladder.decoding import Text
from ret_convert.ladder.events import Drive, Handler, from_events
from ret_convert.ladder.reading import Damage, Reading
from ret_convert.ladder.survey import Survey
from ret_convert.layout import Column, Kind, TablePlan, unique
from ret_convert.names import local_name

ERRORS = "_errors"
COLUMNS = ("record", "line", "reason", "source")
SOURCE = 32_767
"""Characters of source that are kept of one record: what a spreadsheet's cell takes."""
BEFORE = 1000
"""Characters before the damage that are kept of a longer one."""
REASONS = 5  # kinds of damage that are told of one record
ROWS = 512  # of a batch


@dataclass
class Damaged:
    """A record in which something had to be guessed, or a place between records (then `record` is 0).

    It stands at the characters from `start` to `end`; the damage begins at `at`.
    """

    record: int
    line: int
    at: int
    start: int
    end: int = 0
    reasons: dict[str, None] = field(default_factory=dict[str, None])


class Records:
    """Hears a reading, and knows of each damage in which record it is."""

    def __init__(self, path: str) -> None:
        self.ready: list[Damaged] = []
        self.reading: Reading
        self._path = path.split("/")
        self._stack: list[str] = []
        self._matching = 0
        """How many open elements lie on the way to a record."""
        self._record = 0
        self._inside = False
        self._start = 0
        self._damaged: Damaged | None = None

    def damaged(self, damage: Damage) -> None:
        """Something is wrong."""
        if not damage.fault.guess:
            return
        if self._damaged is None:
            record = self._record if self._inside else 0
            self._damaged = Damaged(record, damage.line, damage.at, self._start)
        self._damaged.reasons[damage.fault.reason] = None

    def start(self, name: str, _: dict[str, str]) -> None:
        depth = len(self._stack)
        self._stack.append(name)
        if depth == self._matching < len(self._path) and local_name(name) == self._path[depth]:
            self._matching += 1
            if self._matching == len(self._path):
                self._begin()

    def _begin(self) -> None:
        """A record begins; what is wrong with its own tag is wrong with it."""
        self._record += 1
        self._inside = True
        if self._damaged is not None and self._damaged.at == self.reading.at:
            self._damaged.record, self._damaged.start = self._record, self.reading.at
            self._start = self.reading.at
        else:
            self._border(self.reading.at)

    def end(self, _: str) -> None:
        self._stack.pop()
        if len(self._stack) < self._matching:
            if self._matching == len(self._path):
                self._border(self.reading.until)
                self._inside = False
            self._matching -= 1

    def text(self, _: str) -> None:
        """Text is of no interest."""

    def _border(self, at: int) -> None:
        """A record begins or ends here."""
        if self._damaged is not None:
            self._damaged.end = max(at, self._damaged.at)
            self.ready.append(self._damaged)
            self._damaged = None
        self._start = at

    def finish(self) -> None:
        """The document has ended."""
        self._border(self.reading.until)


def damaged_records(survey: Survey, path: str) -> Iterator[Damaged]:
    """All that is damaged, in the order of the document."""
    records = Records(path)
    records.reading = reading = Reading(survey.document, records.damaged, wrapped=survey.wrapped)
    for _ in reading.drive(records):
        yield from records.ready
        records.ready.clear()
    records.finish()
    yield from records.ready


def sources_of(survey: Survey, damaged: Iterator[Damaged]) -> Iterator[tuple[Damaged, str]]:
    """Each with its source, or with as much of it around the damage as a cell takes."""
    pieces = Text(survey.document.source, survey.document.encoding).pieces()
    text, base = "", 0
    for one in damaged:
        start = one.start if one.end - one.start <= SOURCE else max(one.start, one.at - BEFORE)
        end = min(one.end, start + SOURCE)
        while base + len(text) < end and (piece := next(pieces, None)) is not None:
            kept = text[max(0, start - base) :]
            base += len(text) - len(kept)
            text = kept + piece
        yield one, text[max(0, start - base) : max(0, end - base)]


class SalvagedFlattening:
    """The tolerant reading as tables, and one more of what was damaged."""

    def __init__(self, survey: Survey, options: Options, progress: Progress) -> None:
        self._survey = survey
        self._inner = from_events(drive_of(survey), options, progress)
        self._errors: TablePlan | None = None

    def batches(self) -> Iterator[Batch | Restart]:
        yield from self._inner.batches()
        found = self._inner.result()
        taken = {table.name.casefold() for table in found.tables}
        table = TablePlan(
            unique(ERRORS, taken), "child", [Column(name, "", Kind.LINK) for name in COLUMNS], len(COLUMNS)
        )
        rows: list[list[str | None]] = []
        for one, source in sources_of(self._survey, damaged_records(self._survey, found.record_path)):
            reasons = "; ".join([*one.reasons][:REASONS])
            rows.append([str(one.record) if one.record else None, str(one.line), reasons, source])
            if len(rows) == ROWS:
                yield _batch(table, rows)
        if rows:
            yield _batch(table, rows)
        self._errors = table

    def result(self) -> Flattened:
        found = self._inner.result()
        return replace(found, tables=[*found.tables, self._errors]) if self._errors is not None else found


def _batch(table: TablePlan, rows: list[list[str | None]]) -> Batch:
    columns = [list(cells) for cells in zip(*rows, strict=True)]
    rows.clear()
    return Batch(table, batch_of(columns, list(COLUMNS)))


def drive_of(survey: Survey) -> Drive:
    """The tolerant reading as a drive."""

    def drive(handler: Handler) -> Iterator[int]:
        return Reading(survey.document, wrapped=survey.wrapped).drive(handler)

    return drive
