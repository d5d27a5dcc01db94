"""The settings of convert."""

from __future__ import annotations

from pydantic import ByteSize, Field

from ret_kit import pools
from ret_kit.jobs.model import JobSettings
from ret_kit.settings import KitSettings


class ConvertSettings(KitSettings):
    """How conversions are cut into tasks, how wide tables may be, and what a child may use."""

    jobs: JobSettings = Field(default=JobSettings(), description="The job machinery.")

    convert_task_bytes: ByteSize = Field(
        default=ByteSize(32 << 20),
        gt=0,
        description="Bytes of documents in one task; a bigger document is a task alone.",
    )
    convert_task_documents: int = Field(default=64, ge=1, description="Most documents in one task.")
    convert_repeats: int = Field(
        default=8, ge=1, description="How often an element may repeat in a record before it gets a table of its own."
    )
    convert_columns: int = Field(
        default=200, ge=1, description="Columns of a table up to which repeats stay numbered columns."
    )

    convert_slots: int = Field(default=2, ge=1, description="Tasks one worker process does at the same time.")
    convert_memory: ByteSize = Field(
        default=ByteSize(2 << 30), description="Memory of one child that converts; above it the document fails."
    )
    convert_seconds: float = Field(default=3600, gt=0, description="Longest time of one task, in seconds.")
    convert_csv_bom: bool = Field(
        default=True, description="Whether exported CSV begins with a byte order mark, which Excel needs to know UTF-8."
    )
    convert_exports: int = Field(default=2, ge=1, description="Exports one process streams at the same time.")
    convert_export_memory: ByteSize = Field(default=ByteSize(1 << 30), description="Memory of one child that exports.")
    convert_export_seconds: float = Field(default=6 * 3600, gt=0, description="Longest time of one export, in seconds.")

    convert_views: int = Field(
        default=2,
        ge=1,
        description="Sorts, filters, searches and profiles of tables one process does at the same time.",
    )
    convert_view_memory: ByteSize = Field(
        default=ByteSize(2 << 30), description="Memory of one child that sorts, filters, searches or profiles a table."
    )
    convert_view_seconds: float = Field(
        default=120, gt=0, description="Longest time of one sort, filter, search or profile, in seconds."
    )

    def child_limits(self) -> pools.Limits:
        """What one converting child may use."""
        return pools.Limits(memory_bytes=int(self.convert_memory), call_seconds=self.convert_seconds)

    def export_limits(self) -> pools.Limits:
        """What one exporting child may use."""
        return pools.Limits(memory_bytes=int(self.convert_export_memory), call_seconds=self.convert_export_seconds)

    def view_limits(self) -> pools.Limits:
        """What one child for views may use."""
        return pools.Limits(memory_bytes=int(self.convert_view_memory), call_seconds=self.convert_view_seconds)
