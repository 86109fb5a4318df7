from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from tests.build import replace
from tests.harness.face import BEARER, CHANNEL, JOB, FakeService, ask, face
from waystation.api.v2 import AT_ONCE
from waystation.contract import job_json
from waystation.engine.intake import FilePart
from waystation.engine.request import JobRequest
from waystation.jobs import Button, Child, JobId, JobStatus
from waystation.midjourney.commands import COMMANDS
from waystation.ports import User
from waystation.quotas import Quota

FAILED = replace(JOB, status=JobStatus.FAILED, error="Failed", error_details="d")


@pytest.mark.parametrize("path", ["/v2/jobs/", "/v2/jobs"])
@pytest.mark.parametrize("code", [200, 400, 422, 429, 502, 504, 596])
async def test_a_known_job_is_always_read_with_200(path: str, code: int) -> None:
    """R3."""
    job = replace(FAILED, code=code)
    answered = await ask(face(FakeService(job)), "GET", f"{path}?jobid={quote(job.jobid)}")
    assert (answered.status, answered.body) == (200, job_json(job))
    assert answered.json["code"] == code


async def test_a_job_is_read_as_it_is_now() -> None:
    service = FakeService(JOB)
    app, target = face(service), f"/v2/jobs/?jobid={JOB.jobid}"
    for job in (JOB, replace(FAILED, version=1), replace(FAILED, version=2, error="Other")):
        service.job = job
        for _ in range(2):
            assert (await ask(app, "GET", target)).body == job_json(job)


async def test_of_many_jobs_each_is_read_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waystation.api.forms.KNOWN_FORMS", 2)
    service = FakeService(JOB)
    app = face(service)
    jobs = [replace(JOB, jobid=JobId(f"job:{number}")) for number in range(4)]
    for job in (*jobs, *jobs):
        service.job = job
        answered = await ask(app, "GET", f"/v2/jobs/?jobid={job.jobid}")
        assert answered.body == job_json(job)


@pytest.mark.parametrize("path", ["/v2/jobs/", "/v2/jobs", "/v2/jobs/cancel", "/v2/jobs/cancel/"])
async def test_an_unknown_job_is_404(path: str) -> None:
    answered = await ask(face(), "GET", f"{path}?jobid=job:1")
    assert (answered.status, answered.json) == (
        404,
        {"error": "Unable to locate job job:1", "code": 404},
    )


@pytest.mark.parametrize(
    "target",
    ["/v2/jobs/", "/v2/jobs/?jobid=", "/v2/jobs?jobid=", "/v2/jobs/cancel", "/v2/jobs/cancel/?x=1"],
)
async def test_a_missing_jobid_is_400(target: str) -> None:
    answered = await ask(face(), "GET", target)
    assert (answered.status, answered.json) == (
        400,
        {"error": "Query param jobid not provided", "code": 400},
    )


async def test_running_jobs_are_an_array_of_jobids() -> None:
    answered = await ask(face(), "GET", "/v2/jobs")
    assert (answered.status, answered.json) == (200, [JOB.jobid])


async def test_a_job_names_what_its_buttons_started() -> None:
    children = (Child("U1", JobId("job:2"), "900"), Child("V1", JobId("job:3"), None))
    pressable = replace(JOB, buttons=(Button("U1", "MJ::JOB::upsample::1::x"),))
    answered = await ask(
        face(FakeService(pressable, born=children)), "GET", f"/v2/jobs/?jobid={JOB.jobid}"
    )
    assert answered.json["children"] == [
        {"button": "U1", "jobid": "job:2", "messageId": "900"},
        {"button": "V1", "jobid": "job:3", "messageId": ""},
    ]


@pytest.mark.parametrize("path", ["/v2/jobs/cancel", "/v2/jobs/cancel/"])
async def test_cancel_answers_the_status_it_found(path: str) -> None:
    service = FakeService(replace(JOB, status=JobStatus.CANCELLED))
    answered = await ask(face(service), "GET", f"{path}?jobid={JOB.jobid}")
    assert answered.json == {"jobid": JOB.jobid, "status": "cancelled", "code": 200}
    assert service.calls == [("cancel", JOB.jobid)]


async def test_head_never_cancels() -> None:
    service = FakeService()
    answered = await ask(face(service), "HEAD", f"/v2/jobs/cancel/?jobid={JOB.jobid}")
    assert (answered.status, service.calls) == (405, [])


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_every_verb_has_its_path(verb: str, slash: str) -> None:
    service = FakeService()
    body = {
        "describeUrl": "https://a.example/1.png",
        "blendUrls": ["https://a.example/1.png", "https://a.example/2.png"],
        "prompt": "a fox",
        "uuid": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        "jobid": "job:1",
        "button": "U1",
        "channel": CHANNEL,
    }
    answered = await ask(face(service), "POST", f"/v2/jobs/{verb}{slash}", body)
    assert (answered.status, answered.body) == (200, job_json(JOB))
    assert (service.requests[0].verb, service.requests[0].channel) == (verb, CHANNEL)


async def test_info_needs_no_body() -> None:
    service = FakeService()
    assert (await ask(face(service), "POST", "/v2/jobs/info")).status == 200
    assert service.requests == [JobRequest(verb="info")]


async def test_describe_takes_a_form_with_a_file() -> None:
    service = FakeService()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="describeFile"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\nPNG\r\n"
        b'--x\r\nContent-Disposition: form-data; name="maxJobs"\r\n\r\n2\r\n--x--\r\n'
    )
    headers = {**BEARER, "content-type": "multipart/form-data; boundary=x"}
    assert (await ask(face(service), "POST", "/v2/jobs/describe", body, headers)).status == 200
    assert service.requests == [
        JobRequest(verb="describe", max_jobs=2, files={"describeUrl": FilePart("a.png", b"PNG")})
    ]


async def test_a_bad_describe_reaches_no_service() -> None:
    service = FakeService()
    answered = await ask(face(service), "POST", "/v2/jobs/describe", {"channel": CHANNEL})
    assert answered.json == {"error": "describeUrl is missing", "code": 412}
    assert (answered.status, service.calls) == (412, [])


@pytest.mark.parametrize("code", [400, 422, 502, 504])
async def test_a_failed_job_answers_with_its_code_and_jobid(code: int) -> None:
    answered = await ask(face(FakeService(replace(FAILED, code=code))), "POST", "/v2/jobs/info")
    assert (answered.status, answered.json["code"]) == (code, code)
    assert answered.json["jobid"] == JOB.jobid
    assert "verb" not in answered.json


async def test_a_rate_limited_job_names_discords_wait() -> None:
    details = json.dumps({"retry_after": 7.2})
    job = replace(FAILED, code=429, error_details=details)
    answered = await ask(face(FakeService(job)), "POST", "/v2/jobs/info")
    assert answered.json == {"error": "Failed", "errorDetails": details, "code": 429}
    assert (answered.status, answered.headers["retry-after"]) == (429, "8")


async def test_a_halting_job_answers_596_in_job_form() -> None:
    job = replace(FAILED, code=596)
    answered = await ask(face(FakeService(job)), "POST", "/v2/jobs/info")
    assert (answered.status, answered.body) == (596, job_json(job))


@dataclass
class SlowLists(FakeService):
    """Lists jobs once it is told to."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def running_jobs(self, user: User) -> Sequence[JobId]:
        self.asked += 1
        await self.go.wait()
        return await super().running_jobs(user)


async def test_a_user_has_so_many_requests_under_way() -> None:
    service = SlowLists()
    app = face(service)
    asking = [asyncio.create_task(ask(app, "GET", "/v2/jobs")) for _ in range(AT_ONCE)]
    while service.asked < AT_ONCE:
        await asyncio.sleep(0)
    refused = await ask(app, "GET", "/v2/jobs")
    assert refused.status == 429
    assert refused.json["error"] == (
        "256 requests of this user are under way; wait for their answers"
    )
    assert refused.headers["ratelimit-policy"] == '"requests";q=256;qu="concurrent-requests"'
    assert refused.headers["ratelimit"] == '"requests";r=0'
    service.go.set()
    assert {one.status for one in await asyncio.gather(*asking)} == {200}
    assert (await ask(app, "GET", "/v2/jobs")).status == 200


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_job_is_read_and_cancelled_by_its_path_as_by_its_query(slash: str) -> None:
    app, path = face(), f"/v2/jobs/{JOB.jobid}{slash}"
    read = await ask(app, "GET", path)
    assert (read.status, read.body) == (200, job_json(JOB))
    asked = await ask(app, "GET", f"/v2/jobs/cancel?jobid={JOB.jobid}")
    assert (await ask(app, "DELETE", path)).body == asked.body


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_job_is_404_by_its_path_too(method: str) -> None:
    answered = await ask(face(), method, "/v2/jobs/job:1")
    assert (answered.status, answered.json["error"]) == (404, "Unable to locate job job:1")


async def test_head_reads_a_job_by_its_path_and_never_cancels_it() -> None:
    service = FakeService()
    answered = await ask(face(service), "HEAD", f"/v2/jobs/{JOB.jobid}")
    assert (answered.status, service.calls) == (200, [("family", JOB.jobid)])


@pytest.mark.parametrize(("method", "path"), [("POST", "/v2/jobs/no_verb"), ("GET", "/v2/jobs/x")])
async def test_a_path_that_names_neither_a_verb_nor_a_job_is_no_path(
    method: str, path: str
) -> None:
    answered = await ask(face(), method, path, {} if method == "POST" else b"")
    assert (answered.status, answered.json["error"]) == (404, "Not found")


async def test_a_post_tells_how_many_jobs_the_account_may_still_take() -> None:
    service = FakeService(left=Quota("jobs", 63, 62, 60, 59, CHANNEL))
    answered = await ask(face(service), "POST", "/v2/jobs/info")
    assert answered.headers["ratelimit"].startswith('"jobs";r=62;t=59;pk=:')
    assert answered.headers["ratelimit-policy"].startswith('"jobs";q=63;w=60;pk=:')


INFO = "/v2/jobs/info"


@pytest.mark.parametrize("replayed", [True, False])
async def test_a_request_with_a_key_is_sent_once_and_says_that_it_was_sent_before(
    replayed: bool,
) -> None:
    service = FakeService(JOB, replayed=replayed)
    answered = await ask(face(service), "POST", INFO, {}, BEARER | {"idempotency-key": "key-1"})
    assert answered.status == 200
    assert answered.headers.get("idempotency-replayed") == ("true" if replayed else None)
    assert service.calls == [("submit_once", JobRequest("info"), "key-1")]


async def test_a_request_without_a_key_is_sent_each_time() -> None:
    service = FakeService(JOB, replayed=True)
    answered = await ask(face(service), "POST", INFO, {})
    assert "idempotency-replayed" not in answered.headers
    assert service.requests == [JobRequest("info")]


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "\xe4", "tab\t"])
async def test_a_key_has_up_to_255_visible_characters(key: str) -> None:
    service = FakeService(JOB)
    headers = BEARER | {"idempotency-key": key}
    answered = await ask(face(service), "POST", INFO, {}, headers)
    assert (answered.status, answered.json["error"]) == (
        400,
        "Idempotency-Key must have 1 to 255 visible ASCII characters",
    )
    assert service.calls == []


@pytest.mark.parametrize("second", ["key-1", "key-2"])
async def test_a_request_with_two_keys_is_refused(second: str) -> None:
    service = FakeService(JOB)
    headers = BEARER | {"idempotency-key": "key-1"}
    more = [("idempotency-key", second)]
    answered = await ask(face(service), "POST", INFO, {}, headers, more=more)
    assert answered.status == 400 and service.calls == []


async def test_a_key_of_255_characters_is_taken() -> None:
    headers = BEARER | {"idempotency-key": "~" * 255}
    assert (await ask(face(), "POST", INFO, {}, headers)).status == 200
