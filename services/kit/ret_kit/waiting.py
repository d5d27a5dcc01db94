"""What loops that run until they are cancelled have to look after themselves."""

from __future__ import annotations

import asyncio


def heed_cancellation() -> None:
    """Raises CancelledError in a task that was asked to end and has not heard it.

    Until Python 3.12 `wait_for`, which SQLAlchemy's pool, psycopg and nats-py wait with, forgets a cancellation that
    comes in the same moment as the answer. The task remembers; a loop that asks it in every round ends all the same.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
