"""Why a workbook cannot become tables."""

from __future__ import annotations

from dataclasses import dataclass

from ret_convert.errors import DocumentFailed


@dataclass(kw_only=True)
class WorkbookDamaged(DocumentFailed):
    """The file is no workbook that can be read. `reason` tells no content."""

    reason: str
    code = "WORKBOOK_DAMAGED"

    @property
    def detail(self) -> str:
        return f"The workbook cannot be read: {self.reason}."


@dataclass(kw_only=True)
class WorkbookEncrypted(DocumentFailed):
    """The workbook can be opened with a password only."""

    code = "WORKBOOK_ENCRYPTED"

    @property
    def detail(self) -> str:
        return "The workbook is protected by a password; save it without one and upload it again."


@dataclass(kw_only=True)
class WorkbookTooLarge(DocumentFailed):
    """The workbook would need more than any honest one. `what` says of which."""

    what: str
    code = "WORKBOOK_TOO_LARGE"

    @property
    def detail(self) -> str:
        return f"The workbook is refused: {self.what}."
