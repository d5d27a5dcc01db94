"""What keeps a document from being written back."""

from __future__ import annotations

from dataclasses import dataclass

from ret_kit.errors import Kind, RetError


@dataclass(kw_only=True)
class NotWrittenBack(RetError):
    """The edits of a document cannot be put back into it. `reason` is a sentence without names and without content.

    `row` is the number of the row whose edits these are, where it is of one.
    """

    reason: str
    row: int = 0
    kind = Kind.CONFLICT
    code = "NOT_WRITTEN_BACK"

    @property
    def detail(self) -> str:
        return f"{self.reason} It is row {self.row} of its table." if self.row else self.reason
