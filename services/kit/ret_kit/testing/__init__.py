"""Real servers for tests: NATS, Redis and PostgreSQL, each on a free port, in a folder of its own, ended by its id."""

from ret_kit.testing.auth import AuthStandIn, auth_stand_in
from ret_kit.testing.nats import NatsServer, nats_server
from ret_kit.testing.postgres import PostgresServer, postgres_server
from ret_kit.testing.redis import RedisServer, redis_server

__all__ = [
    "AuthStandIn",
    "NatsServer",
    "PostgresServer",
    "RedisServer",
    "auth_stand_in",
    "nats_server",
    "postgres_server",
    "redis_server",
]
