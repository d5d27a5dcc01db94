"""The conversion core in C (services/convert/native): events of a document become columns, in one pass.

A path is known by its number, which stays the same for as long as its `Core` lives; number 0 stands around the root.
"""

from collections.abc import Sequence
from typing import TypeAlias

from typing_extensions import Buffer

Path: TypeAlias = tuple[int, str, str, int, int, int, bool, bool, bool, int, list[tuple[int, str, str]]]
"""Parent (-1 for none), key, name as it is written; how many there are, the most in one parent, the most runs of text
in one; whether some have text, whether some are empty, whether some are source; values in them and not further below;
attributes as (index, key, name as it is written)."""

ColumnPlace: TypeAlias = tuple[str, int, list[tuple[int, int]]]
"""`text`, `attribute` or `source`; the index of the attribute, or the number of the run of text from 0; and the way
from the table's row: path and number (from 0) of each step."""

class Core:
    """One document on its way. Read it again after `restart`; what was learned of its paths stays."""

    def __init__(self) -> None: ...
    def restart(self, rows: Sequence[tuple[int, bool]] | None, columns_max: int) -> None:
        """Begin a reading: with None to learn, else to fill a table for each of the rows.

        A row is a path, or with True the runs of text beside the children of that path. The root must be a row. More
        columns than `columns_max` in all tables make the reading dirty.
        """

    def open(self, encoding: str | None, table: Sequence[int] | None, *, plain: bool) -> None:
        """Begin to parse. A document that is `plain` is scanned without expat until it turns out not to be.

        `encoding` goes before the declared one; `table` says what each byte of a declared encoding is that expat does
        not know: a code point, -1 for none.
        """

    def feed(self, data: Buffer, /, *, last: bool) -> bool:
        """Parse on, without the interpreter's lock. False when that failed; `failure` says why."""

    def resume(self) -> bool:
        """Parse on after a pause; as `feed`. ValueError when there was none."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins: for documents that are not read by expat. ValueError for a NUL."""

    def text(self, data: str, /) -> None:
        """Text, in pieces of any size."""

    def end(self, name: str, /) -> None:
        """The innermost element ends; the name stands in source."""

    def finish(self) -> bool:
        """The events have ended. False when they cannot have."""

    def failure(self) -> tuple[str, int, int, str]:
        """What ended a reading; line and column from 1; the parser's words.

        It is `unplain` (open it again, without `plain`), `malformed`, `bomb`, `paths` (too many), `levels` (too many),
        `cell` (too large), `unbalanced`, `empty`, or nothing.
        """

    def paths(self) -> list[Path]:
        """Every path, parents before their children; in the middle of a document, open elements count as well."""

    def held(self, table: int, /) -> tuple[int, int]:
        """Rows of a table that have ended and wait, and about how many bytes."""

    def columns(self, table: int, /) -> list[ColumnPlace]:
        """The columns of a table so far; their numbers are their names in batches."""

    def take(self, table: int, links: int, parents: bool) -> tuple[int, object, object, bytes, bytes]:
        """The rows that wait: their number, Arrow's capsules of schema and array, and where their elements stand.

        The latter are where each begins and where it ends in the document: int64, bytes, -1 for nowhere.
        """

    @property
    def values(self) -> tuple[int, int]:
        """The document's side of the conservation so far: number of values, and their hash."""

    @property
    def outside(self) -> tuple[list[str], int]:
        """Entities that would have led outside the document: the first names, and how many there are."""

    @property
    def dirty(self) -> bool:
        """Whether something came that should have been known: the tables are filled no more; read on, and again."""

    @property
    def paused(self) -> bool:
        """Whether the parse waits for rows to be taken, since many wait; then `resume`."""

    @property
    def scanned(self) -> bool:
        """Whether the document is read without expat."""

    @property
    def news(self) -> bool:
        """Whether mixed content came where none was expected: what was learned of paths is doubtful, learn again."""

    @property
    def too_deep(self) -> bool:
        """Whether something was too deep to be a path."""

    @property
    def met(self) -> int:
        """How many paths and attributes have come in this reading."""

    @property
    def names(self) -> int:
        """How many paths and attributes there are, that around the root included."""

def tally(offsets: Buffer, data: Buffer, first: int, rows: int, source: bool) -> tuple[int, int]:
    """The tables' side of the conservation: number and hash of the values in a column's cells, as Arrow holds them.

    With `source`, the values in each cell's markup. ValueError if these are no cells, or no well-formed source.
    """
