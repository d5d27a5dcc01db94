"""Starts all of RET on this machine, keeps it running, and stops it on Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import fcntl
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from ret_run.logs import Log, Output, complain
from ret_run.ports import PortTaken
from ret_run.programs import NotInstalled, Product, folders, private_file, product
from ret_run.settings import RunSettings
from ret_run.supervisor import NotStarted, Supervisor

PR_SET_PDEATHSIG = 1


@dataclass
class AlreadyRunning(Exception):
    """Another product runs on the same data."""

    data: Path

    def __str__(self) -> str:
        return f"RET already runs on {self.data}; stop it with `make stop`, or set RET_DATA_DIR to another folder"


@contextmanager
def alone_on(data: Path) -> Generator[None]:
    """Holds the data folder, so that two products never write into one. Raises AlreadyRunning."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(data) from None
        yield


def is_ready(url: str) -> bool:
    """Whether the gateway says that everything is."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310 - our own address
            return answer.status == HTTPStatus.OK
    except (urllib.error.URLError, OSError, ValueError):
        return False


def first_password(settings: RunSettings, data: Path) -> str:
    """The one-time password that the first start made, or an empty string once it was changed or given by a setting."""
    path = data / "secrets" / "first-admin-password"
    return path.read_text().strip() if not settings.admin_password and path.exists() else ""


def announcement(made: Product, settings: RunSettings) -> list[str]:
    """What a person wants to know once it runs."""
    password = first_password(settings, made.data)
    if settings.admin_password:
        words = "as given in RET_ADMIN_PASSWORD"
    elif password:
        words = f"{password}   (one-time: the page asks for a new one)"
    else:
        words = "the one you chose"
    return [
        "",
        f"  RET is ready at  {made.url}",
        "  user             admin",
        f"  password         {words}",
        f"  data and logs    {made.data}",
        "  stop with        Ctrl-C",
        "",
    ]


async def keep_running(settings: RunSettings, made: Product, *, for_program: bool) -> None:
    """Runs everything until a signal says stop. Raises NotStarted."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, stop.set)
    output = Output(sys.stdout)
    own = Log("run", made.data / "logs", None, json_lines=True)

    def say(text: str) -> None:
        own.write(text.encode())
        if not for_program:
            output.line(f"· {text}")

    def changed(running: dict[str, int]) -> None:
        facts = {"pid": os.getpid(), "url": made.url, "operations_url": made.operations_url, "programs": running}
        new = private_file(made.data / "run.json.new", json.dumps(facts, indent=1))
        new.replace(made.data / "run.json")

    def log_of(name: str) -> Log:
        shown = None if for_program else output
        return Log(name, made.data / "logs", shown, json_lines=settings.log_format == "json")

    supervisor = Supervisor(log_of=log_of, say=say, changed=changed, stop_timeout=settings.run_stop_timeout)
    say(f"starting {', '.join(program.name for program in made.programs)}")
    starting = asyncio.create_task(
        supervisor.start(made.programs, lambda: is_ready(made.url), settings.run_start_timeout)
    )
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([starting, stopped], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting  # raises what went wrong
            if for_program:
                output.line(json.dumps(facts_for_programs(made, settings)))
            else:
                for line in announcement(made, settings):
                    output.line(line or " ")
            await stopped
        say("stopping")
    finally:
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError, NotStarted):
            await starting
        await supervisor.stop()
        (made.data / "run.json").unlink(missing_ok=True)
        say("stopped")
        own.close()
        output.close()


def facts_for_programs(made: Product, settings: RunSettings) -> dict[str, Any]:
    """The line of `--json`: where everything is, and who may come in."""
    return {
        "url": made.url,
        "operations_url": made.operations_url,
        "data_dir": str(made.data),
        "user": "admin",
        "password": settings.admin_password or first_password(settings, made.data),
        "pid": os.getpid(),
        "env": dict(made.env),
    }


def stop_running(data: Path) -> int:
    """Stops the product that runs on the data folder, and waits until it has let go of it."""
    try:
        pid = int(json.loads((data / "run.json").read_text())["pid"])
        os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        print("nothing is running")
        return 0
    print(f"stopping RET (process {pid})", flush=True)
    for _ in range(1200):
        with contextlib.suppress(AlreadyRunning), alone_on(data):
            return 0
        time.sleep(0.1)
    complain(f"process {pid} is still there after two minutes")
    return 1


def main() -> int:
    """Reads arguments and settings; gives the exit status."""
    parser = argparse.ArgumentParser(prog="ret_run", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder for everything RET writes (RET_DATA_DIR)")
    parser.add_argument("--port", type=int, help="port of page and API, 0 for any free one (RET_GATEWAY_PORT)")
    parser.add_argument("--json", action="store_true", help="print one JSON line when ready, logs only into files")
    parser.add_argument(
        "--die-with-parent", action="store_true", help="stop when the process that started this one ends"
    )
    parser.add_argument("--stop", action="store_true", help="stop the product that runs on the data folder")
    given = parser.parse_args()
    if given.die_with_parent:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    over = {"data_dir": given.data, "gateway_port": given.port}
    settings = RunSettings(**{name: value for name, value in over.items() if value is not None})
    data = settings.data_dir.resolve()
    if given.stop:
        return stop_running(data)
    try:
        with alone_on(data):
            folders(data)
            asyncio.run(keep_running(settings, product(settings), for_program=given.json))
    except (PortTaken, NotInstalled, AlreadyRunning, NotStarted) as error:
        complain(f"RET did not start: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
