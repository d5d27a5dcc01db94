"""The settings of diff."""

from __future__ import annotations

from pydantic import ByteSize, Field

from ret_kit import pools
from ret_kit.jobs.model import JobSettings
from ret_kit.settings import KitSettings


class DiffSettings(KitSettings):
    """How comparisons are cut into tasks, and what a child may use."""

    jobs: JobSettings = Field(default=JobSettings(), description="The job machinery.")

    diff_task_bytes: ByteSize = Field(
        default=ByteSize(32 << 20),
        gt=0,
        description="Bytes of tables that are compared in one task; a bigger pair is a task alone.",
    )
    diff_task_pairs: int = Field(default=64, ge=1, description="Most pairs in one task.")
    diff_slots: int = Field(default=2, ge=1, description="Tasks one worker process does at the same time.")
    diff_memory: ByteSize = Field(
        default=ByteSize(3 << 30), description="Memory of one child that compares; above it the pair fails."
    )
    diff_seconds: float = Field(default=3600, gt=0, description="Longest time of one task, in seconds.")
    diff_reports: int = Field(default=1, ge=1, description="Reports one process makes at the same time.")
    diff_report_memory: ByteSize = Field(
        default=ByteSize(1 << 30), description="Memory of one child that makes a report."
    )
    diff_report_seconds: float = Field(default=3600, gt=0, description="Longest time of one report, in seconds.")

    def child_limits(self) -> pools.Limits:
        """What one comparing child may use."""
        return pools.Limits(memory_bytes=int(self.diff_memory), call_seconds=self.diff_seconds)

    def report_limits(self) -> pools.Limits:
        """What one child that makes reports may use."""
        return pools.Limits(memory_bytes=int(self.diff_report_memory), call_seconds=self.diff_report_seconds)
