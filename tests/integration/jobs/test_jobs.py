"""The seven points of the job machinery, on real processes, a real NATS server and both databases."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Any

from ret.jobs.v1 import jobs_pb2
from ret.sessions.v1 import sessions_pb2
from ret_kit.jobs.events import progress_subject

if TYPE_CHECKING:
    from pathlib import Path

    from job_bench import Bench


async def test_a_job_is_run_once_and_its_states_are_told_in_order(bench: Bench) -> None:
    await bench.worker()
    heard = await bench.listen()
    job = await bench.create("linger", steps=4, seconds=0.6)
    row = await bench.ended(job.id)
    assert (row.state, row.attempt, row.done, row.total) == ("succeeded", 1, 4, 4)
    assert await bench.effects(job.id) == ["finished"]
    states = [event.job.state for event in await bench.events()]
    assert states == [jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_RUNNING, jobs_pb2.JOB_STATE_SUCCEEDED]
    await bench.until(lambda: heard and heard[-1].job.state == jobs_pb2.JOB_STATE_SUCCEEDED)
    seqs = [event.seq for event in heard]
    assert seqs == sorted(set(seqs))
    assert len(seqs) > 3, "no progress between the states"
    assert heard[-1].job.progress.percent == 100


async def test_a_job_and_its_message_are_written_in_one_transaction(bench: Bench) -> None:
    """Nothing is sent when the transaction that creates a job does not commit."""
    heard = await bench.listen()
    await bench.create_and_roll_back("linger", steps=1, seconds=0.1)
    assert await bench.count("jobs") == await bench.count("outbox") == await bench.count("job_events") == 0
    assert not heard


async def test_a_killed_worker_s_job_is_taken_over_with_the_same_result(bench: Bench) -> None:
    worker = await bench.worker()
    job = await bench.create("linger", steps=10, seconds=2)
    await bench.until_state(job.id, "running")
    worker.kill()
    await bench.worker()
    row = await bench.ended(job.id)
    assert (row.state, row.attempt, row.fence) == ("succeeded", 2, 2)
    assert await bench.effects(job.id) == ["finished"]
    assert await bench.staged(job) == {f"{job.id}/2/out"}


async def test_a_wiped_nats_volume_is_a_delay_and_not_a_loss(bench: Bench) -> None:
    jobs = [await bench.create("linger", steps=2, seconds=0.2) for _ in range(3)]
    await bench.relay_sends(jobs)
    await bench.restart_nats(wipe=True)
    await bench.worker()
    for job in jobs:
        assert (await bench.ended(job.id)).state == "succeeded"
        assert await bench.effects(job.id) == ["finished"]


async def test_a_job_accepted_while_nats_is_away_is_done_when_it_is_back(bench: Bench) -> None:
    await bench.worker()
    jobs: list[str] = []

    async def accept() -> None:
        jobs.append((await bench.create("linger", steps=2, seconds=0.2)).id)

    await bench.restart_nats(wipe=False, meanwhile=accept)
    assert (await bench.ended(jobs[0])).state == "succeeded"


async def test_nats_killed_and_wiped_while_a_job_runs_loses_nothing(bench: Bench) -> None:
    await bench.worker()
    running = await bench.create("linger", steps=10, seconds=2)
    await bench.until_state(running.id, "running")
    await bench.restart_nats(wipe=True)
    later = await bench.create("linger", steps=2, seconds=0.2)
    for job in (running, later):
        assert (await bench.ended(job.id)).state == "succeeded"
        assert await bench.effects(job.id) == ["finished"]


async def test_a_message_delivered_five_times_has_its_effects_once(bench: Bench) -> None:
    await bench.worker(slots=3)
    await bench.worker(slots=3)
    job = await bench.create("linger", steps=4, seconds=0.8)
    spread = await bench.create("spread", tasks=4, seconds=0.2)
    for number in range(5):
        await bench.deliver("jobs.jobs", job.id, f"again-{number}")
        await bench.deliver("jobs.jobs", spread.id, f"again-{number}")
        for task in await bench.task_ids(spread.id):
            await bench.deliver("tasks.jobs", task, f"again-{number}")
        await asyncio.sleep(0.1)
    assert (await bench.ended(job.id)).state == "succeeded"
    assert (await bench.ended(spread.id)).state == "succeeded"
    for number in range(5):
        await bench.deliver("jobs.jobs", job.id, f"late-{number}")
    await asyncio.sleep(0.5)
    assert await bench.effects(job.id) == ["finished"]
    assert await bench.effects(spread.id) == ["closed", "task 0", "task 1", "task 2", "task 3"]
    assert (await bench.row(job.id)).attempt == 1


async def test_a_stopped_worker_that_wakes_up_late_is_fenced_out(bench: Bench) -> None:
    stopped = await bench.worker()
    job = await bench.create("linger", steps=4, seconds=1.5)
    await bench.until_state(job.id, "running")
    await bench.stop_between_writes(stopped)
    await bench.worker()
    row = await bench.ended(job.id)
    assert (row.state, row.fence) == ("succeeded", 2)
    stopped.signal_group(signal.SIGCONT)
    await asyncio.sleep(3)
    assert await bench.effects(job.id) == ["finished"]
    assert (await bench.row(job.id)).result == row.result
    assert await bench.staged(job) == {f"{job.id}/2/out"}, "the stale worker has left its staging"


async def test_a_permanent_error_fails_the_job_at_once_with_its_code(bench: Bench) -> None:
    await bench.worker()
    job = await bench.create("fail", how="permanent")
    row = await bench.ended(job.id)
    assert (row.state, row.attempt, row.error_code) == ("failed", 1, "REFUSED")
    await bench.until_settled(job.id)
    assert await bench.effects(job.id) == ["abandoned"]


async def test_transient_errors_are_retried_until_the_attempts_are_used_up(bench: Bench) -> None:
    await bench.worker()
    for how, reason in (("transient", "AWAY"), ("bug", "INTERNAL"), ("crash", "WORKER_LOST")):
        job = await bench.create("fail", how=how)
        row = await bench.ended(job.id)
        assert (row.state, row.attempt, row.error_code) == ("failed", 3, "ATTEMPTS_EXHAUSTED")
        assert reason in row.error_detail
        assert "secret" not in row.error_detail


async def test_a_fan_out_is_closed_by_its_last_task_and_its_progress_adds_up(bench: Bench) -> None:
    await bench.worker(slots=2)
    await bench.worker(slots=2)
    heard = await bench.listen()
    job = await bench.create("spread", tasks=9, seconds=0.1)
    row = await bench.ended(job.id)
    assert row.result == '{"numbers":[0,1,2,3,4,5,6,7,8]}'
    assert (row.done, row.total, row.work_done, row.work_total) == (9, 9, 18, 18)
    assert json.loads(row.detail) == {"rows": 90, "methods": {"native": 9}}
    await bench.until(lambda: heard and heard[-1].job.state == jobs_pb2.JOB_STATE_SUCCEEDED)
    done = [event.job.progress.done for event in sorted(heard, key=lambda event: event.seq)]
    assert done == sorted(done)


async def test_a_fan_out_without_tasks_succeeds(bench: Bench) -> None:
    await bench.worker()
    job = await bench.create("spread", tasks=0, seconds=0)
    assert (await bench.ended(job.id)).result == '{"numbers":[]}'


async def test_a_killed_worker_s_tasks_are_taken_over(bench: Bench) -> None:
    worker = await bench.worker(slots=2)
    job = await bench.create("spread", tasks=6, seconds=0.8)
    await bench.until_effects(job.id, 1)
    worker.kill()
    await bench.worker(slots=2)
    assert (await bench.ended(job.id)).state == "succeeded"
    assert await bench.effects(job.id) == sorted(["closed", *(f"task {number}" for number in range(6))])


async def test_a_task_that_cannot_be_done_fails_the_job_and_nothing_runs_on(bench: Bench) -> None:
    await bench.worker(slots=2)
    job = await bench.create("spread", tasks=40, seconds=0.2, broken=1)
    row = await bench.ended(job.id)
    assert (row.state, row.error_code) == ("failed", "ATTEMPTS_EXHAUSTED")
    await bench.until_settled(job.id)
    before = await bench.effects(job.id)
    await asyncio.sleep(1)
    assert await bench.effects(job.id) == before


async def test_one_session_has_at_most_its_share_of_tasks_on_their_way(bench: Bench) -> None:
    await bench.worker(slots=2)
    big = await bench.create("spread", tasks=60, seconds=0.1)
    small = await bench.create("spread", session="other", user="other", tasks=2, seconds=0.1)
    assert (await bench.ended(small.id)).state == "succeeded"
    assert (await bench.row(big.id)).state == "running"
    assert await bench.most_published(big.id) <= bench.settings.tasks_per_session


async def test_a_cancelled_job_ends_at_once_and_stays_so(bench: Bench, tmp_path: Path) -> None:
    await bench.worker(slots=2)
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("linger", {"steps": 4, "seconds": 30}),
        ("spread", {"tasks": 5, "seconds": 30}),
    ]
    for kind, choices in kinds:
        begun = tmp_path / kind
        job = await bench.create(kind, **choices, begun=str(begun))
        await bench.until(begun.exists)
        pids = bench.children()
        await bench.cancel(job.id)
        assert (await bench.row(job.id)).state == "cancelled"
        await bench.until_settled(job.id)
        await bench.until(lambda before=pids: not before <= bench.children())
        assert await bench.effects(job.id) == ["abandoned"]
        assert await bench.staged(job) == set()
    again = await bench.create("linger", steps=1, seconds=0.1)
    assert (await bench.ended(again.id)).state == "succeeded"


async def test_a_stopped_worker_gives_its_job_back_at_once(bench: Bench) -> None:
    worker = await bench.worker()
    job = await bench.create("linger", steps=10, seconds=1)
    await bench.until_state(job.id, "running")
    worker.terminate()
    assert await worker.exited() == 0
    await bench.worker()
    row = await bench.ended(job.id)
    assert (row.state, row.attempt) == ("succeeded", 2)


async def test_an_ended_session_loses_its_jobs_rows_and_blobs_and_may_make_no_new_ones(bench: Bench) -> None:
    await bench.worker()
    kept = await bench.create("linger", session="other", steps=1, seconds=0.1)
    assert (await bench.ended(kept.id)).state == "succeeded"
    done = await bench.create("linger", steps=1, seconds=0.1)
    assert (await bench.ended(done.id)).state == "succeeded"
    running = await bench.create("linger", steps=10, seconds=30)
    await bench.until_state(running.id, "running")
    cleared = await bench.end_session()
    assert cleared.service == "jobs"
    assert cleared.rows > 3
    assert cleared.blobs == 1
    assert await bench.row(done.id) is None
    assert await bench.row(running.id) is None
    assert await bench.staged(done) == set()
    assert (await bench.row(kept.id)).state == "succeeded"
    assert await bench.staged(kept) == {f"{kept.id}/1/out"}
    assert await bench.create_refused("linger", steps=1, seconds=0.1)
    again = await bench.end_session(sweep=2)
    assert isinstance(again, sessions_pb2.SessionCleared)
    assert (again.sweep, again.blobs) == (2, 0)


async def test_what_an_event_says_is_what_replay_says(bench: Bench) -> None:
    """A listener who missed everything reads the same state changes from the rows."""
    await bench.worker()
    heard = await bench.listen()
    job = await bench.create("linger", steps=2, seconds=0.3)
    await bench.ended(job.id)
    await bench.until(lambda: heard and heard[-1].job.state == jobs_pb2.JOB_STATE_SUCCEEDED)
    live = [event.seq for event in heard if event.seq == event.state_seq]
    assert live == [event.seq for event in await bench.events()]
    assert progress_subject("session", job.id).count(".") == 2
