"""The bodies about comparing two sides. As in models.py, field names are the contract's.

A is what was, B is what is now. Rows are counted as their tables do, by stable numbers from 1 on; what is null in one
side is not there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    GetPydanticSchema,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from ret_gateway.models import Body, Identifier, Job, Moment, Name

NAMES_LIMIT = 1000
COLUMN_LIMIT = 10_000
TABLE_LIMIT = 1000
PATH_LIMIT = 10_000
GROUPS_LIMIT = 10_000
NOTE_LIMIT = 10_000
CHANGES_LIMIT = 10_000
NUMBER_LIMIT = 2**53 - 1

ColumnName = Annotated[str, Field(min_length=1, max_length=COLUMN_LIMIT)]
ColumnNames = Annotated[list[ColumnName], Field(max_length=NAMES_LIMIT)]
DocumentPath = Annotated[str, Field(min_length=1, max_length=PATH_LIMIT)]
RowNumber = Annotated[int, Field(ge=1, le=NUMBER_LIMIT)]

Version = Literal["edited", "original"]
PairStatus = Literal["only_in_a", "only_in_b", "mismatch", "identical", "failed", "pending"]
TableStatus = Literal["only_in_a", "only_in_b", "mismatch", "identical", "failed", "pending"]


# --- what is asked for -------------------------------------------------------------------------------------------


class SideChoice(Body):
    """A collection or one document, never both."""

    collection_id: Identifier | None = None
    document_id: Identifier | None = None
    version: Version = Field(default="edited", description="With its edits as they are now, or as it was converted")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.collection_id is None) == (self.document_id is None):
            raise ValueError("name either a collection_id or a document_id")
        return self


class CompareOptions(Body):
    """How strict a comparison is."""

    keys: ColumnNames = Field(default=[], description="Columns that tell rows apart; none: they are looked for")
    ignore_columns: ColumnNames = Field(default=[], description="Columns in which differences do not count")
    ignore_case: bool = False
    ignore_space: bool = False
    numeric_tolerance: float = Field(
        default=0, ge=0, allow_inf_nan=False, description="Numbers that differ by no more are equal"
    )


class ComparisonStart(Body):
    a: SideChoice = Field(description='What "was"')
    b: SideChoice = Field(description='What is "now"')
    groups: list[Name] | None = Field(
        default=None, min_length=1, max_length=GROUPS_LIMIT, description="None: everything"
    )
    options: CompareOptions = CompareOptions()


class PairChoice(Body):
    """Two documents to compare, by their paths; without one of them the other is taken out of its pair."""

    a_path: DocumentPath | None = None
    b_path: DocumentPath | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.a_path is None and self.b_path is None:
            raise ValueError("name a_path, b_path or both")
        return self


class Recomparison(Body):
    """What holds for this pair alone."""

    options: CompareOptions = CompareOptions()


class PairReview(Body):
    """What is left out stays as it is."""

    reviewed: bool | None = None
    note: str | None = Field(default=None, max_length=NOTE_LIMIT)


class RowChoice(Body):
    """A row that differs, by its number in A, in B, or in both; without columns, all of it."""

    table: str = Field(default="", max_length=TABLE_LIMIT, description="By name; none: the first one")
    a_row: RowNumber | None = None
    b_row: RowNumber | None = None
    columns: ColumnNames | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.a_row is None and self.b_row is None:
            raise ValueError("name a_row, b_row or both")
        return self


Chosen = Annotated[list[RowChoice], Field(min_length=1, max_length=CHANGES_LIMIT)]


def _all_or_chosen(value: object, chosen: ValidatorFunctionWrapHandler) -> object:
    if isinstance(value, str):
        if value != "all":
            raise ValueError('name the rows, or "all"')
        return value
    return chosen(value)


def _validated(source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
    """As `Chosen` but for "all": a union would name itself in the place of what is wrong."""
    del source
    return core_schema.no_info_wrap_validator_function(_all_or_chosen, handler.generate_schema(Chosen))


def _described(schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
    return {"anyOf": [handler(schema), {"type": "string", "const": "all"}]}


Changes = Annotated[list[RowChoice] | Literal["all"], GetPydanticSchema(_validated, _described)]


class Application(Body):
    """Differences of a pair that are written into one of its sides as edits."""

    pair: Identifier
    changes: Changes
    into: Literal["a", "b"]


# --- what is answered --------------------------------------------------------------------------------------------


class Note(BaseModel):
    """Something to know about a result."""

    code: str = Field(description="A stable upper-case word")
    detail: str


class Rename(BaseModel):
    from_: str = Field(serialization_alias="from", description="Its name in A")
    to: str = Field(description="Its name in B")


class DiffCounts(BaseModel):
    rows_added: int
    rows_removed: int
    rows_changed: int
    rows_moved: int = Field(description="Rows that only stand elsewhere; they make no mismatch")
    cells_changed: int
    cells_format_only: int = Field(description="Of the changed cells those that are only written differently")


class Tally(DiffCounts):
    """Pairs by status, and the sums over them."""

    only_in_a: int
    only_in_b: int
    mismatch: int
    identical: int
    failed: int
    pending: int = Field(description="Not compared yet")


class Summary(Tally):
    groups: dict[str, Tally]


class ComparedSide(BaseModel):
    collection_id: str | None
    document_id: str | None
    version: Version
    name: str
    gone: bool = Field(description="It was deleted meanwhile")
    sha256: str | None = Field(description="Of what was uploaded, in hexadecimal")


class UsedOptions(BaseModel):
    keys: list[str]
    ignore_columns: list[str]
    ignore_case: bool
    ignore_space: bool
    numeric_tolerance: float


class Comparison(BaseModel):
    id: str
    status: Literal["queued", "running", "ready", "failed", "cancelled"]
    a: ComparedSide
    b: ComparedSide
    groups: list[str] = Field(description="None: everything")
    options: UsedOptions
    summary: Summary
    job_id: str
    created_at: Moment | None
    finished_at: Moment | None
    notes: list[Note]


class ComparisonList(BaseModel):
    items: list[Comparison]
    total: int


class ComparisonAnswer(BaseModel):
    comparison: Comparison
    job: Job


class KeyCandidate(BaseModel):
    columns: list[str]
    confidence: float = Field(description="0 to 1")


class TablePair(DiffCounts):
    name: str
    status: TableStatus
    a_table_id: str | None
    b_table_id: str | None
    a_rows: int
    b_rows: int
    key_columns: list[str]
    key_confidence: float = Field(description="0 to 1")
    key_given: bool = Field(description="Whether the key was asked for, not found")
    runner_ups: list[KeyCandidate]
    columns_added: list[str]
    columns_removed: list[str]
    columns_renamed: list[Rename]
    notes: list[Note]
    changed_rows: int = Field(description="Rows of the view `changed`, without those that only moved")
    full_rows: int = Field(description="Rows of the view `full`")


class Pair(DiffCounts):
    """A document on each side, or on one of them; its counts are sums over its tables."""

    id: str
    status: PairStatus
    group: str
    a_path: str | None
    b_path: str | None
    a_document_ids: list[str]
    b_document_ids: list[str]
    match: Literal["path", "content", "name", "manual"] | None = Field(description="By what it was paired")
    confidence: float = Field(description="0 to 1")
    runner_up: str | None = Field(description="The next best partner's path")
    runner_up_confidence: float
    key_columns: list[str]
    columns_added: list[str]
    columns_removed: list[str]
    columns_renamed: list[Rename]
    tables: list[TablePair]
    notes: list[Note]
    failure: Note | None
    reviewed: bool
    note: str
    options: UsedOptions | None = Field(description="Where it was compared again with its own")


class PairList(BaseModel):
    items: list[Pair]
    total: int


class ComparedColumn(BaseModel):
    name: str
    a_name: str | None
    b_name: str | None
    status: Literal["same", "changed", "renamed", "added", "removed", "ignored"]
    key: bool
    cells_changed: int


class ComparedRow(BaseModel):
    status: Literal["added", "removed", "changed", "same"]
    moved: bool
    a_row: int | None
    b_row: int | None
    a: list[str | None] | None = Field(description="Its cells in A, in the order of the columns")
    b: list[str | None] | None = Field(description="Its cells in B, in the order of the columns")
    changed: list[int] = Field(description="Places of the columns whose cells differ")
    format_only: list[int] = Field(description="Those of them that are only written differently")


class ComparedRows(BaseModel):
    total: int
    columns: list[ComparedColumn]
    rows: list[ComparedRow]


class LocatedRow(BaseModel):
    position: int = Field(description="In the view, from 0")
    a_row: int | None
    b_row: int | None
    column: str | None = Field(description="In which a text was found, or the first changed one")


class Strip(BaseModel):
    """A view at a glance: rows by status, one number for each stretch of it."""

    total: int
    added: list[int]
    removed: list[int]
    changed: list[int]
    moved: list[int]
    columns: list[ComparedColumn] = Field(description="In their order; of very many only those with a change")


class Pattern(BaseModel):
    """The same change in many rows; null is an absent cell."""

    table: str
    column: str
    old: str | None
    new: str | None
    count: int
    format_only: bool
    pairs: int = Field(description="Pairs it was found in")


class PatternList(BaseModel):
    items: list[Pattern]
    total: int


class FindingPlace(BaseModel):
    pair_id: str
    table: str
    column: str
    cells: int


class Finding(BaseModel):
    """One thing that explains many changes."""

    code: str
    detail: str
    cells: int = Field(description="Changed cells it explains")
    values: int = Field(description="Different values")
    places: list[FindingPlace]
    examples: list[Pattern]


class FindingList(BaseModel):
    items: list[Finding]
    total: int


class MergedNode(BaseModel):
    """A place in both sides' merged tree."""

    name: str
    path: str
    type: Literal["zip", "folder", "document"]
    status: PairStatus = Field(description="Of a folder what all in it is, else `mismatch`")
    pair_id: str | None = None
    summary: Tally
    children: list[MergedNode] | None = None


class RecipeOptions(Body):
    """Options under a name, kept as long as the session."""

    options: CompareOptions


class Recipe(BaseModel):
    name: str
    options: UsedOptions


class RecipeList(BaseModel):
    items: list[Recipe]
    total: int
