"""Documents that belong together though neither path nor bytes say so: by their names, headers and content."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ret_diff.pairing.assignment import Edge, assigned
from ret_diff.pairing.content import Contents
from ret_diff.pairing.model import DocumentFacts, Match
from ret_diff.pairing.names import Likeness, bare_path
from ret_diff.pairing.sketch import Sketch, sketch
from ret_diff.pairing.tables import format_of, header, overlap
from ret_kit.blobs import Blobs

Progress = Callable[[int, int], None]

MANY = 2000
"""Documents without a partner from which on sketches are small."""
KEPT, KEPT_OF_MANY = 48, 16
"""Values that a sketch keeps of a column."""
EVERY = 20_000
"""Combinations of documents that are all weighed; of more, those with rare values or names in common."""
MOST = 5
"""Candidates of a document by rare values."""
BLOCK = 50
"""Documents of one cleaned name that are weighed against each other."""
BESIDE = 24
"""Documents that have a partner and are read all the same, to know which values are common."""
LOOKED_AT = 200
"""Documents among which these are looked for."""

CONTENT, SURE = 0.35, 0.45
"""The least content two documents share, and the least score, if nothing but content speaks for them."""
HEADERS, SAME_HEADERS = 0.5, 0.8
"""What share of their headers documents of the same or of a like name must have in common."""
LIKE, SOME = 0.6, 0.1
"""How like names must be, and how much content must be shared, if names and headers speak for two documents."""
LONE = 0.3
"""What two documents must share of their headers that are the only ones of their sides."""


@dataclass(frozen=True)
class Taken:
    """A pair that was found; `runner_up` is the path in B that would have been next."""

    a: DocumentFacts
    b: DocumentFacts
    match: Match
    confidence: float
    runner_up: str
    runner_up_confidence: float


@dataclass(frozen=True)
class Found:
    """What weighing gave: pairs, and for each path of either side without a partner the best there was."""

    pairs: list[Taken]
    nearest: dict[str, tuple[str, float]]
    nearest_of_b: dict[str, tuple[str, float]]


def header_of(document: DocumentFacts) -> frozenset[str]:
    """The names of all columns of a document."""
    return frozenset[str]().union(*(header(table, format_of(document)) for table in document["tables"]))


class Sketches:
    """Sketches of documents, each read once."""

    def __init__(self, blobs: Blobs, kept: int, progress: Progress) -> None:
        self._blobs = blobs
        self._kept = kept
        self._progress = progress
        self._made: dict[str, Sketch] = {}
        self.expected = 0

    def of(self, document: DocumentFacts) -> Sketch:
        """The sketch of a document."""
        found = self._made.get(document["id"])
        if found is None:
            found = self._made[document["id"]] = sketch(self._blobs, document, self._kept)
            self._progress(len(self._made), max(self.expected, len(self._made)))
        return found

    def content(self, a: DocumentFacts, b: DocumentFacts) -> float:
        """How much of their content two documents share, by themselves."""
        return Contents([self.of(a)], [self.of(b)]).shared(0, 0)


class Weighing:
    """The documents of both sides that have no partner, weighed against each other.

    `beside` are documents of each side that have one. Both sides are in the order of their paths.
    """

    def __init__(
        self,
        free: tuple[Sequence[DocumentFacts], Sequence[DocumentFacts]],
        beside: tuple[Sequence[DocumentFacts], Sequence[DocumentFacts]],
        names: Likeness,
        sketches: Sketches,
    ) -> None:
        self._a, self._b = free
        headers = {header_of(one) for one in (*free[0], *free[1])}
        known = [_beside(side, headers) for side in beside]
        sketches.expected += sum(map(len, (*free, *known)))
        a, b = ([sketches.of(one) for one in (*side, *more)] for side, more in zip(free, known, strict=True))
        self._contents = Contents(a, b)
        self._names = names
        self._headers = [[header_of(one) for one in side] for side in free]
        self._paths = [[bare_path(one["path"]) for one in side] for side in free]
        self._own = [[path.rpartition("/")[2] for path in side] for side in self._paths]
        self._path_counts = [Counter(side) for side in self._paths]
        self._own_counts = [Counter(side) for side in self._own]

    def found(self, apart: frozenset[tuple[str, str]], *, lone: bool) -> Found:
        """The pairs; `apart` are (id, id) of no pair, `lone` says that each side has but this one document."""
        edges: list[Edge] = []
        scores: dict[str, list[Edge]] = defaultdict(list)
        others: dict[str, list[Edge]] = defaultdict(list)
        how: dict[tuple[str, str], Match] = {}
        for at, other in sorted(self._candidates()):
            a, b = self._a[at], self._b[other]
            if (a["id"], b["id"]) in apart:
                continue
            told, taken, match = self._score(at, other, lone=lone)
            edge = Edge(a["path"], b["path"], round(min(taken or told, 1.0), 4))
            scores[edge.a].append(edge)
            others[edge.b].append(edge)
            if taken:
                edges.append(edge)
                how[edge[:2]] = match
        by_path = [{one["path"]: one for one in side} for side in (self._a, self._b)]
        pairs: list[Taken] = []
        for edge in assigned(edges):
            next_best, score = _best(scores[edge.a], 1, edge.b)
            pairs.append(Taken(by_path[0][edge.a], by_path[1][edge.b], how[edge[:2]], edge.score, next_best, score))
        nearest = {path: _best(found, 1) for path, found in scores.items()}
        return Found(pairs, nearest, {path: _best(found, 0) for path, found in others.items()})

    def _candidates(self) -> set[tuple[int, int]]:
        if len(self._a) * len(self._b) <= EVERY:
            return {(a, b) for a in range(len(self._a)) for b in range(len(self._b))}
        found = {(a, b) for a, b in self._contents.candidates(MOST) if a < len(self._a) and b < len(self._b)}
        for keys in (self._paths, self._own):
            blocks: dict[str, list[int]] = defaultdict(list)
            for b, key in enumerate(keys[1]):
                blocks[key].append(b)
            counts = Counter(keys[0])
            found.update(
                (a, b)
                for a, key in enumerate(keys[0])
                if counts[key] <= BLOCK and len(blocks.get(key, ())) <= BLOCK
                for b in blocks.get(key, ())
            )
        return found

    def _score(self, a: int, b: int, *, lone: bool) -> tuple[float, float, Match]:
        """(what speaks for two documents, their score as a pair or 0 if they are none, how it was found)."""
        share = self._contents.shared(a, b)
        like = self._names.of(self._a[a]["path"], self._b[b]["path"])
        mine, others = self._headers[0][a], self._headers[1][b]
        headers = overlap(mine, others) if mine and others else 0.0
        told = 0.7 * share + 0.15 * headers + 0.15 * like
        best = told if share >= CONTENT and told >= SURE else 0.0
        named = self._by_name(a, b, headers=headers, like=like, share=share)
        if lone and (headers >= LONE or share >= SOME):
            named = max(named, told, SURE)
        return told, max(best, named), "name" if named > best else "content"

    def _by_name(self, a: int, b: int, *, headers: float, like: float, share: float) -> float:
        """The score of two documents for which their names speak; 0 if they do not, or headers speak against it."""
        unread = not self._a[a]["tables"] or not self._b[b]["tables"]
        if headers < HEADERS and not unread:
            return 0.0
        path, own = (self._paths[0][a], self._paths[1][b]), (self._own[0][a], self._own[1][b])
        if path[0] == path[1] and (self._alone(self._path_counts, path[0]) or share >= SOME):
            return 0.55 + 0.15 * headers + 0.3 * share
        if own[0] == own[1] and like >= LIKE and (self._alone(self._own_counts, own[0]) or share >= SOME):
            return 0.45 + 0.15 * headers + 0.15 * like + 0.25 * share
        if like >= LIKE and headers >= SAME_HEADERS and share >= SOME:
            return 0.25 + 0.15 * headers + 0.15 * like + 0.4 * share
        return 0.0

    @staticmethod
    def _alone(counts: Sequence[Counter[str]], key: str) -> bool:
        """Whether each side has only one document of a cleaned name."""
        return all(side[key] == 1 for side in counts)


def _best(edges: Sequence[Edge], side: int, but: str = "") -> tuple[str, float]:
    """(path on the other side, score) of the best edge but that one; nothing if there is none."""
    found = max((edge for edge in edges if edge[side] != but), key=lambda one: (one.score, one[side]), default=None)
    return (str(found[side]), found.score) if found else ("", 0.0)


def _beside(side: Sequence[DocumentFacts], headers: set[frozenset[str]]) -> list[DocumentFacts]:
    """Some documents whose headers are much like these, in the order of their cleaned paths."""
    found: list[DocumentFacts] = []
    for one in sorted(side, key=lambda one: (bare_path(one["path"]), one["path"]))[:LOOKED_AT]:
        own = header_of(one)
        if own and any(overlap(own, other) >= HEADERS for other in headers):
            found.append(one)
            if len(found) == BESIDE:
                break
    return found
