"""Made-up tables of eleven shapes, as people compare them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ret_diff.arrow import pa
from ret_diff.model import Column, Kind

Cell = str | None
Row = tuple[Cell, ...]
Change = Callable[[random.Random, Cell], Cell]
"""Another value for a cell, and never one that is merely written differently."""

WORDS = [
    a + b
    for a in ("net", "im", "trans", "local", "ap", "stand", "con", "re", "over", "sub", "inter", "pre", "out", "un")
    for b in (
        "mediate",
        "fer",
        "proval",
        "ard",
        "tract",
        "view",
        "ledger",
        "batch",
        "hold",
        "site",
        "term",
        "due",
        "pay",
    )
]
CURRENCIES = ("EUR", "USD", "GBP", "JPY", "CHF")
SPARE = "Spare"
"""A column that says nothing about its row; scripts remove it."""


@dataclass(frozen=True)
class Table:
    """Rows under names; a source of the engine. A cell that is None is absent."""

    names: tuple[str, ...]
    rows_: tuple[Row, ...]
    links: frozenset[str] = frozenset()
    pieces: int = 1
    """The number of chunks in which it gives its columns."""

    @property
    def rows(self) -> int:
        return len(self.rows_)

    @property
    def columns(self) -> Sequence[Column]:
        return [Column(name, f"/R/{name}", Kind.LINK if name in self.links else Kind.VALUE) for name in self.names]

    def read(self, names: Sequence[str]) -> Any:
        step = max(1, -(-len(self.rows_) // self.pieces))
        cuts = [self.rows_[first : first + step] for first in range(0, len(self.rows_), step)] or [()]
        made = {name: pa.chunked_array([self._cells(name, cut) for cut in cuts], pa.large_string()) for name in names}
        return pa.table(made)

    def _cells(self, name: str, rows: Sequence[Row]) -> Any:
        at = self.names.index(name)
        return pa.array([row[at] for row in rows], pa.large_string())


@dataclass(frozen=True)
class Shape:
    """A kind of table. What tells rows apart (`keys`) and what says nothing (`ids`, `links`) is never edited.

    `vague`: nothing tells rows apart, so that what became of a row can only be read from its cells.
    """

    name: str
    make: Callable[[random.Random, int], list[Row]]
    names: tuple[str, ...]
    keys: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    vague: bool = False
    links: tuple[str, ...] = ()
    changes: dict[str, Change] = field(default_factory=dict[str, Change])
    renames: tuple[str, ...] = ()
    """Columns that say enough to be known by what is in them."""


def digits(rng: random.Random, count: int) -> str:
    """So many, the first of which is not 0."""
    return str(rng.randrange(10 ** (count - 1), 10**count))


def words(rng: random.Random, count: int) -> str:
    """Prose."""
    return " ".join(rng.choices(WORDS, k=count))


def money(rng: random.Random) -> str:
    """An amount with two decimals."""
    return f"{rng.randrange(100, 10**8) / 100:.2f}"


def day(rng: random.Random) -> str:
    """A date."""
    return f"20{rng.randrange(10, 27)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"


def one_of(values: Sequence[str]) -> Change:
    """Another one of these."""
    return lambda rng, old: rng.choice([value for value in values if value != old])


def other(make: Callable[[random.Random], str]) -> Change:
    """A newly made value, or now and then none."""

    def change(rng: random.Random, old: Cell) -> Cell:
        if old is not None and rng.random() < 0.05:
            return None
        made = make(rng)
        return made if made != old else made + " anew"

    return change


def reworded(rng: random.Random, old: Cell) -> Cell:
    """The same prose with one word replaced."""
    parts = (old or "empty").split(" ")
    at = rng.randrange(len(parts))
    return " ".join([*parts[:at], f"{rng.choice(WORDS)}{rng.randrange(1000)}", *parts[at + 1 :]])


def number(rng: random.Random) -> str:
    """A small one."""
    return str(rng.randrange(1, 1000))


SETUP: dict[str, Change] = {
    "Currency": one_of(CURRENCIES),
    "Amount": other(money),
    "Enabled": one_of("YN"),
    "Start": other(day),
    "Description": reworded,
}


def setup(rng: random.Random) -> Row:
    """The cells of SETUP, then the spare one."""
    return (rng.choice(CURRENCIES), money(rng), rng.choice("YYN"), day(rng), words(rng, 5), rng.choice("abc"))


def natural(rng: random.Random, rows: int) -> list[Row]:
    """A code with leading zeros and a name for each row."""
    return [(f"{at:06d}", f"Term {at:06d}", *setup(rng)) for at in rng.sample(range(10**6), rows)]


def surrogate(rng: random.Random, rows: int) -> list[Row]:
    """An id of some generator, then a natural key."""
    return [(f"3000{digits(rng, 11)}", f"Rule {at:06d}", *setup(rng)) for at in rng.sample(range(10**6), rows)]


def counted(rng: random.Random, rows: int) -> list[Row]:
    """As `surrogate`, its ids counted from one number on."""
    return [(str(3000000 + at), *row[1:]) for at, row in enumerate(surrogate(rng, rows))]


def keyless(rng: random.Random, rows: int) -> list[Row]:
    """An id that was counted, and nothing else that tells rows apart for sure."""
    return [(str(at), words(rng, 1), *setup(rng)[:4], words(rng, 2), "a") for at in range(1, rows + 1)]


def composite(rng: random.Random, rows: int) -> list[Row]:
    """No column tells rows apart, three together do."""
    accounts = max(4, rows // 40)
    every = rng.sample(range(8 * 12 * accounts), rows)
    return [
        (f"Ledger {at % 8}", f"2024-{at // 8 % 12 + 1:02d}", f"{at // 96:05d}", *setup(rng)[:4], rng.choice("abc"))
        for at in every
    ]


def prose(rng: random.Random, rows: int) -> list[Row]:
    """Nothing but texts, some of them more than once."""
    titles = [words(rng, rng.randrange(2, 5)) for _ in range(max(3, rows // 2))]
    return [
        (rng.choice(titles), words(rng, rng.randrange(6, 16)), f"Author {rng.randrange(20)}", rng.choice("12345"), "a")
        for _ in range(rows)
    ]


LEVELS: dict[str, Sequence[str]] = {
    "Kind": ("open", "closed", "held"),
    "Flag": ("Y", "N"),
    "Level": ("1", "2", "3", "4", "5"),
    "Region": ("EMEA", "APAC", "LAD", "NA"),
    "Tier": ("gold", "silver", "iron"),
    "Mode": ("auto", "manual"),
}


def low(rng: random.Random, rows: int) -> list[Row]:
    """A handful of values in every column, so that most rows are there many times."""
    return [(*(rng.choice(values) for values in LEVELS.values()), rng.choice("ab")) for _ in range(rows)]


WIDE = tuple(f"Attribute{at:03d}" for at in range(192))


def wide(rng: random.Random, rows: int) -> list[Row]:
    """Two hundred columns, most cells of which are absent."""
    made: list[Row] = []
    for at in rng.sample(range(2 * rows), rows):
        cells: list[Cell] = [None] * len(WIDE)
        for place in rng.sample(range(len(WIDE)), 6):
            cells[place] = rng.choice(["Y", "N", number(rng)])
        made.append((f"Item {at // 2:05d}", f"ORG{at % 2}", *setup(rng)[:5], *cells, "a"))
    return made


def duplicates(rng: random.Random, rows: int) -> list[Row]:
    """Whole rows that are there up to a dozen times."""
    made: list[Row] = []
    while len(made) < rows:
        row = (words(rng, 2), rng.choice(CURRENCIES), number(rng), day(rng), words(rng, 3), "a")
        made += [row] * rng.randrange(1, 13)
    rng.shuffle(made)
    return made[:rows]


def child(rng: random.Random, rows: int) -> list[Row]:
    """Lines below rows of another table; links are filled in when both sides are made."""
    made: list[Row] = []
    parent = 0
    while len(made) < rows:
        parent += 1
        for line in range(rng.randrange(1, 5)):
            days, share = str(rng.randrange(120)), f"{rng.random() * 100:.3f}"
            made.append((None, str(parent), None, str(line + 1), days, share, rng.choice("YN"), "a"))
    return made[:rows]


def series(rng: random.Random, rows: int) -> list[Row]:
    """What a dozen meters read day by day."""
    return [
        (f"Meter {at % 12:02d}", f"20{10 + at // 4032:02d}-{at // 336 % 12 + 1:02d}-{at // 12 % 28 + 1:02d}",
         f"{rng.randrange(10**6) / 1000:.3f}", str(rng.randrange(50)), rng.choice("GGGB"), "a")
        for at in range(rows)
    ]  # fmt: skip


KEYED = (*SETUP, SPARE)
SHAPES = (
    Shape("natural key", natural, ("Code", "Name", *KEYED), ("Code", "Name"),
          changes=SETUP, renames=("Amount", "Description", "Name")),
    Shape("surrogate id", surrogate, ("ObjectId", "Name", *KEYED), ("Name",), ("ObjectId",),
          changes=SETUP, renames=("Amount", "Start")),
    Shape("counted id", counted, ("ObjectId", "Name", *KEYED), ("Name",), ("ObjectId",),
          changes=SETUP, renames=("Amount", "Start")),
    Shape("counted id, no key", keyless, ("Id", "Name", *KEYED[:4], "Text", SPARE), (), ("Id",), vague=True,
          changes={**{name: SETUP[name] for name in KEYED[:4]}, "Name": reworded, "Text": reworded},
          renames=("Amount", "Start")),
    Shape("key of three", composite, ("Ledger", "Period", "Account", *KEYED[:4], SPARE),
          ("Ledger", "Period", "Account"), changes={name: SETUP[name] for name in KEYED[:4]}, renames=("Amount",)),
    Shape("texts, no key", prose, ("Title", "Body", "Author", "Rating", SPARE), vague=True,
          changes={"Title": reworded, "Body": reworded, "Author": other(lambda rng: f"Author {rng.randrange(20)}"),
                   "Rating": one_of("12345")}, renames=("Author",)),
    Shape("few values", low, (*LEVELS, SPARE), vague=True,
          changes={name: one_of((*values, "new")) for name, values in LEVELS.items()}, renames=("Region", "Level")),
    Shape("200 columns", wide, ("Item", "Org", *KEYED[:5], *WIDE, SPARE), ("Item", "Org"),
          changes={**SETUP, **{name: other(number) for name in WIDE}}, renames=("Amount", "Start")),
    Shape("duplicates", duplicates, ("Name", "Currency", "Number", "Day", "Text", SPARE), vague=True,
          changes={"Name": reworded, "Currency": one_of(CURRENCIES), "Number": other(number), "Day": other(day),
                   "Text": reworded}, renames=("Number", "Day")),
    Shape("child rows", child, ("_id", "_parent_id", "_pos", "Line", "Days", "Share", "Prepaid", SPARE),
          ("_parent_id", "Line"), ("_id", "_pos"), links=("_id", "_parent_id", "_pos"),
          changes={"Days": other(lambda rng: str(rng.randrange(120))),
                   "Share": other(lambda rng: f"{rng.random():.4f}"), "Prepaid": one_of("YN")}, renames=("Share",)),
    Shape("time series", series, ("Meter", "Day", "Value", "Events", "Quality", SPARE), ("Meter", "Day"),
          changes={"Value": other(lambda rng: f"{rng.randrange(10**6) / 1000:.3f}"), "Events": other(number),
                   "Quality": one_of("GB")}, renames=("Value",)),
)  # fmt: skip
