"""What a pool child that compares is asked and what it answers: JSON."""

from __future__ import annotations

from typing import TypedDict

from ret_diff.model import Options
from ret_diff.pairing.model import NoteFacts, ReadingFacts

EVIDENCE = "evidence.json"
"""Where, below an artefact's prefix, is what tells of ids that were numbered anew."""


class OptionFacts(TypedDict):
    """`ret_diff.model.Options`, field by field."""

    keys: list[str]
    ignore_columns: list[str]
    ignore_case: bool
    ignore_space: bool
    numeric_tolerance: float


class CountFacts(TypedDict):
    """`ret_diff.model.Counts`, field by field."""

    rows_added: int
    rows_removed: int
    rows_changed: int
    rows_moved: int
    cells_changed: int
    cells_format_only: int


class StoredTable(TypedDict):
    """A table as convert's Snapshot tells it: where its Parquet is, and the numbers of its rows; empty: 1, 2, 3."""

    id: str
    name: str
    key: str
    size: int
    sha256: str
    rows: int
    version: int
    numbers_key: str


class TableOrder(TypedDict):
    """Two tables to compare; or one, the other being None. Fields as of `pairing.model.TablePair`."""

    name: str
    a: StoredTable | None
    b: StoredTable | None
    parent: int
    links: list[str]
    a_reading: ReadingFacts
    b_reading: ReadingFacts
    a_long: StoredTable | None
    b_long: StoredTable | None


class PairOrder(TypedDict):
    """A pair of documents to compare. `order` are the places of its tables so that parents come before children."""

    id: str
    options: OptionFacts
    tables: list[TableOrder]
    order: list[int]


class Order(TypedDict):
    """What `comparing.compare` is asked for: artefacts go below `prefix`."""

    blobs: str
    prefix: str
    pairs: list[PairOrder]


class Told(TypedDict):
    """What is known of two tables beside figures. Keys are (columns, confidence), renames (name in A, name in B).

    Lists of columns are cut where they are very long, with a note that says so. `renumbered`: there is evidence of ids
    that were numbered anew beside the artefact. `parent` is as in `TableOrder`; -1 also where it does not matter.
    """

    key_columns: list[str]
    key_confidence: float
    key_given: bool
    runner_ups: list[tuple[list[str], float]]
    columns_added: list[str]
    columns_removed: list[str]
    columns_renamed: list[tuple[str, str]]
    notes: list[NoteFacts]
    renumbered: bool
    parent: int


class Sides(TypedDict):
    """The tables that were compared; None where there is none."""

    a: StoredTable | None
    b: StoredTable | None


class TableDone(TypedDict):
    """Two tables that were compared, and where the artefact is; empty where A's table says all."""

    name: str
    status: str
    counts: CountFacts
    sides: Sides
    changed_rows: int
    full_rows: int
    told: Told
    artefact: str


class PairDone(TypedDict):
    """What became of a pair. `failure` is (code, sentence) of one that failed, else None; then there are no tables."""

    id: str
    status: str
    tables: list[TableDone]
    failure: NoteFacts | None


def options_of(facts: OptionFacts) -> Options:
    """Options as the engine takes them."""
    return Options(
        tuple(facts["keys"]),
        tuple(facts["ignore_columns"]),
        facts["ignore_case"],
        facts["ignore_space"],
        facts["numeric_tolerance"],
    )


def total(figures: list[CountFacts]) -> CountFacts:
    """Sums over tables."""
    return CountFacts(
        rows_added=sum(one["rows_added"] for one in figures),
        rows_removed=sum(one["rows_removed"] for one in figures),
        rows_changed=sum(one["rows_changed"] for one in figures),
        rows_moved=sum(one["rows_moved"] for one in figures),
        cells_changed=sum(one["cells_changed"] for one in figures),
        cells_format_only=sum(one["cells_format_only"] for one in figures),
    )
