"""What is started, with which configuration: two servers, and the processes of RET itself."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ret_run.ports import HOST, Ports
from ret_run.settings import RunSettings

SERVERS, SERVICES, GATEWAY = 0, 1, 2
PAGE = Path(__file__).resolve().parents[2] / "frontend" / "dist"


@dataclass
class NotInstalled(Exception):
    """A server program that has to be started is not on this machine."""

    program: str
    setting: str

    def __str__(self) -> str:
        return f"{self.program} is not installed; `make run` installs it, or set {self.setting} to a server of your own"


@dataclass(frozen=True)
class Program:
    """One process to keep alive. Stages are started in ascending and stopped in descending order."""

    name: str
    argv: tuple[str, ...]
    stage: int
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    port: int = 0  # where it accepts connections once it is up; 0: nowhere


@dataclass(frozen=True)
class Product:
    """Everything that runs, and where it is found."""

    programs: tuple[Program, ...]
    data: Path
    url: str
    operations_url: str
    env: Mapping[str, str]  # what the services are given beyond this process's own environment


def secret(folder: Path, name: str) -> str:
    """A secret that is made once and then read: 256 bits, in a file only its owner can read."""
    path = folder / name
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text().strip()


def private_file(path: Path, text: str) -> Path:
    """Writes a file that only its owner can read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return path


def folders(data: Path) -> None:
    """The folders of a product, readable by their owner only; temporary files of an earlier run are removed."""
    shutil.rmtree(data / "tmp", ignore_errors=True)
    for name in ("", "secrets", "nats", "redis", "logs", "tmp"):
        (data / name).mkdir(mode=0o700, parents=True, exist_ok=True)


def executable(program: str, setting: str) -> str:
    """Where a server program lies; Debian keeps some where ordinary users do not look."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NotInstalled(program, setting)
    return found


def nats(settings: RunSettings, data: Path, ports: Ports) -> tuple[Program, str]:
    """A NATS server with JetStream on its own folder and a limit, and its URL."""
    port = ports.choose("RET_NATS_PORT", settings.nats_port, 4222)
    password = secret(data / "secrets", "nats")
    # The system account has a user of its own: with a top-level `authorization` beside `accounts`, NATS 2.9 would let
    # anybody in as the system account (CVE-2023-47090).
    config = f"""
server_name: ret
listen: "{HOST}:{port}"
max_payload: 1MB
jetstream {{ store_dir: "{data / "nats"}", max_file_store: {settings.run_nats_storage}, max_memory_store: 64MB }}
accounts {{
  $SYS {{ users: [ {{ user: system, password: "{secret(data / "secrets", "nats-system")}" }} ] }}
  APP {{ jetstream: enabled, users: [ {{ user: ret, password: "{password}" }} ] }}
}}
"""
    path = private_file(data / "nats" / "nats.conf", config)
    argv = (executable("nats-server", "RET_NATS_URL"), "-c", str(path))
    return Program("nats", argv, SERVERS, port=port), f"nats://ret:{password}@{HOST}:{port}"


def redis(settings: RunSettings, data: Path, ports: Ports) -> tuple[Program, str]:
    """A Redis server that keeps what it was told over a crash, and its URL."""
    port = ports.choose("RET_REDIS_PORT", settings.redis_port, 6379)
    password = secret(data / "secrets", "redis")
    config = f"""
bind {HOST}
port {port}
dir "{data / "redis"}"
requirepass {password}
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
"""
    path = private_file(data / "redis" / "redis.conf", config)
    argv = (executable("redis-server", "RET_REDIS_URL"), str(path))
    return Program("redis", argv, SERVERS, port=port), f"redis://:{password}@{HOST}:{port}/0"


def _address(setting: str, given: str, usual: int, ports: Ports) -> str:
    wanted = int(given.rpartition(":")[2]) if given else None
    port = ports.choose(setting, wanted, usual)
    return f"{given.rpartition(':')[0] or HOST}:{port}"


def product(settings: RunSettings) -> Product:
    """Chooses ports, writes the configurations and gives everything that is to be started.

    Raises PortTaken and NotInstalled.
    """
    data = settings.data_dir.resolve()
    ports = Ports(aside=settings.gateway_port == 0)
    # The page's port first: it is the one a person knows, so nothing else may take it.
    port = ports.choose("RET_GATEWAY_PORT", settings.gateway_port, 8080)
    operations = ports.choose("RET_GATEWAY_OPERATIONS_PORT", settings.gateway_operations_port, 8081)
    programs: list[Program] = []
    env = {
        "RET_DATA_DIR": str(data),
        "TMPDIR": str(data / "tmp"),
        "RET_LOG_FORMAT": settings.log_format,
        "RET_GATEWAY_PORT": str(port),
        "RET_GATEWAY_OPERATIONS_PORT": str(operations),
        "RET_GATEWAY_PAGE_DIR": os.environ.get("RET_GATEWAY_PAGE_DIR", str(PAGE)),
        "RET_AUTH_ADDRESS": _address("RET_AUTH_ADDRESS", settings.auth_address, 9101, ports),
        "RET_INGEST_ADDRESS": _address("RET_INGEST_ADDRESS", settings.ingest_address, 9102, ports),
        "RET_CONVERT_ADDRESS": _address("RET_CONVERT_ADDRESS", settings.convert_address, 9103, ports),
        "RET_DIFF_ADDRESS": _address("RET_DIFF_ADDRESS", settings.diff_address, 9104, ports),
        "RET_NATS_URL": settings.nats_url,
        "RET_REDIS_URL": settings.redis_url,
        "PYTHONUNBUFFERED": "1",
    }
    if not settings.nats_url:
        program, env["RET_NATS_URL"] = nats(settings, data, ports)
        programs.append(program)
    if not settings.redis_url:
        program, env["RET_REDIS_URL"] = redis(settings, data, ports)
        programs.append(program)

    def python(name: str, stage: int, module: str, *arguments: str, at: str = "") -> Program:
        own_port = int(at.rpartition(":")[2]) if at else 0
        return Program(name, (sys.executable, "-m", module, *arguments), stage, env, own_port)

    programs += [
        python("auth", SERVICES, "ret_auth", at=env["RET_AUTH_ADDRESS"]),
        python("ingest", SERVICES, "ret_ingest", "serve", at=env["RET_INGEST_ADDRESS"]),
        python("convert", SERVICES, "ret_convert", "serve", at=env["RET_CONVERT_ADDRESS"]),
        python("diff", SERVICES, "ret_diff", "serve", at=env["RET_DIFF_ADDRESS"]),
    ]
    workers = {
        "ingest": settings.run_ingest_workers,
        "convert": settings.run_convert_workers,
        "diff": settings.run_diff_workers,
    }
    for service, count in workers.items():
        for number in range(1, count + 1):
            programs.append(python(f"{service}-work-{number}", SERVICES, f"ret_{service}", "work"))
    programs.append(python("gateway", GATEWAY, "ret_gateway", at=f"{HOST}:{port}"))
    return Product(tuple(programs), data, f"http://{HOST}:{port}", f"http://{HOST}:{operations}", env)
