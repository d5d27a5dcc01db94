"""A number of things a minute, for what anybody may send."""

from __future__ import annotations

MINUTE = 60.0


class Allowance:
    """So many a minute, then nothing until the next one."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._minute = -1
        self._used = 0

    def take(self, now: float) -> bool:
        """Whether one more may be had; `now` is in seconds of any steady clock."""
        minute = int(now // MINUTE)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += 1
        return self._used <= self._per_minute
