"""The order of a job's events on a websocket: nothing missed, nothing repeated, `seq` strictly rising.

Pure: it knows numbers and events, no NATS and no websocket.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ret.jobs.v1 import jobs_pb2


class Verdict(Enum):
    """What to do with an event that has come in."""

    SEND = auto()
    """It is the next one."""
    DROP = auto()
    """It was sent before, or something later was."""
    FILL = auto()
    """State changes may be missing before it: fetch those after `last(job)`, then offer it again."""


def is_state_change(event: jobs_pb2.JobEvent) -> bool:
    """Whether the event is a change of state, and not a percentage."""
    return event.seq == event.state_seq


@dataclass
class _Position:
    last: int = 0
    last_state: int = 0


@dataclass
class Order:
    """Where the listener stands in every job.

    What holds after each `sent`: every state change up to the position of the job was sent, once.
    """

    _positions: dict[str, _Position] = field(default_factory=dict[str, _Position])

    @classmethod
    def after(cls, since: dict[str, int]) -> Order:
        """A listener that has seen all state changes of each job up to the given seq."""
        return cls({job: _Position(seq, seq) for job, seq in since.items()})

    def last(self, job_id: str) -> int:
        """The seq that was sent last of a job, 0 when none was."""
        position = self._positions.get(job_id)
        return position.last if position else 0

    def positions(self) -> dict[str, int]:
        """The seq that was sent last, for every job known here."""
        return {job: position.last for job, position in self._positions.items()}

    def offer(self, event: jobs_pb2.JobEvent) -> Verdict:
        """What to do with an event. Gaps are looked for only where one is possible: seqs that follow on have none."""
        position = self._positions.get(event.job.id, _Position())
        if event.seq <= position.last:
            return Verdict.DROP
        if event.seq == position.last + 1:
            return Verdict.SEND
        if is_state_change(event) or event.state_seq > position.last_state:
            return Verdict.FILL
        return Verdict.SEND

    def unsent(self, changes: Iterable[jobs_pb2.JobEvent]) -> Iterator[jobs_pb2.JobEvent]:
        """Of state changes fetched from the rows those still to be sent, in order; each counts as sent when given."""
        for change in sorted(changes, key=lambda change: (change.job.created_at_ms, change.job.id, change.seq)):
            if self.sent(change):
                yield change

    def sent(self, event: jobs_pb2.JobEvent) -> bool:
        """Note that an event goes out; False, and nothing noted, when it or a later one has gone out before."""
        position = self._positions.setdefault(event.job.id, _Position())
        if event.seq <= position.last:
            return False
        position.last = event.seq
        position.last_state = max(position.last_state, event.state_seq)
        return True


class Overrun(Exception):
    """The listener is so slow that state changes pile up; it must come back with `since`."""


@dataclass
class _Entry:
    event: jobs_pb2.JobEvent


class Backlog:
    """Events that wait for a slow listener.

    State changes are all kept, up to `limit` and then Overrun. Of percentages of one job in a row only the newest is
    kept, in the place of the first. So at most one percentage a state change and job waits, whatever comes in.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: deque[_Entry] = deque()
        self._percentages: dict[str, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, event: jobs_pb2.JobEvent) -> None:
        job_id = event.job.id
        waiting = self._percentages.get(job_id)
        if is_state_change(event):
            self._percentages.pop(job_id, None)
        elif waiting is not None:
            if event.seq > waiting.event.seq:
                waiting.event = event
            return
        if len(self._entries) >= self._limit:
            raise Overrun
        entry = _Entry(event)
        self._entries.append(entry)
        if not is_state_change(event):
            self._percentages[job_id] = entry

    def take(self) -> jobs_pb2.JobEvent:
        """The event that waits longest; IndexError when none does."""
        entry = self._entries.popleft()
        if self._percentages.get(entry.event.job.id) is entry:
            del self._percentages[entry.event.job.id]
        return entry.event
