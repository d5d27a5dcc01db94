"""Real servers for tests: NATS, Redis and PostgreSQL, each on a free port, in a folder of its own, ended by its id."""

from ret_kit.testing.nats import NatsServer, nats_server
from ret_kit.testing.postgres import PostgresServer, postgres_server
from ret_kit.testing.redis import RedisServer, redis_server

__all__ = ["NatsServer", "PostgresServer", "RedisServer", "nats_server", "postgres_server", "redis_server"]
