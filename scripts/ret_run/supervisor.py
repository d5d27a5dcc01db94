"""Keeps programs alive: starts them in order, restarts what crashes, stops them in reverse order without orphans."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ret_run.logs import Log
from ret_run.ports import HOST
from ret_run.programs import SERVERS, Program

FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds before a crashed program is started again, doubling
STEADY = 30.0  # seconds of running after which a crash counts as the first again
TRIES_TO_START = 3  # crashes of one program before everything was ready once


@dataclass
class NotStarted(Exception):
    """A program did not come up in time, or crashed again and again before it was ready."""

    name: str
    why: str
    last_lines: list[str]

    def __str__(self) -> str:
        lines = "".join(f"\n  {line}" for line in self.last_lines) or " (it printed nothing)"
        return f"{self.name} {self.why}; its last lines:{lines}"


@dataclass
class Kept:
    """One program with the process that runs it now."""

    program: Program
    log: Log
    process: asyncio.subprocess.Process | None = None
    keeper: asyncio.Task[None] | None = None
    crashes: int = 0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Runs programs until it is told to stop.

    `say` takes lines for a person; `changed` is called with the process ids after every start and end.
    """

    def __init__(
        self,
        *,
        log_of: Callable[[str], Log],
        say: Callable[[str], None],
        changed: Callable[[dict[str, int]], None],
        stop_timeout: float,
    ) -> None:
        self._log_of = log_of
        self._say = say
        self._changed = changed
        self._stop_timeout = stop_timeout
        self._kept: dict[str, Kept] = {}
        self._ready = False
        self._failed: asyncio.Future[NotStarted] = asyncio.get_running_loop().create_future()
        # Our death must be theirs, also by SIGKILL: the kernel sees to it. Everything they run survives a crash.
        setpriv = shutil.which("setpriv")
        self._leash = (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()

    async def start(self, programs: tuple[Program, ...], ready: Callable[[], bool], timeout: float) -> None:  # noqa: ASYNC109 - the limit is named in what is raised
        """Starts the programs, stage by stage, and waits until `ready` says so. Raises NotStarted."""
        until = time.monotonic() + timeout
        # Only the servers are waited for: the services find each other when they need each other.
        for stage in sorted({program.stage for program in programs}):
            started = [self._keep(program) for program in programs if program.stage == stage]
            for kept in started if stage == SERVERS else ():
                await self._until(lambda kept=kept: _accepts(kept.program.port), until, kept)
        await self._until(ready, until, None)
        self._ready = True

    async def _until(self, condition: Callable[[], bool], until: float, waited_for: Kept | None) -> None:
        while not await asyncio.to_thread(condition):
            if self._failed.done():
                raise self._failed.result()
            if time.monotonic() > until:
                late = waited_for or self._suspect()
                raise NotStarted(late.program.name, "was not ready in time", list(late.log.last))
            await asyncio.sleep(0.25)

    def _suspect(self) -> Kept:
        """Whom to show when everything runs and yet is not ready: who crashed most, else who does not listen."""
        worst = max(self._kept.values(), key=lambda kept: kept.crashes)
        if worst.crashes:
            return worst
        silent = [kept for kept in self._kept.values() if kept.program.port and not _accepts(kept.program.port)]
        return silent[0] if silent else next(reversed(self._kept.values()))

    def _keep(self, program: Program) -> Kept:
        kept = Kept(program, self._log_of(program.name))
        self._kept[program.name] = kept
        kept.keeper = asyncio.create_task(self._run(kept), name=f"keep {program.name}")
        return kept

    async def _run(self, kept: Kept) -> None:
        program, delay = kept.program, FIRST_DELAY
        while not kept.stopping.is_set():
            began = time.monotonic()
            status = await self._once(kept)
            if kept.stopping.is_set():
                return
            if time.monotonic() - began > STEADY:
                kept.crashes, delay = 0, FIRST_DELAY
            kept.crashes += 1
            if not self._ready and kept.crashes >= TRIES_TO_START:
                if not self._failed.done():
                    self._failed.set_result(NotStarted(program.name, f"ended with {status}", list(kept.log.last)))
                return
            self._say(f"{program.name} ended with {status}; starting it again in {delay:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(kept.stopping.wait(), delay)
            delay = min(delay * 2, LONGEST_DELAY)

    async def _once(self, kept: Kept) -> str:
        """Runs the program once; gives how it ended, in words."""
        # A pipe of our own: asyncio would take the program for running as long as any child of it holds its output.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._leash,
                *kept.program.argv,
                env={**os.environ, **kept.program.env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,  # Ctrl-C is for us alone; and what it starts can be ended with it
            )
        finally:
            os.close(writing)
        pump = asyncio.create_task(_pump(reading, kept.log))
        kept.process = process
        self._tell()
        code = await process.wait()
        _kill_group(process.pid)  # children it left behind
        await asyncio.wait([pump], timeout=2)  # one that left the group may still hold the pipe
        pump.cancel()
        kept.process = None
        self._tell()
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"

    async def stop(self) -> None:
        """Ends everything in reverse order of stages; what does not end in time is killed."""
        for kept in self._kept.values():
            kept.stopping.set()
        for stage in sorted({kept.program.stage for kept in self._kept.values()}, reverse=True):
            group = [kept for kept in self._kept.values() if kept.program.stage == stage]
            await asyncio.gather(*(self._end(kept) for kept in group))
        for kept in self._kept.values():
            kept.log.close()

    async def _end(self, kept: Kept) -> None:
        process, keeper = kept.process, kept.keeper
        if keeper is None:
            return
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        _, late = await asyncio.wait([keeper], timeout=self._stop_timeout)
        if late and kept.process is not None:
            self._say(f"{kept.program.name} did not stop in {self._stop_timeout:g} s and is killed")
            _kill_group(kept.process.pid)
        await keeper

    def _tell(self) -> None:
        running = {name: kept.process.pid for name, kept in self._kept.items() if kept.process is not None}
        self._changed(running)


def _accepts(port: int) -> bool:
    """Whether somebody listens on the port; true for a program without one."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return not port or probe.connect_ex((HOST, port)) == 0


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


async def _pump(descriptor: int, log: Log) -> None:
    """Copies lines until the end; a line of any length passes in pieces."""
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb")
    )
    rest = b""
    try:
        while chunk := await stream.read(1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                log.write(line)
            if len(rest) > 1 << 20:
                log.write(rest)
                rest = b""
    finally:
        log.write(rest)
        transport.close()
