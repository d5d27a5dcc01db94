"""What a tolerant reading finds in a damaged document, and how much of it another reading has found."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from ret_convert.flatten import Progress
from ret_convert.ladder.decoding import GIBBERISH, Encoding
from ret_convert.ladder.reading import ROOT, Damage, Document, Reading

BUCKETS = 1 << 16
FEW = 64  # such characters that any document may have
DEEPEST = 1 << 20
"""Open elements beyond which nobody means them; each of them takes memory."""
PATIENCE = 1000
"""Guesses before a reading is given up that needs more of them than it finds tags."""
BRANCHING = 4  # tags of a root that is no word in a text
UTF_8 = Encoding("utf-8")
TOLD = 3  # kinds of faults that are told


class Measure:
    """The text of a document by what it is and where it stands, in constant memory: its characters, in buckets by hash.

    `sure` is the part next to which nothing was guessed.
    """

    def __init__(self) -> None:
        self.all = array("q", bytes(8 * BUCKETS))
        self.sure = array("q", bytes(8 * BUCKETS))
        self.size = 0
        self._run: list[str] = []
        self._paths = [0]
        self._doubts = 0
        self.text: Callable[[str], object] = self._run.append

    def doubt(self) -> None:
        """Something was guessed here."""
        self._doubts = 2

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._border()
        here = self._paths[-1]
        if name != ROOT:
            here = hash((here, name))
            for attribute, value in attributes.items():
                if attribute != "xmlns" and not attribute.startswith("xmlns:"):
                    self._count(hash((here, attribute)), value.strip())
        self._paths.append(here)

    def end(self, _: str) -> None:
        self._border()
        self._paths.pop()

    def _border(self) -> None:
        if self._run:
            self._count(self._paths[-1], "".join(self._run).strip())
            self._run.clear()
        self._doubts -= self._doubts > 0

    def _count(self, path: int, value: str) -> None:
        if value:
            bucket = hash((path, value)) % BUCKETS
            self.size += len(value)
            self.all[bucket] += len(value)
            if not self._doubts:
                self.sure[bucket] += len(value)


def missing(wanted: array[int], found: array[int]) -> int:
    """How many characters of what is wanted were not found where they were wanted."""
    return sum(one - other for one, other in zip(wanted, found, strict=True) if one > other)


@dataclass(frozen=True)
class Survey:
    """What is known of a damaged document.

    `guesses` counts what had to be guessed, `flat` are elements that were not closed and stood in themselves, `wrapped`
    is whether it needs a root of ours. `kept` is the share of its characters that a tolerant reading keeps, `lost` how
    many it does not. `outside` names entities that lead outside. `faults` counts what is wrong, by reason, `first` is
    where.
    """

    document: Document
    measure: Measure
    guesses: int
    flat: frozenset[str]
    faults: Counter[str]
    first: Damage | None
    wrapped: bool
    is_markup: bool
    kept: float
    lost: int
    outside: tuple[str, ...]

    def told(self) -> str:
        """What is wrong, in a line and without content."""
        named = [
            f"{reason} ({count} times)" if count > 1 else reason for reason, count in self.faults.most_common(TOLD)
        ]
        if len(self.faults) > TOLD:
            named.append(f"{len(self.faults) - TOLD} other kinds")
        if self.lost:
            named.append(f"{self.lost} characters that mean nothing")
        if not named or self.document.encoding != UTF_8:
            named.insert(0, f"the encoding, read as {self.document.encoding.shown}")
        return ", ".join(named)


def survey_of(document: Document, progress: Progress) -> Survey:
    """Read a document tolerantly, and measure it.

    Where elements are unclosed, reading them as such that never stand in themselves may need fewer guesses: then this
    is the reading.
    """
    found = _surveyed(document, progress)
    if found.flat and found.is_markup:
        other = _surveyed(replace(document, flat=found.flat), progress)
        if other.guesses <= found.guesses:
            return other
    return found


def _surveyed(document: Document, progress: Progress) -> Survey:
    measure = Measure()
    faults: Counter[str] = Counter()
    guesses = 0
    first: Damage | None = None

    def damaged(damage: Damage) -> None:
        nonlocal guesses, first
        faults[damage.fault.reason] += 1
        first = first or damage
        if damage.fault.guess:
            guesses += 1
            measure.doubt()

    reading = Reading(document, damaged)
    for done in reading.drive(measure):
        progress(done)
        if guesses > PATIENCE + reading.tags or reading.depth > DEEPEST:
            break
    size = reading.inside + reading.outside
    return Survey(
        document=document,
        measure=measure,
        guesses=guesses,
        flat=frozenset(reading.unclosed & reading.nested),
        faults=faults,
        first=first,
        wrapped=reading.roots != 1 or reading.outside > 0,
        is_markup=_is_markup(reading, guesses),
        kept=1 - reading.lost / (size + reading.lost) if reading.lost else 1.0,
        lost=reading.lost,
        outside=tuple(reading.references.outside),
    )


def _is_markup(reading: Reading, guesses: int) -> bool:
    """Whether this is a document at all: elements, more text in them than around them, more tags than guesses."""
    return (
        reading.roots > 0
        and (reading.outside <= reading.inside or reading.tags > BRANCHING * reading.roots)
        and guesses <= reading.tags
        and reading.depth <= DEEPEST
        and reading.lost <= FEW + GIBBERISH * (reading.inside + reading.outside)
    )
