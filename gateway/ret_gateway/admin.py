"""What administrators do: users and sessions."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from ret.auth.v1 import auth_pb2
from ret_gateway import answers, people_models
from ret_gateway.access import API, SESSION_NEEDED, Administrators, Services
from ret_gateway.parameters import IdempotencyKey, Limit, Offset

router = APIRouter(prefix=f"{API}/admin", tags=["admin"], route_class=Administrators, dependencies=SESSION_NEEDED)


@router.post("/users", status_code=HTTP_201_CREATED)
async def create_user(
    body: people_models.NewUser, services: Services, idempotency_key: IdempotencyKey = ""
) -> people_models.CreatedUser:
    """A new user; without a password the answer has a one-time token with which they choose one."""
    answer = await services.auth.CreateUser(
        auth_pb2.CreateUserRequest(
            username=body.username, password=body.password or "", role=body.role, idempotency_key=idempotency_key
        )
    )
    return people_models.CreatedUser(
        **answers.listed_user(answer.user).model_dump(), reset_token=answer.reset_token or None
    )


@router.get("/users")
async def list_users(services: Services, offset: Offset = 0, limit: Limit = 100) -> people_models.UserList:
    """All users."""
    answer = await services.auth.ListUsers(auth_pb2.ListUsersRequest(offset=offset, limit=limit))
    return people_models.UserList(items=[answers.listed_user(one) for one in answer.users], total=answer.total)


@router.get("/sessions")
async def list_sessions(
    services: Services, offset: Offset = 0, limit: Limit = 100
) -> people_models.AdministeredSessionList:
    """Everybody's sessions."""
    answer = await services.auth.ListAllSessions(auth_pb2.ListAllSessionsRequest(offset=offset, limit=limit))
    return people_models.AdministeredSessionList(
        items=[answers.administered_session(one) for one in answer.sessions], total=answer.total
    )


@router.delete("/sessions/{session_id}", status_code=HTTP_204_NO_CONTENT)
async def end_session(session_id: str, services: Services) -> None:
    """Ends one session, with all its data."""
    await services.auth.EndAnySession(auth_pb2.EndAnySessionRequest(session_id=session_id))


@router.delete("/sessions")
async def end_all_sessions(services: Services) -> people_models.EndedSessions:
    """Ends every session, the caller's included, and clears all temporary data."""
    answer = await services.auth.EndAllSessions(auth_pb2.EndAllSessionsRequest())
    return people_models.EndedSessions(ended=answer.ended)
