# ruff: noqa: INP001 - Alembic runs this file by its path
"""Run by Alembic: the migrations of one service on the connection that `ret_kit.migrations` holds."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
