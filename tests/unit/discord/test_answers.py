"""What Discord's HTTP answers mean, row by row of the protocol notes."""

from __future__ import annotations

import pytest

from waystation.actions import Accepted, Refused, Unknown
from waystation.discord.answers import BODY_LIMIT, REFUSALS, Answer, error_of, kind_of, outcome_of
from waystation.errors import (
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    TransportError,
    Unreachable,
)

LIMITED = '{"global":true,"message":"You are being rate limited.","retry_after":10}'
CAPTCHA = '{"captcha_key":["captcha-required"],"captcha_service":"hcaptcha"}'
OUTDATED = (
    '{"code":50035,"message":"Invalid Form Body","errors":{"data":{"_errors":[{"code":"X",'
    '"message":"This command is outdated, please try again"}]}}}'
)
DEAD = '{"message":"401: Unauthorized","code":0}'

REFUSED = [
    # status, body, kind, error of a read
    (400, '{"code":50035,"message":"Invalid Form Body"}', "invalid", RequestRefused),
    (400, '{"code":10003,"message":"Unknown Channel"}', "invalid", RequestRefused),
    (400, OUTDATED, "outdated", RequestRefused),
    (400, CAPTCHA, "captcha", HumanCheckRequired),
    (401, DEAD, "unauthorized", NotAuthorised),
    (403, '{"code":40001,"message":"Unauthorized"}', "unauthorized", NotAuthorised),
    (403, '{"code":50014,"message":"Invalid token"}', "unauthorized", NotAuthorised),
    (403, '{"code":50001,"message":"Missing Access"}', "forbidden", RequestRefused),
    (403, '{"code":50013,"message":"Missing Permissions"}', "forbidden", RequestRefused),
    (403, '{"code":10008,"message":"Unknown Message"}', "forbidden", HumanCheckRequired),
    (403, '{"code":40002,"message":"You need to verify"}', "forbidden", HumanCheckRequired),
    (403, "<!DOCTYPE html><title>Just a moment</title>", "forbidden", HumanCheckRequired),
    (404, '{"code":10063,"message":"Unknown application command"}', "invalid", RequestRefused),
    (404, '{"code":10008,"message":"Unknown Message"}', "invalid", RequestRefused),
    (404, "", "invalid", RequestRefused),
    (413, '{"code":40005,"message":"Request entity too large"}', "invalid", RequestRefused),
    (429, LIMITED, "rate_limited", Unreachable),
    (429, "<html>", "rate_limited", Unreachable),
]


def answer(status: int, body: str) -> Answer:
    return Answer(status, {}, body.encode())


@pytest.mark.parametrize(("status", "body", "kind", "error"), REFUSED)
def test_a_definite_4xx_is_refused_with_its_kind_and_discords_own_words(
    status: int, body: str, kind: str, error: type[TransportError]
) -> None:
    wait_s = 10.0 if kind == "rate_limited" else None
    assert outcome_of(answer(status, body), 10.0) == Refused(status, body, kind, wait_s)
    assert type(error_of(answer(status, body))) is error


def test_every_kind_has_a_case() -> None:
    assert {kind for kind, _ in REFUSALS} == {kind for _, _, kind, _ in REFUSED}


@pytest.mark.parametrize("status", [200, 202, 204])
def test_2xx_is_accepted(status: int) -> None:
    assert outcome_of(answer(status, ""), None) == Accepted()


@pytest.mark.parametrize("status", [301, 307, 408, 499, 500, 502, 503, 504, 520, 522, 524])
def test_what_may_have_been_executed_is_unknown(status: int) -> None:
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
