"""What is shown of results beyond pages: changes of many tables by how often they were made, and what explains them.

What was put together is kept as long as no pair of the comparison changes. Everything but `heard` blocks: it is for
threads, not for the event loop.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, TypeVar

from ret_diff import remaps
from ret_diff.orders import EVIDENCE
from ret_diff.pages import Compared, ResultPages
from ret_diff.pair_records import Artefact
from ret_kit.blobs import Blobs
from ret_kit.errors import NotFound

KEPT = 16
"""Comparisons of which something is kept."""
PATTERNS = 10_000
"""Patterns of one table that are looked at."""
T = TypeVar("T")


@dataclass(frozen=True)
class Repeated:
    """The same change in many rows; None is an absent cell. No table: it is in tables of several names."""

    table: str
    column: str
    old: str | None
    new: str | None
    count: int
    format_only: bool
    pairs: int


@dataclass(frozen=True)
class State:
    """A comparison of a session as it is at the moment."""

    session_id: str
    comparison_id: str
    number: int


class Shown:
    """What is shown of the comparisons of all sessions."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.pages = ResultPages(blobs)
        self._kept: OrderedDict[tuple[str, str, str], tuple[int, Any]] = OrderedDict()
        self._lock = Lock()

    @property
    def kept(self) -> int:
        """How much is kept."""
        return len(self._kept)

    async def heard(self, subject: str, data: bytes) -> None:
        """`sessions.closing.<session>` has come: what is kept of it goes."""
        await self.pages.heard(subject, data)
        session_id = subject.rpartition(".")[2]
        with self._lock:
            for key in [key for key in self._kept if key[0] == session_id]:
                del self._kept[key]

    def patterns(self, state: State, tables: Sequence[Artefact]) -> list[Repeated]:
        """The changes of a whole comparison, the most frequent first."""
        return self._once(state, "patterns", lambda: self.of_tables(tables))

    def of_tables(self, tables: Iterable[Artefact]) -> list[Repeated]:
        """The changes of some tables, the most frequent first."""
        found: dict[tuple[str, str | None, str | None, bool], Repeated] = {}
        pairs: dict[tuple[str, str | None, str | None, bool], set[str]] = {}
        for table in tables:
            for one in self.pages.patterns(Compared(table.prefix), 0, PATTERNS).items:
                key = (one.column, one.old, one.new, one.format_only)
                pairs.setdefault(key, set()).add(table.pair_id)
                if (before := found.get(key)) is None:
                    found[key] = Repeated(table.table, *key[:3], one.count, one.format_only, 1)
                    continue
                name = table.table if before.table == table.table else ""
                found[key] = replace(before, table=name, count=before.count + one.count, pairs=len(pairs[key]))
        return sorted(found.values(), key=lambda one: (-one.count, one.column, one.old or "", one.new or "", one.table))

    def findings(self, state: State, tables: Sequence[Artefact]) -> list[remaps.Finding]:
        """What explains many changes of a comparison."""
        return self._once(state, "findings", lambda: remaps.findings(self._evidence(tables)))

    def _evidence(self, tables: Sequence[Artefact]) -> list[remaps.Renumbering]:
        found: list[remaps.Renumbering] = []
        for table in tables:
            if not table.renumbered:
                continue
            try:
                told: list[remaps.Renumbering] = json.loads(self._blobs.get_sync(table.prefix + EVIDENCE))
            except NotFound:
                continue  # the pair is being compared again
            for one in told:
                one["pair"] = table.pair_id
            found += told
        return found

    def _once(self, state: State, what: str, make: Callable[[], T]) -> T:
        """What was made of this state before, or is made now."""
        key = (state.session_id, state.comparison_id, what)
        with self._lock:
            number, kept = self._kept.get(key, (-1, None))
            if number == state.number:
                self._kept.move_to_end(key)
                return kept
        made = make()
        with self._lock:
            self._kept[key] = (state.number, made)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made
