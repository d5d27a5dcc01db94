"""The settings of ingest."""

from __future__ import annotations

from pydantic import ByteSize, Field

from ret_ingest import words
from ret_ingest.archive import Limits
from ret_kit import pools
from ret_kit.jobs.model import JobSettings
from ret_kit.settings import KitSettings


class IngestSettings(KitSettings):
    """Guards of uploads and scans, words of grouping, and how much is scanned at once."""

    jobs: JobSettings = Field(default=JobSettings.model_validate({}), description="The job machinery.")

    ingest_upload_limit: ByteSize = Field(
        default=ByteSize(2 << 30), gt=0, description="Most bytes of one upload; above it 413, before it is stored."
    )
    ingest_inflated_limit: ByteSize = Field(
        default=ByteSize(20 << 30), gt=0, description="Most bytes of an upload when it is unpacked, over all nesting."
    )
    ingest_ratio_limit: int = Field(
        default=1000, ge=1, description="Most times an entry may be bigger than its packed bytes, past the floor."
    )
    ingest_ratio_floor: ByteSize = Field(
        default=ByteSize(10 << 20), ge=0, description="Bytes of an entry up to which its ratio does not matter."
    )
    ingest_entries_limit: int = Field(default=200_000, ge=1, description="Most entries of an upload, over all nesting.")
    ingest_depth_limit: int = Field(default=256, ge=1, description="Most ZIPs one inside the other.")

    ingest_generic_words: str = Field(
        default=words.GENERIC, description="Words that say nothing at the start of a name, separated by blanks."
    )
    ingest_stop_words: str = Field(
        default=words.STOP, description="Short words that are no code of a group, separated by blanks."
    )
    ingest_modules: str = Field(
        default=words.MODULES, description="Codes that are known in any case (Oracle's modules), separated by blanks."
    )

    ingest_scans: int = Field(default=2, ge=1, description="Uploads one worker process scans at the same time.")
    ingest_scan_memory: ByteSize = Field(
        default=ByteSize(1 << 30), description="Memory of one scan; above it the scan fails with MEMORY_EXCEEDED."
    )
    ingest_scan_seconds: float = Field(default=3600, gt=0, description="Longest time of one scan, in seconds.")

    def limits(self) -> Limits:
        """The guards of a scan."""
        return Limits(
            int(self.ingest_inflated_limit),
            self.ingest_ratio_limit,
            int(self.ingest_ratio_floor),
            self.ingest_entries_limit,
            self.ingest_depth_limit,
        )

    def words(self) -> dict[str, str]:
        """The words of grouping, as `Words.of` takes them."""
        return {"generic": self.ingest_generic_words, "stop": self.ingest_stop_words, "modules": self.ingest_modules}

    def child_limits(self) -> pools.Limits:
        """What one scanning child may use."""
        return pools.Limits(memory_bytes=int(self.ingest_scan_memory), call_seconds=self.ingest_scan_seconds)
