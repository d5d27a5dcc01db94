from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from auth_bench import Bench, acting
from sqlalchemy import select

from ret.auth.v1 import auth_pb2
from ret_auth.schema import user_limits, users
from ret_kit.errors import Kind, RemoteError
from ret_kit.rpc.client import as_service

GIVEN = "given by the administrator"
ROUTES: dict[str, Callable[[Bench], Awaitable[object]]] = {
    "CreateUser": lambda bench: bench.stub.CreateUser(auth_pb2.CreateUserRequest(username="x", role="user")),
    "ListUsers": lambda bench: bench.stub.ListUsers(auth_pb2.ListUsersRequest()),
    "ListAllSessions": lambda bench: bench.stub.ListAllSessions(auth_pb2.ListAllSessionsRequest()),
    "EndAnySession": lambda bench: bench.stub.EndAnySession(auth_pb2.EndAnySessionRequest(session_id="x")),
    "EndAllSessions": lambda bench: bench.stub.EndAllSessions(auth_pb2.EndAllSessionsRequest()),
}


@pytest.fixture
def database_url() -> str:
    """SQLite alone: what is said differently to PostgreSQL is tried in the other files."""
    return ""


async def error_of(call: Awaitable[object]) -> RemoteError:
    with pytest.raises(RemoteError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize("role", ["user", "guest"])
async def test_nobody_but_administrators_may_do_what_administrators_do(bench: Bench, role: str) -> None:
    grant = await bench.user("maria", role=role)
    with acting(grant.access_token):
        for name, call in ROUTES.items():
            assert (await error_of(call(bench))).kind is Kind.FORBIDDEN, name
    await bench.me(grant)


@pytest.mark.parametrize("name", ROUTES)
async def test_without_a_token_nothing_of_it_is_answered(bench: Bench, name: str) -> None:
    assert (await error_of(ROUTES[name](bench))).kind is Kind.UNAUTHENTICATED


async def test_only_services_may_ask_whether_a_session_is_active(bench: Bench) -> None:
    grant = await bench.login()
    request = auth_pb2.CheckSessionRequest(session_id=grant.session_id)
    with acting(grant.access_token):
        assert (await error_of(bench.stub.CheckSession(request))).kind is Kind.FORBIDDEN
    for name in ("gateway", "ingest", "convert"):
        with as_service(name, grant.session_id, grant.user.id):
            assert (await bench.stub.CheckSession(request)).active
    with as_service("stranger", grant.session_id, grant.user.id):
        assert (await error_of(bench.stub.CheckSession(request))).kind is Kind.FORBIDDEN
    await bench.logout(grant)
    with as_service("ingest", grant.session_id, grant.user.id):
        assert not (await bench.stub.CheckSession(request)).active
        assert not (await bench.stub.CheckSession(auth_pb2.CheckSessionRequest(session_id="absent"))).active


async def test_a_created_user_can_log_in_and_has_a_row_of_limits(bench: Bench) -> None:
    made = await bench.create_user(await bench.login(), "maria", password=GIVEN, role="guest")
    assert (made.user.username, made.user.role, made.user.must_change_password) == ("maria", "guest", True)
    assert (made.user.status, made.user.version, made.reset_token) == ("active", 1, "")
    assert (await bench.login("Maria", GIVEN)).user.id == made.user.id
    assert made.user.id in [row.user_id for row in await bench.rows(select(user_limits))]


@pytest.mark.parametrize("name", ["maria", "MARIA", "ｍaria", "admin"])  # noqa: RUF001 - the wide letter is the test
async def test_a_name_is_taken_in_every_spelling(bench: Bench, name: str) -> None:
    admin = await bench.login()
    await bench.create_user(admin, "Maria", password=GIVEN)
    error = await error_of(bench.create_user(admin, name, password=GIVEN))
    assert (error.kind, error.code, error.extra()["field"]) == (Kind.CONFLICT, "USER_EXISTS", "username")


@pytest.mark.parametrize(
    "fields,field",
    [
        ({"username": "two words"}, "username"),
        ({"username": ""}, "username"),
        ({"username": "maria", "role": "king"}, "role"),
        ({"username": "maria", "role": ""}, "role"),
        ({"username": "maria", "password": "short"}, "new_password"),
        ({"username": "maria.fernandez", "password": "Maria.Fernandez1"}, "new_password"),
    ],
)
async def test_a_user_that_cannot_be_is_refused_with_the_fields_name(
    bench: Bench, fields: dict[str, str], field: str
) -> None:
    error = await error_of(bench.create_user(await bench.login(), **fields))
    assert (error.kind, error.extra()["field"]) == (Kind.INVALID, field)
    assert len(await bench.rows(select(users))) == 1


@pytest.mark.parametrize("password", ["", GIVEN])
async def test_the_same_key_gives_the_first_answer_again(bench: Bench, password: str) -> None:
    admin = await bench.login()
    first = await bench.create_user(admin, "maria", password=password, idempotency_key="key-1")
    again = await bench.create_user(admin, "maria", password=password, idempotency_key="key-1")
    assert (again.user.id, again.reset_token) == (first.user.id, first.reset_token)
    assert bool(again.reset_token) == (not password)
    other = await bench.login()
    assert (await error_of(bench.create_user(other, "maria", idempotency_key="key-1"))).code == "USER_EXISTS"


async def test_users_are_listed_oldest_first(bench: Bench) -> None:
    admin = await bench.login()
    for name in ("maria", "ana"):
        await bench.create_user(admin, name)
    with acting(admin.access_token):
        everybody = await bench.stub.ListUsers(auth_pb2.ListUsersRequest())
        page = await bench.stub.ListUsers(auth_pb2.ListUsersRequest(offset=1, limit=1))
    assert {user.username for user in everybody.users} == {"admin", "maria", "ana"}
    assert everybody.users[0].username == "admin"
    assert ([user.id for user in page.users], page.total) == ([everybody.users[1].id], 3)


async def test_an_administrator_ends_anybodys_session(bench: Bench) -> None:
    maria, admin = await bench.user("maria"), await bench.login()
    with acting(admin.access_token):
        listed = await bench.stub.ListAllSessions(auth_pb2.ListAllSessionsRequest())
        mine = {one.id: one for one in listed.sessions}[maria.session_id]
        assert (mine.username, mine.state, mine.current) == ("maria", "active", False)
        await bench.stub.EndAnySession(auth_pb2.EndAnySessionRequest(session_id=maria.session_id))
    assert (await error_of(bench.me(maria))).kind is Kind.UNAUTHENTICATED
    await bench.me(admin)


async def test_ending_a_session_that_is_not_there_is_not_found(bench: Bench) -> None:
    with acting((await bench.login()).access_token):
        error = await error_of(bench.stub.EndAnySession(auth_pb2.EndAnySessionRequest(session_id="absent")))
    assert error.kind is Kind.NOT_FOUND


async def test_ending_all_sessions_ends_the_administrators_own_too(bench: Bench) -> None:
    maria, admin = await bench.user("maria"), await bench.login()
    with acting(admin.access_token):
        ended = (await bench.stub.EndAllSessions(auth_pb2.EndAllSessionsRequest())).ended
    assert ended >= 2
    for grant in (maria, admin):
        assert (await error_of(bench.me(grant))).kind is Kind.UNAUTHENTICATED
