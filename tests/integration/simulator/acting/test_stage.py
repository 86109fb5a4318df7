from __future__ import annotations

import pytest

from tests.integration.simulator.scene import Setting
from waystation.simulator.bot.job import Ending
from waystation.simulator.bot.timeline import Kind, Step, acknowledge
from waystation.simulator.discord.messages import Draft
from waystation.wire.message import MessageFlag

ACK = acknowledge(MessageFlag.LOADING)


@pytest.fixture
def setting() -> Setting:
    return Setting()


def _finish(**fields: object) -> Step:
    words = {"write": lambda job, scene: Draft("done"), "ends": Ending.COMPLETED}
    return Step(Kind.UPDATE, **(words | fields))  # type: ignore[arg-type]


def test_the_book_learns_messages_and_ending(setting: Setting) -> None:
    job = setting.job()
    setting.stage.perform(job, ACK)
    setting.stage.perform(job, _finish())
    assert job.acknowledgement is not None
    assert job.entry["message_ids"] == [job.acknowledgement["id"]]
    assert job.entry["message_id"] == job.acknowledgement["id"]
    assert job.entry["status"] == "completed"
    assert job.entry["final_at_s"] == setting.scene.now().timestamp()


def test_steps_that_need_an_acknowledgement_do_nothing_without_one(setting: Setting) -> None:
    _, listener = setting.listen()
    job = setting.job()
    for kind in (Kind.UPDATE, Kind.DELETE, Kind.ANNOUNCE, Kind.PAUSE):
        setting.stage.perform(job, Step(kind, write=lambda job, scene: Draft("x")))
    assert listener.frames == []


def test_an_unpublished_message_is_in_history_only(setting: Setting) -> None:
    _, listener = setting.listen()
    job = setting.job()
    setting.stage.perform(job, ACK)
    setting.stage.perform(job, _finish(published=False))
    assert [name for name, _ in listener.events] == ["MESSAGE_CREATE"]
    assert setting.messages.read(setting.channel.id)[0]["content"] == "done"


def test_a_late_announcement_is_the_message_as_it_was_born(setting: Setting) -> None:
    _, listener = setting.listen()
    job = setting.job()
    setting.stage.perform(job, ACK)
    setting.stage.perform(job, _finish())
    setting.stage.perform(job, Step(Kind.ANNOUNCE))
    born, _, again = (data for _, data in listener.events)
    assert born == again


def test_an_ephemeral_job_is_told_to_its_user_alone(setting: Setting) -> None:
    _, stranger = setting.listen(setting.bot)
    _, owner = setting.listen()
    job = setting.job("info", ephemeral=True)
    setting.stage.perform(job, acknowledge(MessageFlag.EPHEMERAL | MessageFlag.LOADING))
    setting.stage.perform(job, _finish())
    assert stranger.frames == []
    assert [name for name, _ in owner.events] == ["MESSAGE_CREATE", "MESSAGE_UPDATE"]


def test_a_failure_says_that_the_application_was_too_slow(setting: Setting) -> None:
    _, listener = setting.listen()
    setting.stage.perform(setting.job(), Step(Kind.INTERACTION_FAILURE))
    assert listener.events == [
        ("INTERACTION_FAILURE", {"id": "100", "nonce": "42", "reason_code": 2})
    ]
