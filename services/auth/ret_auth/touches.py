"""Which sessions were in use, for writing it down now and then."""

from __future__ import annotations


class Touches:
    """Sessions that were seen in use since the last write: one update for all of them instead of one a request."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def seen(self, session_id: str) -> None:
        """The session is in use."""
        self._seen.add(session_id)

    def taken(self) -> list[str]:
        """What was seen since the last time."""
        seen, self._seen = self._seen, set()
        return sorted(seen)
