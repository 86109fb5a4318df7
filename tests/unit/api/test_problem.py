from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.harness.face import BEARER, JOB, FakeService, ask, face
from waystation import sentences
from waystation.api.answer import Answer, error_answer, json_answer, refusal
from waystation.api.problem import PROBLEM_TYPE, asks_for_problems, problem
from waystation.api.sentences import SENTENCES
from waystation.errors import (
    Busy,
    ButtonRepeated,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
)

ASKS = {**BEARER, "accept": "application/problem+json"}


def _told(answer: Answer) -> dict[str, Any]:
    form: dict[str, Any] = json.loads(problem(answer).body)
    return form


@pytest.mark.parametrize(
    ("accept", "asks"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("application/*", False),
        ("application/json", False),
        ("application/problem+json", True),
        ("Application/Problem+JSON ; q=0.3", True),
        ("application/json, application/problem+json", True),
        ("application/json, application/problem+json;q=0.5", False),
        ("application/json;q=0.5, application/problem+json;q=0.5", True),
        ("application/problem+json;q=0", False),
        ("application/problem+json;q=much", False),
        ("text/html, application/problem+json;version=1;q=0.1", True),
    ],
)
def test_problems_are_told_to_whom_names_them_and_likes_json_no_better(
    accept: str | None, asks: bool
) -> None:
    assert asks_for_problems(accept) is asks


def test_a_problem_has_the_type_and_the_title_of_its_row() -> None:
    answer = problem(error_answer(NotFound(sentences.UNKNOWN_JOB.said(jobid="job:1"))))
    assert (answer.status, answer.content_type) == (404, PROBLEM_TYPE)
    assert json.loads(answer.body) == {
        "type": "urn:waystation:error:unknown-job",
        "title": "Unable to locate job <jobid>",
        "status": 404,
        "detail": "Unable to locate job job:1",
        "remedy": "Check the jobid.",
    }


def test_the_fields_of_v2_stand_beside_those_of_a_problem() -> None:
    busy = Busy(sentences.SLOTS_FULL.said(maxJobs=3), executing_jobs=["job:1"])
    assert _told(error_answer(busy))["executingJobs"] == ["job:1"]
    again = sentences.PRESSED_BEFORE.said(button="U1", jobid="job:1")
    told = _told(error_answer(ButtonRepeated(again, button="U1", jobid="job:1")))
    assert (told["type"], told["button"], told["jobid"]) == (
        "urn:waystation:error:pressed-before",
        "U1",
        "job:1",
    )


def test_the_status_of_a_job_is_told_by_another_name() -> None:
    short = {
        "error": "Banned prompt detected",
        "errorDetails": "a word",
        "jobid": "job:1",
        "status": "moderated",
        "code": 422,
    }
    assert _told(json_answer(short, 422)) == {
        "type": "urn:waystation:error:bot-banned-prompt-detected",
        "title": "Banned prompt detected",
        "status": 422,
        "detail": "Banned prompt detected: a word",
        "remedy": "Change the prompt or the picture.",
        "jobid": "job:1",
        "jobStatus": "moderated",
    }


@pytest.mark.parametrize(
    ("answer", "title", "detail"),
    [
        (refusal(405, "Method not allowed"), "Method Not Allowed", "Method not allowed"),
        (refusal(418, "Words of nobody"), "I'm a Teapot", "Words of nobody"),
        (refusal(596, "Words of a halt"), "Words of a halt", "Words of a halt"),
    ],
)
def test_an_error_without_a_row_is_told_by_its_status(
    answer: Answer, title: str, detail: str
) -> None:
    told = _told(answer)
    assert (told["type"], told["title"], told["detail"]) == ("about:blank", title, detail)
    assert "remedy" not in told


def test_every_row_has_a_type_of_its_own_text() -> None:
    types: dict[str, set[str]] = {}
    for rows in SENTENCES.values():
        for row in rows:
            told = _told(refusal(row.status or 400, re.sub(r"<\w+>", "7", row.text)))
            assert re.fullmatch(r"urn:waystation:error:[a-z0-9-]+", told["type"]), row
            types.setdefault(told["type"], set()).add(told["title"])
    assert all(len(titles) == 1 for titles in types.values())


def test_a_row_without_a_status_of_its_own_is_found_for_412_too() -> None:
    error = PreconditionFailed(sentences.MISSING.said(field="describeUrl"))
    assert _told(error_answer(error))["type"] == "urn:waystation:error:missing"


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        (sentences.EMPTY.said(field="prompt"), "empty"),
        (sentences.NO_STRING.said(field="prompt"), "no-string"),
        (sentences.NO_SUCH_CHANNEL.text, "no-such-channel"),
    ],
)
def test_an_error_of_ours_is_not_taken_for_a_title_of_the_bots(sentence: str, name: str) -> None:
    told = _told(error_answer(InvalidRequest(sentence)))
    assert (told["status"], told["type"]) == (400, f"urn:waystation:error:{name}")


@pytest.mark.parametrize(("status", "name"), [(400, "unknown-bad-input"), (502, "unknown-title")])
def test_an_unknown_title_of_the_bots_is_its_own_title(status: int, name: str) -> None:
    told = _told(refusal(status, "Invalid tea"))
    assert (told["type"], told["title"]) == (f"urn:waystation:error:{name}", "Invalid tea")


def test_a_body_that_is_no_object_stays() -> None:
    answer = Answer(503, b"no JSON")
    assert problem(answer) is answer


async def test_the_face_tells_problems_only_where_they_are_asked_for() -> None:
    app, target = face(), "/v2/jobs/?jobid=job:1"
    plain = await ask(app, "GET", target)
    assert (plain.headers["content-type"], plain.json["code"]) == ("application/json", 404)
    asked = await ask(app, "GET", target, headers=ASKS)
    assert (asked.status, asked.headers["content-type"]) == (404, "application/problem+json")
    assert asked.json["status"] == 404
    assert asked.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("GET", "/nowhere", 404), ("PUT", "/v2/jobs", 405), ("GET", "/v2/jobs/", 400)],
)
async def test_refusals_without_a_handler_are_problems_too(
    method: str, target: str, status: int
) -> None:
    asked = await ask(face(), method, target, headers=ASKS)
    assert (asked.status, asked.json["status"]) == (status, status)


async def test_a_login_that_fails_and_a_fault_of_ours_are_problems_too() -> None:
    headers = {"accept": "application/problem+json"}
    asked = await ask(face(), "GET", "/v2/jobs", headers=headers)
    assert (asked.status, asked.json["type"]) == (401, "urn:waystation:error:unauthorized")
    assert asked.headers["www-authenticate"] == "Bearer"
    broken = FakeService(fails=RuntimeError("inside"))
    asked = await ask(face(broken), "GET", "/v2/jobs", headers=ASKS)
    assert (asked.status, asked.json["type"]) == (500, "urn:waystation:error:own-fault")
    assert "inside" not in asked.body.decode()


async def test_a_readiness_that_fails_names_its_problems() -> None:
    asked = await ask(face(FakeService(ready=False)), "GET", "/readyz", headers=ASKS)
    assert (asked.status, asked.json["type"]) == (503, "urn:waystation:error:not-ready")
    assert asked.json["detail"].startswith("Not ready: ")


async def test_an_answer_that_is_no_refusal_stays_as_it_is() -> None:
    target = f"/v2/jobs/?jobid={JOB.jobid}"
    plain, asked = await ask(face(), "GET", target), await ask(face(), "GET", target, headers=ASKS)
    assert (asked.status, asked.body) == (200, plain.body)
    assert asked.headers["content-type"] == "application/json"
