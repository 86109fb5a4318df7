"""Actions that can be asked of Discord, and how the asking can end."""

from __future__ import annotations

from typing import get_args

from waystation.actions import Accepted, Outcome, Refused, Slash, Submission, Unknown
from waystation.jobs import Nonce


def test_an_asking_ends_in_one_of_three_ways() -> None:
    assert set(get_args(Outcome)) == {Accepted, Refused, Unknown}


def test_a_command_needs_no_options() -> None:
    assert Slash("info") == Slash("info", (), ())


def test_a_submission_in_direct_messages_has_no_guild() -> None:
    submission = Submission(Nonce("1"), "100", None, Slash("info"))
    assert (submission.guild_id, submission.nonce) == (None, "1")


def test_a_refusal_need_not_say_when_to_come_back() -> None:
    assert Refused(400, "{}", "invalid").retry_after_s is None
