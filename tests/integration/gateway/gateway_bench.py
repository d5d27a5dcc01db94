"""The real gateway as a process, before services that are scripted by the test and speak real gRPC."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import re
import signal
import sys
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx
from google.protobuf import descriptor_pool

from ret.auth.v1 import auth_pb2, auth_pb2_grpc
from ret.convert.v1 import convert_pb2_grpc, tables_pb2_grpc
from ret.diff.v1 import diff_pb2_grpc
from ret.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from ret.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from ret_kit.auth import AccessVerifier, Caller, Role, SessionGuard, current_caller
from ret_kit.rpc.server import Access, Server
from ret_kit.settings import KitSettings
from ret_kit.testing import AuthStandIn
from ret_kit.testing.process import free_port

PATIENCE_S = 10.0
START_S = 30.0

Answer = Callable[[Any], Any]


class Scripted:
    """A service whose methods answer as the test says; `calls` keeps what was asked, and by whom."""

    def __init__(self, full_name: str) -> None:
        self.answers: dict[str, Answer] = {}
        self.calls: list[tuple[str, Any, Caller | None]] = []
        self.cancelled: list[str] = []
        descriptor = descriptor_pool.Default().FindServiceByName(full_name)
        for method in descriptor.methods:
            handler = self._stream(method.name) if method.server_streaming else self._unary(method.name)
            setattr(self, method.name, handler)
        self.methods = [method.name for method in descriptor.methods]

    def asked(self, method: str) -> list[Any]:
        """The requests of a method."""
        return [request for name, request, _ in self.calls if name == method]

    def callers(self, method: str) -> list[Caller | None]:
        """Who asked."""
        return [caller for name, _, caller in self.calls if name == method]

    def _unary(self, name: str) -> Callable[..., Any]:
        async def answer(request: Any, context: object) -> Any:
            del context
            self.calls.append((name, request, current_caller()))
            try:
                answer = self.answers[name](request)
                return await answer if inspect.isawaitable(answer) else answer
            except asyncio.CancelledError:
                self.cancelled.append(name)
                raise

        return answer

    def _stream(self, name: str) -> Callable[..., Any]:
        async def answer(request: Any, context: object) -> AsyncGenerator[Any]:
            del context
            self.calls.append((name, request, current_caller()))
            try:
                async for message in self.answers[name](request):
                    yield message
            except (asyncio.CancelledError, GeneratorExit):
                self.cancelled.append(name)
                raise

        return answer


@dataclass
class Person:
    """Somebody with a session."""

    user_id: str
    session_id: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Fakes:
    """The services behind the gateway."""

    auth: Scripted
    ingest: Scripted
    convert: Scripted
    tables: Scripted
    diff: Scripted
    ingest_jobs: Scripted
    convert_jobs: Scripted
    diff_jobs: Scripted
    people: AuthStandIn
    addresses: dict[str, str] = field(default_factory=dict[str, str])

    def login(self, role: Role = "user", *, must_change_password: bool = False) -> Person:
        """A new person with an active session."""
        user_id, session_id = uuid.uuid4().hex, uuid.uuid4().hex
        self.people.active.add(session_id)
        token = self.people.token(sub=user_id, sid=session_id, role=role, mcp=must_change_password)
        return Person(user_id, session_id, token)

    def forget(self) -> None:
        """Back to how every test finds them."""
        jobs = (self.ingest_jobs, self.convert_jobs, self.diff_jobs)
        for service in (self.auth, self.ingest, self.convert, self.tables, self.diff, *jobs):
            service.answers.clear()
            service.calls.clear()
            service.cancelled.clear()
        self.auth.answers["Keys"] = self._keys
        self.auth.answers["CheckSession"] = self._check
        for service in jobs:
            service.answers["Events"] = lambda _: jobs_pb2.EventsResponse()
            service.answers["List"] = lambda _: jobs_pb2.ListResponse()

    async def _keys(self, _: object) -> auth_pb2.KeysResponse:
        keys = [auth_pb2.PublicKey(kid=kid, ed25519=key) for kid, key in (await self.people.keys()).items()]
        return auth_pb2.KeysResponse(keys=keys)

    async def _check(self, request: auth_pb2.CheckSessionRequest) -> auth_pb2.CheckSessionResponse:
        return auth_pb2.CheckSessionResponse(active=await self.people.is_active(request.session_id))


PUBLIC = ("Login", "Refresh", "Logout", "ConfirmReset", "Keys", "RedeemTicket")
BEFORE_CHANGE = ("Me", "ChangePassword")
ADMINS = ("CreateUser", "ListUsers", "ListAllSessions", "EndAnySession", "EndAllSessions")


def _rules(service: Scripted) -> dict[str, Access]:
    rules = dict.fromkeys(service.methods, Access.USER)
    rules |= {name: Access.PUBLIC for name in PUBLIC if name in rules}
    rules |= {name: Access.USER_ANY for name in BEFORE_CHANGE if name in rules}
    rules |= {name: Access.ADMIN for name in ADMINS if name in rules}
    if "CheckSession" in rules:
        rules["CheckSession"] = Access.service("gateway", "ingest", "convert", "diff")
    if "Events" in rules:
        rules["Events"] = Access.USER | Access.service("gateway")
    return rules


@asynccontextmanager
async def open_fakes(settings: KitSettings) -> AsyncGenerator[Fakes]:
    """The services, each at a free port."""
    names = {"auth": "ret.auth.v1.AuthService", "ingest": "ret.ingest.v1.IngestService"}
    names |= {"convert": "ret.convert.v1.ConvertService", "diff": "ret.diff.v1.DiffService"}
    adders: dict[str, Any] = {
        "auth": auth_pb2_grpc.add_AuthServiceServicer_to_server,
        "ingest": ingest_pb2_grpc.add_IngestServiceServicer_to_server,
        "convert": convert_pb2_grpc.add_ConvertServiceServicer_to_server,
        "diff": diff_pb2_grpc.add_DiffServiceServicer_to_server,
    }
    services = {name: Scripted(full_name) for name, full_name in names.items()}
    jobs = {name: Scripted("ret.jobs.v1.JobsService") for name in ("ingest", "convert", "diff")}
    people = AuthStandIn()
    tables = Scripted("ret.convert.v1.TablesService")
    fakes = Fakes(
        auth=services["auth"],
        ingest=services["ingest"],
        convert=services["convert"],
        tables=tables,
        diff=services["diff"],
        ingest_jobs=jobs["ingest"],
        convert_jobs=jobs["convert"],
        diff_jobs=jobs["diff"],
        people=people,
    )
    fakes.forget()
    guard = SessionGuard.connect(settings.redis_url, people.is_active)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(guard.close)
        for name, service in services.items():
            server = Server(settings, name, "127.0.0.1:0", people=AccessVerifier(people.keys), sessions=guard)
            await stack.enter_async_context(server)
            server.add(adders[name], service, names[name], _rules(service))
            if name in jobs:
                adder: Any = jobs_pb2_grpc.add_JobsServiceServicer_to_server
                server.add(adder, jobs[name], "ret.jobs.v1.JobsService", _rules(jobs[name]))
            if name == "convert":
                adder = tables_pb2_grpc.add_TablesServiceServicer_to_server
                server.add(adder, tables, "ret.convert.v1.TablesService", _rules(tables))
            await server.start()
            fakes.addresses[name] = f"127.0.0.1:{server.port}"
        yield fakes


@dataclass
class Gateway:
    """A running gateway."""

    port: int
    operations_port: int
    pid: int
    log_path: Path
    client: httpx.AsyncClient

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def log(self) -> list[dict[str, Any]]:
        """Every line it has logged."""
        return [json.loads(line) for line in self.log_path.read_text().splitlines() if line.startswith("{")]

    def access_lines(self, correlation_id: str) -> list[dict[str, Any]]:
        """The access lines of one click."""
        named = (line for line in self.log() if line["logger"] == "ret.gateway.access")
        return [line for line in named if line["correlation_id"] == correlation_id]

    def resident_bytes(self) -> int:
        """What it holds in memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")


async def eventually(condition: Callable[[], object], what: str) -> None:
    """Waits until the condition holds; fails after a while."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not in {PATIENCE_S} s: {what}") from None


@asynccontextmanager
async def open_gateway(environment: Mapping[str, str], folder: Path) -> AsyncGenerator[Gateway]:
    """The gateway with these variables, on ports of its own, stopped in good order."""
    port, operations_port, log_path = free_port(), free_port(), folder / "gateway.log"
    variables = {
        **os.environ,
        "RET_GATEWAY_PORT": str(port),
        "RET_GATEWAY_OPERATIONS_PORT": str(operations_port),
        "RET_DATA_DIR": str(folder / "data"),
        **environment,
    }
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ret_gateway", stdout=log, stderr=log, env=variables
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
            client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # tests send what they mean to
            await _started(client, process, log_path)
            yield Gateway(port, operations_port, process.pid, log_path, client)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S * 2):
            await process.wait()
    assert process.returncode == 0, log_path.read_text()[-4000:]


async def _started(client: httpx.AsyncClient, process: asyncio.subprocess.Process, log_path: Path) -> None:
    async with asyncio.timeout(START_S):
        while process.returncode is None:
            try:
                if (await client.get("/healthz")).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    raise AssertionError(f"the gateway has ended; its log is {log_path}")


# --- what services answer with -----------------------------------------------------------------------------------


def a_user(role: str = "user") -> auth_pb2.User:
    limits = auth_pb2.Limits(upload_bytes=1 << 30, running_tasks=8)
    return auth_pb2.User(
        id="u1", username="somebody", role=role, created_at_ms=1, status="active", limits=limits, version=1
    )


def a_grant(refresh_token: str = "refresh-1") -> auth_pb2.Grant:
    return auth_pb2.Grant(
        access_token="access-1",
        expires_in_seconds=300,
        session_id="s1",
        user=a_user(),
        refresh_token=refresh_token,
        refresh_expires_at_ms=9_000_000_000_000,
        idle_expires_at_ms=9_000_000_000_000,
        absolute_expires_at_ms=9_000_000_000_000,
    )


def a_collection(collection_id: str = "c1") -> ingest_pb2.Collection:
    return ingest_pb2.Collection(
        id=collection_id,
        name="Upload.zip",
        kind="tables",
        status="scanning",
        grouping="container",
        created_at_ms=1_763_640_000_123,
        groups=[ingest_pb2.Group(name="FY", documents=1, bytes=5, index="none")],
        warnings=[ingest_pb2.Warning(code="ENTRY_NAME", path="a/b", detail="d")],
    )


def a_job(job_id: str = "ingest-1", **fields: Any) -> jobs_pb2.Job:
    values: dict[str, Any] = {"type": "ingest", "state": jobs_pb2.JOB_STATE_QUEUED, "created_at_ms": 1000}
    return jobs_pb2.Job(id=job_id, **(values | fields))


def an_event(seq: int, state_seq: int, job_id: str = "ingest-1", **fields: Any) -> jobs_pb2.JobEvent:
    return jobs_pb2.JobEvent(seq=seq, state_seq=state_seq, job=a_job(job_id, **fields))


async def taken_in(requests: AsyncIterator[ingest_pb2.UploadRequest]) -> dict[str, Any]:
    """What an upload consisted of: its header, the bytes, the sizes of the chunks, and the trailer if one came."""
    taken: dict[str, Any] = {"header": None, "data": bytearray(), "sizes": [], "trailer": None}
    async for request in requests:
        part = request.WhichOneof("part")
        if part == "chunk":
            taken["data"] += request.chunk
            taken["sizes"].append(len(request.chunk))
        else:
            taken[str(part)] = getattr(request, str(part))
    return taken


FIELDS = {"type", "title", "status", "code", "detail", "correlation_id"}


def problem_of(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The body of a problem that is as it must be."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body: dict[str, Any] = answer.json()
    assert body.keys() >= FIELDS
    assert (answer.status_code, body["status"]) == (status, status), body
    assert re.fullmatch(r"[A-Z][A-Z0-9_]+", body["code"])
    assert body["correlation_id"] == answer.headers["x-correlation-id"]
    if code:
        assert body["code"] == code
    return body


async def routes(gateway: Gateway, user: Person) -> list[tuple[str, str]]:
    answer = await gateway.client.get("/api/openapi.json", headers=user.headers)
    paths: dict[str, dict[str, Any]] = answer.json()["paths"]
    return [(method.upper(), path) for path, operations in paths.items() for method in operations]
