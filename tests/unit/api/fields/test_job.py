from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.build import replace
from tests.harness.face import CHANNEL
from tests.harness.requests import HOOK, URL, asked, describe, info
from waystation.api.body import Body
from waystation.api.fields.job import job_request
from waystation.engine.request import JobRequest
from waystation.errors import InvalidRequest, PreconditionFailed
from waystation.midjourney.commands import COMMANDS


def test_a_describe_has_every_field_it_was_given() -> None:
    request = describe(channel=CHANNEL, maxJobs=2, replyUrl=HOOK, replyRef="r", unknown=[1])
    assert request == JobRequest(
        verb="describe",
        channel=CHANNEL,
        max_jobs=2,
        reply_url=HOOK,
        reply_ref="r",
        params={"describeUrl": URL},
    )


def test_an_info_needs_nothing() -> None:
    assert info() == JobRequest(verb="info")


def test_info_ignores_maxjobs_even_when_it_is_nonsense() -> None:
    assert info(maxJobs="many") == JobRequest(verb="info")


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_the_empty_text_are_as_if_not_sent(nothing: object) -> None:
    names = ("channel", "maxJobs", "replyUrl", "replyRef", "discord", "server")
    assert describe(**dict.fromkeys(names, nothing)) == describe()


@pytest.mark.parametrize("field", ["discord", "server"])
@pytest.mark.parametrize("value", ["x", 5])
def test_fields_of_era_a_are_noticed_and_not_kept(field: str, value: object) -> None:
    assert info(**{field: value}) == JobRequest(verb="info", era_a=True)


BAD_SHARED = [
    ({"replyUrl": "h" * 1025}, "replyUrl is too long"),
    ({"replyRef": "r" * 1025}, "replyRef is too long"),
    ({"replyUrl": "ftp://a.example"}, "replyUrl is not a valid http or https URL"),
]


@pytest.mark.parametrize(("fields", "sentence"), BAD_SHARED)
def test_bad_shared_fields_are_412_on_describe_and_400_elsewhere(
    fields: Mapping[str, object], sentence: str
) -> None:
    """R5."""
    with pytest.raises(PreconditionFailed) as on_describe:
        describe(**fields)
    with pytest.raises(InvalidRequest) as elsewhere:
        info(**fields)
    assert on_describe.value.message == elsewhere.value.message == sentence
    assert elsewhere.value.status_hint == 400


def test_lengths_of_1024_are_allowed() -> None:
    url = HOOK.ljust(1024, "x")
    request = describe(replyUrl=url, replyRef="r" * 1024)
    assert (request.reply_url, request.reply_ref) == (url, "r" * 1024)


@pytest.mark.parametrize("value", [0, 16, -1, "0", "16", 999_999_999, 1e3])
def test_maxjobs_out_of_range_is_412_on_describe(value: object) -> None:
    with pytest.raises(PreconditionFailed, match="is not between 1 and 15"):
        describe(maxJobs=value)


def test_maxjobs_out_of_range_is_400_on_a_verb_that_says_so() -> None:
    command = replace(COMMANDS["describe"], bad_input_status=400)
    with pytest.raises(InvalidRequest) as caught:
        job_request(command, Body(fields={"describeUrl": URL, "maxJobs": 16}))
    assert caught.value.status_hint == 400


@pytest.mark.parametrize(("value", "number"), [(1, 1), (15, 15), (3.0, 3), ("3", 3), ("+4", 4)])
def test_maxjobs_may_be_a_number_or_its_text(value: object, number: int) -> None:
    assert describe(maxJobs=value).max_jobs == number


@pytest.mark.parametrize(
    "value", [True, 2.5, "2.5", "x", [3], {}, 10**30, 1e300, "9" * 5000, "٣", " 3"]
)
def test_maxjobs_of_another_type_is_412_on_describe(value: object) -> None:
    with pytest.raises(PreconditionFailed, match="maxJobs must be a whole number"):
        describe(maxJobs=value)


WRONG_TYPES = [
    *((field, value) for field in ("describeUrl", "replyUrl", "replyRef") for value in (5, 1.5)),
    *(
        (field, value)
        for field in ("describeUrl", "channel", "replyUrl", "replyRef", "mode")
        for value in (True, [], {}, [5], {"a": 1}, -5, 1e18)
    ),
]


@pytest.mark.parametrize(("field", "value"), WRONG_TYPES)
def test_a_wrong_type_is_named_and_412_on_describe(field: str, value: object) -> None:
    with pytest.raises(PreconditionFailed, match=f"{field} must be a string"):
        describe(**{field: value})


@pytest.mark.parametrize("field", ["channel", "replyUrl", "replyRef", "mode"])
def test_a_wrong_type_is_named_and_400_elsewhere(field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{field} must be a string") as caught:
        info(**{field: [5]})
    assert caught.value.status_hint == 400


def test_a_switch_of_a_wrong_type_is_412_on_describe() -> None:
    with pytest.raises(PreconditionFailed, match="replyProgress must be true or false"):
        describe(replyProgress="perhaps")


@pytest.mark.parametrize("field", ["describeUrl", "channel", "replyUrl", "replyRef"])
def test_a_nul_character_is_named_and_412_on_describe(field: str) -> None:
    with pytest.raises(PreconditionFailed, match=f"{field} must not contain a NUL"):
        describe(**{field: "a\0b"})


def test_a_channel_may_come_as_a_number() -> None:
    assert describe(channel=int(CHANNEL)) == describe(channel=CHANNEL)
    assert info(channel=int(CHANNEL)) == info(channel=CHANNEL)


def test_a_reference_may_hold_other_control_characters() -> None:
    assert describe(replyRef="a\nb\x1b").reply_ref == "a\nb\x1b"


def test_a_prompt_is_a_trimmed_text_of_five_thousand_characters() -> None:
    assert asked("imagine", prompt=" a fox ", mode="relax").params == {
        "prompt": "a fox",
        "mode": "relax",
    }
    assert len(str(asked("imagine", prompt="x" * 5000).params["prompt"])) == 5000


@pytest.mark.parametrize(
    ("verb", "fields", "error"),
    [
        ("imagine", {}, "prompt is missing"),
        ("imagine", {"prompt": " "}, "prompt is empty"),
        ("imagine", {"prompt": "x" * 5001}, "prompt is too long"),
        ("imagine", {"prompt": 5}, "prompt must be a string"),
        ("imagine", {"prompt": "x", "mode": "warp"}, "mode must be one of fast, relax, turbo"),
        ("show", {}, "uuid is missing"),
        ("button", {"button": "U1"}, "jobid is missing"),
        ("button", {"jobid": "job:1"}, "button is missing"),
        ("blend", {}, "blendUrls is missing"),
        ("blend", {"blendUrls": 5}, "blendUrls must be a list of URLs"),
        ("blend", {"blendUrls": "[1]"}, "blendUrls must be a list of URLs"),
        ("blend", {"blendUrls": [URL]}, "blendUrls must name 2 to 5 pictures"),
        ("blend", {"blendUrls": [URL] * 6}, "blendUrls must name 2 to 5 pictures"),
        (
            "blend",
            {"blendUrls": [URL, "ftp://x"]},
            "blendUrls contains an invalid URL; use http or https",
        ),
        ("blend", {"blendUrls": [URL, URL + "x" * 4096]}, "blendUrls is too long"),
    ],
)
def test_a_body_that_a_verb_cannot_take_is_a_400(
    verb: str, fields: dict[str, Any], error: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        asked(verb, **fields)
    assert (raised.value.message, raised.value.status_hint) == (error, 400)


def test_an_optional_text_that_is_empty_is_absent() -> None:
    assert asked("prefer_suffix", suffix="").params == {}
    assert asked("prefer_suffix").params == {}


def test_a_parent_is_kept_under_the_name_that_the_job_form_has() -> None:
    assert asked("button", jobid="job:1", button="U1", prompt="").params == {
        "parentJobId": "job:1",
        "button": "U1",
    }


def test_of_a_field_that_a_form_says_twice_the_last_counts_and_a_list_takes_all() -> None:
    body = Body(
        fields={
            "blendUrls": (URL, f"{URL}2", f"{URL}3"),
            "replyRef": ("a", "b"),
            "maxJobs": ("1", "2"),
            "replyProgress": ("true", "false"),
        }
    )
    request = job_request(COMMANDS["blend"], body)
    assert request.params == {"blendUrls": [URL, f"{URL}2", f"{URL}3"]}
    assert (request.reply_ref, request.max_jobs, request.reply_progress) == ("b", 2, False)


def test_a_mode_is_one_of_three_on_every_verb() -> None:
    assert info(mode="fast").mode == "fast"
    assert describe(mode="relax").mode == "relax"
    imagine = job_request(COMMANDS["imagine"], Body(fields={"prompt": "x", "mode": "turbo"}))
    assert (imagine.mode, imagine.params["mode"]) == (None, "turbo")
    with pytest.raises(InvalidRequest, match="mode must be one of fast, relax, turbo"):
        info(mode="slow")


# ── the queue ──


def test_a_job_may_wait_with_a_priority() -> None:
    asked = describe(queue=True, priority=5)
    assert (asked.queue, asked.priority) == (True, 5)
    sent = describe(queue="false", priority="1")
    assert (sent.queue, sent.priority) == (False, 1)
    assert (describe().queue, describe().priority) == (None, None)


@pytest.mark.parametrize("value", [0, 6, "9"])
def test_a_priority_is_1_to_5(value: object) -> None:
    with pytest.raises(PreconditionFailed, match="priority must be 1 to 5"):
        describe(priority=value)
    with pytest.raises(InvalidRequest, match="priority must be 1 to 5"):
        info(priority=value)


def test_a_priority_is_a_whole_number_and_queue_true_or_false() -> None:
    with pytest.raises(InvalidRequest, match="priority must be a whole number"):
        info(priority="high")
    with pytest.raises(InvalidRequest, match="queue must be true or false"):
        info(queue="yes")
