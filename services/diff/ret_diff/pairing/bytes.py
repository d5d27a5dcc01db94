"""Pairs by listings alone: the same path, then the same content elsewhere."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from ret_diff.pairing.model import ByBytes, FileFacts, FilePair, Match, Side
from ret_diff.pairing.names import Places, bare, bare_path, folded, parts, split

EVERY = 4096
"""Combinations of equal contents that are all weighed; of more, the sorted paths decide."""

NEIGHBOURS = 16
"""Documents of equal content on each side of one, by their paths, among which the next best partner is looked for."""


def by_bytes(a: Side, b: Side) -> ByBytes:
    """Pair the documents of two sides by their paths, then by their contents.

    Equal paths are one document, also where they differ only as some file systems do not tell names apart; unless
    exporting may have moved the names: then these are left to tables. Of several equal contents those whose paths are
    closest belong together. Independent of the order of documents; the same pairs, swapped, when A and B are swapped.
    """
    return _ByBytes(a, b).found()


class _ByBytes:
    def __init__(self, a: Side, b: Side) -> None:
        self._a = {one["path"]: one for one in a["documents"]}
        self._b = {one["path"]: one for one in b["documents"]}
        self._moved = Moved(a, b)
        self._pairs: dict[str, FilePair] = {}
        self._content: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self._b):
            self._content[self._b[path]["sha256"]].append(path)

    def found(self) -> ByBytes:
        self._by_path()
        self._by_content()
        left_a = [self._a[path]["id"] for path in sorted(self._a)]
        left_b = [self._b[path]["id"] for path in sorted(self._b)]
        return ByBytes(pairs=[self._pairs[path] for path in sorted(self._pairs)], a=left_a, b=left_b)

    def _by_path(self) -> None:
        for path in sorted(self._a.keys() & self._b.keys()):
            if not self._moved.may_be(self._a[path], self._b[path]):
                self._pair(path, path, "path")
        others = _unique(self._b)
        for name, mine in _unique(self._a).items():
            other = others.get(name)
            if mine and other and mine != other:
                self._pair(mine, other, "path")

    def _by_content(self) -> None:
        mine: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self._a):
            mine[self._a[path]["sha256"]].append(path)
        left: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self._b):
            left[self._b[path]["sha256"]].append(path)
        for content in sorted(mine.keys() & left.keys() - {""}):
            for one, other in closest(mine[content], left[content]):
                self._pair(one, other, "content")

    def _pair(self, one: str, other: str, match: Match) -> None:
        a, b = self._a.pop(one), self._b.pop(other)
        same = bool(a["sha256"]) and a["sha256"] == b["sha256"]
        runner_up = self._runner_up(one, other, a["sha256"])
        self._pairs[one] = FilePair(
            a=a["id"],
            b=b["id"],
            match=match,
            confidence=1.0,
            identical=same and not a["edited"] and not b["edited"],
            runner_up=runner_up,
            runner_up_confidence=round(closeness(one, runner_up), 4) if runner_up else 0.0,
        )

    def _runner_up(self, one: str, other: str, content: str) -> str:
        """The document of B next to another that has the content as well; of very many the neighbours are looked at."""
        equal = self._content.get(content, []) if content else []
        at = bisect_left(equal, other)
        near = [path for path in equal[max(0, at - NEIGHBOURS) : at + NEIGHBOURS] if path != other]
        return max(near, key=lambda path: (closeness(one, path), path), default="")


class Moved:
    """Documents whose path exporting may have given to another.

    `data.xml` and `data.csv` of one folder become `data.csv` and `data (2).csv`: there the same path says nothing.
    """

    def __init__(self, a: Side, b: Side) -> None:
        self._sides = [self._stems(side) for side in (a, b)]
        self._places = [Places(side["zips"]) for side in (a, b)]

    @staticmethod
    def _stems(side: Side) -> dict[tuple[str, str], set[str]]:
        places = Places(side["zips"])
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for one in side["documents"]:
            found[places.of(one["path"])].add(folded(split(one["name"])[1]))
        return found

    def may_be(self, a: FileFacts, b: FileFacts) -> bool:
        """Whether two documents of the same path may be different ones; never if their bytes are equal."""
        if a["sha256"] and a["sha256"] == b["sha256"]:
            return False
        ending = folded(split(a["name"])[1])
        return self._told_apart(0, a["path"], ending) or self._told_apart(1, a["path"], ending)

    def _told_apart(self, side: int, path: str, ending: str) -> bool:
        """Whether the name is there with other endings on a side, and on the other with a number and this ending."""
        place = self._places[side].of(path)
        if self._sides[side][place] <= {ending}:
            return False
        folder, stem = place
        return ending in self._sides[1 - side].get((folder, f"{stem} (2)"), ())


def _unique(documents: dict[str, FileFacts]) -> dict[str, str]:
    """The paths that no other is like, by what file systems take for the same."""
    found: dict[str, str] = {}
    for path in documents:
        name = folded(path)
        found[name] = "" if name in found else path
    return found


def closest(mine: Sequence[str], others: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of sorted paths, as many as there can be, those first that are closest to each other."""
    if len(mine) * len(others) > EVERY:
        yield from _by_keys(mine, others)
        return
    free_a, free_b = set(mine), set(others)
    combined = [(-closeness(one, other), *sorted((one, other)), one, other) for one in mine for other in others]
    for *_, one, other in sorted(combined):
        if one in free_a and other in free_b:
            free_a.remove(one)
            free_b.remove(other)
            yield one, other


def _by_keys(mine: Iterable[str], others: Iterable[str]) -> Iterator[tuple[str, str]]:
    """As `closest`, roughly, for very many: by their bare paths, then names, then in their order."""
    left_a, left_b = list(mine), list(others)
    keys: tuple[Callable[[str], str], ...] = (bare_path, lambda path: bare_path(path).rpartition("/")[2], lambda _: "")
    for key in keys:
        waiting: dict[str, list[str]] = defaultdict(list)
        for path in reversed(left_b):
            waiting[key(path)].append(path)
        rest: list[str] = []
        for path in left_a:
            if waiting[key(path)]:
                yield path, waiting[key(path)].pop()
            else:
                rest.append(path)
        left_a = rest
        left_b = sorted(path for paths in waiting.values() for path in paths)


def closeness(one: str, other: str) -> float:
    """How close two paths are, 0 to 1, whichever comes first."""
    (folder, name), (other_folder, other_name) = parts(one), parts(other)
    steps, other_steps = folder.split("/"), other_folder.split("/")
    shared = len(set(steps) & set(other_steps)) / max(len(set(steps) | set(other_steps)), 1)
    told = (
        4 * (bare_path(one) == bare_path(other))
        + 3 * (name == other_name)
        + 2 * (bare(split(name)[0]) == bare(split(other_name)[0]))
        + (folder == other_folder)
        + shared
    )
    return told / 11
