from __future__ import annotations

from typing import Any, cast

from tests.build import replace
from tests.harness.play import new_job
from waystation.actions import AnswerModal, Paint, Press
from waystation.engine.account.modals import answer_to
from waystation.jobs import Job, JobId, Modal, ModalInput
from waystation.ports import Store


class Jobs:
    """A store that knows a few jobs."""

    def __init__(self, *jobs: Job) -> None:
        self.jobs = {job.jobid: job for job in jobs}

    async def get_job(self, jobid: str, user_id: int | None) -> Job | None:
        return self.jobs.get(JobId(jobid))


def store(*jobs: Job) -> Store:
    return cast(Store, Jobs(*jobs))


def pressed(**params: Any) -> Job:
    job = new_job("b", "button")
    return replace(job, params={"parentJobId": "a", "button": "V1", **params})


FORM = Modal("1", "form", (ModalInput("prompt"),))


async def test_a_form_gets_the_callers_prompt_and_mode() -> None:
    job = pressed(prompt="a red fox", mode="turbo")
    assert await answer_to(store(), job, FORM, None) == AnswerModal(
        "1", "form", {"prompt": "a red fox --turbo"}
    )


async def test_a_form_without_a_prompt_gets_that_of_the_first_ancestor() -> None:
    first = replace(new_job("a", "imagine"), params={"prompt": "a lamp"})
    answer = await answer_to(store(first), pressed(), FORM, None)
    assert isinstance(answer, AnswerModal)
    assert answer.values == {"prompt": "a lamp"}
    # and nothing is known where the parent is gone
    answer = await answer_to(store(), pressed(), FORM, None)
    assert answer == AnswerModal("1", "form", {"prompt": ""})


async def test_what_the_bot_has_filled_in_stays() -> None:
    form = Modal("1", "form", (ModalInput("prompt", "what the bot offers"),))
    job = replace(pressed(), modal=form)
    answer = await answer_to(store(), job, form, None)
    assert answer == AnswerModal("1", "form", {"prompt": "what the bot offers"})


async def test_an_iframe_gets_the_mask_or_nothing() -> None:
    iframe = Modal("1", "MJ::iframe::token")
    job = pressed(prompt="a hat")
    assert await answer_to(store(), job, iframe, b"mask") == Paint("token", b"mask", "a hat")
    assert await answer_to(store(), job, iframe, None) is None


async def test_the_settings_get_a_press() -> None:
    settings = Modal("1", "MJ::Settings::Stealth", flags=64, value="on")
    answer = await answer_to(store(), pressed(), settings, None)
    assert answer == Press("1", 64, "MJ::Settings::Stealth", "on")
