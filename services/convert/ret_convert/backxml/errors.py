"""What keeps a document from being written back."""

from __future__ import annotations

from dataclasses import dataclass

from ret_kit.errors import Kind, RetError


@dataclass(kw_only=True)
class NotWrittenBack(RetError):
    """The edits of a document cannot be put back into it. `reason` is a sentence without names and without content."""

    reason: str
    kind = Kind.CONFLICT
    code = "NOT_WRITTEN_BACK"

    @property
    def detail(self) -> str:
        return self.reason
