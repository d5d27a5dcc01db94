"""The versions of tables: saved, undone, brought back, listed; for several threads, and several processes beside us.

Nothing of a table is read for a save but its footer, once. What is kept here is only to be quick: before every answer
the store is asked whether there is a next version, so that all who stand on the same store agree. Everything here
blocks: it is for threads, not for the event loop.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from ret_convert.editing.errors import NothingToRedo, NothingToUndo, StaleVersion
from ret_convert.editing.log import CONVERTED, Head, Kind, Timeline, edits_of
from ret_convert.editing.orders import Order, State, changes, check, conflicts
from ret_convert.editing.overlay import Changes, Overlay
from ret_convert.editing.replay import Log
from ret_convert.pages import Pages, Where
from ret_kit.blobs import Blobs, session_prefix
from ret_kit.errors import Invalid, NotFound

TRIES = 20
"""How often an undo is tried while others are faster."""
LOGS = 256
"""Tables whose logs are kept at most."""
KEPT = 64 << 20
"""Bytes of edits whose states are kept, about; those of the table that was used last are kept in any case."""
OVERHEAD = 16
"""Bytes of an edit beside its text, about."""
MOST = 256 << 20
"""Bytes of edits a table may have in effect, about."""


@dataclass(frozen=True)
class By:
    """Who wants a version, and the key by which they may ask for the same answer again; empty: none."""

    user: str
    key: str = ""


@dataclass(frozen=True)
class Saved:
    """The version that was made, and the numbers of the rows it inserted, in the order in which they were given."""

    version: int
    inserted: Sequence[int] = ()


@dataclass(frozen=True)
class Listed:
    """A version in the history; `undone` is an edit that is not in effect."""

    head: Head
    undone: bool


@dataclass(frozen=True)
class History:
    """Versions, the last one first, of `total`; and what the present one allows."""

    items: list[Listed]
    total: int
    version: int
    can_undo: bool
    can_redo: bool


class Versions:
    """The versions of all tables of a store."""

    def __init__(self, blobs: Blobs, pages: Pages) -> None:
        self._blobs = blobs
        self._pages = pages
        self._logs: OrderedDict[str, Log] = OrderedDict()
        self._lock = Lock()

    @property
    def kept(self) -> int:
        """Tables whose logs are kept."""
        return len(self._logs)

    def current(self, where: Where) -> tuple[int, Overlay]:
        """(the present version, what is edited in it)."""
        log = self._log(where)
        with log.lock:
            log.refresh()
            return log.timeline.version, log.overlay(log.timeline.state)

    def at(self, where: Where, version: int) -> Overlay:
        """What is edited at a version. Invalid when there is none of this number."""
        log = self._log(where)
        with log.lock:
            log.refresh()
            return _overlay_at(log, version)

    def history(self, where: Where, offset: int, limit: int) -> History:
        """Some of the versions after the first."""
        log = self._log(where)
        with log.lock:
            log.refresh()
            timeline = log.timeline
            heads = timeline.heads
            in_effect = timeline.in_effect()
            listed = [
                Listed(head, head.kind == "edit" and head.version not in in_effect)
                for head in heads[max(0, len(heads) - offset - limit) : max(0, len(heads) - offset)][::-1]
            ]
            return History(listed, len(heads), timeline.version, timeline.undoable, timeline.redoable)

    def check(self, where: Where, order: Order) -> None:
        """Invalid unless everything in the order can be done to the version it is for."""
        log = self._log(where)
        with log.lock:
            log.refresh()
            self._checked(where, log, order)

    def _checked(self, where: Where, log: Log, order: Order) -> State:
        """The state that the order is for."""
        overlay = _overlay_at(log, order.version)
        columns = [one.name for one in self._pages.footer(where).columns]
        state = State(columns, overlay, log.timeline.top_at(order.version))
        check(order, state)
        return state

    def save(self, where: Where, order: Order, by: By) -> Saved:
        """One version more with everything of the order.

        Invalid, or StaleVersion when the order is for another version than the present one; then nothing is changed.
        """
        log = self._log(where)
        with log.lock:
            log.refresh()
            timeline = log.timeline
            if first := timeline.by_key.get(by.key):
                return _answer(first)
            state = self._checked(where, log, order)
            if order.version == timeline.version:
                changed = changes(order, state)
                head = _edit(timeline, changed, by)
                if log.append(head, changed):
                    return _answer(head)
                # Whoever was faster may have been the same order, asked again of another process.
                if first := timeline.by_key.get(by.key):
                    return _answer(first)
            now, version = log.overlay(timeline.state), timeline.version
        found = conflicts(order, state.overlay, now, lambda wanted: self._pages.cells(where, wanted))
        raise StaleVersion(current_version=version, conflicts=found.listed, more=found.more)

    def undo(self, where: Where, by: By, version: int = 0) -> Saved:
        """Take the last edit in effect back. NothingToUndo, or StaleVersion when a version is given that was."""
        return self._turned(where, "undo", by, version)

    def redo(self, where: Where, by: By, version: int = 0) -> Saved:
        """Bring back what was taken back last. NothingToRedo, or StaleVersion when a version is given that was."""
        return self._turned(where, "redo", by, version)

    def _turned(self, where: Where, kind: Kind, by: By, version: int) -> Saved:
        log = self._log(where)
        with log.lock:
            for _ in range(TRIES):
                log.refresh()
                timeline = log.timeline
                if first := timeline.by_key.get(by.key):
                    return _answer(first)
                if version and version != timeline.version:
                    raise StaleVersion(current_version=timeline.version)
                head = _turn(timeline, kind, by)
                if log.append(head, Changes()):
                    return _answer(head)
            raise StaleVersion(current_version=log.timeline.version)

    def long(self, where: Where) -> bool:
        """Whether `shorten` has something to do, as far as is known here."""
        log = self._log(where)
        with log.lock:
            return log.long

    def shorten(self, where: Where) -> None:
        """Store a snapshot of a log that is long, so that opening it stays quick."""
        self._log(where).shorten()

    def remove(self, where: Where) -> None:
        """Remove all versions of a table that is gone."""
        with self._lock:
            self._logs.pop(where.key, None)
        self._blobs.delete_prefix_sync(edits_of(where.key))

    async def heard(self, subject: str, _data: bytes) -> None:
        """`sessions.closing.<session>` has come: what is kept of its tables goes."""
        prefix = session_prefix(subject.rpartition(".")[2])
        with self._lock:
            for key in [key for key in self._logs if key.startswith(prefix)]:
                del self._logs[key]

    def _log(self, where: Where) -> Log:
        rows = self._pages.footer(where).rows
        with self._lock:
            log = self._logs.get(where.key)
            if log is None:
                log = self._logs[where.key] = Log(self._blobs, where.key, rows)
            self._logs.move_to_end(where.key)
            held = sum(one.size for one in self._logs.values())
            while len(self._logs) > 1 and (held > KEPT or len(self._logs) > LOGS):
                held -= self._logs.popitem(last=False)[1].size
            return log


def overlay_of(blobs: Blobs, key: str, rows: int, version: int) -> Overlay:
    """What is edited in a table of so many rows at a version, read anew: for processes that come and go.

    NotFound when there is no such version.
    """
    log = Log(blobs, key, rows, until=version)
    log.refresh()
    if log.timeline.version != version:
        raise NotFound(what="version")
    return log.overlay(log.timeline.state)


def _overlay_at(log: Log, version: int) -> Overlay:
    if not CONVERTED <= version <= log.timeline.version:
        raise Invalid(field="version", reason="is not one of the table's")
    return log.overlay(log.timeline.state_at(version))


def _answer(head: Head) -> Saved:
    return Saved(head.version, head.inserted)


def _edit(timeline: Timeline, changed: Changes, by: By) -> Head:
    """The head of an edit of the present version."""
    texts = [edit.value for edit in changed.edits]
    texts += [value for one in changed.inserts for value in one.values.values()]
    inserts = len(changed.inserts)
    edits = len(changed.edits) + inserts + len(changed.deletes)
    size = edits * OVERHEAD + sum(len(value or "") for value in texts)
    if timeline.size(timeline.state) + size > MOST:
        raise Invalid(field="edits", reason=f"would be more than {MOST >> 20} MiB with those before them")
    return _head(timeline, by, "edit", edits=edits, inserts=inserts, size=size)


def _turn(timeline: Timeline, kind: Kind, by: By) -> Head:
    """The head of an undo or a redo of the present version."""
    if kind == "undo":
        if not timeline.undoable:
            raise NothingToUndo
        return _head(timeline, by, kind, of=timeline.state)
    if not timeline.redoable:
        raise NothingToRedo
    return _head(timeline, by, kind, of=timeline.next_undone)


def _head(
    timeline: Timeline, by: By, kind: Kind, *, of: int = 0, edits: int = 0, inserts: int = 0, size: int = 0
) -> Head:
    return Head(
        version=timeline.version + 1,
        at=time.time_ns() // 1_000_000,
        user=by.user,
        kind=kind,
        of=of,
        edits=edits,
        inserts=inserts,
        top=timeline.top_at(timeline.version) + inserts,
        size=size,
        nonce=secrets.token_hex(8),
        key=by.key,
    )
