"""What pairing is told and what it answers: JSON, so that it can be asked of a pool child.

Documents and tables are named by their ids; nothing here is ordered unless it says so. `a` is what was, `b` what
is now.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Match = Literal["path", "content", "name", "manual"]
"""How a pair was found: the same path, the same or much the same content, its name, or a user said so."""


class ColumnFacts(TypedDict):
    """A column as convert tells it; `kind` is a word of `ret_diff.model.Kind`, `path` is empty for links."""

    name: str
    path: str
    kind: str


class TableFacts(TypedDict):
    """A table as convert's Snapshot tells it. `key` is where its Parquet is; `position` 0 is the main table."""

    id: str
    name: str
    role: str
    position: int
    key: str
    size: int
    rows: int
    columns: list[ColumnFacts]
    sha256: str
    version: int


class FileFacts(TypedDict):
    """A document as ingest lists it.

    `path` is unique on its side; `name` is its last part. `sha256` is of the bytes that were uploaded, and may be empty
    where that is not known; `edited` says that its tables, as they are to be compared, are not those of these bytes any
    more. `status` is ingest's word; one that is `failed` has no tables.
    """

    id: str
    path: str
    name: str
    group: str
    media_type: str
    sha256: str
    status: str
    edited: bool


class DocumentFacts(FileFacts):
    """A document with its tables, as far as they are known: none for what is decided, or failed to convert."""

    tables: list[TableFacts]


class Side(TypedDict):
    """The documents of a side, all of them, in the groups that are compared; `zips` are the paths of its ZIPs."""

    documents: list[FileFacts]
    zips: list[str]


class FilePair(TypedDict):
    """Two documents that belong together, by their listings alone.

    `a` and `b` are ids. `identical`: the bytes are equal and neither is edited, so that there is nothing to compare.
    `runner_up` is the path of the document of B that would be next, or empty.
    """

    a: str
    b: str
    match: Match
    confidence: float
    identical: bool
    runner_up: str
    runner_up_confidence: float


class ByBytes(TypedDict):
    """What listings tell: pairs, by their path in A; and the ids of what has no partner yet, by their paths."""

    pairs: list[FilePair]
    a: list[str]
    b: list[str]


class Documents(TypedDict):
    """A side once more, with tables: `documents` are all of those that were listed."""

    documents: list[DocumentFacts]
    zips: list[str]


class Order(TypedDict):
    """What `pair.pair` is asked for: both sides, and the pairs that stand (`ByBytes.pairs`, and those made by hand).

    Tables are needed of all documents that are not in an identical pair. `apart` are (id in A, id in B) that the user
    does not want to be paired.
    """

    blobs: str
    a: Documents
    b: Documents
    pairs: list[FilePair]
    apart: NotRequired[list[tuple[str, str]]]


class ReadingFacts(TypedDict):
    """`ret_diff.model.Reading` of a side, field by field."""

    absent_is_empty: bool
    guarded: bool


class TablePair(TypedDict):
    """Two tables that belong together, or one that only one side has (`a` or `b`, ids of tables, is empty then).

    `parent` is the place, in the list it is in, of the pair whose rows `_parent_id` names on both sides; -1 if that is
    not known or there is none. Parents stand before their children, but a main table stands first even if its parent is
    another: compare in `PairFacts.order`.

    `links` are the columns that are links (`Kind.LINK`) on both sides, although the format of one may have none: that
    side's columns of these names are to be read as links.

    `a_long`, `b_long`: the id of the table in which the workbook of that side has the values that were cut
    (`whole.Whole` puts them back); empty if there is none.
    """

    name: str
    a: str
    b: str
    match: Literal["name", "main", "header", ""]
    confidence: float
    parent: int
    links: list[str]
    a_reading: ReadingFacts
    b_reading: ReadingFacts
    a_long: str
    b_long: str


class NoteFacts(TypedDict):
    """`ret_diff.model.Note`."""

    code: str
    detail: str


class PairFacts(TypedDict):
    """Documents that belong together and how their tables do; or, one side being empty, what only the other has.

    `a` and `b` are ids of documents: one, unless a document stands against several, which then hold a table each; the
    first one is the one whose path (`a_path`, `b_path`) it is, and has the main table. `tables` begin with the main
    table, all that are known are in it; `order` are their places so that parents come before children. `runner_up` is
    the path of the document of B that would have been next for A's (or, for what is only in B, of A's); empty if there
    was none.
    """

    a: list[str]
    b: list[str]
    a_path: str
    b_path: str
    match: Match | Literal[""]
    confidence: float
    runner_up: str
    runner_up_confidence: float
    tables: list[TablePair]
    order: list[int]
    notes: list[NoteFacts]


class Paired(TypedDict):
    """What `pair.pair` answers: every document that is in no identical pair is in exactly one of these, by path."""

    pairs: list[PairFacts]
