"""Jobs: the row is the truth, JetStream only delivers.

A job is created in one transaction with its event and its message, claimed by a conditional update that raises
`fence` and
`attempt`, run in a killable child under a lease, and finished in a transaction guarded by the fence.
"""

from ret_kit.jobs.model import (
    ClaimedJob,
    ClaimedTask,
    Done,
    EndedJob,
    Fanout,
    Fenced,
    Identity,
    JobSettings,
    NewJob,
    SpreadWork,
    TaskDone,
    TaskSpec,
    Work,
)
from ret_kit.jobs.schema import JobTables, job_tables

__all__ = [
    "ClaimedJob",
    "ClaimedTask",
    "Done",
    "EndedJob",
    "Fanout",
    "Fenced",
    "Identity",
    "JobSettings",
    "JobTables",
    "NewJob",
    "SpreadWork",
    "TaskDone",
    "TaskSpec",
    "Work",
    "job_tables",
]
