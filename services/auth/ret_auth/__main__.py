"""The auth process, `python -m ret_auth`: settings → ports → serve, with the worker beside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass

from ret.auth.v1 import auth_pb2_grpc
from ret_auth.account import Account
from ret_auth.admin import Admin, first_admin
from ret_auth.announce import Announcements, OutboxOrders
from ret_auth.endings import Closing
from ret_auth.keyring import Keyring
from ret_auth.login import Login
from ret_auth.passwords import Passwords, common_passwords
from ret_auth.policy import SECOND
from ret_auth.ports import Ports, Rules
from ret_auth.presence import Presence
from ret_auth.schema import outbox
from ret_auth.server import SERVICE, AuthServer, access
from ret_auth.settings import AuthSettings
from ret_auth.touches import Touches
from ret_auth.vouching import Vouching
from ret_auth.worker import Pace, Worker
from ret_kit import telemetry
from ret_kit.auth import AccessVerifier, SessionGuard
from ret_kit.blobs import Blobs
from ret_kit.bus import Bus
from ret_kit.database import Database, upgrade
from ret_kit.jobs.host import process_name
from ret_kit.jobs.outbox import Outbox, Relay
from ret_kit.rpc.server import Server

NAME = "auth"


@dataclass(frozen=True)
class App:
    """What a process runs: the gRPC servicer, and the work that auth does by itself."""

    servicer: AuthServer
    worker: Worker
    vouching: Vouching
    keyring: Keyring
    dependencies: Mapping[str, Callable[[], Awaitable[None]]]

    async def public_keys(self) -> Mapping[str, bytes]:
        """The keys that this process itself verifies with."""
        return {key.kid: key.raw for key in await self.keyring.public()}


@asynccontextmanager
async def open_app(settings: AuthSettings) -> AsyncGenerator[App]:
    """Migrate, make keys and the first administrator if there are none, and put everything together."""
    await upgrade(settings, NAME, "ret_auth")
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(Database.open(settings, NAME))
        bus = await stack.enter_async_context(await Bus.open(settings, NAME))
        box = Outbox(outbox, process_name(NAME))
        relay = await stack.enter_async_context(Relay(db, box, bus))
        presence = _presence(settings)
        stack.push_async_callback(presence.close)
        passwords = stack.enter_context(closing(Passwords(settings.cost(), settings.auth_argon2_threads)))
        announcements = Announcements(presence, bus, relay)
        secrets = settings.secrets()
        ports = Ports(
            db=db,
            passwords=passwords,
            secrets=secrets,
            keyring=Keyring(db, secrets, settings.auth_key_rotation_seconds * SECOND),
            closing=Closing(OutboxOrders(box), settings.ending_rules()),
            announcer=announcements,
            rules=_rules(settings),
        )
        common_passwords()  # read now, not while the first request waits
        await ports.keyring.load()
        first_password = settings.data_dir / "secrets" / "first-admin-password"
        given = settings.admin_password.get_secret_value()
        await first_admin(ports, given, first_password, strict=settings.env == "production")
        touches = Touches()
        vouching = Vouching(ports, presence, touches)
        servicer = AuthServer(Login(ports), Account(ports, first_password), Admin(ports), vouching, ports.keyring)
        blobs = Blobs(settings.blob_location())
        worker = Worker(ports, announcements, presence, bus, relay, blobs, touches, _pace(settings))
        yield App(servicer, worker, vouching, ports.keyring, {"database": db.ping, "bus": bus.ping})


def _presence(settings: AuthSettings) -> Presence:
    return Presence(
        settings.redis_url,
        active_s=settings.cache_seconds(),
        # Longer than any access token may still be good somewhere, leeway included.
        closing_s=settings.auth_access_seconds + 600,
        ticket_s=settings.auth_ticket_seconds,
    )


def _rules(settings: AuthSettings) -> Rules:
    return Rules(
        lifetimes=settings.lifetimes(),
        locks=settings.lock_rules(),
        passwords=settings.password_rules(),
        limits=settings.limits(),
        access_s=settings.auth_access_seconds,
        grace_ms=round(settings.auth_refresh_grace_seconds * SECOND),
        reset_ms=settings.auth_reset_seconds * SECOND,
    )


def _pace(settings: AuthSettings) -> Pace:
    return Pace(
        reconcile_s=settings.auth_reconcile_seconds,
        sweep_s=settings.auth_sweep_seconds,
        touch_s=settings.auth_touch_seconds,
        keys_s=settings.auth_key_check_seconds,
        keep_sessions_ms=settings.auth_keep_sessions_days * 86_400 * SECOND,
        announce_ms=(settings.cache_seconds() + 60) * SECOND,
    )


@asynccontextmanager
async def open_server(settings: AuthSettings, app: App) -> AsyncGenerator[Server]:
    """The gRPC server, not listening yet. Tokens and sessions are verified here: auth does not call itself."""
    verifier = AccessVerifier(app.public_keys)
    async with AsyncExitStack() as stack:
        guard = SessionGuard.connect(settings.redis_url, app.vouching.check)
        stack.push_async_callback(guard.close)
        server = Server(settings, NAME, settings.auth_address, people=verifier, sessions=guard)
        await stack.enter_async_context(server)
        rules = access(settings.services())
        server.add(auth_pb2_grpc.add_AuthServiceServicer_to_server, app.servicer, SERVICE, rules)
        for what, ping in app.dependencies.items():
            server.depends_on(what, ping)
        yield server


async def serve(settings: AuthSettings) -> None:
    """Serve until told to stop."""
    async with open_app(settings) as app, open_server(settings, app) as server, asyncio.TaskGroup() as group:
        worker = group.create_task(app.worker.run(), name="worker")
        await server.serve()
        worker.cancel()


def main() -> None:
    """Read the settings, which says what is missing, and serve."""
    settings = AuthSettings()
    telemetry.setup(NAME, settings)
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
