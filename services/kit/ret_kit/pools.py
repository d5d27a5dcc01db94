"""Killable, limited processes for work on the processor: the event loop never parses.

A call runs in one child of its own. Cancelling the call kills the child; a child that dies, grows past its memory
limit or
runs too long takes only its own call with it, and is replaced.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ret_kit import telemetry
from ret_kit.child import DATA, HEAD
from ret_kit.errors import Kind, RemoteFailure, RetError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from typing import Self

log = logging.getLogger("ret.pool")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class WorkerLost(RetError):
    """The child ended in the middle of a call; `how` is a signal's name or an exit status."""

    how: str
    kind = Kind.INTERNAL
    code = "WORKER_LOST"
    transient = True

    @property
    def detail(self) -> str:
        return f"The process that did the work was lost ({self.how})."


@dataclass
class MemoryExceeded(RetError):
    """The child needed more memory than it may have; both in bytes."""

    used: int
    limit: int
    kind = Kind.INTERNAL
    code = "MEMORY_EXCEEDED"
    transient = True

    @property
    def detail(self) -> str:
        return f"The work needed more than {self.limit >> 20} MiB of memory."


@dataclass
class TimeExceeded(RetError):
    """The call ran longer than it may."""

    limit_seconds: float
    kind = Kind.INTERNAL
    code = "TIME_EXCEEDED"
    transient = True

    @property
    def detail(self) -> str:
        return f"The work took longer than {self.limit_seconds:.0f} seconds."


@dataclass(frozen=True)
class Limits:
    """What one child may use."""

    memory_bytes: int = 2 << 30
    call_seconds: float = 3600.0
    calls: int = 500
    """After so many calls a child is replaced."""
    retire_bytes: int = 512 << 20
    """A child whose memory is above this after a call is replaced."""
    watch_seconds: float = 0.2
    start_seconds: float = 60.0


@dataclass(eq=False)
class Child:
    """One running process and the parent's end of its socket."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    calls: int = 0
    session_id: str = ""
    verdict: RetError | None = field(default=None)

    async def send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message, separators=(",", ":")).encode()
        self.writer.write(HEAD.pack(b"J", len(body)) + body)
        await self.writer.drain()

    async def receive(self) -> tuple[bytes, bytes]:
        """(type, body) of the next frame; WorkerLost, or the reason it was killed for, at the end."""
        try:
            kind, size = HEAD.unpack(await self.reader.readexactly(HEAD.size))
            return kind, await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as gone:
            status = await self.process.wait()
            how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
            raise self.verdict or WorkerLost(how=how) from gone

    def resident_bytes(self) -> int:
        """Resident memory; 0 when the process is gone."""
        try:
            return int(Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1]) * PAGE
        except (OSError, IndexError):
            return 0

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()

    async def close(self) -> None:
        """Let an idle child end by itself, or kill it after five seconds."""
        self.writer.close()
        try:
            async with asyncio.timeout(5):
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()


class Pool:
    """`size` warm children for the functions of `preload` modules.

    `offline` asks for children without a network, which holds where the kernel allows it; give it when blobs are local.
    """

    def __init__(
        self, service: str, size: int, preload: Sequence[str], limits: Limits | None = None, *, offline: bool = False
    ) -> None:
        self._service, self._size, self._preload, self._offline = service, size, tuple(preload), offline
        self._limits = limits or Limits()
        self._idle: asyncio.Queue[Child | None] = asyncio.Queue()
        self._busy: set[Child] = set()
        self._returning: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        started: list[asyncio.Task[Child]] = []
        try:
            async with asyncio.TaskGroup() as group:
                started += [group.create_task(self._start()) for _ in range(self._size)]
        except BaseException:
            # Whoever is stopped while it starts leaves none of those behind that were quicker.
            for task in started:
                if not task.cancelled() and not task.exception():
                    task.result().kill()
                    await task.result().close()
            raise
        for task in started:
            self._idle.put_nowait(task.result())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closed = True
        for child in self._busy:
            child.kill()
        if self._returning:
            await asyncio.wait(self._returning)
        idle: list[Child] = []
        while not self._idle.empty():
            if child := self._idle.get_nowait():
                idle.append(child)
        await asyncio.gather(*(child.close() for child in idle))

    async def call(
        self,
        function: str,
        payload: dict[str, Any],
        *,
        session_id: str = "",
        on_report: Callable[[dict[str, Any]], Awaitable[None]] | None = None,
    ) -> dict[str, Any]:
        """Run `module:function(payload, report)` in a child and give its result, a JSON object.

        Raises the function's own RetError; WorkerLost, MemoryExceeded or TimeExceeded when the child did not finish.
        Cancelling kills the child.
        """
        async with self._child(function, payload, session_id, stream=False) as child:
            while True:
                _, body = await child.receive()
                message = json.loads(body)
                if "report" in message:
                    if on_report:
                        await on_report(message["report"])
                else:
                    return ended(message)

    async def stream(self, function: str, payload: dict[str, Any], *, session_id: str = "") -> AsyncGenerator[bytes]:
        """Run `module:function(payload, write)` in a child and give what it writes, as it writes it.

        The child waits while nobody reads. An error raises where it happens; closing the iterator early kills the
        child.
        """
        async with self._child(function, payload, session_id, stream=True) as child:
            while True:
                kind, body = await child.receive()
                if kind == DATA:
                    yield body
                else:
                    ended(json.loads(body))
                    return

    def kill_session(self, session_id: str) -> int:
        """Kill every child that works for the session; their calls end with WorkerLost. Gives how many there were."""
        mine = [child for child in self._busy if child.session_id == session_id]
        for child in mine:
            child.kill()
        return len(mine)

    @asynccontextmanager
    async def _child(
        self, function: str, payload: dict[str, Any], session_id: str, *, stream: bool
    ) -> AsyncGenerator[Child]:
        """A child that has been given the call; back in the pool afterwards, or replaced."""
        child = await self._idle.get() or await self._start()
        child.session_id = session_id
        self._busy.add(child)
        watch = asyncio.create_task(self._watch(child))
        sound = False
        try:
            await child.send({"call": function, "payload": payload, "stream": stream, "trace": telemetry.inject({})})
            yield child
            sound = True
        except RemoteFailure:
            sound = True  # the function raised; the process itself is well
            raise
        except ConnectionError as gone:
            raise child.verdict or WorkerLost(how="broken pipe") from gone
        finally:
            watch.cancel()
            self._busy.discard(child)
            child.calls += 1
            returning = asyncio.create_task(self._give_back(child, sound=sound))
            self._returning.add(returning)
            returning.add_done_callback(self._returning.discard)
            await asyncio.shield(returning)

    async def _give_back(self, child: Child, *, sound: bool) -> None:
        """Put a sound child back; else put an empty place there, which the next call fills."""
        if (
            sound
            and not self._closed
            and child.calls < self._limits.calls
            and child.resident_bytes() < self._limits.retire_bytes
        ):
            child.session_id = ""
            self._idle.put_nowait(child)
            return
        if not sound:
            child.kill()
        await child.close()
        replacement = None
        if not self._closed:
            with suppress(OSError, TimeoutError, RetError):
                replacement = await self._start()
        self._idle.put_nowait(replacement)

    async def _watch(self, child: Child) -> None:
        """Kill the child once it passes its memory or its time."""
        deadline = asyncio.get_running_loop().time() + self._limits.call_seconds
        while True:
            await asyncio.sleep(self._limits.watch_seconds)
            used = child.resident_bytes()
            if used > self._limits.memory_bytes:
                child.verdict = MemoryExceeded(used=used, limit=self._limits.memory_bytes)
            elif asyncio.get_running_loop().time() > deadline:
                child.verdict = TimeExceeded(limit_seconds=self._limits.call_seconds)
            if child.verdict:
                log.warning("pool child killed", extra={"code": child.verdict.code, "resident_bytes": used})
                child.kill()
                return

    async def _start(self) -> Child:
        ours, theirs = socket.socketpair()
        with theirs, ExitStack() as unless_started:
            unless_started.callback(ours.close)
            command = [
                sys.executable,
                "-m",
                "ret_kit.child",
                "--fd",
                str(theirs.fileno()),
                "--service",
                self._service,
                "--preload",
                ",".join(self._preload),
                *(["--offline"] if self._offline else []),
            ]
            process = await asyncio.create_subprocess_exec(
                *command, pass_fds=(theirs.fileno(),), stdin=asyncio.subprocess.DEVNULL
            )
            try:
                ours.setblocking(False)  # noqa: FBT003 - the standard library's signature
                reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
            except BaseException:
                # Whoever waited may have gone in this very moment: nobody else knows of the process.
                process.kill()
                await process.wait()
                raise
            unless_started.pop_all()
        child = Child(process, reader, writer)
        try:
            async with asyncio.timeout(self._limits.start_seconds):
                await child.receive()
        except BaseException:
            child.kill()
            await child.close()
            raise
        return child


def ended(message: dict[str, Any]) -> dict[str, Any]:
    """The result of a final frame, or the error it carries."""
    if error := message.get("error"):
        raise RemoteFailure(
            kind=Kind(error["kind"]),
            code=error["code"],
            detail=error["detail"],
            transient=error["transient"],
            fields=error["extra"],
        )
    return message["result"]
