"""Tables that belong together, within the documents of one pair."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from ret_diff.pairing.model import DocumentFacts, NoteFacts, ReadingFacts, TableFacts, TablePair
from ret_diff.pairing.names import KEPT, bare, exported, folded, unnumbered

Format = Literal["csv", "book", "xml"]
CSV = frozenset({"text/csv", "text/tab-separated-values"})
BOOKS = frozenset(
    {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel",
        "application/vnd.oasis.opendocument.spreadsheet",
    }
)
GUARDED = re.compile(r"'(?=[=+\-@\t\r])")
"""How a name or cell begins that our CSV has guarded against being run."""
ILLEGAL = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
SHEET_NAME = 31
"""UTF-16 units of the name of a sheet."""
SHEET_ROWS, SHEET_COLUMNS = 1_048_575, 16_384
LINKS = ("_id", "_parent_id", "_pos")
"""The columns that link tables; a document that is no XML may have others (numbers of lines)."""
DOCUMENT = "_document"
LONG = "_long values"
LONG_COLUMNS = ("Table", "Column", "Row", "Value")
EDITS = "_edits"
ALIKE = 0.5
"""How much of their headers leftover tables must share."""


def format_of(document: DocumentFacts) -> Format:
    """What a document's tables were read from."""
    if document["media_type"] in CSV:
        return "csv"
    return "book" if document["media_type"] in BOOKS else "xml"


@dataclass(frozen=True)
class Held:
    """A table of one side of a pair, and what it is called there: `name`, as it was before it was exported."""

    document: DocumentFacts
    table: TableFacts
    name: str
    main: bool

    @property
    def format(self) -> Format:
        return format_of(self.document)

    @property
    def reading(self) -> ReadingFacts:
        """What its format cannot tell or has changed."""
        return ReadingFacts(absent_is_empty=self.format != "xml", guarded=self.format == "csv")

    @property
    def links(self) -> set[str]:
        """Its columns that are links, where the format tells."""
        return {one["name"] for one in self.table["columns"] if one["kind"] == "link"}


class Matched(NamedTuple):
    """The tables of two sides, the main one first, and the order in which to compare them.

    All but the main one stand behind the tables whose rows theirs belong to, else in the order of their documents.
    """

    tables: list[TablePair]
    order: list[int]
    notes: list[NoteFacts]


def header(table: TableFacts, form: Format) -> frozenset[str]:
    """The names of a table's columns, folded and without guards; links are none of them."""
    names = (one["name"] for one in table["columns"] if one["kind"] != "link" and one["name"] not in LINKS)
    return frozenset(folded(GUARDED.sub("", name, count=1) if form == "csv" else name) for name in names)


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """What share of all names both have; of two empty headers all."""
    return len(one & other) / len(one | other) if one or other else 1.0


def held(documents: Sequence[DocumentFacts], name_of: Callable[[DocumentFacts], str]) -> list[Held]:
    """The tables of one side: all of its first document, and of the others, each of which is one table by `name_of`."""
    found: list[Held] = []
    for document in documents:
        tables = sorted(document["tables"], key=lambda one: one["position"])
        for at, table in enumerate(tables):
            first = at == 0
            name = table["name"] if document is documents[0] else name_of(document)
            if document is not documents[0] and not first:
                name = f"{name}.{table['name']}"
            found.append(Held(document, table, name, main=first and document is documents[0]))
    return found


def match(a: Sequence[Held], b: Sequence[Held]) -> Matched:
    """Pair the tables of two sides: by name, main to main, the rest by cleaned names and headers.

    What is ours and no content is taken out: the long values of a workbook, which are put back instead, and a report of
    edits that only one side has.
    """
    notes: list[NoteFacts] = []
    plain_a, long_a = _without_long(a)
    plain_b, long_b = _without_long(b)
    plain_a, plain_b = _without_edits(plain_a, plain_b, notes), _without_edits(plain_b, plain_a, notes)
    notes.extend(_further_sheets([*plain_a, *plain_b]))
    pairs: list[Found] = list(_found(plain_a, plain_b))
    taken = {id(one) for pair in pairs for one in pair[:2]}
    pairs.extend((one, None, "", 0.0) for one in plain_a if id(one) not in taken)
    pairs.extend((None, one, "", 0.0) for one in plain_b if id(one) not in taken)
    places = {id(one): at for side in (plain_a, plain_b) for at, one in enumerate(side)}
    pairs.sort(key=lambda pair: _place(pair[0], pair[1], places))
    outer = (_enclosing(plain_a), _enclosing(plain_b))
    first = _parents_first(_parents(pairs, *outer))
    if pairs:
        pairs = [pairs[0], *(pairs[at] for at in first if at)]
    parents = _parents(pairs, *outer)
    made = [_pair(pair, parent, (long_a, long_b)) for pair, parent in zip(pairs, parents, strict=True)]
    return Matched(made, _parents_first(parents), notes)


Found = tuple[Held | None, Held | None, Literal["name", "main", "header", ""], float]


def _place(a: Held | None, b: Held | None, places: dict[int, int]) -> tuple[bool, int, int, bool]:
    """Main tables first, then in the order of either side; what only A has stands before what only B has."""
    main = bool((a and a.main) or (b and b.main))
    known = [places[id(one)] for one in (a, b) if one]
    return not main, min(known), max(known), a is None


def _pair(found: Found, parent: int, long: tuple[dict[str, str], dict[str, str]]) -> TablePair:
    a, b, how, confidence = found
    nothing = ReadingFacts(absent_is_empty=False, guarded=False)
    known = [one for one in (a, b) if one]
    both = set[str].intersection(*({column["name"] for column in one.table["columns"]} for one in known))
    links = {link for one in known for link in one.links} & both
    # A table's own name says more than what became of it in an export.
    name = min(known, key=lambda one: (one.format != "xml", one.format == "csv", one is b)).name
    return TablePair(
        name=name,
        a=a.table["id"] if a else "",
        b=b.table["id"] if b else "",
        match=how,
        confidence=confidence,
        parent=parent,
        links=sorted(links),
        a_reading=a.reading if a else nothing,
        b_reading=b.reading if b else nothing,
        a_long=long[0].get(a.document["id"], "") if a else "",
        b_long=long[1].get(b.document["id"], "") if b else "",
    )


def _found(a: Sequence[Held], b: Sequence[Held]) -> Iterator[Found]:
    """Pairs, each table in one at most."""
    headers = {id(one): header(one.table, one.format) for one in (*a, *b)}
    places = {id(one): at for side in (a, b) for at, one in enumerate(side)}
    left_a, left_b = ({id(one): one for one in side} for side in (a, b))

    def shared(one: Held, other: Held) -> float:
        return overlap(headers[id(one)], headers[id(other)])

    forms: list[list[Format]] = [sorted({one.format for one in side}) for side in (a, b)]
    named: dict[tuple[str, str, str], list[Held]] = defaultdict(list)
    for other in b:
        for form in forms[0]:
            named[form, other.format, name_key(other.name, form, other.format)].append(other)
    for one in a:
        keys = [(one.format, form, name_key(one.name, one.format, form)) for form in forms[1]]
        alike = [other for key in keys for other in named.get(key, ()) if id(other) in left_b]
        if alike:
            other = max(alike, key=lambda other: (one.main == other.main, shared(one, other), -places[id(other)]))
            del left_a[id(one)], left_b[id(other)]
            yield one, other, "name", 1.0
    mains = [one for side in (left_a, left_b) for one in side.values() if one.main]
    if len(mains) > 1:
        del left_a[id(mains[0])], left_b[id(mains[1])]
        yield mains[0], mains[1], "main", round(0.5 + shared(*mains) / 2, 4)
    scored = [
        (score, one, other)
        for one in left_a.values()
        for other in left_b.values()
        if (score := _alike(one, other, shared(one, other)))
    ]
    scored.sort(key=lambda found: (-found[0], *sorted((found[1].name, found[2].name)), places[id(found[1])]))
    for score, one, other in scored:
        if id(one) in left_a and id(other) in left_b:
            del left_a[id(one)], left_b[id(other)]
            yield one, other, "header", round(score, 4)


def name_key(name: str, form: Format, other: Format) -> str:
    """What is equal for tables of the same name, as far as two formats they went through let it be seen."""
    if form == other:
        return folded(name)
    return sheet_name(name) if "book" in (form, other) else exported(name)


@lru_cache(KEPT)
def sheet_name(name: str) -> str:
    """What a workbook of ours calls a table, folded, if the name was free."""
    legal = ILLEGAL.sub("_", name).strip("'").encode("utf-16-le")[: 2 * SHEET_NAME]
    return folded(legal.decode("utf-16-le", errors="ignore").rstrip("'") or "Sheet")


def _alike(one: Held, other: Held, shared: float) -> float:
    """How sure it is that leftover tables belong together; 0: they do not."""
    return 0.2 + shared / 2 + 0.3 * (_bare(one) == _bare(other)) if shared >= ALIKE else 0.0


def _bare(one: Held) -> str:
    return bare(unnumbered(sheet_name(one.name))[0])


def _without_long(side: Sequence[Held]) -> tuple[list[Held], dict[str, str]]:
    """The tables but those of long values, and the ids of these by document."""
    long = {one.document["id"]: one.table["id"] for one in side if is_long(one)}
    return [one for one in side if not is_long(one)], long


def is_long(one: Held) -> bool:
    """Whether a table is the sheet in which a workbook of ours has the values that were cut."""
    names = tuple(column["name"] for column in one.table["columns"])[: len(LONG_COLUMNS)]
    return one.format == "book" and not one.main and one.name == LONG and names == LONG_COLUMNS


def _without_edits(side: list[Held], other: list[Held], notes: list[NoteFacts]) -> list[Held]:
    """The tables but a report of edits, if the other side has none."""
    if any(one.name == EDITS for one in other) or not any(one.name == EDITS and not one.main for one in side):
        return side
    notes.append(
        NoteFacts(code="EDITS_LEFT_OUT", detail="A report of edits stands beside the tables of one side only.")
    )
    return [one for one in side if one.name != EDITS or one.main]


def _further_sheets(tables: Sequence[Held]) -> Iterator[NoteFacts]:
    """A note if a table is too large for one sheet while a workbook takes part: its further sheets are tables then."""
    large = any(
        one.table["rows"] > SHEET_ROWS or len(one.table["columns"]) > SHEET_COLUMNS
        for one in tables
        if one.format != "book"
    )
    if large and any(one.format == "book" for one in tables):
        yield NoteFacts(
            code="FURTHER_SHEETS",
            detail="A table is larger than a sheet can be; its further sheets are compared as tables of their own.",
        )


def _enclosing(side: Sequence[Held]) -> dict[int, Held]:
    """The table that each one's `_parent_id` is about, where the paths of columns tell."""
    found: dict[int, Held] = {}
    rows: dict[str, list[Held]] = defaultdict(list)
    for one in side:
        if "_id" in one.links:
            rows[row_path(one)].append(one)
    for one in side:
        path = row_path(one) if "_parent_id" in one.links else ""
        around = path
        while path and id(one) not in found:
            outer = next((other for other in rows.get(around, ()) if other is not one), None)
            if outer is not None:
                found[id(one)] = outer
            if not around:
                break
            around = around.rpartition("/")[0]
    return found


def row_path(one: Held) -> str:
    """The path of the element that is a row: what is before a column's name in its path; empty where nothing tells.

    Where the row is nothing but a text, its column has the element's own name and path.
    """
    found: list[str] = []
    own: list[str] = []
    for column in one.table["columns"]:
        path, name = column["path"], column["name"]
        if path.startswith("/") and path[len(path) - len(name) :].replace("/", ".") == name.replace("/", "."):
            if folded(name) == unnumbered(folded(one.name))[0]:
                own.append(path)
            else:
                found.append(path[: len(path) - len(name)].rstrip("/"))
    return max(found or own, key=len, default="")


def _parents(pairs: Sequence[Found], a: dict[int, Held], b: dict[int, Held]) -> list[int]:
    """The place of each pair's parent; -1 where the sides do not agree on one that both have."""
    place = {id(one): at for at, pair in enumerate(pairs) for one in pair[:2] if one}
    found: list[int] = []
    for one, other, *_ in pairs:
        told = {place[id(parent)] for parent in (a.get(id(one)), b.get(id(other))) if parent}
        at = told.pop() if len(told) == 1 else -1
        found.append(at if at >= 0 and pairs[at][0] and pairs[at][1] else -1)
    return found


def _parents_first(parents: Sequence[int]) -> list[int]:
    """The places in an order in which a parent comes before its children."""
    found: list[int] = []
    done: set[int] = set()
    for start in range(len(parents)):
        trail: list[int] = []
        at = start
        while at >= 0 and at not in done and at not in trail:
            trail.append(at)
            at = parents[at]
        found.extend(reversed(trail))
        done.update(trail)
    return found
