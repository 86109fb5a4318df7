from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.build import replace
from tests.harness.face import DELIVERY, JOB, NOW, USER, FakeService, ask, face
from waystation.callbacks import Attempt, CallbackStatus
from waystation.errors import Throttled
from waystation.ports import LoggedAttempt, Place
from waystation.receivers import Receiver

SHOWN = {
    "id": "abc",
    "jobid": JOB.jobid,
    "replyUrl": "https://example.org/hook",
    "state": "pending",
    "final": True,
    "sequence": 7,
    "created": "2026-01-02T03:04:05.678Z",
    "attempted": 2,
    "nextAttempt": "2026-01-02T03:04:05.678Z",
}


async def test_without_a_secret_nothing_is_signed() -> None:
    answered = await ask(face(), "GET", "/v2/deliveries/secret")
    assert (answered.status, answered.json) == (200, {"signs": False})


async def test_a_new_secret_is_shown_once() -> None:
    service = FakeService()
    app = face(service)
    made = await ask(app, "POST", "/v2/deliveries/secret")
    created = {"created": "2026-01-02T03:04:05.678Z"}
    assert (made.status, made.json) == (201, {"secret": "whsec_1", **created})
    read = await ask(app, "GET", "/v2/deliveries/secret")
    assert (read.status, read.json) == (200, {"signs": True, **created})


async def test_a_replaced_secret_is_told_with_its_end() -> None:
    app = face(FakeService())
    answers: list[dict[str, Any]] = [
        (await ask(app, "POST", "/v2/deliveries/secret")).json for _ in range(3)
    ]
    assert [one["secret"] for one in answers] == ["whsec_1", "whsec_2", "whsec_3"]
    # of several the one that ends last
    assert answers[-1]["formerUntil"] == "2026-01-03T03:04:03.678Z"
    read = (await ask(app, "GET", "/v2/deliveries/secret")).json
    assert read == {"signs": True, **{k: answers[-1][k] for k in ("created", "formerUntil")}}


async def test_too_many_secrets_are_429() -> None:
    service = FakeService(fails=Throttled("6 signing secrets", retry_after_s=7))
    answered = await ask(face(service), "POST", "/v2/deliveries/secret")
    assert (answered.status, answered.headers["retry-after"]) == (429, "7")


async def test_a_callback_is_shown_with_its_attempts() -> None:
    attempts = [
        LoggedAttempt(1, NOW, Attempt(503, None, 0.12345)),
        LoggedAttempt(2, NOW, Attempt(None, "a time-out", 15.0)),
    ]
    answered = await ask(face(FakeService(attempts=attempts)), "GET", "/v2/deliveries/abc")
    at = "2026-01-02T03:04:05.678Z"
    assert answered.json == SHOWN | {
        "attempts": [
            {"number": 1, "at": at, "seconds": 0.123, "status": 503},
            {"number": 2, "at": at, "seconds": 15.0, "reason": "a time-out"},
        ]
    }


async def test_only_what_is_pending_has_a_next_attempt() -> None:
    for status in CallbackStatus:
        service = FakeService(delivered=[replace(DELIVERY, status=status)])
        (shown,) = (await ask(face(service), "GET", "/v2/deliveries")).json["deliveries"]
        assert shown["state"] == status
        assert ("nextAttempt" in shown) is (status is CallbackStatus.PENDING)


async def test_a_page_names_the_place_of_the_next_one() -> None:
    ours = [
        replace(DELIVERY, callback_id=str(number), created_at=NOW - timedelta(microseconds=number))
        for number in range(3)
    ]
    service = FakeService(delivered=ours)
    app = face(service)
    page = (await ask(app, "GET", "/v2/deliveries?limit=2&state=given_up&jobid=a%20b")).json
    assert [one["id"] for one in page["deliveries"]] == ["0", "1"]
    await ask(app, "GET", f"/v2/deliveries?before={page['next']}")
    first, second = [call[1] for call in service.calls]
    assert first == {
        "jobid": "a b",
        "status": CallbackStatus.GIVEN_UP,
        "before": None,
        "limit": 2,
    }
    assert second == {
        "jobid": None,
        "status": None,
        "before": Place(ours[1].created_at, "1"),
        "limit": 50,
    }


async def test_the_last_page_names_no_next_one() -> None:
    service = FakeService(delivered=[DELIVERY])
    answered = await ask(face(service), "GET", "/v2/deliveries?limit=1&before=&state=&jobid=")
    assert (answered.status, answered.json) == (200, {"deliveries": [SHOWN]})


@pytest.mark.parametrize(
    ("query", "error"),
    [
        *(
            (f"limit={limit}", "limit must be a whole number from 1 to 100")
            for limit in ("0", "101", "-1", "a", "1.0", "%C2%B2", "9999999999")
        ),
        *(
            (f"before={place}", "before is no place of this list")
            for place in ("1", "1.", ".a", "1.a.b", "-1.a", "999999999999999999.a", "%D9%A1.a")
        ),
        (
            "state=lost",
            "state must be one of pending, delivered, given_up, superseded, disabled",
        ),
    ],
)
async def test_a_query_that_means_nothing_is_400(query: str, error: str) -> None:
    answered = await ask(face(), "GET", f"/v2/deliveries?{query}")
    assert (answered.status, answered.json) == (400, {"error": error, "code": 400})


async def test_the_farthest_place_that_can_be_named_is_a_moment() -> None:
    answered = await ask(face(), "GET", "/v2/deliveries?before=99999999999999999.a")
    assert answered.status == 200


async def test_a_callback_is_asked_for_again() -> None:
    service = FakeService()
    answered = await ask(face(service), "POST", "/v2/deliveries/abc/redeliver")
    assert (answered.status, answered.json) == (200, SHOWN)
    assert service.calls == [("redeliver", "abc")]


@pytest.mark.parametrize(
    ("since", "moment"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (" 2026-01-31T12:00:00.5 ", datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        (
            "2026-01-31T12:00:00+02:00",
            datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))),
        ),
    ],
)
async def test_a_replay_begins_at_a_moment_of_iso_8601(since: str, moment: datetime) -> None:
    service = FakeService()
    answered = await ask(face(service), "POST", "/v2/deliveries/replay", {"since": since})
    assert (answered.status, answered.json) == (200, {"replayed": 3, "more": False})
    assert service.calls == [("replay", moment)]


@pytest.mark.parametrize(
    "body", [{}, {"since": ""}, {"since": "yesterday"}, {"since": "2026-13-01"}]
)
async def test_a_replay_without_a_moment_is_400(body: dict[str, Any]) -> None:
    answered = await ask(face(), "POST", "/v2/deliveries/replay", body)
    error = "since must be a moment such as 2027-01-31T12:00:00Z"
    assert (answered.status, answered.json) == (400, {"error": error, "code": 400})


async def test_a_ping_goes_to_the_url_or_to_the_users_own() -> None:
    own = FakeService(user=replace(USER, reply_url="https://example.org/own"))
    for body, url in (
        ({}, "https://example.org/own"),
        ({"replyUrl": "https://example.org/other"}, "https://example.org/other"),
    ):
        answered = await ask(face(own), "POST", "/v2/deliveries/ping", body)
        assert (answered.status, answered.json["replyUrl"]) == (200, url)
        assert "jobid" not in answered.json
    assert own.calls == [
        ("ping", "https://example.org/own"),
        ("ping", "https://example.org/other"),
    ]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "replyUrl is missing, and the user has no default one"),
        ({"replyUrl": "no url"}, "replyUrl is not a valid http or https URL"),
        (
            {"replyUrl": "http://10.0.0.1/"},
            "replyUrl cannot be called: 10.0.0.1 is a private address",
        ),
    ],
)
async def test_a_ping_to_nowhere_is_400(body: dict[str, Any], error: str) -> None:
    answered = await ask(face(), "POST", "/v2/deliveries/ping", body)
    assert (answered.status, answered.json) == (400, {"error": error, "code": 400})


async def test_failing_receivers_are_told_with_their_reason() -> None:
    fails = Receiver(1, "https://example.org", NOW, NOW, "HTTP status 503", told=1)
    disabled = replace(fails, place="https://b.test", disabled_at=NOW)
    answered = await ask(
        face(FakeService(failing=[fails, disabled])), "GET", "/v2/deliveries/receivers"
    )
    at = "2026-01-02T03:04:05.678Z"
    shown = {
        "receiver": "https://example.org",
        "failingSince": at,
        "failed": at,
        "reason": "HTTP status 503",
        "mails": 1,
    }
    assert answered.json == {
        "receivers": [shown, {**shown, "receiver": "https://b.test", "disabled": at}]
    }


async def test_a_receiver_is_enabled_by_hand() -> None:
    service = FakeService()
    body = {"replyUrl": "https://example.org/hook"}
    answered = await ask(face(service), "POST", "/v2/deliveries/enable", body)
    assert (answered.status, answered.body) == (204, b"")
    assert service.calls == [("enable", "https://example.org/hook")]
    answered = await ask(face(service), "POST", "/v2/deliveries/enable", {})
    assert (answered.status, answered.json) == (400, {"error": "replyUrl is missing", "code": 400})
