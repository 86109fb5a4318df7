"""Mends, beside the words of the API."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import build
from waystation.api.sentences import SENTENCES
from waystation.cli.mends import MENDS, filled_in, halt_mend, job_mends, mends
from waystation.engine.choice import halted
from waystation.errors import (
    Busy,
    ButtonRepeated,
    InvalidRequest,
    NotFound,
    SubscriptionExpired,
    TransportError,
    Unanswered,
    Unauthorized,
    Unavailable,
    Unreachable,
    WaystationError,
)
from waystation.ports import HaltCause, User

_OF_THE_STORE = {"A user with this e-mail exists."}


def test_every_row_is_a_sentence_that_the_api_has() -> None:
    said = {sentence.text for rows in SENTENCES.values() for sentence in rows}
    assert set(MENDS) - _OF_THE_STORE <= said


@pytest.mark.parametrize("message", MENDS)
def test_a_sentence_of_the_api_has_its_command(message: str) -> None:
    [(what, command)] = mends(InvalidRequest(message))
    assert what.endswith(":") and command.startswith("waystation ")


def test_an_error_of_busy_or_done_names_its_jobs() -> None:
    busy = Busy(executing_jobs=["job:1"], retry_after_s=4)
    assert list(mends(busy)) == [("running: job:1", ""), ("try again in 4 s", "")]
    repeated = ButtonRepeated(jobid="job:1")
    assert list(mends(repeated)) == [("its result:", "waystation jobs show job:1")]


def test_other_errors_speak_for_themselves() -> None:
    assert list(mends(InvalidRequest("prompt is missing"))) == []


@pytest.mark.parametrize(
    ("error", "command"),
    [
        (Unauthorized(), "waystation users rotate EMAIL"),
        (SubscriptionExpired(), "waystation users expire EMAIL --on DATE"),
        (Unreachable("http://x cannot be reached: connection refused"), "waystation serve"),
        (Unreachable("http://x did not answer in time"), "waystation doctor"),
        (
            Unanswered("http://x cannot be reached: gone; the job may have been accepted"),
            "waystation jobs list",
        ),
        (Unanswered("http://x did not answer in time"), "waystation doctor"),
        (TransportError(), "waystation doctor"),
        (Unavailable(), "waystation doctor"),
        (NotFound("Unable to locate job job:1"), "waystation jobs list"),
    ],
)
def test_a_kind_of_error_names_the_command_to_run_next(
    error: WaystationError, command: str
) -> None:
    [(what, told)] = mends(error)
    assert what.endswith(":") and told == command


@pytest.mark.parametrize(
    ("cause", "guild", "command"),
    [
        (None, None, "waystation accounts reset {channel}"),
        (HaltCause.TOKEN, None, "waystation accounts add"),
        (HaltCause.TOKEN, "9", "waystation accounts add --server SERVER --channel {channel}"),
    ],
)
def test_a_refusal_of_a_halted_account_names_what_ends_the_halt(
    cause: HaltCause | None, guild: str | None, command: str
) -> None:
    account = replace(build.account(), halt="x", halt_cause=cause, guild_id=guild)
    [(what, told)] = mends(halted(account, User(1, "ada@example.org", build.later(), b"")))
    assert what.endswith(":") and told == command.format(channel=account.channel)


def test_known_values_stand_in_the_command_quoted() -> None:
    given = [
        ("a:", "waystation jobs show JOBID"),
        ("b:", "waystation users rotate EMAIL"),
        ("c", ""),
    ]
    filled = filled_in(given, {"JOBID": "job:1 x"})
    assert [command for _, command in filled] == ["waystation jobs show 'job:1 x'", given[1][1], ""]


def test_a_token_that_is_replaced_is_said_to_end() -> None:
    [(what, _)] = mends(Unauthorized())
    assert "ends the old one" in what


def test_a_failed_job_names_what_helps_by_its_code() -> None:
    failed = {"status": "failed", "code": 596, "channel": "2", "error": "Pending mod message"}
    assert [command for _, command in job_mends(failed)] == ["waystation accounts reset 2"]
    rejected = failed | {"error": "Discord rejected the account's token (close code 4004)"}
    assert [command for _, command in job_mends(rejected)] == ["waystation accounts add"]
    late = failed | {"code": 502, "error": "late"}
    assert [command for _, command in job_mends(late)] == ["waystation doctor"]
    for job in (failed | {"code": 422}, failed | {"status": "moderated"}, {}):
        assert list(job_mends(job)) == []


def test_a_halt_is_ended_by_a_reset_unless_the_token_was_rejected() -> None:
    assert halt_mend("Pending mod message", "2")[1] == "waystation accounts reset 2"
    guild = halt_mend("Discord rejected the account's token (x)", "2", "9")
    assert guild[1] == "waystation accounts add --server 9 --channel 2"


def test_a_job_that_one_account_does_not_know_may_be_anothers() -> None:
    unknown = {"verb": "show", "status": "failed", "code": 400, "uuid": "abc"}
    [(what, command)] = job_mends(unknown)
    assert "another of yours" in what
    assert command == "waystation show abc --channel CHANNEL"
    assert list(job_mends(unknown | {"verb": "imagine"})) == []
