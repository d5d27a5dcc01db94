"""The settings of auth."""

from __future__ import annotations

from pydantic import ByteSize, Field, SecretStr, field_validator

from ret_auth.endings import EndingRules
from ret_auth.passwords import Cost, PasswordRules
from ret_auth.policy import SECOND, Lifetimes, LockRules
from ret_auth.tokens import Secret
from ret_auth.users import Limits
from ret_kit.settings import REQUIRED_IN_PRODUCTION, KitSettings, secret_file

SHORTEST_SECRET = 32


class AuthSettings(KitSettings):
    """Passwords, tokens, sessions and their end."""

    admin_password: SecretStr = Field(
        default=SecretStr(""),
        description="Password of the user `admin` that the first start makes; empty: a one-time password in "
        "`<data>/secrets/first-admin-password`. Once there is a user it has no effect.",
    )

    auth_key_secret: SecretStr = Field(
        default=SecretStr(""),
        json_schema_extra=REQUIRED_IN_PRODUCTION,
        description="Seals the signing keys and derives refresh successors, 32 characters or more. Empty: made at "
        "`<data>/secrets/auth-key`.",
    )
    auth_key_secret_previous: SecretStr = Field(
        default=SecretStr(""),
        description="The secret before an exchange: opens what it sealed; remove it after one start.",
    )
    auth_key_rotation_seconds: int = Field(
        default=30 * 86400, ge=3600, description="Age at which a signing key is followed by the next, in seconds."
    )
    auth_key_check_seconds: float = Field(
        default=60, gt=0, description="Seconds between looks whether keys have been or must be rotated."
    )

    auth_access_seconds: int = Field(
        default=300, ge=10, le=3600, description="Lifetime of an access token, in seconds."
    )
    auth_refresh_grace_seconds: float = Field(
        default=10,
        ge=0,
        description="Seconds in which the immediate parent of a refresh token gets the same successor.",
    )
    auth_ticket_seconds: int = Field(default=30, ge=1, description="Lifetime of a websocket ticket, in seconds.")
    auth_reset_seconds: int = Field(default=1800, ge=60, description="Lifetime of a reset token, in seconds.")

    auth_idle_seconds: int = Field(
        default=1800, ge=1, description="A session that nobody uses ends after so many seconds."
    )
    auth_absolute_seconds: int = Field(
        default=12 * 3600, ge=1, description="A session ends after so many seconds in any case."
    )
    auth_cache_seconds: int = Field(
        default=60, ge=1, description="Longest time services rely on Redis for a session being active, in seconds."
    )
    auth_touch_seconds: float = Field(
        default=5, gt=0, description="Seconds between writes of the time at which sessions were last used."
    )
    auth_sweep_seconds: float = Field(default=5, gt=0, description="Seconds between sweeps for what has expired.")
    auth_keep_sessions_days: int = Field(
        default=90, ge=1, description="Days the row of a destroyed session is kept; its receipts stay."
    )

    auth_session_services: str = Field(
        default="ingest,convert,diff",
        description="Services that must answer before a session is destroyed, comma-separated.",
    )
    auth_second_sweep_seconds: float = Field(
        default=45, gt=0, description="Time from closing to the second sweep: the longest lease (30 s) and a margin."
    )
    auth_repeat_seconds: float = Field(
        default=10, gt=0, description="Time after which an unanswered order to delete is repeated, doubling each time."
    )
    auth_repeat_longest_seconds: float = Field(default=300, gt=0, description="Longest time between such repetitions.")
    auth_reconcile_seconds: float = Field(
        default=1, gt=0, description="Seconds between looks at the sessions that are closing."
    )

    auth_password_least: int = Field(default=12, ge=8, le=64, description="Fewest characters of a new password.")
    auth_password_most: int = Field(default=1024, ge=64, description="Most characters of a password.")
    auth_argon2_passes: int = Field(default=3, ge=1, description="Argon2id: passes over the memory.")
    auth_argon2_memory: ByteSize = Field(
        default=ByteSize(64 << 20), ge=1 << 16, description="Argon2id: memory for one hash."
    )
    auth_argon2_lanes: int = Field(default=4, ge=1, description="Argon2id: lanes.")
    auth_argon2_threads: int = Field(
        default=4, ge=1, description="Passwords hashed at the same time; each takes its memory."
    )

    auth_lock_attempts: int = Field(default=5, ge=1, description="Wrong passwords that lock an account or an address.")
    auth_lock_seconds: int = Field(default=60, ge=1, description="First lock; each further wrong password doubles it.")
    auth_lock_longest_seconds: int = Field(default=3600, ge=1, description="Longest lock, in seconds.")
    auth_lock_forget_seconds: int = Field(
        default=3600, ge=1, description="Seconds without a wrong password after which all of them are forgotten."
    )

    auth_upload_limit: ByteSize = Field(
        default=ByteSize(2 << 30), gt=0, description="A new user's limit for one upload."
    )
    auth_running_tasks: int = Field(default=8, ge=1, description="A new user's limit of tasks running at once.")

    @field_validator("auth_key_secret", "auth_key_secret_previous")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"a secret has {SHORTEST_SECRET} characters or more")
        return value

    def secrets(self) -> list[Secret]:
        """The secret that seals, then the one before it if there was an exchange."""
        current = (
            self.auth_key_secret.get_secret_value() or secret_file(self.data_dir / "secrets" / "auth-key").decode()
        )
        previous = self.auth_key_secret_previous.get_secret_value()
        return [Secret(current), *([Secret(previous)] if previous else [])]

    def lifetimes(self) -> Lifetimes:
        """How long sessions last."""
        return Lifetimes(self.auth_idle_seconds * SECOND, self.auth_absolute_seconds * SECOND)

    def cache_seconds(self) -> int:
        """How long Redis may answer for a session.

        A tenth of the idle time at most, because only the questions that reach auth count as use.
        """
        return max(1, min(self.auth_cache_seconds, self.auth_idle_seconds // 10))

    def lock_rules(self) -> LockRules:
        """When wrong passwords lock, and for how long."""
        return LockRules(
            self.auth_lock_attempts,
            self.auth_lock_seconds * SECOND,
            self.auth_lock_longest_seconds * SECOND,
            self.auth_lock_forget_seconds * SECOND,
        )

    def services(self) -> tuple[str, ...]:
        """The services that hold something of sessions."""
        return tuple(name.strip() for name in self.auth_session_services.split(",") if name.strip())

    def ending_rules(self) -> EndingRules:
        """How the end of a session is followed up."""
        return EndingRules(
            self.services(),
            round(self.auth_second_sweep_seconds * SECOND),
            round(self.auth_repeat_seconds * SECOND),
            round(self.auth_repeat_longest_seconds * SECOND),
        )

    def password_rules(self) -> PasswordRules:
        """Which new passwords are accepted."""
        return PasswordRules(self.auth_password_least, self.auth_password_most)

    def cost(self) -> Cost:
        """What a password hash costs."""
        return Cost(self.auth_argon2_passes, self.auth_argon2_memory // 1024, self.auth_argon2_lanes)

    def limits(self) -> Limits:
        """What a new user may use."""
        return Limits(int(self.auth_upload_limit), self.auth_running_tasks)
