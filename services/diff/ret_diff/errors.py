"""What can be wrong with a comparison or an order; every reason is named by a code and tells no content."""

from __future__ import annotations

from dataclasses import dataclass

from ret_kit.errors import Kind, RetError


@dataclass(kw_only=True)
class PageTooLarge(RetError):
    """More of a result was asked for at once than an answer may hold."""

    cells: int
    bytes: int
    kind = Kind.INVALID
    code = "PAGE_TOO_LARGE"

    @property
    def detail(self) -> str:
        return (
            f"A page may have {self.cells:,} cells and {self.bytes >> 20} MiB of text; ask for fewer rows or columns."
        )

    def extra(self) -> dict[str, str]:
        return {"field": "limit"}


@dataclass(kw_only=True)
class SideGone(RetError):
    """What a result was made from is not there any more, and this view of it needs it. `side` is a or b."""

    side: str
    kind = Kind.CONFLICT
    code = "SIDE_GONE"

    @property
    def detail(self) -> str:
        return f"Side {self.side.upper()} was deleted or replaced; its changed rows can still be seen."

    def extra(self) -> dict[str, str]:
        return {"side": self.side}


@dataclass(kw_only=True)
class NotReady(RetError):
    """A side is not there to be compared. `side` is a or b, `status` is scanning or failed."""

    side: str
    status: str
    kind = Kind.CONFLICT
    code = "NOT_READY"

    @property
    def detail(self) -> str:
        what = "is still being scanned" if self.status == "scanning" else "could not be scanned"
        return f"Side {self.side.upper()} {what}."

    def extra(self) -> dict[str, str]:
        return {"side": self.side}


@dataclass(kw_only=True)
class StillRunning(RetError):
    """A result is to be changed or used that is not complete."""

    kind = Kind.CONFLICT
    code = "STILL_RUNNING"

    @property
    def detail(self) -> str:
        return "The comparison is still running; this can be done when it has ended."


@dataclass(kw_only=True)
class OriginalNotWritten(RetError):
    """A side was compared as it was converted, but has edits: differences to what is not shown would be overwritten."""

    side: str
    kind = Kind.CONFLICT
    code = "ORIGINAL_NOT_WRITTEN"

    @property
    def detail(self) -> str:
        return (
            f"Side {self.side.upper()} was compared as it was converted, and its table has been edited: "
            "the original is never written. Compare it with its edits first."
        )

    def extra(self) -> dict[str, str]:
        return {"side": self.side}


@dataclass(kw_only=True)
class SideChanged(RetError):
    """A table was edited since it was compared: something else is where differences would be written."""

    side: str
    kind = Kind.CONFLICT
    code = "SIDE_CHANGED"

    @property
    def detail(self) -> str:
        return f"A table of side {self.side.upper()} was edited since it was compared; compare again first."

    def extra(self) -> dict[str, str]:
        return {"side": self.side}
