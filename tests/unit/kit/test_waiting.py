from __future__ import annotations

import asyncio

from ret_kit.waiting import heed_cancellation


async def forgetful() -> None:
    """As Python 3.11's `wait_for` when the answer comes in the same moment."""
    try:
        await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        return


async def test_a_loop_ends_though_what_it_waited_with_forgot_its_cancellation() -> None:
    async def loop() -> None:
        while True:
            await forgetful()
            heed_cancellation()

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=10)
    assert task.cancelled()


async def test_a_loop_that_nobody_cancelled_goes_on() -> None:
    heed_cancellation()
