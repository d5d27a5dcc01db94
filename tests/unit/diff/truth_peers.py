"""Small tables at which other programs fail: what was done to them, and how those programs are asked."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """Two tables as CSV has them, header first.

    `truth` are rows added, rows removed, rows changed and cells changed; `peer` and `words` say who is asked, and how;
    `failing` is what that one is known for.
    """

    name: str
    a: Sequence[Sequence[str]]
    b: Sequence[Sequence[str]]
    truth: tuple[int, int, int, int]
    peer: str
    failing: str
    words: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows in UTF-8."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def with_cell(rows: Sequence[Sequence[str]], row: int, column: int, value: str) -> list[list[str]]:
    """A copy with one other cell."""
    made = [list(cells) for cells in rows]
    made[row][column] = value
    return made


def _doubled() -> list[list[str]]:
    """Two columns of one name, few values."""
    return [["Rate", "Kind", "Rate"], *([str(at % 2), "ABC"[at % 3], str(at % 2)] for at in range(40))]


def _low() -> list[list[str]]:
    """Few values, no key."""
    rng = random.Random(4)
    rows = [[rng.choice("ABC"), rng.choice("YN"), rng.choice("12345")] for _ in range(300)]
    return [["Kind", "Flag", "Level"], *rows]


def _thrice() -> list[list[str]]:
    """Whole rows that are there three times."""
    return [["Account", "Amount"], *([f"{at:04d}", f"{at * 7}.25"] for at in range(20) for _ in range(3))]


def _keyed() -> list[list[str]]:
    """One key many times, with other cells that tell its rows apart."""
    rows = [["K1", f"Place {at}", f"{at}.25", "open"] for at in range(6)]
    return [["Key", "Place", "Amount", "State"], *rows, ["K2", "Place x", "1.25", "held"]]


def _other_order() -> list[list[str]]:
    """The same, its rows the other way round, and one cell changed."""
    header, *rows = with_cell(_keyed(), 2, 3, "closed")
    return [header, *reversed(rows)]


DOUBLED = Case("a changed cell under a header that is there twice", _doubled(), with_cell(_doubled(), 17, 2, "9"),
               (0, 0, 1, 1), "daff", "reports no difference")  # fmt: skip
LOW = Case("one changed cell among few values", _low(), with_cell(_low(), 150, 2, "new"),
           (0, 0, 1, 1), "daff", "reports a row removed and one added")  # fmt: skip
LOST = Case("one of three equal rows removed", _thrice(), [*_thrice()[:10], *_thrice()[11:]],
            (0, 1, 0, 0), "csv-diff", "reports nothing: equal rows are one to it")  # fmt: skip
TWICE = Case("a key that is there six times, rows in another order", _keyed(), _other_order(),
             (0, 0, 1, 1), "datacompy", "pairs rows of equal key by their order in the file",
             ("Key",), ("Key",))  # fmt: skip
CASES = (DOUBLED, LOW, LOST, TWICE)

NOT_RUN = (
    ("qsv", "its answer for rows of equal key varies from run to run"),
    ("DeltaXML", "an orderless delta cannot be reversed"),
)
"""Peers that no package registry of ours has, and what is known of them; ours is tested against it all the same."""
