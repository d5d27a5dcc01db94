"""A worker process with three kinds of work, to be killed, stopped and lied to by the tests.

Settings come as one JSON argument: sql, nats, blobs, slots, jobs (of JobSettings).
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, delete, insert

from ret_kit.blobs import Blobs
from ret_kit.bus import Bus
from ret_kit.database import Database
from ret_kit.ending import Endings
from ret_kit.errors import Kind, RetError
from ret_kit.jobs import (
    ClaimedJob,
    ClaimedTask,
    Done,
    EndedJob,
    Fanout,
    JobSettings,
    TaskDone,
    TaskSpec,
    job_tables,
)
from ret_kit.jobs.host import open_jobs, work
from ret_kit.pools import Limits, Pool

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ret_kit.jobs.running import Running

metadata = MetaData()
tables = job_tables(metadata)
effects = Table(
    "effects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", String(80)),
    Column("session_id", String(80)),
    Column("what", String(80)),
    Column("fence", BigInteger),
)


@dataclass
class Refused(RetError):
    """A permanent error."""

    kind = Kind.INVALID
    code = "REFUSED"


@dataclass
class Away(RetError):
    """A transient error."""

    kind = Kind.UNAVAILABLE
    code = "AWAY"
    transient = True


class Base:
    def __init__(self, blobs: str, db: Database) -> None:
        self.blobs, self.db = blobs, db

    def effect(self, job: ClaimedJob, what: str, fence: int) -> Any:
        async def commit(conn: AsyncConnection) -> None:
            await conn.execute(insert(effects).values(job_id=job.id, session_id=job.session_id, what=what, fence=fence))

        return commit

    async def abandoned(self, job: EndedJob) -> None:
        async with self.db.write() as conn:
            await conn.execute(
                insert(effects).values(job_id=job.id, session_id=job.session_id, what="abandoned", fence=0)
            )


class Linger(Base):
    """Takes a while in a child, stages a blob, leaves one effect."""

    type = "linger"

    async def run(self, job: ClaimedJob, run: Running) -> Done:
        steps = job.payload["steps"]

        async def told(report: dict[str, Any]) -> None:
            await run.progress(report["done"], steps, "steps", {"rows": report["done"]})

        result = await run.call(
            "job_functions:linger", job.payload | {"blobs": self.blobs, "key": run.staging + "out"}, told
        )
        return Done(result | {"fence": run.fence}, self.effect(job, "finished", run.fence))


class Fail(Base):
    """Raises what it is told to raise."""

    type = "fail"

    async def run(self, job: ClaimedJob, run: Running) -> Done:
        if job.payload["how"] == "crash":
            await run.call("job_functions:crash", {})
        if job.payload["how"] == "bug":
            message = "secret words"
            raise KeyError(message)
        raise Refused if job.payload["how"] == "permanent" else Away


class Spread(Base):
    """Fans out into tasks that each stage a blob and leave an effect."""

    type = "spread"

    async def run(self, job: ClaimedJob, run: Running) -> Fanout:
        await run.progress(0, job.payload["tasks"], "parts")
        return Fanout(
            [TaskSpec({"number": number}, weight=2.0) for number in range(job.payload["tasks"])],
            job.payload["tasks"],
            "parts",
        )

    async def task(self, task: ClaimedTask, run: Running) -> TaskDone:
        if task.payload["number"] == task.job.payload.get("broken"):
            raise Away
        await run.call(
            "job_functions:linger",
            {
                "steps": 2,
                "seconds": task.job.payload["seconds"],
                "blobs": self.blobs,
                "key": run.staging + "out",
                "begun": task.job.payload.get("begun"),
            },
        )
        return TaskDone(
            {"number": task.payload["number"]},
            1,
            {"rows": 10, "methods": {"native": 1}},
            self.effect(task.job, f"task {task.payload['number']}", run.fence),
        )

    async def close(self, job: ClaimedJob, results: list[dict[str, Any]]) -> Done:
        return Done({"numbers": [result["number"] for result in results]}, self.effect(job, "closed", job.fence))


async def forget(conn: AsyncConnection, session_id: str) -> int:
    return (await conn.execute(delete(effects).where(effects.c.session_id == session_id))).rowcount


async def main(asked: dict[str, Any]) -> None:
    logging.basicConfig(level="INFO")
    loop, here = asyncio.get_running_loop(), asyncio.current_task()
    assert here
    loop.add_signal_handler(signal.SIGTERM, here.cancel)
    settings = JobSettings(**asked["jobs"])
    blobs = Blobs(asked["blobs"])
    async with (
        Database(asked["sql"], "jobs") as db,
        await Bus.connect(asked["nats"]) as bus,
        open_jobs("jobs", db, tables, settings, bus) as host,
        Pool("jobs", asked["slots"], ["job_functions"], Limits(watch_seconds=0.1)) as pool,
    ):
        endings = Endings("jobs", db, tables, bus, blobs, forget, [pool])
        print("working", flush=True)
        await work(
            host,
            [Linger(asked["blobs"], db), Fail(asked["blobs"], db), Spread(asked["blobs"], db)],
            bus,
            blobs,
            pool,
            endings,
            slots=asked["slots"],
        )


if __name__ == "__main__":
    try:
        asyncio.run(main(json.loads(sys.argv[1])))
    except asyncio.CancelledError:
        sys.exit(0)
