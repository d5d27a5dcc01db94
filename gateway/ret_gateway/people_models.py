"""The bodies of the REST contract that are about people and their sessions; models.py has all others."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from ret_gateway.models import Body, Identifier, Moment, Name, Password


class Login(Body):
    username: Name
    password: Password


class PasswordChange(Body):
    current_password: Password
    new_password: Password


class ResetConfirmation(Body):
    """A new user's one-time token, and the password they choose."""

    reset_token: Identifier
    new_password: Password


class NewUser(Body):
    username: Name
    password: Password | None = None
    role: Literal["user", "admin", "guest"]


class Limits(BaseModel):
    upload_bytes: int
    running_tasks: int


class User(BaseModel):
    id: str
    username: str
    role: Literal["user", "admin", "guest"]
    must_change_password: bool
    limits: Limits


class ListedUser(User):
    """A user as administrators see them."""

    status: str
    created_at: Moment | None
    version: int


class CreatedUser(ListedUser):
    reset_token: str | None = Field(default=None, description="Only for a user made without a password; shown once")


class UserList(BaseModel):
    items: list[ListedUser]
    total: int


class Grant(BaseModel):
    """What a login and a refresh answer. The refresh token is in the cookie and nowhere else."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme, not a secret
    expires_in: int = Field(description="Seconds")
    session_id: str
    user: User
    idle_expires_at: Moment | None = None
    absolute_expires_at: Moment | None = None


class Session(BaseModel):
    id: str
    created_at: Moment | None
    last_seen: Moment | None
    address: str
    user_agent: str
    current: bool


class SessionList(BaseModel):
    items: list[Session]
    total: int


class AdministeredSession(Session):
    user_id: str
    username: str
    state: str
    expires_at: Moment | None


class AdministeredSessionList(BaseModel):
    items: list[AdministeredSession]
    total: int


class EndedSessions(BaseModel):
    ended: int


class Ticket(BaseModel):
    """Opens one websocket, once."""

    ticket: str
    expires_in: int = Field(description="Seconds")
