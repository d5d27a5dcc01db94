"""The log of a table's edits: a blob for every version, created once and never changed. Creating it is the lock.

Version 1 is the table as it was converted. Every later one is an edit, or takes the last edit in effect back (undo), or
brings back what was taken back last (redo). So the state at any version is that of one edit: of the edit itself with
those before it that were in effect when it was made. `Timeline` knows which; what they changed is `Changes`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ret_convert.editing.overlay import Changes, Edit, Insert
from ret_kit.errors import BlobDamaged

Kind = Literal["edit", "undo", "redo"]
CONVERTED = 1
"""The version, and the state, of a table nobody has edited."""


def edits_of(key: str) -> str:
    """The prefix of everything about a table's edits, by the table's key."""
    return f"{key.removesuffix('.parquet')}.edits/"


def entry_key(key: str, version: int) -> str:
    """Where a version of a table is."""
    return f"{edits_of(key)}{version:06d}.json"


@dataclass(frozen=True)
class Head:
    """A version, but for what it changes.

    `at` is in milliseconds since 1970. `of` is the version that is taken or brought back, 0 for an edit. `edits` counts
    changed cells, inserted rows and deleted rows, `inserts` the inserted rows. `top` is the highest number a row ever
    had: that of the last one that is inserted. `size` is about the bytes of what changes. `nonce` tells whose of two
    writes it was; `key` is the key by which the caller may ask for the same answer again.
    """

    version: int
    at: int
    user: str
    kind: Kind
    of: int
    edits: int
    inserts: int
    top: int
    size: int
    nonce: str
    key: str = ""

    @property
    def inserted(self) -> range:
        """The numbers of the rows that it inserted."""
        return range(self.top - self.inserts + 1, self.top + 1)


@dataclass(frozen=True)
class Entry:
    """A version with what it changes; undo and redo change nothing themselves."""

    head: Head
    changes: Changes

    def encoded(self) -> bytes:
        """As it is stored."""
        return json.dumps({"head": asdict(self.head), "changes": packed(self.changes)}, separators=(",", ":")).encode()


def entry(key: str, data: bytes) -> Entry:
    """The version that is stored under a key, or BlobDamaged."""
    try:
        told = json.loads(data)
        return Entry(Head(**told["head"]), unpacked(told["changes"]))
    except (ValueError, KeyError, TypeError) as error:
        raise BlobDamaged(key) from error


def packed(changes: Changes) -> dict[str, Any]:
    """Changes as JSON has them: cells column by column, rows and values beside each other."""
    columns: dict[str, tuple[list[int], list[str | None]]] = {}
    for edit in changes.edits:
        rows, values = columns.setdefault(edit.column, ([], []))
        rows.append(edit.row)
        values.append(edit.value)
    inserts = [[one.row, one.after, dict(one.values)] for one in changes.inserts]
    return {"edits": columns, "inserts": inserts, "deletes": list(changes.deletes)}


def unpacked(told: dict[str, Any]) -> Changes:
    """The changes again. Edits of the same cell come in their order, those of different columns need not."""
    edits = [
        Edit(row, column, value)
        for column, (rows, values) in told["edits"].items()
        for row, value in zip(rows, values, strict=True)
    ]
    return Changes(edits, [Insert(row, after, values) for row, after, values in told["inserts"]], told["deletes"])


class Timeline:
    """Which edits are in effect at each version. States are named by the edit that made them; `CONVERTED` is none."""

    def __init__(self, rows: int) -> None:
        self.heads: list[Head] = []
        self.by_key: dict[str, Head] = {}
        self._states = [CONVERTED]
        self._before: dict[int, int] = {}
        self._undone: list[int] = []
        self._rows = rows
        self._size = {CONVERTED: 0}
        self._edits = {CONVERTED: 0}

    @property
    def version(self) -> int:
        """The present version."""
        return len(self._states)

    @property
    def state(self) -> int:
        """The present state."""
        return self._states[-1]

    @property
    def undoable(self) -> bool:
        """Whether there is an edit in effect."""
        return self.state != CONVERTED

    @property
    def redoable(self) -> bool:
        """Whether there is an edit that was taken back, and none since."""
        return bool(self._undone)

    @property
    def next_undone(self) -> int:
        """The edit that redo would bring back."""
        return self._undone[-1]

    def state_at(self, version: int) -> int:
        """The state at a version there is."""
        return self._states[version - 1]

    def top_at(self, version: int) -> int:
        """The highest number a row had had by a version there is."""
        return self.heads[version - 2].top if version > CONVERTED else self._rows

    def before(self, state: int) -> int:
        """The state that an edit was made to."""
        return self._before[state]

    def size(self, state: int) -> int:
        """About the bytes of all edits in effect."""
        return self._size[state]

    def edits(self, state: int) -> int:
        """How many cells and rows the edits in effect changed."""
        return self._edits[state]

    def in_effect(self) -> set[int]:
        """The edits that are in effect now."""
        found: set[int] = set()
        state = self.state
        while state != CONVERTED:
            found.add(state)
            state = self._before[state]
        return found

    def add(self, head: Head) -> None:
        """The next version; ValueError when it is not."""
        expected = {"edit": 0, "undo": self.state, "redo": self._undone[-1] if self._undone else -1}[head.kind]
        if head.version != self.version + 1 or head.of != expected or expected == CONVERTED:
            raise ValueError("versions do not follow one another")
        if head.kind == "edit":
            self._before[head.version] = self.state
            self._size[head.version] = self.size(self.state) + head.size
            self._edits[head.version] = self.edits(self.state) + head.edits
            self._undone = []
            state = head.version
        elif head.kind == "undo":
            self._undone.append(self.state)
            state = self._before[self.state]
        else:
            state = self._undone.pop()
        self._states.append(state)
        self.heads.append(head)
        if head.key:
            self.by_key[head.key] = head


def packed_heads(heads: Sequence[Head]) -> list[list[Any]]:
    """Heads without the names of their fields."""
    return [list(asdict(head).values()) for head in heads]


def unpacked_heads(told: list[list[Any]]) -> list[Head]:
    """The heads again."""
    return [Head(*values) for values in told]
