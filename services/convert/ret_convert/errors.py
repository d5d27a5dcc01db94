"""What can be wrong with a document or an order; every reason is named by a code and tells no content."""

from __future__ import annotations

from dataclasses import dataclass

from ret_kit.errors import Kind, RetError


class DocumentFailed(RetError):
    """A document cannot become a table. The base of all reasons; others of the same order are not touched by it."""

    kind = Kind.INVALID


@dataclass(kw_only=True)
class Malformed(DocumentFailed):
    """The document is not well-formed. `line` and `column` count from 1; `reason` is the parser's, without content."""

    line: int
    column: int
    reason: str
    code = "XML_MALFORMED"

    @property
    def detail(self) -> str:
        return f"Not well-formed at line {self.line}, column {self.column}: {self.reason}."


@dataclass(kw_only=True)
class EntityBomb(DocumentFailed):
    """Entities of the document would grow beyond every measure."""

    code = "XML_ENTITY_BOMB"

    @property
    def detail(self) -> str:
        return "The document's entities expand to many times its size; it is refused."


@dataclass(kw_only=True)
class TooManyPaths(DocumentFailed):
    """The document has more different element paths than a table can have columns."""

    code = "TOO_MANY_PATHS"

    @property
    def detail(self) -> str:
        return "The document has too many different elements to be laid out as columns."


@dataclass(kw_only=True)
class TooManyLevels(DocumentFailed):
    """Elements of the document are nested deeper than anything that is no attack."""

    code = "TOO_MANY_LEVELS"

    @property
    def detail(self) -> str:
        return "The document's elements are nested more than a million levels deep."


@dataclass(kw_only=True)
class CellTooLarge(DocumentFailed):
    """A single value of the document is larger than a cell can be."""

    code = "CELL_TOO_LARGE"

    @property
    def detail(self) -> str:
        return "A single value of the document is larger than 64 MB."


@dataclass(kw_only=True)
class RecordPathMissing(DocumentFailed):
    """Nothing in the document is at the record path that was asked for."""

    code = "RECORD_PATH_MISSING"

    @property
    def detail(self) -> str:
        return "The document has no element at the record path that was chosen for it."


@dataclass(kw_only=True)
class Undecodable(DocumentFailed):
    """The text of a CSV or TSV document cannot be read in its encoding."""

    code = "ENCODING_UNKNOWN"

    @property
    def detail(self) -> str:
        return "The text is in no encoding that is known here."


@dataclass(kw_only=True)
class NotReady(RetError):
    """The collection is not there to be converted. `status` is scanning or failed."""

    status: str
    kind = Kind.CONFLICT
    code = "NOT_READY"

    @property
    def detail(self) -> str:
        return "The upload is still being scanned." if self.status == "scanning" else "The upload could not be scanned."


@dataclass(kw_only=True)
class HasEdits(RetError):
    """What is to be converted again has edits, which would be lost. `documents` is how many documents have some."""

    documents: int
    kind = Kind.CONFLICT
    code = "HAS_EDITS"

    @property
    def detail(self) -> str:
        what = "A document has" if self.documents == 1 else f"{self.documents} documents have"
        return f"{what} edits that converting again would discard."

    def extra(self) -> dict[str, str]:
        return {"documents": str(self.documents)}


@dataclass(kw_only=True)
class BeingConverted(RetError):
    """The table is about to be replaced: an edit of it would be lost."""

    kind = Kind.CONFLICT
    code = "BEING_CONVERTED"

    @property
    def detail(self) -> str:
        return "The document is being converted again; it can be edited when that is done."


@dataclass(kw_only=True)
class PageTooLarge(RetError):
    """More of a table was asked for at once than an answer may hold."""

    cells: int
    bytes: int
    kind = Kind.INVALID
    code = "PAGE_TOO_LARGE"

    @property
    def detail(self) -> str:
        return (
            f"A page may have {self.cells:,} cells and {self.bytes >> 20} MiB of text;"
            " ask for fewer rows or columns, or export the table."
        )

    def extra(self) -> dict[str, str]:
        return {"field": "limit"}


@dataclass(kw_only=True)
class NotConverted(RetError):
    """Something that is wanted as tables has not been converted. `documents` is how many."""

    documents: int
    kind = Kind.CONFLICT
    code = "NOT_CONVERTED"

    @property
    def detail(self) -> str:
        return (
            "A document is not converted yet."
            if self.documents == 1
            else f"{self.documents} documents are not converted yet."
        )
