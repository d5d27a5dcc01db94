"""Work done ahead in threads, given in its order: all cores work, and memory is bounded by how far ahead that is.

What is done here (Arrow, DEFLATE, SHA-256, reading blobs) leaves Python's lock alone.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

T = TypeVar("T")

WORKERS = min(4, len(os.sched_getaffinity(0)))
AHEAD = 2 * WORKERS + 2
"""Steps that are worked on, or done and waiting for their turn."""


@dataclass(frozen=True)
class Done(Generic[T]):
    """A step without work."""

    value: T

    def __call__(self) -> T:
        return self.value


Step = Callable[[], T]
"""What takes its turn: work that may be done ahead, in any thread, and gives a value."""


def in_order(steps: Iterable[Step[T]]) -> Iterator[T]:
    """The values of the steps. Steps are taken as they are needed; the first error of a step, or of taking one, raises.

    After an error, or when the iterator is closed, steps that were not begun are dropped.
    """
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="export") as threads:
        waiting: deque[Future[T]] = deque()
        try:
            for step in steps:
                waiting.append(_begun(step, threads))
                while waiting and (waiting[0].done() or len(waiting) > AHEAD):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def at_once(steps: Iterable[Step[T]]) -> Iterator[T]:
    """As `in_order`, in this thread."""
    for step in steps:
        yield step()


def _begun(step: Step[T], threads: ThreadPoolExecutor) -> Future[T]:
    if not isinstance(step, Done):
        return threads.submit(step)
    future: Future[T] = Future()
    future.set_result(cast("T", step.value))
    return future
