from __future__ import annotations

import json

import pytest

from tests.build import replace
from tests.harness.face import BEARER, JOB, Answered, FakeService, ask, face
from waystation.contract import job_json
from waystation.jobs import JobStatus
from waystation.ports import JobSearch, JobsFound

PATH = "/v2/jobs/search"


async def _asked(query: str, **found: object) -> tuple[Answered, FakeService]:
    service = FakeService()
    service.found = replace(service.found, **found)
    return await ask(face(service), "GET", f"{PATH}?{query}"), service


def _search(service: FakeService) -> JobSearch:
    (call,) = service.calls
    assert isinstance(call[1], JobSearch)
    return call[1]


async def test_a_page_holds_whole_jobs_the_newest_first() -> None:
    answered, service = await _asked("", jobs=(JOB, replace(JOB, version=2)))
    assert answered.status == 200
    assert answered.json == {"jobs": [json.loads(job_json(JOB))] * 2, "complete": True}
    assert _search(service) == JobSearch(1, 50)


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
async def test_the_search_has_a_path_of_its_own(path: str) -> None:
    assert (await ask(face(), "GET", path)).status == 200


async def test_every_field_narrows_the_search() -> None:
    _, service = await _asked(
        "text=Re%CC%81d+fox&status=created,failed&verb=imagine&channel=5"
        "&since=1970-01-01T00:00:01Z&until=1970-01-01T02:00:00.500%2B02:00"
    )
    assert _search(service) == JobSearch(
        1,
        50,
        text="Réd fox",
        statuses=(JobStatus.CREATED, JobStatus.SUBMITTED, JobStatus.FAILED),
        verb="imagine",
        channel="5",
        since_ms=1000,
        until_ms=500,
    )


async def test_an_empty_field_counts_as_absent() -> None:
    answered, service = await _asked("text=&status=&verb=&channel=&since=&until=&cursor=")
    assert (answered.status, _search(service)) == (200, JobSearch(1, 50))


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("text=fo", "text must have at least 3 characters"),
        ("text=e%CC%81e%CC%81", "text must have at least 3 characters"),
        ("text=" + "x" * 201, "text must have at most 200 characters"),
        ("text=a%00b", "The query contains a NUL character"),
        ("channel=%00", "The query contains a NUL character"),
        ("status=submitted", "status has a value that is not known"),
        ("status=failed,", "status has a value that is not known"),
        ("verb=paint", "verb has a value that is not known"),
        ("since=yesterday", "since must be a time such as 2026-01-31T12:00:00Z"),
        ("until=2026-01-31T12:00:00", "until must be a time such as 2026-01-31T12:00:00Z"),
        ("cursor=5", "cursor does not belong to this search"),
        ("cursor=%00", "The query contains a NUL character"),
        ("cursor=" + "f" * 500, "cursor does not belong to this search"),
    ],
)
async def test_a_query_that_cannot_be_read_is_400(query: str, error: str) -> None:
    answered, service = await _asked(query)
    assert (answered.status, answered.json) == (400, {"error": error, "code": 400})
    assert service.calls == []


@pytest.mark.parametrize("text", ["fox", "x" * 200, "红狐狸", '"*"', "a and b", "( OR"])
async def test_any_text_of_three_to_two_hundred_characters_is_looked_for(text: str) -> None:
    answered, service = await _asked(f"text={text}".replace(" ", "+"))
    assert (answered.status, _search(service).text) == (200, text)


async def test_a_cursor_leads_to_the_next_page_of_its_own_search() -> None:
    first, _ = await _asked("text=fox", next_ms=1_767_323_045_678)
    cursor = first.json["next"]
    assert "user" not in cursor
    second, service = await _asked(f"text=fox&cursor={cursor}")
    assert (second.status, _search(service).below_ms) == (200, 1_767_323_045_678)
    for other in ("", "text=foxes&", "text=fox&status=failed&", "text=fox&verb=info&"):
        refused, _ = await _asked(f"{other}cursor={cursor}")
        assert refused.json["error"] == "cursor does not belong to this search"


async def test_a_page_with_a_next_one_may_be_empty() -> None:
    answered, _ = await _asked("", jobs=(), next_ms=5, complete=False)
    assert answered.json["jobs"] == [] and answered.json["next"].startswith("5-")
    assert answered.json["complete"] is False


async def test_nobody_searches_without_a_token() -> None:
    assert (await ask(face(), "GET", PATH, headers={})).status == 401
    assert (await ask(face(), "GET", PATH, headers=BEARER)).status == 200


def test_the_found_jobs_are_a_value() -> None:
    assert JobsFound((JOB,), None, True) == JobsFound((JOB,), None, True)
