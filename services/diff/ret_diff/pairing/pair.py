"""Pairing as a pool child does it: both sides' documents in, pairs of documents and of their tables out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

from ret_diff.pairing import files, units
from ret_diff.pairing.files import Sketches, Weighing
from ret_diff.pairing.model import DocumentFacts, Order, Paired, PairFacts
from ret_diff.pairing.names import Likeness, Places
from ret_diff.pairing.units import Free, Pair
from ret_kit.blobs import Blobs


def pair(payload: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Pair the documents of an `Order` and their tables; gives `Paired`. Errors of the store end the whole call.

    Reports `{"read": documents whose tables were sampled, "of": documents to be}`. The same whatever the order of
    documents; with A and B swapped the same pairs, swapped. Reads the tables of what has no partner, and of a few
    others, each once and in pieces; nothing if a side has no such documents.
    """
    order = cast("Order", payload)
    return cast("dict[str, Any]", paired(order, lambda read, of: report({"read": read, "of": of})))


def paired(order: Order, progress: Callable[[int, int], None]) -> Paired:
    """As `pair`, with types."""
    return _Pairing(order, progress).paired()


class _Pairing:
    def __init__(self, order: Order, progress: Callable[[int, int], None]) -> None:
        self._documents = [
            {one["id"]: one for one in sorted(side["documents"], key=lambda one: one["path"])}
            for side in (order["a"], order["b"])
        ]
        a, b = self._documents
        stand = [(a[one["a"]], b[one["b"]], one) for one in order["pairs"]]
        self._pairs = [
            Pair([one], [other], found["match"], found["confidence"], found["runner_up"], found["runner_up_confidence"])
            for one, other, found in stand
            if not found["identical"]
        ]
        taken = ({one["id"] for one, _, _ in stand}, {other["id"] for _, other, _ in stand})
        self._free_a, self._free_b = (
            Free({one["path"]: one for one in known.values() if one["id"] not in gone}, Places(side["zips"]))
            for known, gone, side in zip(self._documents, taken, (order["a"], order["b"]), strict=True)
        )
        self._beside = ([pair.a[0] for pair in self._pairs], [pair.b[0] for pair in self._pairs])
        self._apart = frozenset((one, other) for one, other in order.get("apart", []))
        many = max(len(self._free_a.documents), len(self._free_b.documents)) > files.MANY
        kept = files.KEPT_OF_MANY if many else files.KEPT
        self._sketches = Sketches(Blobs(order["blobs"]), kept, progress)

    def paired(self) -> Paired:
        a, b = self._free_a, self._free_b
        units.adopt(self._pairs, a, b)
        self._pairs.extend(units.by_stem(a, b, self._sketches.content, self._apart))
        units.adopt(self._pairs, a, b)
        units.adopt_new(self._pairs, a, b)
        left = [*self._weighed()]
        found = [units.facts(one) for one in self._pairs] + left
        return Paired(pairs=sorted(found, key=lambda one: (one["b_path"] or one["a_path"], one["a_path"])))

    def _weighed(self) -> Iterator[PairFacts]:
        """Pair what is left by names, headers and content; gives what has no partner even so."""
        a, b = self._free_a, self._free_b
        near: tuple[dict[str, tuple[str, float]], dict[str, tuple[str, float]]] = ({}, {})
        if a.documents and b.documents:
            free = (_by_path(a), _by_path(b))
            paths = [one["path"] for side in self._documents for one in side.values()]
            found = Weighing(free, self._beside, Likeness(paths), self._sketches).found(
                self._apart, lone=all(len(side) == 1 for side in self._documents)
            )
            taken = [
                Pair(
                    [a.take(one.a)], [b.take(one.b)], one.match, one.confidence, one.runner_up, one.runner_up_confidence
                )
                for one in found.pairs
            ]
            units.adopt(taken, a, b)
            units.adopt_new(taken, a, b)
            self._pairs.extend(taken)
            near = (found.nearest, found.nearest_of_b)
        for path, document in sorted(a.documents.items()):
            yield units.facts(Pair([document], [], "name", 0.0, *near[0].get(path, ("", 0.0))))
        for path, document in sorted(b.documents.items()):
            yield units.facts(Pair([], [document], "name", 0.0, *near[1].get(path, ("", 0.0))))


def _by_path(free: Free) -> list[DocumentFacts]:
    return [document for _, document in sorted(free.documents.items())]
