"""The bodies about edits of tables. As in models.py, field names are the contract's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ret_gateway.models import Body, Moment, Problem

EDIT_LIMIT = 10_000
COLUMN_LIMIT = 10_000
VALUES_LIMIT = 100_000
NUMBER_LIMIT = 2**53 - 1
CELL_LIMIT = 1 << 20
"""Characters; the service counts the bytes."""

# With a limit to its length, a text is also held to be one: JSON can tell of halves of characters.
CellText = Annotated[str, Field(max_length=CELL_LIMIT)]
# There is no row 0 and no version 0: who says so knows the table. Whose it is comes first.
RowNumber = Annotated[int, Field(ge=0, le=NUMBER_LIMIT)]
Version = Annotated[int, Field(ge=0, le=NUMBER_LIMIT)]


class CellEdit(Body):
    row: RowNumber
    column: str = Field(max_length=COLUMN_LIMIT)
    value: CellText | None = Field(description='Null is absent, "" is empty; 1 MiB at most')


class RowInsert(Body):
    after: int | None = Field(ge=1, le=NUMBER_LIMIT, description="The row behind which it goes; null is the top")
    values: list[CellText | None] = Field(max_length=VALUES_LIMIT, description="In the order of the table's columns")


class TableChange(Body):
    """All of it becomes one version, or nothing: edits, inserted rows and deleted rows, 10,000 together at most."""

    version: Version = Field(description="The version that the changes are made to")
    edits: list[CellEdit] = Field(default=[], max_length=EDIT_LIMIT)
    insert_rows: list[RowInsert] = Field(default=[], max_length=EDIT_LIMIT)
    delete_rows: list[RowNumber] = Field(default=[], max_length=EDIT_LIMIT)


class KnownVersion(Body):
    """With a version, nothing is changed unless it is the present one."""

    version: int | None = Field(default=None, ge=1, le=NUMBER_LIMIT)


class TableSaved(BaseModel):
    version: int
    inserted: list[int] = Field(description="The numbers of the inserted rows, in the order of the request")


class Conflict(BaseModel):
    """A cell that was changed on both sides; without a column a row that is not as it was."""

    row: int
    column: str | None
    base: str | None = Field(description="The value in the version that was changed; very long ones are cut")
    theirs: str | None = Field(description="The present value; very long ones are cut")
    mine: str | None = Field(description="The value that was to be saved")
    deleted: bool = Field(default=False, description="The row is there no more; absent where it is")


class StaleVersion(Problem):
    """Somebody else was faster; nothing was changed. Without conflicts, the same changes suit the present version."""

    current_version: int
    conflicts: list[Conflict]
    more_conflicts: int = Field(description="Conflicts that are not listed")


class TableVersion(BaseModel):
    version: int
    at: Moment | None
    user: str
    kind: Literal["edit", "undo", "redo"]
    of: int | None = Field(description="The version that was undone or redone")
    edits: int = Field(description="Changed cells, inserted rows and deleted rows")
    undone: bool = Field(description="An edit that is not in effect")


class TableHistory(BaseModel):
    """The versions after the first, the last one first."""

    items: list[TableVersion]
    total: int
    version: int = Field(description="The present version; 1 is the table as it was converted")
    can_undo: bool
    can_redo: bool
