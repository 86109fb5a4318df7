from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import replace
from tests.harness.described import DESCRIBE
from waystation.contract import (
    answer,
    callbacks_of,
    cancel_json,
    instant,
    job_json,
    ping_json,
    retry_after_s,
    waited,
)
from waystation.jobs import Button, Child, Job, JobId, JobStatus
from waystation.queueing.place import QueuePlace
from waystation.wire.message import Attachment, Embed

_INFO_TEXT = "**User ID**: 1\n**Running Jobs**: None"


DESCRIBE_SAMPLE: dict[str, object] = {
    "jobid": DESCRIBE.jobid,
    "verb": "describe",
    "status": "started",
    "created": "2023-10-06T18:36:37.963Z",
    "updated": "2023-10-06T18:36:50.401Z",
    "describeUrl": "https://pictures.example/1.png",
    "discord": "ABC…secured…xyz",
    "channel": "1234567890123456789",
    "maxJobs": 3,
    "messageId": "1160000000000000001",
    "content": "",
    "timestamp": "2023-10-06T18:36:48.875000+00:00",
    "code": 200,
}

FAILED = replace(DESCRIBE, status=JobStatus.FAILED)

PENDING = replace(
    FAILED,
    reply_url="https://hooks.example/abc",
    reply_ref="my reference",
    content=None,
    code=596,
    error="Pending mod message",
    error_details=(
        "You have a pending moderation message. Please acknowledge it before using the bot further."
    ),
)

INFO = replace(
    DESCRIBE,
    verb="info",
    status=JobStatus.COMPLETED,
    params={},
    max_jobs=None,
    reply_url="https://hooks.example/abc",
    reply_ref="my reference",
    content=_INFO_TEXT,
    embeds=(
        Embed(
            type="rich",
            title="Your info - someone",
            description=_INFO_TEXT,
            content_scan_version=0,
            color=0,
        ),
    ),
)


_PROMPTS = "1️⃣ a tall house\n\n2️⃣ a red fox"

DESCRIBED = replace(
    DESCRIBE,
    status=JobStatus.COMPLETED,
    embeds=(Embed(type="rich", description=_PROMPTS),),
    buttons=(
        Button("1️⃣", "MJ::Job::PicReader::1"),
        Button("2️⃣", "MJ::Job::PicReader::2"),
        Button("🔄", "MJ::Picread::Retry"),
    ),
)

_PICTURE = Attachment(id="1", filename="a.png", url="https://cdn.example/a", width=2, height=1)


def answered(job: Job, *, at_start: bool = True) -> tuple[int, object]:
    status, body = answer(job, at_start=at_start)
    return status, json.loads(body)


def test_a_started_describe_is_the_sample_of_the_seed_in_its_order() -> None:
    status, body = answer(DESCRIBE, at_start=True)
    assert status == 200
    assert json.loads(body) == DESCRIBE_SAMPLE
    assert list(json.loads(body)) == list(DESCRIBE_SAMPLE)


def test_a_completed_info_has_every_field_of_the_seed() -> None:
    assert json.loads(job_json(INFO)) == {
        "jobid": INFO.jobid,
        "verb": "info",
        "status": "completed",
        "created": "2023-10-06T18:36:37.963Z",
        "updated": "2023-10-06T18:36:50.401Z",
        "discord": "ABC…secured…xyz",
        "channel": "1234567890123456789",
        "replyUrl": "https://hooks.example/abc",
        "replyRef": "my reference",
        "messageId": "1160000000000000001",
        "timestamp": "2023-10-06T18:36:48.875000+00:00",
        "content": _INFO_TEXT,
        "embeds": [
            {
                "type": "rich",
                "title": "Your info - someone",
                "description": _INFO_TEXT,
                "content_scan_version": 0,
                "color": 0,
            }
        ],
        "code": 200,
    }


def test_a_moderated_job_answers_the_short_form_of_the_seed() -> None:
    job = replace(
        DESCRIBE,
        status=JobStatus.MODERATED,
        code=422,
        error="Invalid link",
        error_details="Request cancelled due to image filters.",
    )
    assert answered(job) == (
        422,
        {
            "error": "Invalid link",
            "errorDetails": "Request cancelled due to image filters.",
            "jobid": DESCRIBE.jobid,
            "status": "moderated",
            "code": 422,
        },
    )


def test_a_rate_limited_job_answers_without_its_jobid() -> None:
    details = '{"global":true,"message":"You are being rate limited.","retry_after":10}'
    error = "Discord /interactions failed with HTTP status 429"
    job = replace(FAILED, code=429, error=error, error_details=details)
    assert answered(job) == (429, {"error": error, "errorDetails": details, "code": 429})


def test_a_queued_job_answers_without_details() -> None:
    job = replace(FAILED, code=504, error="Job queued", error_details="Please wait")
    assert answered(job) == (
        504,
        {"error": "Job queued", "jobid": DESCRIBE.jobid, "status": "failed", "code": 504},
    )


def test_a_halt_answers_the_trigger_in_job_form() -> None:
    status, body = answered(PENDING)
    sample = {**DESCRIBE_SAMPLE, "status": "failed", "replyUrl": "https://hooks.example/abc"}
    del sample["content"]
    assert status == 596
    assert body == {
        **sample,
        "replyRef": "my reference",
        "error": "Pending mod message",
        "errorDetails": PENDING.error_details,
        "code": 596,
    }


@pytest.mark.parametrize("code", [400, 502])
@pytest.mark.parametrize("details", [None, "more"])
def test_other_failures_answer_short_and_name_the_job(code: int, details: str | None) -> None:
    job = replace(FAILED, code=code, error="Failed", error_details=details)
    expected = {"error": "Failed", "jobid": DESCRIBE.jobid, "status": "failed", "code": code}
    if details:
        expected["errorDetails"] = details
    assert answered(job) == (code, expected)


@pytest.mark.parametrize("code", [400, 422, 429, 502, 504, 596])
def test_reading_a_failed_job_gives_the_whole_form_with_its_own_code(code: int) -> None:
    body = json.loads(job_json(replace(FAILED, code=code, error="Failed", error_details="d")))
    assert body == {
        **DESCRIBE_SAMPLE,
        "status": "failed",
        "error": "Failed",
        "errorDetails": "d",
        "code": code,
    }


def test_a_submitted_job_shows_as_created() -> None:
    job = replace(DESCRIBE, status=JobStatus.SUBMITTED)
    assert json.loads(job_json(job))["status"] == "created"
    assert json.loads(cancel_json(job))["status"] == "created"


@pytest.mark.parametrize("status", [status for status in JobStatus if status != "submitted"])
def test_every_other_status_shows_as_it_is(status: JobStatus) -> None:
    assert json.loads(job_json(replace(DESCRIBE, status=status)))["status"] == status.value


def test_fields_that_are_not_set_are_left_out() -> None:
    bare = replace(
        DESCRIBE, params={}, max_jobs=None, message_id=None, content=None, timestamp=None
    )
    assert set(json.loads(job_json(bare))) == {
        "jobid",
        "verb",
        "status",
        "created",
        "updated",
        "discord",
        "channel",
        "code",
    }


def test_attachments_are_shown_in_discords_names() -> None:
    picture = Attachment(id="1", filename="a.png", url="https://cdn.example/a", width=2, height=1)
    body = json.loads(job_json(replace(DESCRIBE, attachments=(picture,))))
    assert body["attachments"] == [
        {"id": "1", "filename": "a.png", "url": "https://cdn.example/a", "width": 2, "height": 1}
    ]


def test_cancel_answers_jobid_status_and_code_200() -> None:
    job = replace(DESCRIBE, status=JobStatus.CANCELLED, code=422)
    assert json.loads(cancel_json(job)) == {
        "jobid": DESCRIBE.jobid,
        "status": "cancelled",
        "code": 200,
    }


def test_a_callback_carries_exactly_what_get_answers() -> None:
    now = INFO.updated_at
    (callback,) = callbacks_of(INFO, lambda: "d1", now)
    assert callback.body == job_json(INFO)
    assert (callback.callback_id, callback.jobid, callback.user_id) == ("d1", INFO.jobid, 1)
    assert (callback.url, callback.next_attempt_at) == (INFO.reply_url, now)


def test_a_job_without_reply_url_owes_no_callback() -> None:
    assert callbacks_of(DESCRIBE, lambda: "d1", DESCRIBE.updated_at) == ()


@pytest.mark.parametrize(
    ("details", "wait_s"),
    [
        ('{"retry_after":10}', 10),
        ('{"retry_after":0.2,"global":false}', 1),
        ('{"retry_after":4.001}', 5),
        ('{"retry_after":1e300}', 3600),
        ('{"retry_after":-3}', 1),
        ('{"retry_after":"soon"}', 10),
        ("{}", 10),
        ("not JSON", 10),
        ('{"a":' + "[" * 1990, 10),
        (None, 10),
    ],
)
def test_the_wait_after_a_429_is_what_discord_asked_for(details: str | None, wait_s: int) -> None:
    assert retry_after_s(replace(FAILED, code=429, error_details=details)) == wait_s


def test_only_a_429_names_a_wait() -> None:
    assert retry_after_s(replace(FAILED, code=504)) is None


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))
def test_an_instant_has_three_decimals_and_a_z(moment: datetime) -> None:
    text = instant(moment)
    assert len(text) == len("2023-09-09T02:04:52.667Z")
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert datetime.fromisoformat(text) == cut


# ── programs of both eras ──


def test_a_job_of_a_guilds_channel_names_the_guild() -> None:
    job = replace(DESCRIBE, server="1145000000000000002")
    for body in (answered(job)[1], json.loads(job_json(job))):
        assert isinstance(body, dict)
        assert body["server"] == "1145000000000000002"


def test_a_job_of_direct_messages_names_no_guild() -> None:
    assert "server" not in json.loads(job_json(DESCRIBE))


def test_a_child_always_names_a_message() -> None:
    children = (Child("U1", JobId("job:2"), "900"), Child("V1", JobId("job:3"), None))
    assert json.loads(job_json(DESCRIBED, children))["children"] == [
        {"button": "U1", "jobid": "job:2", "messageId": "900"},
        {"button": "V1", "jobid": "job:3", "messageId": ""},
    ]


def test_content_is_a_text_as_soon_as_a_post_names_a_message() -> None:
    assert answered(replace(DESCRIBE, content=None)) == (200, DESCRIBE_SAMPLE)


@pytest.mark.parametrize("status", [s for s in JobStatus if not s.final])
@pytest.mark.parametrize("at_start", [True, False])
def test_a_post_calls_an_unfinished_job_started(status: JobStatus, at_start: bool) -> None:
    job = replace(DESCRIBE, status=status, attachments=(_PICTURE,), embeds=DESCRIBED.embeds)
    assert answered(job, at_start=at_start) == (200, DESCRIBE_SAMPLE)


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.CANCELLED])
def test_a_post_of_a_verb_that_answers_at_its_start_never_says(status: JobStatus) -> None:
    job = replace(
        DESCRIBED,
        status=status,
        attachments=(_PICTURE,),
        result={"imageUx": [{"id": 1, "url": "https://x"}]},
    )
    assert answered(job) == (200, DESCRIBE_SAMPLE)
    assert json.loads(job_json(job))["status"] == status


def test_a_post_of_a_verb_that_answers_at_its_end_says_completed() -> None:
    status, body = answer(INFO, at_start=False)
    assert (status, body) == (200, job_json(INFO))


def test_a_post_whose_time_is_over_answers_started_without_a_message() -> None:
    asked = replace(
        DESCRIBE, status=JobStatus.SUBMITTED, message_id=None, content=None, timestamp=None
    )
    sample = dict(DESCRIBE_SAMPLE)
    del sample["messageId"], sample["content"], sample["timestamp"]
    assert answered(asked) == (200, sample)


@pytest.mark.parametrize(
    "custom_id",
    ["MJ::Job::PicReader::1", "MJ::Picread::Retry", "MJ::Job::PromptAnalyzer::1"],
)
@pytest.mark.parametrize("verb", ["describe", "shorten", "button"])
def test_components_under_suggestions_are_labels_and_no_buttons(custom_id: str, verb: str) -> None:
    job = replace(DESCRIBED, verb=verb, buttons=(Button("1️⃣", custom_id),))
    body = json.loads(job_json(job))
    assert body["labels"] == ["1️⃣"]
    assert "buttons" not in body


def test_components_under_a_picture_are_buttons_and_no_labels() -> None:
    job = replace(DESCRIBED, buttons=(Button("U1", "MJ::JOB::upsample::1::x"),))
    body = json.loads(job_json(job))
    assert body["buttons"] == ["U1"]
    assert "labels" not in body


def test_the_content_of_described_prompts_is_their_text() -> None:
    assert json.loads(job_json(DESCRIBED))["content"] == _PROMPTS


def test_the_content_of_a_refused_picture_stays_what_the_bot_wrote() -> None:
    assert json.loads(job_json(replace(DESCRIBED, status=JobStatus.FAILED)))["content"] == ""


def test_a_job_tells_its_times_by_the_clock_of_the_machine() -> None:
    form = json.loads(job_json(replace(DESCRIBE, wall_ahead=timedelta(seconds=1))))
    assert (form["created"], form["updated"]) == (
        "2023-10-06T18:36:38.963Z",
        "2023-10-06T18:36:51.401Z",
    )


@pytest.mark.parametrize("status", [s for s in JobStatus if not s.final])
def test_a_post_that_has_waited_tells_an_unfinished_job_as_it_is(status: JobStatus) -> None:
    job = replace(DESCRIBE, status=status, attachments=(_PICTURE,))
    assert waited(job) == (200, job_json(job))


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.CANCELLED])
def test_a_post_that_has_waited_tells_the_end_whole(status: JobStatus) -> None:
    job = replace(DESCRIBED, status=status)
    assert waited(job) == (200, job_json(job))


def test_a_post_that_has_waited_tells_a_bad_end_as_every_post_does() -> None:
    job = replace(DESCRIBED, status=JobStatus.MODERATED, code=422, error="Banned")
    assert waited(job) == answer(job, at_start=True)


def test_a_ping_has_the_fields_of_each_job_and_a_jobid_that_no_job_has() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    told = json.loads(ping_json("d1", "https://example.org/hook", at))
    assert told["jobid"] == "ping:d1"
    assert (told["verb"], told["status"], told["code"]) == ("ping", "completed", 200)
    assert told["replyUrl"] == "https://example.org/hook"
    assert told["created"] == told["updated"] == "2026-01-02T03:04:05.000Z"


# ── the queue ──

WAITING = replace(
    DESCRIBE,
    status=JobStatus.CREATED,
    account_id="",
    queue_until=DESCRIBE.created_at + timedelta(hours=24),
)


def test_a_waiting_job_answers_201_with_its_place() -> None:
    place = QueuePlace(3, 41, 2, "All 3 slots are in use, and 2 jobs are before it.")
    status, body = answer(WAITING, at_start=True, place=place)
    told = json.loads(body)
    assert (status, told["status"]) == (201, "created")
    assert told["queue"] == {
        "position": 3,
        "priority": 2,
        "why": "All 3 slots are in use, and 2 jobs are before it.",
        "estimateS": 41,
    }
    unknown = replace(place, estimate_s=None)
    assert "estimateS" not in json.loads(job_json(WAITING, place=unknown))["queue"]
    assert "queue" not in json.loads(job_json(WAITING))
    assert json.loads(waited(WAITING, place)[1])["queue"]["position"] == 3
