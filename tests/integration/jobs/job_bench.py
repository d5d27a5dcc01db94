"""A bench for the job machinery.

A NATS server that can be stopped and wiped, worker processes, and what the rows say.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import job_worker
from sqlalchemy import and_, func, select, text
from sqlalchemy.exc import DBAPIError

from ret.jobs.v1 import jobs_pb2
from ret.sessions.v1 import sessions_pb2
from ret_kit.bus import Bus
from ret_kit.ending import CLEARED, CLOSING, ENDED
from ret_kit.errors import Unauthenticated, Unavailable
from ret_kit.jobs import Identity, JobSettings, NewJob
from ret_kit.jobs.events import dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Row

    from ret_kit.blobs import Blobs
    from ret_kit.bus import Delivery
    from ret_kit.database import Database
    from ret_kit.jobs.host import JobHost
    from ret_kit.testing.nats import NatsServer

SETTINGS = JobSettings(
    lease_seconds=1.2,
    heartbeat_seconds=0.3,
    reconcile_seconds=0.4,
    backoff_seconds=0.1,
    progress_seconds=0.05,
    tasks_per_session=4,
    tasks_per_user=6,
)
PATIENCE = 30.0


class WorkerProcess:
    """One worker with its pool children, in a process group of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def kill(self) -> None:
        self.process.kill()

    def terminate(self) -> None:
        self.process.terminate()

    def signal_group(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    async def exited(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    def children(self) -> set[int]:
        try:
            text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii")
        except OSError:
            return set()
        return {int(pid) for pid in text.split()}


class Bench:
    """What the tests do and look at."""

    def __init__(
        self, db: Database, sql: str, nats: NatsServer, bus: Bus, blobs: Blobs, blobs_url: str, host: JobHost
    ) -> None:
        self.db, self.sql, self.nats, self.bus, self.blobs, self.host = db, sql, nats, bus, blobs, host
        self.blobs_url, self.settings = blobs_url, SETTINGS
        self.workers: list[WorkerProcess] = []
        self.listeners: list[Any] = []

    async def worker(self, slots: int = 1) -> WorkerProcess:
        asked = {
            "sql": self.sql,
            "nats": self.nats.url,
            "blobs": self.blobs_url,
            "slots": slots,
            "jobs": SETTINGS.model_dump(),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("job_worker.py")),
            json.dumps(asked),
            stdout=asyncio.subprocess.PIPE,
            process_group=0,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
        )
        worker = WorkerProcess(process)
        self.workers.append(worker)
        assert process.stdout
        async with asyncio.timeout(PATIENCE):
            while await process.stdout.readline() != b"working\n":
                assert process.returncode is None, "the worker did not start"
        return worker

    async def restart_nats(self, *, wipe: bool, meanwhile: Callable[[], Any] | None = None) -> None:
        await asyncio.to_thread(self.nats.kill)
        if wipe:
            self.nats.wipe()
        if meanwhile:
            await meanwhile()
        await asyncio.to_thread(self.nats.start)

    async def close(self) -> None:
        for worker in self.workers:
            with suppress(ProcessLookupError):
                worker.signal_group(signal.SIGCONT)
                worker.signal_group(signal.SIGKILL)
            await worker.process.wait()
        for listener in self.listeners:
            await listener.__aexit__(None, None, None)

    async def stop_between_writes(self, worker: WorkerProcess) -> None:
        """SIGSTOP, at a moment when the worker holds no lock of the database: nobody could take over then."""
        while True:
            worker.signal_group(signal.SIGSTOP)
            try:
                # SQLite has one lock, which this takes; PostgreSQL has one for each row that is being written.
                async with asyncio.timeout(2), self.db.write() as conn:
                    if conn.dialect.name == "postgresql":
                        jobs = self.host.store.tables.jobs.name
                        await conn.execute(text(f"LOCK TABLE {jobs} IN SHARE MODE NOWAIT"))
                    return
            except (TimeoutError, Unavailable, DBAPIError):
                worker.signal_group(signal.SIGCONT)
                await asyncio.sleep(0.05)

    # --- doing ------------------------------------------------------------------------------------------------

    async def create(self, type_: str, *, session: str = "session", user: str = "user", **payload: Any) -> Row[Any]:
        async with self.db.write() as conn:
            row = await self.host.store.create(conn, NewJob(type_, Identity(user, session), payload))
        self.host.relay.wake()
        return row

    async def create_and_roll_back(self, type_: str, **payload: Any) -> None:
        with suppress(ZeroDivisionError):
            async with self.db.write() as conn:
                await self.host.store.create(conn, NewJob(type_, Identity("user", "session"), payload))
                raise ZeroDivisionError
        self.host.relay.wake()
        await asyncio.sleep(0.3)

    async def create_refused(self, type_: str, **payload: Any) -> bool:
        try:
            await self.create(type_, **payload)
        except Unauthenticated:
            return True
        return False

    async def cancel(self, job_id: str) -> None:
        async with self.db.write() as conn:
            await self.host.store.cancel(conn, self.host.store.tables.jobs.c.id == job_id)
        self.host.relay.wake()
        await self.bus.publish(f"cancel.jobs.{job_id}", b"")

    async def deliver(self, subject: str, name: str, msg_id: str) -> None:
        await self.bus.enqueue(subject, dumps({"id": name}).encode(), f"{name}:{msg_id}", {})

    async def relay_sends(self, jobs: list[Row[Any]]) -> None:
        """Wait until the jobs' messages have left the outbox: they are in the stream, and nobody has taken them."""
        assert jobs
        await self.until_async(self._outbox_empty)

    async def _outbox_empty(self) -> bool:
        self.host.relay.wake()
        return await self.count("outbox") == 0

    async def listen(self) -> list[jobs_pb2.JobEvent]:
        heard: list[jobs_pb2.JobEvent] = []

        async def keep(_subject: str, data: bytes) -> None:
            heard.append(jobs_pb2.JobEvent.FromString(data))

        listener = self.bus.subscribe("progress.session.*", keep)
        await listener.__aenter__()
        self.listeners.append(listener)
        return heard

    async def end_session(self, sweep: int = 1) -> sessions_pb2.SessionCleared:
        """What auth does: say that the session closes, order its end, wait for the answer to this sweep."""
        answers: asyncio.Queue[sessions_pb2.SessionCleared] = asyncio.Queue()

        async def answered(delivery: Delivery) -> None:
            answer = sessions_pb2.SessionCleared.FromString(delivery.data)
            if answer.sweep == sweep:
                answers.put_nowait(answer)
            await delivery.ack()

        consumer = asyncio.create_task(self.bus.consume(CLEARED, "bench", answered))
        await self.bus.publish(f"{CLOSING}.session", b"")
        order = sessions_pb2.EndSession(session_id="session", sweep=sweep)
        await self.bus.enqueue(ENDED, order.SerializeToString(), f"session:{sweep}", {})
        try:
            async with asyncio.timeout(PATIENCE):
                return await answers.get()
        finally:
            consumer.cancel()

    # --- looking ----------------------------------------------------------------------------------------------

    async def row(self, job_id: str) -> Any:
        jobs = self.host.store.tables.jobs
        async with self.db.read() as conn:
            return (await conn.execute(select(jobs).where(jobs.c.id == job_id))).first()

    async def count(self, table: str) -> int:
        async with self.db.read() as conn:
            return (
                await conn.execute(select(func.count()).select_from(job_worker.metadata.tables[table]))
            ).scalar_one()

    async def effects(self, job_id: str) -> list[str]:
        effects = job_worker.effects
        async with self.db.read() as conn:
            return list(
                (
                    await conn.execute(
                        select(effects.c.what).where(effects.c.job_id == job_id).order_by(effects.c.what)
                    )
                ).scalars()
            )

    async def events(self) -> list[jobs_pb2.JobEvent]:
        events = self.host.store.tables.job_events
        async with self.db.read() as conn:
            rows = (await conn.execute(select(events.c.snapshot).order_by(events.c.job_id, events.c.seq))).scalars()
            return [jobs_pb2.JobEvent.FromString(snapshot) for snapshot in rows]

    async def task_ids(self, job_id: str) -> list[str]:
        tasks = self.host.store.tables.tasks
        async with self.db.read() as conn:
            return list((await conn.execute(select(tasks.c.id).where(tasks.c.job_id == job_id))).scalars())

    async def most_published(self, job_id: str) -> int:
        """How many tasks of the job are on their way, at most, over a while."""
        tasks, most = self.host.store.tables.tasks, 0
        for _ in range(20):
            async with self.db.read() as conn:
                most = max(
                    most,
                    (
                        await conn.execute(
                            select(func.count())
                            .select_from(tasks)
                            .where(
                                and_(
                                    tasks.c.job_id == job_id,
                                    tasks.c.published.is_(True),
                                    tasks.c.state.in_(("queued", "running")),
                                )
                            )
                        )
                    ).scalar_one(),
                )
            await asyncio.sleep(0.02)
        return most

    async def staged(self, job: Row[Any]) -> set[str]:
        prefix = f"sessions/{job.session_id}/jobs/"
        return {key.removeprefix(prefix) for key in await self.blobs.keys(f"{prefix}{job.id}/")}

    def children(self) -> set[int]:
        return {pid for worker in self.workers for pid in worker.children()}

    # --- waiting ----------------------------------------------------------------------------------------------

    async def until_async(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await holds():
                await asyncio.sleep(0.03)

    async def until(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0.03)

    async def ended(self, job_id: str) -> Any:
        async def over() -> bool:
            return (await self.row(job_id)).state in {"succeeded", "failed", "cancelled"}

        await self.until_async(over)
        return await self.row(job_id)

    async def until_state(self, job_id: str, state: str) -> None:
        async def there() -> bool:
            return (await self.row(job_id)).state == state

        await self.until_async(there)

    async def until_settled(self, job_id: str) -> None:
        async def settled() -> bool:
            return bool((await self.row(job_id)).settled)

        await self.until_async(settled)

    async def until_effects(self, job_id: str, count: int) -> None:
        async def enough() -> bool:
            return len(await self.effects(job_id)) >= count

        await self.until_async(enough)
