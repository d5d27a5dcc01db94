"""What a report is to be made of, as the server tells a pool child: JSON, made of keys and names that are not trusted.

Numbers of rows, names and texts are those that the REST contract has.
"""

from __future__ import annotations

from typing import Literal, TypedDict

Format = Literal["xlsx", "html"]
FORMATS: tuple[Format, ...] = ("xlsx", "html")
MEDIA_TYPES: dict[Format, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
}


class Counts(TypedDict):
    """Sums over tables, pairs or groups."""

    rows_added: int
    rows_removed: int
    rows_changed: int
    rows_moved: int
    cells_changed: int
    cells_format_only: int


class Tally(TypedDict):
    """Pairs by status."""

    only_in_a: int
    only_in_b: int
    mismatch: int
    identical: int
    failed: int
    pending: int
    counts: Counts


class Side(TypedDict):
    """What was compared: `kind` is collection or document, `version` edited or original; no `sha256`: unknown."""

    name: str
    kind: str
    id: str
    version: str
    sha256: str
    gone: bool


class Options(TypedDict):
    """How strict the comparison was."""

    keys: list[str]
    ignore_columns: list[str]
    ignore_case: bool
    ignore_space: bool
    numeric_tolerance: float


class Note(TypedDict):
    """A stable word, and a sentence for people."""

    code: str
    detail: str


class Table(TypedDict):
    """Two tables of a pair. `prefix` is where its artefact is; empty where there is none."""

    name: str
    status: str
    counts: Counts
    a_rows: int
    b_rows: int
    key_columns: list[str]
    key_confidence: float
    key_given: bool
    columns_added: list[str]
    columns_removed: list[str]
    columns_renamed: list[tuple[str, str]]
    notes: list[Note]
    prefix: str


class Pair(TypedDict):
    """A document on each side. No path: it has none there; no `failure`: it did not fail."""

    id: str
    status: str
    group: str
    a_path: str
    b_path: str
    match: str
    confidence: float
    counts: Counts
    tables: list[Table]
    notes: list[Note]
    failure: Note | None
    reviewed: bool
    note: str
    options: Options | None


class Pattern(TypedDict):
    """The same change in many rows; None is an absent cell."""

    table: str
    column: str
    old: str | None
    new: str | None
    count: int
    format_only: bool
    pairs: int


class Finding(TypedDict):
    """One thing that explains many changes; `places` are (pair id, table, column, cells)."""

    code: str
    detail: str
    cells: int
    values: int
    places: list[tuple[str, str, str, int]]
    examples: list[Pattern]


class Order(TypedDict):
    """The evidence of a comparison. Times are texts as people read them, in UTC; `pairs` are in their order.

    `patterns_total` are how many there are, where not all are told. `recipe` is the name of the options, if they have
    one.
    """

    blobs: str
    format: Format
    comparison_id: str
    status: str
    a: Side
    b: Side
    groups: list[str]
    options: Options
    recipe: str
    summary: Tally
    by_group: list[tuple[str, Tally]]
    notes: list[Note]
    pairs: list[Pair]
    patterns: list[Pattern]
    patterns_total: int
    findings: list[Finding]
    made_by: str
    made_at: str
    compared_at: str
    engine: str
