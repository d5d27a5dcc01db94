"""Whether everything that is needed is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ret_gateway import models
from ret_kit.errors import RetError

PROBE_SECONDS = 2.0


Probe = Callable[[], Awaitable[None]]
"""Ends quietly when its dependency is there, raises when it is not."""


@dataclass
class Dependencies:
    """The dependencies by name. What was found is remembered for a moment: anybody may ask, as often as they like."""

    probes: dict[str, Probe]
    remembered_seconds: float
    _found: list[models.DependencyState] = field(default_factory=list[models.DependencyState])
    _until: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def states(self) -> list[models.DependencyState]:
        """Every dependency's state, at most `remembered_seconds` old."""
        async with self._lock:
            if time.monotonic() >= self._until:
                self._found = list(await asyncio.gather(*(_state(*one) for one in self.probes.items())))
                self._until = time.monotonic() + self.remembered_seconds
            return self._found


async def _state(name: str, probe: Probe) -> models.DependencyState:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await probe()
    except TimeoutError:
        return models.DependencyState(name=name, ready=False, reason="no answer in time")
    except RetError as error:
        return models.DependencyState(name=name, ready=False, reason=error.detail)
    except Exception as error:  # noqa: BLE001 - whatever a client library raises, the dependency is not there
        return models.DependencyState(name=name, ready=False, reason=type(error).__name__)
    return models.DependencyState(name=name, ready=True)


async def readiness(dependencies: Dependencies) -> models.VerboseReadiness:
    """Ready when every dependency is."""
    states = await dependencies.states()
    status = "ready" if all(state.ready for state in states) else "unready"
    return models.VerboseReadiness(status=status, dependencies=states)
