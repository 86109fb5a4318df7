"""The POST of a job as a span."""

from __future__ import annotations

from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from tests.build import replace
from tests.harness.face import BEARER, JOB, FakeService, ask
from tests.harness.traces import FakeSpan, FakeTraces, context
from tests.limits import BODY
from waystation.api.asgi import create_face
from waystation.api.body import HungUp
from waystation.engine.request import JobRequest
from waystation.engine.service import Service
from waystation.errors import InvalidRequest, StoreError
from waystation.jobs import Job

PATH = "/v2/jobs/info"


async def asked(
    service: FakeService | None = None, method: str = "POST", path: str = PATH, **headers: str
) -> tuple[list[FakeSpan], int]:
    traces = FakeTraces()
    face = create_face(
        cast(Service, service or FakeService(JOB)),
        new_request_id=lambda: "request",
        limits=BODY,
        metrics=CollectorRegistry(),
        traces=traces,
    )
    answered = await ask(face.app, method, path, {}, headers or BEARER)
    return traces.spans, answered.status


async def test_a_post_goes_on_with_its_callers_trace_and_names_its_job() -> None:
    service = FakeService(replace(JOB, account_id="account-1"))
    (span,), status = await asked(service, traceparent=context(99), **BEARER)
    assert status == 200
    assert (span.name, span.parent, span.ended) == (f"POST {PATH}", context(99), True)
    assert span.facts == {
        "verb": "info",
        "jobid": JOB.jobid,
        "account": "account-1",
        "status": 200,
    }
    request = next(one for name, *given in service.calls if name == "submit" for one in given)
    assert isinstance(request, JobRequest)
    assert request.trace == span.context


class Refusing(FakeService):
    """Refuses each job."""

    def __init__(self, refusal: Exception) -> None:
        super().__init__(JOB)
        self.refusal = refusal

    async def submit(self, *_: object) -> Job:
        raise self.refusal


@pytest.mark.parametrize(
    ("refusal", "status", "failed"),
    [
        (InvalidRequest("no"), 400, False),
        (StoreError(), 503, True),
        (RuntimeError("a bug"), 500, True),
    ],
)
async def test_a_refused_post_is_a_span_with_its_status(
    refusal: Exception, status: int, failed: bool
) -> None:
    (span,), answered = await asked(Refusing(refusal))
    assert (answered, span.facts["status"]) == (status, status)
    assert (span.failed, span.ended) == (failed, True)


async def test_a_post_whose_caller_hangs_up_is_a_span_without_a_status() -> None:
    (span,), answered = await asked(Refusing(HungUp()))
    assert (answered, span.facts.get("status")) == (0, None)
    assert (span.failed, span.ended) == (False, True)


async def test_strangers_and_other_calls_make_no_span() -> None:
    assert await asked(authorization="Bearer nobody") == ([], 401)
    assert await asked(method="GET", path=f"/v2/jobs/?jobid={JOB.jobid}") == ([], 200)
