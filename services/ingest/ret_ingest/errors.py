"""What can be wrong with an upload (nothing of it is taken) and with one entry of it (a warning; the rest goes on)."""

from __future__ import annotations

from dataclasses import dataclass

from ret_kit.errors import Kind, RetError


@dataclass(kw_only=True)
class UploadTooLarge(RetError):
    """More bytes than one upload may have."""

    limit: int
    kind = Kind.TOO_LARGE
    code = "UPLOAD_TOO_LARGE"

    @property
    def detail(self) -> str:
        return f"An upload may have {self.limit:,} bytes at most."


@dataclass(kw_only=True)
class EmptyUpload(RetError):
    """No byte, or a ZIP without any entry."""

    kind = Kind.INVALID
    code = "EMPTY_UPLOAD"

    @property
    def detail(self) -> str:
        return "There is nothing in the upload."


@dataclass(kw_only=True)
class NotSupported(RetError):
    """Neither a ZIP nor a document of a kind that can be read."""

    kind = Kind.UNSUPPORTED
    code = "NOT_SUPPORTED"

    @property
    def detail(self) -> str:
        return "An upload is a ZIP, an XML document, a CSV or TSV file or a spreadsheet (XLSX, XLS, ODS)."


@dataclass(kw_only=True)
class ArchiveCorrupt(RetError):
    """Looks like a ZIP, but not one entry of it can be read."""

    kind = Kind.INVALID
    code = "ARCHIVE_CORRUPT"

    @property
    def detail(self) -> str:
        return "Nothing in the archive can be read."


@dataclass(kw_only=True)
class ArchiveOverlap(RetError):
    """Entries share bytes, as only bombs do."""

    kind = Kind.INVALID
    code = "ARCHIVE_OVERLAP"

    @property
    def detail(self) -> str:
        return "Entries of the archive overlap; such an archive is refused whole."


@dataclass(kw_only=True)
class ArchiveTooLarge(RetError):
    """More bytes were inflated, over the whole nesting, than an upload may hold."""

    limit: int
    kind = Kind.TOO_LARGE
    code = "ARCHIVE_TOO_LARGE"

    @property
    def detail(self) -> str:
        return f"The upload holds more than {self.limit:,} bytes when it is unpacked."


@dataclass(kw_only=True)
class TooManyEntries(RetError):
    """More entries, over the whole nesting, than an upload may hold."""

    limit: int
    kind = Kind.TOO_LARGE
    code = "TOO_MANY_ENTRIES"

    @property
    def detail(self) -> str:
        return f"The upload holds more than {self.limit:,} entries."


class EntryRefused(Exception):
    """One entry cannot be taken; `code` is the warning's, `detail` a sentence without names or content."""

    code = "ENTRY_CORRUPT"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Damaged(EntryRefused):
    """The bytes of an entry are not what the archive says they are."""


class Encrypted(EntryRefused):
    """An entry that only a password opens."""

    code = "ENTRY_ENCRYPTED"


class UnknownMethod(EntryRefused):
    """An entry packed in a way that is not read here."""

    code = "ENTRY_UNSUPPORTED"


class TooDense(EntryRefused):
    """An entry that inflates to so many times its size that it can only be a bomb."""

    code = "ENTRY_RATIO"
