"""Why a change to a table is not made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ret_convert.editing.overlay import Value
from ret_kit.errors import Kind, RetError


@dataclass(frozen=True)
class Conflict:
    """A cell that was changed on both sides: `base` is what it was, `theirs` what it is now.

    Or a cell to be changed whose row is there no more (`deleted`); or, without a column, a row to be deleted that was
    changed, or one that is there no more and was to have rows put behind it (`deleted`).
    """

    row: int
    column: str | None
    base: Value
    theirs: Value
    deleted: bool = False


@dataclass(kw_only=True)
class StaleVersion(RetError):
    """The changes are to a version that is not the present one. `more` conflicts are not listed."""

    current_version: int
    conflicts: Sequence[Conflict] = ()
    more: int = 0
    kind = Kind.CONFLICT
    code = "STALE_VERSION"

    @property
    def detail(self) -> str:
        return "The table was changed meanwhile; nothing was saved."


@dataclass(kw_only=True)
class NothingToUndo(RetError):
    """No edit is in effect."""

    kind = Kind.CONFLICT
    code = "NOTHING_TO_UNDO"

    @property
    def detail(self) -> str:
        return "There is nothing to undo."


@dataclass(kw_only=True)
class NothingToRedo(RetError):
    """No edit was taken back, or there was another one since."""

    kind = Kind.CONFLICT
    code = "NOTHING_TO_REDO"

    @property
    def detail(self) -> str:
        return "There is nothing to redo."
