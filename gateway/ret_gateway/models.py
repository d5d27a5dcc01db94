"""The bodies of the REST contract. Field names are fixed; the page's types are generated from these classes.

Those that are about people and sessions stand in people_models.py.

Times are RFC 3339 in UTC with milliseconds, sizes are bytes, ids are opaque strings.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

NAME_LIMIT = 300
PASSWORD_LIMIT = 1024
RECORD_PATH_LIMIT = 10_000
CHOICE_LIMIT = 10_000


def rfc3339(moment: datetime) -> str:
    """The moment as `2026-11-20T12:00:00.000Z`; it must be in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


Moment = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]
# Control characters have no place in a name, and a database may refuse them with less good words.
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT, pattern=PRINTABLE)]
Identifier = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT, pattern=PRINTABLE)]
RecordPath = Annotated[str, Field(max_length=RECORD_PATH_LIMIT, pattern=PRINTABLE)]
Layout = Literal["auto", "single", "related"]
Password = Annotated[str, Field(min_length=1, max_length=PASSWORD_LIMIT)]


class Body(BaseModel):
    """What a caller sends. Unknown fields are refused, so that a misspelt option is never silently without effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(BaseModel):
    """Every error, as application/problem+json. Some kinds carry further fields."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str = Field(description="A stable upper-case word")
    detail: str
    correlation_id: str


# --- jobs --------------------------------------------------------------------------------------------------------

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class ProgressDetail(BaseModel):
    """As far as it is known."""

    model_config = ConfigDict(extra="allow")

    rows: int | None = None
    cells: int | None = None
    bytes: int | None = None
    methods: dict[str, int] | None = None
    failed: int | None = None
    eta_seconds: float | None = None


class Progress(BaseModel):
    done: int
    total: int
    unit: str
    percent: float
    detail: ProgressDetail


class JobFailure(BaseModel):
    code: str
    detail: str


class Job(BaseModel):
    id: str
    type: str
    state: JobState
    progress: Progress
    attempt: int
    result: dict[str, Any] | None
    error: JobFailure | None
    correlation_id: str
    trace_id: str
    created_at: Moment | None
    started_at: Moment | None
    finished_at: Moment | None


class JobList(BaseModel):
    items: list[Job]
    total: int


class JobAnswer(BaseModel):
    """Long work that was accepted."""

    job: Job


class JobMessage(BaseModel):
    """On the websocket: what has become of a job. `seq` rises strictly within a job."""

    type: Literal["job"] = "job"
    seq: int
    job: Job


class SessionMessage(BaseModel):
    """On the websocket: the session is ending; the websocket closes after it. `reason` is empty where it is unknown."""

    type: Literal["session"] = "session"
    state: str
    reason: str = ""


# --- collections and documents -----------------------------------------------------------------------------------


class Warning(BaseModel):  # noqa: A001 - the contract's word for it
    """An entry that was skipped, refused or salvaged, by its full path."""

    code: str
    path: str
    detail: str


class Group(BaseModel):
    name: str
    documents: int
    bytes: int
    converted: int
    auto_index: bool
    index: Literal["none", "queued", "indexing", "ready", "failed"]


class Stats(BaseModel):
    containers: int
    max_depth: int
    other_files: int
    seconds: float


class Collection(BaseModel):
    id: str
    name: str
    kind: Literal["tables", "code"]
    status: Literal["scanning", "ready", "failed"]
    grouping: Literal["container", "name"]
    created_at: Moment | None
    bytes: int
    documents: int
    groups: list[Group]
    warnings: list[Warning]
    stats: Stats


class CollectionList(BaseModel):
    items: list[Collection]
    total: int


class CollectionAnswer(BaseModel):
    collection: Collection
    job: Job


class CollectionChange(Body):
    name: Name | None = None
    grouping: Literal["container", "name"] | None = None


class GroupChange(Body):
    """The group's new name; an existing group of that name takes the documents in."""

    name: Name


class TableRef(BaseModel):
    id: str
    name: str
    role: Literal["main", "child"]
    rows: int
    columns: int


class Document(BaseModel):
    id: str
    collection_id: str
    path: str
    name: str
    group: str
    group_reason: str
    bytes: int
    media_type: str
    status: Literal["found", "converting", "converted", "failed"]
    method: str | None
    fidelity: float | None
    tables: list[TableRef]
    warnings: list[Warning]


class DocumentList(BaseModel):
    items: list[Document]
    total: int


class Candidate(BaseModel):
    """A path that could be the record."""

    path: str
    count: int
    fields: int = Field(description="Distinct fields of one")
    share: float = Field(description="Share of all values of the document, 0 to 1")


class DocumentShape(BaseModel):
    """How a document was cut into records when it was converted last, and how it could be."""

    document_id: str
    layout: Layout
    record_path: str | None = Field(description="Null where there are no records to choose")
    chosen: bool = Field(description="Whether the record path was asked for, and not found")
    candidates: list[Candidate] = Field(description="The shallowest first")
    more: int = Field(description="Candidates that hold too little to be listed")


class DocumentChange(Body):
    group: Name


class TreeNode(BaseModel):
    name: str
    path: str
    type: Literal["zip", "folder", "document", "other"]
    children: list[TreeNode] | None = None
    document_id: str | None = None


# --- tables ------------------------------------------------------------------------------------------------------


class TableColumn(BaseModel):
    name: str
    path: str = Field(description="Where in the document its cells come from; empty for links between tables")
    type: Literal["text", "number", "xml", "link"] = Field(description="How it is best shown: every cell is a string")


class TableRow(BaseModel):
    row: int = Field(description="Its stable number in the table, the first being 1")
    values: list[str | None] = Field(description='In the order of the columns; null is absent, "" is empty')
    edited: list[int] = Field(
        default=[], description="Places of the columns whose cells were changed; left out if none"
    )
    inserted: bool = Field(default=False, description="Whether the row was inserted; left out if not")


class TablePage(BaseModel):
    id: str
    document_id: str
    collection_id: str
    name: str
    role: Literal["main", "child"]
    version: int = Field(description="Rises with every edit; 1 is the table as it was converted")
    total_rows: int
    matched_rows: int
    columns: list[TableColumn]
    rows: list[TableRow]


class FoundCell(BaseModel):
    row: int
    column: str
    version: int = Field(description="The version of the table that was searched")


class ValueCount(BaseModel):
    value: str
    count: int


class ColumnProfile(BaseModel):
    name: str
    type: Literal["text", "number", "xml", "link"]
    count: int = Field(description="Rows of the table")
    nulls: int = Field(description="Absent cells")
    empty: int = Field(description="Cells that are there and hold nothing")
    distinct: int = Field(description="Different values of the first `counted` rows")
    min: str | None = Field(description="The least value by the column's type, numbers before texts; long ones are cut")
    max: str | None = Field(description="The greatest value by the column's type; long ones are cut")
    top: list[ValueCount] = Field(description="The most frequent values of the first `counted` rows; long ones are cut")
    counted: int = Field(description="Less than `count` where there are too many different values to count them")
    exact: bool = Field(description="Whether `distinct` and `top` are of all rows")


class TableProfile(BaseModel):
    version: int = Field(description="The version of the table that was looked at")
    columns: list[ColumnProfile]


# --- conversion --------------------------------------------------------------------------------------------------


class Conversion(Body):
    """What to convert; neither groups nor documents is everything. An empty list is refused: it could mean nothing."""

    groups: list[Name] | None = Field(default=None, min_length=1, max_length=CHOICE_LIMIT)
    documents: list[Identifier] | None = Field(default=None, min_length=1, max_length=CHOICE_LIMIT)
    layout: Layout = "auto"
    record_paths: dict[Identifier, RecordPath] | None = Field(default=None, max_length=CHOICE_LIMIT)
    discard_edits: bool = False


# --- health ------------------------------------------------------------------------------------------------------


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    status: Literal["ready", "unready"]


class DependencyState(BaseModel):
    name: str
    ready: bool
    reason: str = ""


class VerboseReadiness(Readiness):
    dependencies: list[DependencyState]
