"""Both sides' folders and files as one tree, with what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import takewhile
from operator import itemgetter
from typing import Literal

from ret_diff.model import Counts
from ret_diff.pairing.names import above, parts

Status = Literal["only_in_a", "only_in_b", "mismatch", "identical", "failed", "pending"]
STATUSES: tuple[Status, ...] = ("only_in_a", "only_in_b", "mismatch", "identical", "failed", "pending")
FIGURES = tuple(one.name for one in fields(Counts))


@dataclass(frozen=True)
class TreePair:
    """A pair as far as the tree shows it. A path is empty where there is none; `counts` are sums over its tables."""

    id: str
    status: Status
    a_path: str
    b_path: str
    counts: Counts = field(default_factory=Counts)

    @property
    def path(self) -> str:
        """Where it stands: as in B, or in A for what is only there."""
        return self.b_path or self.a_path


@dataclass
class Tally:
    """Pairs by status, and sums of what was counted in them."""

    statuses: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    figures: list[int] = field(default_factory=lambda: [0] * len(FIGURES))

    @property
    def counts(self) -> Counts:
        """The sums."""
        return Counts(*self.figures)

    @property
    def status(self) -> Status:
        """Of a folder: pending before all is known, then what all in it is, or mismatch where that is not one thing."""
        if self.statuses["pending"]:
            return "pending"
        found: list[Status] = [status for status, pairs in self.statuses.items() if pairs]
        if not found:
            return "identical"
        return found[0] if len(found) == 1 else "mismatch"

    def add(self, status: Status, counts: Counts) -> None:
        """Count a pair."""
        self.statuses[status] += 1
        for at, name in enumerate(FIGURES):
            self.figures[at] += getattr(counts, name)


@dataclass(frozen=True)
class Node:
    """A place in the tree. Only a document has a `pair_id`. A tally is of its pair, or of all that is in a folder."""

    depth: int
    name: str
    path: str
    type: Literal["zip", "folder", "document"]
    status: Status
    pair_id: str = ""
    tally: Tally = field(default_factory=Tally)


def merged(pairs: Iterable[TreePair], zips: Iterable[str] = ()) -> Iterator[Node]:
    """The tree of all pairs: the root at depth 0, then depth-first, a folder before what is in it, folders first.

    `zips` are the paths of the ZIPs of both sides; every other container is a folder. Independent of the order of
    pairs. Two pairs may stand at the same path: what was moved to it, and what was there and is gone.
    """
    kinds = frozenset(zips)
    ordered = sorted(((_order(pair), pair) for pair in pairs), key=itemgetter(0))
    tallies: dict[str, Tally] = {"": Tally()}
    for _, pair in ordered:
        for folder in ("", *above(pair.path)):
            tallies.setdefault(folder, Tally()).add(pair.status, pair.counts)
    yield Node(0, "", "", "folder", tallies[""].status, tally=tallies[""])
    open_folders: list[str] = []
    for _, pair in ordered:
        folders = above(pair.path)
        shared = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(open_folders, folders, strict=False)))
        for depth, folder in enumerate(folders[shared:], shared + 1):
            tally = tallies[folder]
            kind = "zip" if folder in kinds else "folder"
            yield Node(depth, parts(folder)[1], folder, kind, tally.status, tally=tally)
        open_folders = folders
        own = Tally()
        own.add(pair.status, pair.counts)
        yield Node(len(folders) + 1, parts(pair.path)[1], pair.path, "document", pair.status, pair.id, own)


def _order(pair: TreePair) -> tuple[tuple[int, str, str], ...]:
    *folders, name = pair.path.split("/")
    steps = ((0, one.casefold(), one) for one in folders)
    return (*steps, (1, name.casefold(), name), (2, pair.id, ""))
