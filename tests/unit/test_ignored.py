"""Each reason for which a message changes no job, by a message that has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.build import replace
from tests.golden.corpus import CONVERSATIONS, PAYLOADS, Golden, event_of
from tests.harness.play import Play, join_all, new_job
from tests.harness.scenes import stage
from waystation.gateway_events import GatewayEvent, InteractionTold, MessageSeen, ToldAs
from waystation.ignored import Ignored
from waystation.jobs import JobId, Source
from waystation.midjourney.conversation import Step

_ROWS = [
    (Ignored.OTHER_CHANNEL, "seed/whole_direct_message_is_not_here"),
    (Ignored.OTHER_CHANNEL, "describe/whole_other_channel"),
    (Ignored.OTHER_AUTHOR, "describe/whole_impostor_bot"),
    (Ignored.OTHER_USER, "describe/whole_foreign_user"),
    (Ignored.AUTHORLESS, "describe/whole_partial_edit_before_create"),
    (Ignored.SETTLED, "describe/whole_refused"),
    (Ignored.BY_HAND, "describe/whole_cancelled_before_submission"),
    (Ignored.CONTRADICTED, "imagine/whole_stranger_known_by_uuid"),
    (Ignored.STRANGERS, "imagine/whole_stranger_shows_its_uuid_later"),
    (Ignored.BEFORE_ASK, "imagine/whole_older_than_the_ask"),
    (Ignored.NO_ASK, "imagine/whole_known_uuid_takes_no_other"),
    (Ignored.TWO_OWNERS, "describe/whole_ambiguous"),
    (Ignored.UNDECIDED, "blend/whole_blend"),
    (Ignored.UNCLAIMED, "imagine/whole_by_hand_before_ours_is_bound"),
    (Ignored.NOTHING_NEW, "describe/whole_partial_update"),
    (Ignored.TOO_SOON, "imagine/whole_progress_once_a_second"),
    (Ignored.BEFORE_PRESS, "settings/whole_option"),
    (Ignored.ECHO, "button/whole_heart"),
    (Ignored.STILL_QUEUED, "describe/whole_cancelled_then_queued"),
    (Ignored.OVER, "describe/whole_lost_then_late"),
]
"""Each with a conversation in which a message has that reason."""

_AT_THE_EDGE = {
    Ignored.FOREIGN: "integration/discord/test_transport.py",
    Ignored.UNREADABLE: "integration/discord/test_transport.py",
    Ignored.UUID_TAKEN: "integration/engine/account/test_listener.py",
    Ignored.NOT_APPLIED: "integration/engine/account/test_listener.py",
}
"""Those that no conversation gives, with the tests that bring them about."""

_GOLDENS = {golden.name: golden for golden in CONVERSATIONS}


class _Listening(Play):
    """A play that keeps what each message led to."""

    def __init__(self, *args: Any, **fields: Any) -> None:
        self.heard: list[Step] = []
        super().__init__(*args, **fields)

    def see(self, event: GatewayEvent) -> Step:
        """Let the conversation hear something."""
        step = self.commit(self.talk.receive(event, self.now))
        if isinstance(event, MessageSeen):
            self.heard.append(step)
        return join_all([step, *self.weigh()])


def _heard(golden: Golden) -> list[Step]:
    play = _Listening()
    stage(golden, play)
    for step in golden.content["steps"]:
        play.perform(step)
    return play.heard


@pytest.mark.parametrize("golden", CONVERSATIONS, ids=str)
def test_a_message_changes_a_job_or_has_one_reason_why_not(golden: Golden) -> None:
    for step in _heard(golden):
        assert bool(step.job_steps) is (step.ignored is None)


@pytest.mark.parametrize(("reason", "name"), _ROWS)
def test_each_reason_is_that_of_a_message(reason: Ignored, name: str) -> None:
    assert reason in [step.ignored for step in _heard(_GOLDENS[name])]


def test_words_that_no_row_knows_are_told_as_such() -> None:
    play = _Listening()
    play.see(event_of({"see": "describe/unknown_wording", "without": ["nonce"]}))
    assert [step.ignored for step in play.heard] == [Ignored.UNKNOWN_WORDS]


def test_a_preview_of_one_of_several_results_is_told_as_such() -> None:
    params = {"button": "Imagine all \N{PARTY POPPER}", "parentJobId": "parent"}
    play = _Listening([replace(new_job("a", "button"), params=params)])
    payload = PAYLOADS["imagine/progress_31"].content["payload"]
    at = int(payload["id"])
    play.sources[JobId("a")] = Source(str(at - 2), None, "MJ::Job::PicReader::all")
    play.submit("a", "1400000000000000001")
    play.see(InteractionTold(ToldAs.CREATED, str(at - 1), "1400000000000000001"))
    reply = {"message_id": str(at - 2), "channel_id": payload["channel_id"]}
    unnamed = {
        "with": {"message_reference": reply},
        "without": [
            one for one in ("nonce", "interaction", "interaction_metadata") if one in payload
        ],
    }
    play.see(event_of({"see": "imagine/progress_31", **unnamed}))
    assert [step.ignored for step in play.heard] == [Ignored.PREVIEW]


def test_no_reason_is_without_a_test() -> None:
    written_out = {Ignored.UNKNOWN_WORDS, Ignored.PREVIEW}
    assert {reason for reason, _ in _ROWS} | written_out | set(_AT_THE_EDGE) == set(Ignored)
    for reason, file in _AT_THE_EDGE.items():
        assert f"Ignored.{reason.name}" in (Path(__file__).parents[1] / file).read_text()
