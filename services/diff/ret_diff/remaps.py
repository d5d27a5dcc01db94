"""Ids that were numbered anew everywhere in the same way: one finding, not as many changes as there are rows.

A child that compares two tables gives `evidence` of every column that may carry such ids, in bounded size; when all
are done, `findings` puts it together. What is looked at is which old value became which new one: nearly one to one,
nearly everywhere, in values that look like ids.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

from ret_diff.arrow import pa, pc
from ret_diff.pairing.sketch import hashed, lowest

CHANGED = 0.5
"""Share of the rows with a value on both sides that must have changed for a column to be looked at."""
SAMPLED = 256
"""Different old values that are kept of a column: those with the lowest hashes, so that columns keep the same ones."""
ONE_TO_ONE = 1.02
"""How many more combinations than different values there may be."""
LIKE_IDS = 0.95
"""The share of values that must look like ids: an id may look like a year."""
LEAST = 5
"""Fewer different ids are no finding."""
SHARED = 2
"""Ids on which columns of different names must agree at least, if they have so many."""
CONFLICTING = 0.05
"""How many ids may not agree, for each that does."""
EXAMPLES = 10
ID = re.compile(r"(?=\S*\d)\S{2,64}")
NO_ID = re.compile(
    r"(?:19|20)\d\d|[-+]?\d*[.,]\d+|\d{4}-\d\d-\d\d\S*|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./]\d\d[./]\d\d\S*|\d{1,2}:\d\d\S*"
)
NUMBER = re.compile(r"\[\d+\]")


class Renumbering(TypedDict):
    """What one column tells. JSON, at most SAMPLED mappings.

    `aligned` cells have a value on both sides, `cells` of them changed, with `olds` and `news` different values and
    `mapped` different combinations. `sample` are (old, new, cells).
    """

    pair: NotRequired[str]
    table: str
    column: str
    aligned: int
    cells: int
    olds: int
    news: int
    mapped: int
    sample: list[tuple[str, str, int]]


class Place(TypedDict):
    """Where ids were numbered anew."""

    pair: str
    table: str
    column: str
    cells: int


class Example(TypedDict):
    """One id, and in how many cells it was changed."""

    old: str
    new: str
    count: int
    pairs: int


class Finding(TypedDict):
    """As the message of that name. `places` with the most cells first, `examples` with the most cells first."""

    code: str
    detail: str
    cells: int
    values: int
    places: list[Place]
    examples: list[Example]


@dataclass
class _Renumbered:
    """Columns whose ids agree, and which old id became which new one, as far as that is kept."""

    places: list[Renumbering] = field(default_factory=list[Renumbering])
    news: dict[str, str] = field(default_factory=dict[str, str])
    olds: dict[str, str] = field(default_factory=dict[str, str])
    names: set[str] = field(default_factory=set[str])

    def add(self, place: Renumbering) -> None:
        self.places.append(place)
        self.names.add(_name(place["column"]))
        for old, new, _ in place["sample"]:
            self.news.setdefault(old, new)
            self.olds.setdefault(new, old)

    def agrees(self, place: Renumbering) -> tuple[int, int]:
        """(ids on which a column agrees with these, ids on which it does not)."""
        both = [
            (self.news.get(old, new), self.olds.get(new, old), old, new)
            for old, new, _ in place["sample"]
            if old in self.news or new in self.olds
        ]
        agreeing = sum(known == new and before == old for known, before, old, new in both)
        return agreeing, len(both) - agreeing


def evidence(table: str, column: str, aligned: int, old: Any, new: Any) -> Renumbering | None:
    """What a column of two aligned tables tells; None if it does not look like ids that were numbered anew.

    `old` and `new` are pyarrow arrays of strings of one length, the changed cells (CHANGED only, not FORMAT_ONLY) of
    rows that were aligned, in any order; `aligned` is how many such rows have a value on both sides. Call it for
    columns of which more than half changed; it is cheap to refuse. Put `pair` into what it gives.
    """
    both = pa.table({"old": old.cast(pa.large_string()), "new": new.cast(pa.large_string())}).drop_null()
    cells: int = both.num_rows
    if not cells or cells <= CHANGED * aligned or not _are_ids(both.slice(0, SAMPLED).to_pylist()):
        return None
    combined = both.group_by(["old", "new"], use_threads=False).aggregate([([], "count_all")])
    olds: int = pc.count_distinct(combined.column("old")).as_py()
    news: int = pc.count_distinct(combined.column("new")).as_py()
    mapped: int = combined.num_rows
    if mapped > ONE_TO_ONE * min(olds, news):
        return None
    kept = _sampled(combined)
    if not _are_ids([{"old": old, "new": new} for old, new, _ in kept]):
        return None
    return Renumbering(
        table=table, column=column, aligned=aligned, cells=cells, olds=olds, news=news, mapped=mapped, sample=kept
    )


def _are_ids(some: list[dict[str, str]]) -> bool:
    """Whether some cells, old and new, look like ids."""
    return sum(_is_id(row["old"]) and _is_id(row["new"]) for row in some) >= LIKE_IDS * len(some)


def _is_id(text: str) -> bool:
    """Whether a text may be an id: one word with a digit; no year, date, time or number with decimals."""
    return ID.fullmatch(text) is not None and NO_ID.fullmatch(text) is None


def _sampled(combined: Any) -> list[tuple[str, str, int]]:
    """(old, new, cells) of the old values with the lowest hashes; of several new ones the most frequent."""
    olds = pc.unique(combined.column("old"))
    chosen = olds.take(pa.array(lowest(olds, SAMPLED), pa.int64()))
    rows = combined.filter(pc.is_in(combined.column("old"), chosen)).to_pylist()
    best: dict[str, tuple[int, str]] = {}
    for row in rows:
        found = (-int(row["count_all"]), str(row["new"]))
        best[row["old"]] = min(best.get(row["old"], found), found)
    return [(old, best[old][1], -best[old][0]) for old in chosen.to_pylist()]


def findings(evidence: Iterable[Renumbering]) -> list[Finding]:
    """What all columns of all pairs tell together: columns whose ids agree are one finding, the largest first.

    Columns agree if ids they have in common became the same new ones; columns of the same name also if they have none
    in common. Independent of the order in which evidence comes.
    """
    found: list[_Renumbered] = []
    by_id: dict[str, set[int]] = defaultdict(set)
    by_name: dict[str, list[int]] = defaultdict(list)
    for place in sorted(evidence, key=_order):
        at = _same(place, found, by_id, by_name)
        if at < 0:
            at = len(found)
            found.append(_Renumbered())
        if at not in by_name[_name(place["column"])]:
            by_name[_name(place["column"])].append(at)
        found[at].add(place)
        for old, *_ in place["sample"]:
            by_id[old].add(at)
    told = [_finding(one) for one in found]
    return sorted((one for one in told if one["values"] >= LEAST), key=lambda one: (-one["cells"], one["detail"]))


def _order(place: Renumbering) -> tuple[int, str, str, str]:
    """Columns with many different ids first: others can be told to agree with these, not the other way round."""
    return -place["olds"], place.get("pair", ""), place["table"], place["column"]


def _same(
    place: Renumbering, found: list[_Renumbered], by_id: dict[str, set[int]], by_name: dict[str, list[int]]
) -> int:
    """The place in `found` with which a column agrees; -1: with none."""
    near = Counter(at for old, *_ in place["sample"] for at in by_id.get(old, ()))
    for at, _ in sorted(near.items(), key=lambda one: (-one[1], one[0])):
        agreeing, conflicting = found[at].agrees(place)
        if agreeing >= min(SHARED, len(place["sample"])) and conflicting <= CONFLICTING * agreeing:
            return at
    for at in by_name.get(_name(place["column"]), ()):
        agreeing, conflicting = found[at].agrees(place)
        if conflicting <= CONFLICTING * agreeing:
            return at
    return -1


def _name(column: str) -> str:
    """What a column is called by itself: `Line[2].LedgerId` is `ledgerid`."""
    return NUMBER.sub("", column).rpartition(".")[2].casefold()


def _finding(one: _Renumbered) -> Finding:
    places = [
        Place(pair=place.get("pair", ""), table=place["table"], column=place["column"], cells=place["cells"])
        for place in one.places
    ]
    places.sort(key=lambda place: (-place["cells"], place["pair"], place["table"], place["column"]))
    cells, values = sum(place["cells"] for place in places), _values(one)
    tables = len({(place["pair"], place["table"]) for place in places})
    exact = "" if all(place["olds"] <= SAMPLED for place in one.places) or len(places) == 1 else "about "
    return Finding(
        code="ids_renumbered",
        detail=f"Ids were numbered anew: {exact}{_counted(values, 'id')} in {_counted(len(places), 'column')} of "
        f"{_counted(tables, 'table')}, each old one always to the same new one.",
        cells=cells,
        values=values,
        places=places,
        examples=_examples(one),
    )


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _values(one: _Renumbered) -> int:
    """How many different ids there are: exactly where all are kept, else by how dense the kept ones are."""
    most = max(place["olds"] for place in one.places)
    cut = [place for place in one.places if place["olds"] > len(place["sample"])]
    if not cut:
        return len(one.news)
    if len(one.places) == 1:
        return most
    limit = min(max(hashed(old) for old, *_ in place["sample"]) for place in cut)
    below = sum(hashed(old) <= limit for old in one.news)
    return min(max(most, round(below / ((limit + 1) / 2**64))), sum(place["olds"] for place in one.places))


def _examples(one: _Renumbered) -> list[Example]:
    cells: Counter[tuple[str, str]] = Counter()
    pairs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for place in one.places:
        for old, new, count in place["sample"]:
            cells[old, new] += count
            pairs[old, new].add(place.get("pair", ""))
    most = sorted(cells.items(), key=lambda found: (-found[1], found[0]))[:EXAMPLES]
    return [Example(old=old, new=new, count=count, pairs=len(pairs[old, new])) for (old, new), count in most]
