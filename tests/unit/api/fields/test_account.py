from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.harness.face import CHANNEL, DISCORD, SERVER
from waystation.api.body import Body
from waystation.api.fields.account import account_limits, channel_account, new_account
from waystation.errors import InvalidRequest
from waystation.secret import redact


def test_the_ids_of_an_account_may_come_as_numbers() -> None:
    fields = {"discord": DISCORD, "server": int(SERVER), "channel": int(CHANNEL), "maxJobs": 3}
    token, server, max_jobs = channel_account(CHANNEL, Body(fields=fields))
    assert (token.reveal(), server, max_jobs) == (DISCORD, SERVER, 3)


def test_a_new_account_has_a_token_and_maybe_maxjobs() -> None:
    token, max_jobs = new_account(Body(fields={"discord": f" {DISCORD}\n"}))
    assert (token.reveal(), max_jobs) == (DISCORD, None)
    assert new_account(Body(fields={"discord": DISCORD, "maxJobs": 15}))[1] == 15


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Required param discord is missing or empty"),
        ({"discord": "  "}, "Required param discord is missing or empty"),
        ({"discord": "a b"}, "Required param discord is not valid Discord token"),
        ({"discord": "é"}, "Required param discord is not valid Discord token"),
        ({"discord": "e"}, "Required param discord is not valid Discord token"),
        ({"discord": "info"}, "Required param discord is not valid Discord token"),
        # three parts alone are no token: log lines have such words
        (
            {"discord": "waystation.engine.account.pool"},
            "Required param discord is not valid Discord token",
        ),
        ({"discord": "MTA-.a-token.xyz"}, "Required param discord is not valid Discord token"),
        ({"discord": f"{DISCORD}x" * 20}, "Required param discord is not valid Discord token"),
        ({"discord": "x", "maxJobs": 16}, "Required param maxJobs 16 can't be more that 15"),
        ({"discord": "x", "maxJobs": 0}, "Required param maxJobs 0 can't be less than 1"),
        ({"discord": "x", "maxJobs": "x"}, "maxJobs must be a whole number"),
    ],
)
def test_a_bad_new_account_is_400(fields: Mapping[str, object], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        new_account(Body(fields=fields))
    assert (caught.value.message, caught.value.status_hint) == (sentence, 400)


WHOLE = {"discord": DISCORD, "server": SERVER, "channel": CHANNEL, "maxJobs": 3}


def test_an_account_of_era_a_has_token_server_and_maxjobs() -> None:
    token, server, max_jobs = channel_account(CHANNEL, Body(fields=WHOLE))
    assert (token.reveal(), server, max_jobs) == (DISCORD, SERVER, 3)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"discord": ""}, "Required param discord is missing or empty"),
        ({"server": None}, "Required param server is missing or empty"),
        ({"server": "home"}, "Required param server (home) is not valid Discord server id"),
        ({"channel": ""}, "Required param channel is missing or empty"),
        ({"channel": "12"}, "Required param channel (12) is not valid Discord channel id"),
        (
            {"channel": SERVER},
            f"Required param channel ({SERVER}) not matching to "
            f"/midjourney/channel (/midjourney/{CHANNEL})",
        ),
        ({"maxJobs": None}, "Required param maxJobs is missing or empty"),
        ({"maxJobs": 16}, "Required param maxJobs 16 can't be more that 15"),
    ],
)
def test_a_bad_account_of_era_a_is_400_in_v2s_words(
    change: Mapping[str, object], sentence: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        channel_account(CHANNEL, Body(fields={**WHOLE, **change}))
    assert (caught.value.message, caught.value.status_hint) == (sentence, 400)


def test_a_sentence_repeats_only_the_beginning_of_a_long_value() -> None:
    with pytest.raises(InvalidRequest) as caught:
        channel_account(CHANNEL, Body(fields={**WHOLE, "server": "s" * 10_000}))
    assert len(caught.value.message) < 200


def test_tokens_of_the_old_form_are_taken() -> None:
    old = "mfa." + "aB3_-" * 16
    assert new_account(Body(fields={"discord": old}))[0].reveal() == old


@pytest.mark.parametrize("text", ["e", "account", "a.b.c", "waystation.engine.account.pool"])
def test_a_text_that_is_no_token_never_hides_anything_in_a_log(text: str) -> None:
    with pytest.raises(InvalidRequest):
        new_account(Body(fields={"discord": text}))
    line = "a line of the log, by waystation.engine.account.pool a.b.c of account 5"
    assert redact(line) == line


@pytest.mark.parametrize(("sent", "number"), [(5, 5), ("7", 7), (0, 0)])
def test_the_jobs_of_a_day_are_a_number_and_0_means_any(sent: object, number: int) -> None:
    assert account_limits(Body(fields={"jobsADay": sent})) == (number, None)


def test_the_slots_of_an_account_are_limited_by_themselves() -> None:
    assert account_limits(Body(fields={"maxJobs": 2})) == (None, 2)
    assert account_limits(Body(fields={"maxJobs": 2, "jobsADay": 5})) == (5, 2)


@pytest.mark.parametrize("sent", [None, -1, ""])
def test_jobs_of_a_day_that_are_missing_or_negative_are_refused(sent: object) -> None:
    fields = {} if sent is None else {"jobsADay": sent}
    with pytest.raises(InvalidRequest, match="jobsADay must be a whole number from 0"):
        account_limits(Body(fields=fields))
