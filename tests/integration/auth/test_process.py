"""`python -m ret_auth` as it is started by `make run`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from auth_bench import ADMIN_PASSWORD, eventually

from ret.auth.v1 import auth_pb2, auth_pb2_grpc
from ret_auth.settings import AuthSettings
from ret_kit.errors import RemoteError
from ret_kit.rpc.client import channel


@pytest.fixture
def database_url() -> str:
    return ""


@contextmanager
def started(settings: AuthSettings, log: Path) -> Generator[subprocess.Popen[bytes]]:
    env = os.environ | {
        "RET_DATA_DIR": str(settings.data_dir),
        "RET_NATS_URL": settings.nats_url,
        "RET_REDIS_URL": settings.redis_url,
        "RET_AUTH_ADDRESS": settings.auth_address,
        "RET_ADMIN_PASSWORD": ADMIN_PASSWORD,
    }
    with log.open("wb") as out:
        child = subprocess.Popen([sys.executable, "-m", "ret_auth"], env=env, stdout=out, stderr=out)
        try:
            yield child
        finally:
            child.kill()
            child.wait()


async def test_the_process_serves_until_it_is_told_to_stop_and_logs_no_secret(
    settings: AuthSettings, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with started(settings, log) as child:
        async with channel(settings, "auth") as calls:
            stub = auth_pb2_grpc.AuthServiceStub(calls)
            grants: list[auth_pb2.Grant] = []

            async def logged_in() -> bool:
                try:
                    request = auth_pb2.LoginRequest(username="admin", password=ADMIN_PASSWORD)
                    grants.append((await stub.Login(request)).grant)
                except RemoteError:
                    return False
                return True

            await eventually(logged_in, patience_s=60)
            grants.append((await stub.Refresh(auth_pb2.RefreshRequest(refresh_token=grants[0].refresh_token))).grant)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    said = log.read_text()
    assert '"message":"login"' in said.replace('": "', '":"')
    secrets = [ADMIN_PASSWORD, *(token for grant in grants for token in (grant.access_token, grant.refresh_token))]
    assert not [secret for secret in secrets if secret in said]
    assert "Traceback" not in said
