"""Documents of different format that are the same: `ledger.xml` becomes `ledger.csv` and `ledger.Period.csv`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ret_diff.pairing.model import DocumentFacts, Match, PairFacts
from ret_diff.pairing.names import Places, exported, folded, parts, split, unnumbered
from ret_diff.pairing.tables import LINKS, format_of, header, held, match, overlap

HEADERS = 0.5
"""How much of their main tables' headers documents of one stem must share."""


@dataclass
class Pair:
    """Documents that belong together: the first of each side is the one that was paired, the rest hold child tables."""

    a: list[DocumentFacts]
    b: list[DocumentFacts]
    match: Match
    confidence: float
    runner_up: str = ""
    runner_up_confidence: float = 0.0

    def side(self, number: int) -> list[DocumentFacts]:
        """The documents of A (0) or B (1)."""
        return self.b if number else self.a


@dataclass
class Free:
    """The documents of a side that have no partner yet, by their paths, and where exports put them."""

    documents: dict[str, DocumentFacts]
    places: Places
    at: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for path in sorted(self.documents):
            self.at[self.places.of(path)].append(path)

    def here(self, folder: str, stem: str) -> list[DocumentFacts]:
        """Those that are free still and were put there."""
        paths = self.at.get((folder, stem), [])
        return [self.documents[path] for path in paths if path in self.documents]

    def take(self, document: DocumentFacts) -> DocumentFacts:
        """The document, which is not free any more."""
        return self.documents.pop(document["path"])


Content = Callable[[DocumentFacts, DocumentFacts], float]
"""How much of their content two documents share, 0 to 1; it may have to be read."""


def by_stem(a: Free, b: Free, content: Content, apart: frozenset[tuple[str, str]]) -> Iterator[Pair]:
    """Pair documents of one folder and stem whose endings differ, if their headers do not speak against it.

    An export numbers names that collide (`data.xml`, `data.csv` → `data.csv`, `data (2).csv`): such documents are told
    apart by their headers, then by their content.
    """
    clusters = [_clusters(side) for side in (a, b)]
    for place in sorted(clusters[0].keys() & clusters[1].keys()):
        mine, others = clusters[0][place], clusters[1][place]
        if len({_ending(one) for one in [*mine, *others]}) > 1:
            yield from _cluster(a, b, (mine, others), content, apart)


def _clusters(side: Free) -> dict[tuple[str, str], list[DocumentFacts]]:
    found: dict[tuple[str, str], list[DocumentFacts]] = defaultdict(list)
    for path, document in sorted(side.documents.items()):
        folder, stem = side.places.of(path)
        found[folder, unnumbered(stem)[0]].append(document)
    return found


def _cluster(
    a: Free,
    b: Free,
    documents: tuple[list[DocumentFacts], list[DocumentFacts]],
    content: Content,
    apart: frozenset[tuple[str, str]],
) -> Iterator[Pair]:
    mine, others = documents
    alone = len(mine) == len(others) == 1
    scored: list[tuple[float, list[str], DocumentFacts, DocumentFacts]] = []
    for one in mine:
        for other in others:
            headers = _main_headers(one, other)
            if headers < HEADERS or (one["id"], other["id"]) in apart:
                continue
            same_stem = a.places.of(one["path"]) == b.places.of(other["path"])
            score = headers if alone else (headers + content(one, other)) / 2 + 0.01 * same_stem
            scored.append((-score, sorted((one["path"], other["path"])), one, other))
    scored.sort(key=lambda found: (*found[:2], found[2]["path"]))
    for score, _, one, other in scored:
        if one["path"] in a.documents and other["path"] in b.documents:
            made = Pair([a.take(one)], [b.take(other)], "name", round(min(1.0, -score), 4))
            rest = [found for found in scored if found[2] is one and found[3] is not other]
            if rest:
                made.runner_up, made.runner_up_confidence = rest[0][3]["path"], round(min(1.0, -rest[0][0]), 4)
            yield made


def _ending(document: DocumentFacts) -> str:
    return folded(split(document["name"])[1])


def _main_headers(one: DocumentFacts, other: DocumentFacts) -> float:
    """How much of their main tables' headers two documents share; nothing if one has no table."""
    mains = [min(document["tables"], key=lambda table: table["position"], default=None) for document in (one, other)]
    if not mains[0] or not mains[1]:
        return 0.0
    return overlap(header(mains[0], format_of(one)), header(mains[1], format_of(other)))


def adopt(pairs: Iterable[Pair], a: Free, b: Free) -> None:
    """Give to each pair the free CSVs named like child tables of its documents: exports write one file a table."""
    for pair in pairs:
        for number, (free, _) in enumerate(((a, b), (b, a))):
            base, other = pair.side(number)[0], pair.side(1 - number)[0]
            if format_of(base) == "csv":
                pair.side(number).extend(_children(base, other, free))


def adopt_new(pairs: Iterable[Pair], a: Free, b: Free) -> None:
    """Give to each pair the free CSVs of child tables that only one of its documents has.

    A file goes with the document that has the most of its stem: `a.b.Line.csv` with `a.b.csv` rather than with `a.csv`.
    """
    pairs = sorted(pairs, key=lambda pair: (-len(pair.a[0]["name"]) - len(pair.b[0]["name"]), pair.a[0]["path"]))
    for number, (free, across) in enumerate(((a, b), (b, a))):
        families = _families(free)
        for pair in pairs:
            base, other = pair.side(number)[0], pair.side(1 - number)[0]
            if format_of(base) == "csv" and format_of(other) != "csv":
                pair.side(number).extend(_new_children(base, other, free, across, families))


def _families(side: Free) -> dict[tuple[str, str], list[str]]:
    """The free CSVs by what may be the (folder, stem) of their parent: each beginning of their stems up to a dot."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, document in sorted(side.documents.items()):
        if format_of(document) == "csv":
            folder, stem = side.places.of(path)
            for at, letter in enumerate(stem):
                if letter == ".":
                    found[folder, stem[:at]].append(path)
    return found


def _children(base: DocumentFacts, other: DocumentFacts, free: Free) -> list[DocumentFacts]:
    """The free CSVs beside `base` that are named like child tables of `other`, and have much of their headers."""
    found: list[DocumentFacts] = []
    folder, stem = free.places.of(base["path"])
    for table in sorted(other["tables"], key=lambda one: one["position"])[1:]:
        wanted = header(table, format_of(other))
        candidates = _named(free, folder, f"{stem}.{exported(table['name'])}", base)
        best = max(candidates, key=lambda one: _shares(one, wanted), default=None)
        if best and _shares(best, wanted) >= HEADERS:
            found.append(free.take(best))
    return found


def _new_children(
    base: DocumentFacts,
    other: DocumentFacts,
    free: Free,
    across: Free,
    families: Mapping[tuple[str, str], list[str]],
) -> list[DocumentFacts]:
    """The free CSVs beside `base` that hold child tables, unless `other` has a document of that name beside it."""
    found: list[DocumentFacts] = []
    folder, stem = free.places.of(base["path"])
    where = across.places.of(other["path"])
    for path in families.get((folder, stem), ()):
        document = free.documents.get(path)
        own = free.places.of(path)[1].removeprefix(stem)
        if document and _is_child(document) and not across.here(where[0], where[1] + own):
            found.append(free.take(document))
    return found


def _named(free: Free, folder: str, stem: str, base: DocumentFacts) -> list[DocumentFacts]:
    """The free CSVs of this name, numbered ones included, those with the lowest numbers first."""
    found = free.here(folder, stem)
    number = 2
    while numbered := free.here(folder, f"{stem} ({number})"):
        found += numbered
        number += 1
    return [one for one in found if format_of(one) == "csv" and one is not base]


def _shares(document: DocumentFacts, wanted: frozenset[str]) -> float:
    return max((overlap(header(one, format_of(document)), wanted) for one in document["tables"]), default=0.0)


def _is_child(document: DocumentFacts) -> bool:
    """Whether a CSV holds a child table, by its link columns or by a name that only exports give."""
    names = {column["name"] for table in document["tables"] for column in table["columns"]}
    return set(LINKS[1:]) <= names or split(document["name"])[0].rpartition(".")[2].startswith("_")


def facts(pair: Pair) -> PairFacts:
    """A pair with its tables."""
    made = match(*(held(side, _child_name(side)) for side in (pair.a, pair.b)))
    return PairFacts(
        a=[one["id"] for one in pair.a],
        b=[one["id"] for one in pair.b],
        a_path=pair.a[0]["path"] if pair.a else "",
        b_path=pair.b[0]["path"] if pair.b else "",
        match=pair.match if pair.a and pair.b else "",
        confidence=pair.confidence,
        runner_up=pair.runner_up,
        runner_up_confidence=pair.runner_up_confidence,
        tables=made.tables,
        order=made.order,
        notes=made.notes,
    )


def _child_name(documents: list[DocumentFacts]) -> Callable[[DocumentFacts], str]:
    """What a child's table is called: what its stem has behind that of the first document."""
    base = split(parts(documents[0]["path"])[1])[0] if documents else ""
    return lambda one: split(one["name"])[0][len(base) + 1 :]
