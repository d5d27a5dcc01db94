"""Jobs of all services: routed by their id, listed by time."""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.status import HTTP_202_ACCEPTED

from ret.jobs.v1 import jobs_pb2
from ret_gateway import answers, models
from ret_gateway.access import API, SESSION_NEEDED, Services, SignedIn
from ret_gateway.parameters import LIMIT, Limit, Offset
from ret_kit.errors import NotFound

if TYPE_CHECKING:
    from ret.jobs.v1.jobs_pb2_grpc import JobsServiceAsyncStub
    from ret_gateway.ports import Ports

router = APIRouter(prefix=f"{API}/jobs", tags=["jobs"], route_class=SignedIn, dependencies=SESSION_NEEDED)


def service_of(job_id: str) -> str:
    """The service a job belongs to; its id says so before the first dash."""
    return job_id.partition("-")[0]


def _stub(services: Ports, job_id: str) -> JobsServiceAsyncStub:
    stub = services.jobs.get(service_of(job_id))
    if stub is None:
        raise NotFound(what="job")
    return stub


async def _newest(stub: JobsServiceAsyncStub, count: int) -> tuple[list[jobs_pb2.Job], int]:
    """The `count` newest jobs of one service, newest first, and how many it has."""
    jobs: list[jobs_pb2.Job] = []
    while True:
        request = jobs_pb2.ListRequest(offset=len(jobs), limit=min(LIMIT, count - len(jobs)))
        answer = await stub.List(request)
        jobs += answer.jobs
        if not answer.jobs or len(jobs) >= min(count, answer.total):
            return jobs, answer.total


@router.get("")
async def list_jobs(services: Services, offset: Offset = 0, limit: Limit = 100) -> models.JobList:
    """The session's jobs in every service, newest first."""
    lists = await asyncio.gather(*(_newest(stub, offset + limit) for stub in services.jobs.values()))
    merged = heapq.merge(*(jobs for jobs, _ in lists), key=lambda job: (-job.created_at_ms, job.id))
    page = list(merged)[offset : offset + limit]
    return models.JobList(items=[answers.job(one) for one in page], total=sum(total for _, total in lists))


@router.get("/{job_id}")
async def get_job(job_id: str, services: Services) -> models.Job:
    """One job, as it stands."""
    answer = await _stub(services, job_id).Get(jobs_pb2.GetRequest(job_id=job_id))
    return answers.job(answer.job)


@router.post("/{job_id}/cancel", status_code=HTTP_202_ACCEPTED)
async def cancel_job(job_id: str, services: Services) -> models.JobAnswer:
    """Asks a job to stop; one that has ended stays as it is."""
    answer = await _stub(services, job_id).Cancel(jobs_pb2.CancelRequest(job_id=job_id))
    return models.JobAnswer(job=answers.job(answer.job))
