"""Jobs of several services as one list."""

from __future__ import annotations

import pytest
from gateway_bench import Fakes, Gateway, Person, Scripted, a_job

from ret.convert.v1 import convert_pb2
from ret.jobs.v1 import jobs_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")


def has(service: Scripted, jobs: list[jobs_pb2.Job]) -> None:
    """Lets a service have these jobs, newest first."""

    def listed(request: jobs_pb2.ListRequest) -> jobs_pb2.ListResponse:
        page = jobs[request.offset : request.offset + request.limit]
        return jobs_pb2.ListResponse(jobs=page, total=len(jobs))

    service.answers["List"] = listed


async def test_jobs_of_all_services_are_merged_by_time(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    has(fakes.ingest_jobs, [a_job(f"ingest-{n}", created_at_ms=n) for n in (9, 5, 1)])
    has(fakes.convert_jobs, [a_job(f"convert-{n}", created_at_ms=n) for n in (7, 6, 2)])
    answer = (await gateway.client.get("/api/v1/jobs?offset=1&limit=3", headers=user.headers)).json()
    assert ([job["id"] for job in answer["items"]], answer["total"]) == (["convert-7", "convert-6", "ingest-5"], 6)


async def test_a_page_far_down_is_found_in_pages_of_the_services_size(
    gateway: Gateway, fakes: Fakes, user: Person
) -> None:
    has(fakes.ingest_jobs, [a_job(f"ingest-{n}", created_at_ms=n) for n in range(2500, 0, -1)])
    has(fakes.convert_jobs, [])
    answer = (await gateway.client.get("/api/v1/jobs?offset=2400&limit=1000", headers=user.headers)).json()
    assert [answer["items"][0]["id"], answer["items"][-1]["id"], len(answer["items"])] == [
        "ingest-100",
        "ingest-1",
        100,
    ]
    assert max(request.limit for request in fakes.ingest_jobs.asked("List")) <= 1000


async def test_a_job_is_asked_of_the_service_in_its_id(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    job = a_job("convert-a-b", state=jobs_pb2.JOB_STATE_FAILED, error=jobs_pb2.JobError(code="XML_DEPTH", detail="d"))
    fakes.convert_jobs.answers["Get"] = lambda _: jobs_pb2.GetResponse(job=job)
    fakes.convert_jobs.answers["Cancel"] = lambda _: jobs_pb2.CancelResponse(job=job)
    found = (await gateway.client.get("/api/v1/jobs/convert-a-b", headers=user.headers)).json()
    assert (found["state"], found["error"]) == ("failed", {"code": "XML_DEPTH", "detail": "d"})
    assert (found["started_at"], found["created_at"]) == (None, "1970-01-01T00:00:01.000Z")
    cancelled = await gateway.client.post("/api/v1/jobs/convert-a-b/cancel", headers=user.headers)
    assert (cancelled.status_code, cancelled.json()["job"]["id"]) == (202, "convert-a-b")


@pytest.mark.parametrize("job_id", ["none", "rag-1", "-", "auth-1", "ingest%2F..%2Fx"])
async def test_a_job_of_no_service_is_404(gateway: Gateway, fakes: Fakes, user: Person, job_id: str) -> None:
    answer = await gateway.client.get(f"/api/v1/jobs/{job_id}", headers=user.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert fakes.ingest_jobs.asked("Get") == []


async def test_a_conversion_order_goes_on_as_it_was_given(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.convert.answers["Start"] = lambda _: convert_pb2.StartResponse(job=a_job("convert-1"))
    order = {"groups": ["FY"], "documents": ["d1"], "layout": "single", "record_paths": {"d1": "/a/b"}}
    headers = user.headers | {"Idempotency-Key": "key-1"}
    answer = await gateway.client.post(
        "/api/v1/collections/c1/conversions", headers=headers, json=order | {"discard_edits": True}
    )
    assert (answer.status_code, answer.json()["job"]["id"]) == (202, "convert-1")
    (request,) = fakes.convert.asked("Start")
    assert (list(request.groups), list(request.document_ids), request.layout) == (["FY"], ["d1"], "single")
    assert (dict(request.record_paths), request.discard_edits, request.idempotency_key) == (
        {"d1": "/a/b"},
        True,
        "key-1",
    )


async def test_no_list_at_all_means_everything(gateway: Gateway, fakes: Fakes, user: Person) -> None:
    fakes.convert.answers["Start"] = lambda _: convert_pb2.StartResponse(job=a_job("convert-1"))
    bodies: list[dict[str, str] | None] = [{}, None]
    for body in bodies:
        answer = await gateway.client.post("/api/v1/collections/c1/conversions", headers=user.headers, json=body)
        assert answer.status_code == 202
    assert {request.layout for request in fakes.convert.asked("Start")} == {"auto"}
