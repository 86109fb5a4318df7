from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from waystation import errors
from waystation.api.answer import Answer, error_answer, json_answer, quota_headers, refusal
from waystation.errors import (
    Busy,
    ButtonRepeated,
    InvalidRequest,
    NotAnsweredYet,
    StoreError,
    WaystationError,
)
from waystation.quotas import Quota


def _all_classes(root: type[WaystationError] = WaystationError) -> Iterator[type[WaystationError]]:
    yield root
    for child in root.__subclasses__():
        yield from _all_classes(child)


def _made(kind: type[WaystationError]) -> WaystationError:
    if kind is errors.RequestRefused:
        return errors.RequestRefused(500, "body")
    return kind(3) if kind is NotAnsweredYet else kind()


@pytest.mark.parametrize("kind", list(_all_classes()))
def test_every_error_has_the_one_shape(kind: type[WaystationError]) -> None:
    answer = error_answer(_made(kind))
    body = json.loads(answer.body)
    assert body["code"] == answer.status == kind.status_hint
    assert isinstance(body["error"], str)
    assert body["error"]
    own = {"button", "jobid"} if kind is ButtonRepeated else set()
    assert set(body) <= {"error", "errorDetails", "executingJobs", "code"} | own
    assert answer.content_type == b"application/json"
    waits = answer.status in (429, 503) or kind is NotAnsweredYet
    assert (b"retry-after" in dict(answer.headers)) == waits


def test_busy_names_the_running_jobs_and_a_wait() -> None:
    answer = error_answer(
        Busy(
            "Maximum of 3 jobs executing in parallel supported",
            executing_jobs=["job:1", "job:2"],
            retry_after_s=12,
        )
    )
    assert json.loads(answer.body) == {
        "error": "Maximum of 3 jobs executing in parallel supported",
        "executingJobs": ["job:1", "job:2"],
        "code": 429,
    }
    assert list(json.loads(answer.body)) == ["error", "executingJobs", "code"]
    assert dict(answer.headers)[b"retry-after"] == b"12"


def test_a_repeated_button_names_itself_and_the_earlier_job() -> None:
    error = ButtonRepeated("Button U1 already executed by job job:1", button="U1", jobid="job:1")
    assert json.loads(error_answer(error).body) == {
        "error": "Button U1 already executed by job job:1",
        "button": "U1",
        "jobid": "job:1",
        "code": 409,
    }


def test_a_request_that_is_not_answered_yet_names_a_wait_and_no_button() -> None:
    answer = error_answer(NotAnsweredYet(4))
    assert answer.status == 409
    assert dict(answer.headers)[b"retry-after"] == b"4"
    assert json.loads(answer.body) == {
        "error": "The first request with this Idempotency-Key has not been answered yet",
        "code": 409,
    }


def test_busy_without_jobs_has_no_such_field() -> None:
    assert json.loads(error_answer(Busy("Wait")).body) == {"error": "Wait", "code": 429}


def test_details_of_a_request_are_shown() -> None:
    answer = error_answer(InvalidRequest("No", details="because"))
    assert json.loads(answer.body) == {"error": "No", "errorDetails": "because", "code": 400}


@pytest.mark.parametrize("error", [StoreError(details="table jobs"), WaystationError(details="x")])
def test_details_of_our_inside_are_not_shown(error: WaystationError) -> None:
    assert "errorDetails" not in json.loads(error_answer(error).body)


def test_unauthorized_names_the_scheme() -> None:
    answer = error_answer(errors.Unauthorized())
    assert answer.headers == ((b"www-authenticate", b"Bearer"),)
    assert json.loads(answer.body) == {"error": "Unauthorized", "code": 401}


def test_a_refusal_and_a_json_answer_carry_their_headers() -> None:
    headers = ((b"allow", b"GET"),)
    assert refusal(405, "No", headers=headers) == Answer(405, b'{"error":"No","code":405}', headers)
    assert json_answer([1], 201, headers) == Answer(201, b"[1]", headers)


def test_a_stopping_service_says_so_and_no_more() -> None:
    answer = error_answer(errors.Unavailable(details="inside"))
    error = "Waystation is stopping or its store is down; try again shortly."
    assert json.loads(answer.body) == {"error": error, "code": 503}


def test_a_limit_is_told_by_name_with_what_is_left_of_it() -> None:
    """Source: draft-ietf-httpapi-ratelimit-headers-11; a channel is a byte sequence, RFC 9651."""
    assert dict(quota_headers(Quota("jobs", 63, 62, 60, 48, "1234"))) == {
        b"ratelimit-policy": b'"jobs";q=63;w=60;pk=:MTIzNA==:',
        b"ratelimit": b'"jobs";r=62;t=48;pk=:MTIzNA==:',
    }
    assert dict(quota_headers(Quota("requests", 256, 0))) == {
        b"ratelimit-policy": b'"requests";q=256;qu="concurrent-requests"',
        b"ratelimit": b'"requests";r=0',
    }
    assert quota_headers() == ()
    assert dict(quota_headers(Quota("jobs", 63, 62, 60), Quota("jobs-a-day", 5, 0, 86400, 9))) == {
        b"ratelimit-policy": b'"jobs";q=63;w=60, "jobs-a-day";q=5;w=86400',
        b"ratelimit": b'"jobs";r=62, "jobs-a-day";r=0;t=9',
    }


def test_a_limit_that_was_reached_is_told_beside_the_wait() -> None:
    error = errors.Throttled("Wait", retry_after_s=60, quota=Quota("failed-logins", 30, 0, 60, 12))
    assert dict(error_answer(error).headers) == {
        b"retry-after": b"60",
        b"ratelimit-policy": b'"failed-logins";q=30;w=60',
        b"ratelimit": b'"failed-logins";r=0;t=12',
    }
