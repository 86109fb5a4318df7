"""The meaning of Discord's HTTP answers, row by row of the protocol notes."""

from __future__ import annotations

import pytest

from waystation.actions import Accepted, Refused, Unknown
from waystation.discord.answers import BODY_LIMIT, Answer, error_of, kind_of, outcome_of
from waystation.discord_refusals import REFUSALS
from waystation.errors import (
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    TransportError,
    Unreachable,
)

LIMITED = '{"global":true,"message":"You are being rate limited.","retry_after":10}'
CAPTCHA = '{"captcha_key":["captcha-required"],"captcha_service":"hcaptcha"}'
DEAD = '{"message":"401: Unauthorized","code":0}'


def form_error(code: str, message: str = "\u6b64\u547d\u4ee4\u5df2\u8fc7\u671f") -> str:
    """Discord's "Invalid Form Body" with a reason of its own, in the account's language."""
    reason = f'{{"code":"{code}","message":"{message}"}}'
    return f'{{"code":50035,"message":"...","errors":{{"data":{{"_errors":[{reason}]}}}}}}'


def coded(code: int) -> str:
    return f'{{"code":{code},"message":"Who knows which language"}}'


REFUSED = [
    # status, body, kind, error of a read; in R51's order
    (400, CAPTCHA, "captcha", HumanCheckRequired),
    (429, CAPTCHA, "captcha", HumanCheckRequired),
    (401, DEAD, "unauthorized", NotAuthorised),
    (400, coded(40001), "unauthorized", NotAuthorised),
    (403, coded(50014), "unauthorized", NotAuthorised),
    (403, coded(10008), "blocked", HumanCheckRequired),
    (403, coded(40002), "blocked", HumanCheckRequired),
    (403, "<!DOCTYPE html><title>Just a moment</title>", "blocked", HumanCheckRequired),
    (429, LIMITED, "rate_limited", Unreachable),
    (429, "<html>", "rate_limited", Unreachable),
    (400, coded(40062), "rate_limited", Unreachable),
    (
        400,
        form_error("INTERACTION_APPLICATION_COMMAND_INVALID_VERSION"),
        "outdated",
        RequestRefused,
    ),
    (404, coded(10063), "outdated", RequestRefused),
    (400, coded(10063), "outdated", RequestRefused),
    (404, coded(10008), "target", RequestRefused),
    (400, coded(10008), "target", RequestRefused),
    (400, coded(10005), "target", RequestRefused),
    (404, coded(10062), "target", RequestRefused),
    (400, form_error("COMPONENT_VALIDATION_FAILED"), "target", RequestRefused),
    (400, coded(10003), "account", RequestRefused),
    (404, coded(10003), "account", RequestRefused),
    (404, coded(10004), "account", RequestRefused),
    (403, coded(50001), "account", RequestRefused),
    (400, coded(50007), "account", RequestRefused),
    (403, coded(50013), "account", RequestRefused),
    (400, form_error("INVALID_PERMISSIONS"), "account", RequestRefused),
    (403, coded(99999), "account", RequestRefused),
    (400, coded(50035), "invalid", RequestRefused),
    (400, '{"code":50035,"message":"This command is outdated"}', "invalid", RequestRefused),
    (404, "", "invalid", RequestRefused),
    (413, coded(40005), "invalid", RequestRefused),
]


def answer(status: int, body: str) -> Answer:
    return Answer(status, {}, body.encode())


@pytest.mark.parametrize(("status", "body", "kind", "error"), REFUSED)
def test_a_definite_4xx_is_refused_with_its_kind_and_discords_own_words(
    status: int, body: str, kind: str, error: type[TransportError]
) -> None:
    wait_s = 10.0 if kind == "rate_limited" else None
    refused = Refused(status, body, kind, wait_s, answer(status, body).number)
    assert outcome_of(answer(status, body), 10.0) == refused
    assert type(error_of(answer(status, body))) is error


@pytest.mark.parametrize(
    ("body", "number"),
    [
        (coded(10003), "10003"),
        ('{"code": "50013"}', "50013"),
        ('{"code": [10003]}', ""),
        (coded(10**9), "1000000000"),
        (coded(10**10), ""),
        (coded(10**40), ""),
        ('{"message": "401: Unauthorized"}', ""),
        ("<html>", ""),
    ],
)
def test_discords_number_is_told_where_it_is_one(body: str, number: str) -> None:
    said = outcome_of(answer(400, body), None)
    assert isinstance(said, Refused) and said.discord_code == number
    error = error_of(answer(400, body))
    assert isinstance(error, RequestRefused) and error.discord_code == number


def test_every_kind_has_a_case() -> None:
    assert {row.meaning.kind for row in REFUSALS} == {kind for _, _, kind, _ in REFUSED}


def test_a_body_that_nests_without_end_is_refused_all_the_same() -> None:
    deep = '{"code":50035,"errors":' + '{"a":' * 5000 + "1" + "}" * 5001
    assert kind_of(answer(400, deep)) == "invalid"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_2xx_is_accepted(status: int) -> None:
    assert outcome_of(answer(status, ""), None) == Accepted()


@pytest.mark.parametrize("status", [301, 307, 408, 499, 500, 502, 503, 504, 520, 522, 524])
def test_an_ask_that_may_have_been_executed_is_unknown(status: int) -> None:
    outcome = outcome_of(answer(status, ""), None)
    assert isinstance(outcome, Unknown) and str(status) in outcome.reason


@pytest.mark.parametrize("status", [408, 500, 502, 503, 524])
def test_a_read_that_may_succeed_later_is_unreachable(status: int) -> None:
    error = error_of(answer(status, "busy"))
    assert isinstance(error, Unreachable) and error.details == "busy"


def test_a_long_body_is_cut_and_a_broken_one_is_shown_as_far_as_it_goes() -> None:
    assert answer(400, "x" * 5000).text == "x" * BODY_LIMIT
    assert Answer(400, {}, b"\xff{").text == "\ufffd{"


def test_a_captcha_key_counts_by_its_presence_never_by_a_text_elsewhere() -> None:
    assert kind_of(answer(400, '{"message":"captcha_key"}')) == "invalid"
    assert kind_of(answer(400, '{"captcha_key":null}')) == "captcha"


def test_a_body_that_is_no_object_has_no_keys() -> None:
    assert not answer(400, "[]").has("captcha_key")
    assert answer(400, "[]").code == ""
    assert answer(200, '{"code":1}').code == ""


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":"\xed\xa0\x80"}',
        b"\xff",
        b'{"errors":{"a":"\xff"}}',
        b'{"errors":{"a":1e999999}}',
    ],
)
def test_a_refusal_that_cannot_be_read_is_still_a_refusal(body: bytes) -> None:
    assert kind_of(Answer(400, {}, body)) == "invalid"
