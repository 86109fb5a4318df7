from __future__ import annotations

import asyncio

import pytest

from tests.build import replace
from tests.harness.face import BEARER, JOB, FakeService, ask, face
from waystation.api.prefer import WAITERS, applied, preferred_wait_s, waits
from waystation.contract import job_json
from waystation.errors import Throttled
from waystation.jobs import JobStatus
from waystation.quotas import Quota

READ = f"/v2/jobs/{JOB.jobid}"
WAITS = {**BEARER, "prefer": "wait=20"}


@pytest.mark.parametrize(
    ("prefer", "wait_s"),
    [
        (None, None),
        ("", None),
        ("wait", None),
        ("wait=", None),
        ("wait=-1", None),
        ("wait=1.5", None),
        ("wait=soon", None),
        ("wait=²", None),
        ("respond-async", None),
        ("wait=0", 0),
        ("wait=20", 20),
        ('WAIT = "20"', 20),
        ("wait=20; strict", 20),
        ("respond-async, wait=20", 20),
        ("wait=20, wait=30", 20),
        ("wait=61", 60),
        ("wait=" + "9" * 5000, 60),
    ],
)
def test_the_first_wait_that_is_preferred_counts_up_to_a_minute(
    prefer: str | None, wait_s: int | None
) -> None:
    """Source: RFC 7240, section 2."""
    assert preferred_wait_s(prefer) == wait_s


def test_an_answer_says_how_long_it_could_have_waited() -> None:
    assert applied(20) == ((b"preference-applied", b"wait=20"),)


def test_a_user_has_so_many_places_to_wait_and_another_is_not_held_up() -> None:
    places = waits()
    held = [places.place(1) for _ in range(WAITERS)]
    for one in held:
        one.__enter__()
    with pytest.raises(Throttled) as raised, places.place(1):
        pass
    assert raised.value.message == "50 requests of this user wait for the end of a job already"
    assert raised.value.quota == Quota("waits", 50, 0)
    with places.place(2):
        pass
    held[0].__exit__(None, None, None)
    with places.place(1):
        pass


@pytest.mark.parametrize(("prefer", "waited"), [("wait=20", 20), ("wait=3600", 60)])
async def test_a_read_waits_for_the_end_and_says_so(prefer: str, waited: int) -> None:
    service = FakeService()
    answered = await ask(
        face(service), "GET", READ, headers={**BEARER, "prefer": prefer}, ends="open"
    )
    assert service.calls == [("wait_for_end", JOB.jobid, waited), ("family", JOB.jobid)]
    assert (answered.status, answered.body) == (200, job_json(JOB))
    assert answered.headers["preference-applied"] == f"wait={waited}"


async def test_two_prefer_headers_are_one_list() -> None:
    service = FakeService()
    app = face(service)
    scope_headers = [("authorization", BEARER["authorization"]), ("prefer", "respond-async")]
    answered = await ask(
        app, "GET", READ, headers=dict(scope_headers), more=[("prefer", "wait=7")], ends="open"
    )
    assert answered.headers["preference-applied"] == "wait=7"


@pytest.mark.parametrize(
    ("status", "answers", "told"),
    [
        (JobStatus.CREATED, 200, "created"),
        (JobStatus.SUBMITTED, 200, "created"),
        (JobStatus.PROGRESS, 200, "progress"),
        (JobStatus.COMPLETED, 200, "completed"),
        (JobStatus.CANCELLED, 200, "cancelled"),
        (JobStatus.MODERATED, 422, "moderated"),
        (JobStatus.FAILED, 502, "failed"),
    ],
)
async def test_a_post_that_has_waited_answers_the_job_as_it_is(
    status: JobStatus, answers: int, told: str
) -> None:
    """R2: 200 where it has not ended badly, never 202."""
    service = FakeService(replace(JOB, status=status, code=answers))
    answered = await ask(face(service), "POST", "/v2/jobs/info", {}, WAITS, ends="open")
    assert (answered.status, answered.json["status"]) == (answers, told)
    assert answered.headers["preference-applied"] == "wait=20"
    assert [call[2:] for call in service.calls] == [(20,)]


async def test_without_the_preference_nothing_is_told_of_it() -> None:
    answered = await ask(face(), "POST", "/v2/jobs/info", {})
    assert "preference-applied" not in answered.headers


class _Endless(FakeService):
    """A job that never ends."""

    waiting = 0

    async def wait_for_end(self, user: object, jobid: str, wait_s: float) -> None:
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1


async def test_a_caller_that_goes_while_it_waits_gives_its_place_back() -> None:
    service = _Endless()
    app = face(service)
    for _ in range(WAITERS + 1):
        answered = await ask(app, "GET", READ, headers=WAITS)  # closes at once
        assert answered.status == 0
    assert service.waiting == 0


async def test_waiters_beyond_the_bound_are_refused_before_a_job_is_made() -> None:
    service = _Endless()
    app = face(service)
    asked = [
        asyncio.create_task(ask(app, "GET", READ, headers=WAITS, ends="open"))
        for _ in range(WAITERS)
    ]
    while service.waiting < WAITERS:
        await asyncio.sleep(0)
    for method, path, body in (("GET", READ, b""), ("POST", "/v2/jobs/info", {})):
        refused = await ask(app, method, path, body, WAITS, ends="open")
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        assert refused.headers["ratelimit-policy"] == '"waits";q=50;qu="concurrent-requests"'
    assert service.requests == []
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
