"""What is known of one table's log: read as far as it goes, kept so that only what has come since is read."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from ret_convert.editing import snapshots
from ret_convert.editing.log import CONVERTED, Entry, Head, Timeline, edits_of, entry, entry_key
from ret_convert.editing.overlay import Changes, Overlay
from ret_convert.editing.snapshots import Snapshot
from ret_kit.blobs import Blobs
from ret_kit.errors import AlreadyThere, BlobDamaged, NotFound

VERSIONS = 64
"""Versions after which there is a snapshot."""
CHANGED = 20_000
"""Changed cells and rows after which there is a snapshot, and at least as many as it holds."""
STATES = 4
"""States of a table that are kept."""


@dataclass
class Log:
    """What is known of one table's log, behind its lock."""

    blobs: Blobs
    key: str
    rows: int
    until: int | None = None
    """The last version that is looked at; None: whichever is the last."""
    lock: Lock = field(default_factory=Lock)
    timeline: Timeline = field(init=False)
    _states: OrderedDict[int, Overlay] = field(default_factory=OrderedDict[int, Overlay])
    _changes: dict[int, Changes] = field(default_factory=dict[int, Changes])
    _snapshots: list[int] | None = None

    def __post_init__(self) -> None:
        self.timeline = Timeline(self.rows)

    @property
    def size(self) -> int:
        """About the bytes of the edits whose states are kept."""
        return sum(map(self.timeline.size, list(self._states)))

    def refresh(self) -> None:
        """Read the versions that have come since."""
        if self._snapshots is None:
            self._open()
        while self.until is None or self.timeline.version < self.until:
            version = self.timeline.version + 1
            key = entry_key(self.key, version)
            try:
                self._add(key, entry(key, self.blobs.get_sync(key)))
            except NotFound:
                break

    def _open(self) -> None:
        """Begin at the last snapshot."""
        kept = snapshots.snapshots(self.blobs.keys_sync(edits_of(self.key)))
        self._snapshots = [one for one in kept if self.until is None or one <= self.until]
        if self._snapshots:
            snapshot = snapshots.load(self.blobs, self.key, self._snapshots[-1])
            for head in snapshot.heads:
                self._follow(self.key, head)
            self._states[self.timeline.state] = snapshot.overlay

    def _follow(self, key: str, head: Head) -> None:
        try:
            self.timeline.add(head)
        except ValueError as error:
            raise BlobDamaged(key) from error

    def _add(self, key: str, read: Entry) -> None:
        self._follow(key, read.head)
        if read.head.kind == "edit":
            self._changes[read.head.version] = read.changes

    def overlay(self, state: int) -> Overlay:
        """The table's edits at a state."""
        way: list[int] = []
        at = state
        while at not in self._states:
            if at == CONVERTED:
                self._states[CONVERTED] = Overlay(self.rows)
            elif (stored := self._snapshot_of(at)) is not None:
                self._states[at] = snapshots.load(self.blobs, self.key, stored).overlay
            else:
                way.append(at)
                at = self.timeline.before(at)
        overlay = self._states[at].then(*map(self._changed, reversed(way))) if way else self._states[at]
        self._states[state] = overlay
        self._states.move_to_end(state)
        while len(self._states) > STATES:
            self._states.popitem(last=False)
        self._changes.clear()
        return overlay

    def _snapshot_of(self, state: int) -> int | None:
        """A version of which there is a snapshot with this state."""
        return next((one for one in self._snapshots or () if self.timeline.state_at(one) == state), None)

    def _changed(self, version: int) -> Changes:
        if version not in self._changes:
            key = entry_key(self.key, version)
            self._changes[version] = entry(key, self.blobs.get_sync(key)).changes
        return self._changes[version]

    def append(self, head: Head, changed: Changes) -> bool:
        """Store the next version; whether it is ours that is there."""
        made = Entry(head, changed)
        key = entry_key(self.key, head.version)
        try:
            self.blobs.create_sync(key, made.encoded())
        except AlreadyThere:
            # A store may have written it and, asked again because its answer was lost, say that it is there.
            there = entry(key, self.blobs.get_sync(key))
            self._add(key, there)
            return there.head.nonce == head.nonce
        self._add(key, made)
        return True

    @property
    def long(self) -> bool:
        """Whether there should be another snapshot."""
        last = self._snapshots[-1] if self._snapshots else CONVERTED
        since = self.timeline.heads[last - 1 :]
        held = self.timeline.edits(self.timeline.state_at(last))
        return len(since) >= VERSIONS or sum(head.edits for head in since) >= max(CHANGED, held)

    def shorten(self) -> None:
        """Store a snapshot of the present version."""
        with self.lock:
            version, heads = self.timeline.version, list(self.timeline.heads)
            overlay = self.overlay(self.timeline.state)
        snapshots.store(self.blobs, self.key, version, Snapshot(heads, overlay))
        with self.lock:
            self._snapshots = sorted({*(self._snapshots or ()), version})
