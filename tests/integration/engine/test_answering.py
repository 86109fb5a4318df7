from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.desk import (
    ACCOUNT,
    acknowledged,
    described,
    info,
    said,
    told,
    until,
)
from tests.harness.house import DESCRIBE, INFO, House, house
from waystation.engine.request import JobRequest
from waystation.errors import NotAuthorised
from waystation.gateway_events import MessageSeen, SeenAs
from waystation.jobs import Job, JobStatus
from waystation.wire.message import Embed


async def test_a_describe_answers_with_the_first_message_and_an_info_when_final(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        asked = await here.ask()
        (job,) = await here.performed()
        here.here.discord.say(told(job))
        await until(lambda: here.pool.jobs(ACCOUNT.account_id)[0].bound)
        assert not asked.done()
        here.here.discord.say(acknowledged(job))
        answer = await asked
        assert (answer.status, answer.message_id) == (JobStatus.STARTED, "800")
        asked = await here.ask(INFO)
        await here.performed(2)
        (second,) = [one for one in here.pool.jobs(ACCOUNT.account_id) if one.verb == "info"]
        here.here.discord.say(told(second, "701"), info(second, "801", interaction_id="701"))
        assert (await asked).status is JobStatus.COMPLETED
        assert here.fetcher.urls == ["https://example.org/1.png"]


async def test_a_refusal_by_edit_of_an_empty_first_message_is_what_the_post_answers(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, first_edit_s=60) as here:
        await here.live()
        asked = await here.ask()
        (job,) = await here.performed()
        here.here.discord.say(told(job), acknowledged(job))
        await here.here.becomes(job.jobid, JobStatus.STARTED)
        assert not asked.done()
        filters = Embed(
            type="rich",
            title="Invalid link",
            description="Request cancelled due to image filters.",
            color=16711680,
        )
        edited = said("800", embeds=(filters,))
        here.here.discord.say(MessageSeen(SeenAs.UPDATED, edited, 4))
        answer = await asked
        assert (answer.status, answer.code) == (JobStatus.MODERATED, 422)


async def test_a_first_message_that_says_something_is_answered_at_once(tmp_path: Path) -> None:
    async with house(tmp_path, first_edit_s=60) as here:
        await here.live()
        asked = await here.ask()
        (job,) = await here.performed()
        first = said("800", nonce=job.nonce, content="Describing…", flags=128)
        here.here.discord.say(told(job), MessageSeen(SeenAs.CREATED, first, 3))
        assert (await asked).message_id == "800"


async def test_a_post_answers_when_its_time_is_over_and_the_job_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waystation.engine.answering._ANSWER_MARGIN_S", 0.2)
    async with house(tmp_path, first_answer_s=0.2) as here:
        await here.live()
        asked = await here.ask()
        (job,) = await here.performed()
        answer = await asked
        assert (answer.status, answer.message_id) == (JobStatus.SUBMITTED, None)
        here.here.discord.say(told(job), acknowledged(job), described(job))
        await here.here.becomes(job.jobid, JobStatus.COMPLETED)


async def test_a_post_whose_time_is_over_ends_a_job_that_was_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R10."""
    monkeypatch.setattr("waystation.engine.answering._ANSWER_MARGIN_S", 0.2)
    async with house(tmp_path, first_answer_s=0.2) as here:
        await here.live()
        here.here.discord.upload_ends.append(asyncio.get_running_loop().create_future())
        answer = await (await here.ask())
        assert (answer.status, answer.code) == (JobStatus.FAILED, 502)
        assert answer.error == "The picture was not uploaded to Discord within 60 seconds"
        assert here.here.discord.performed == []
        assert await here.here.store.running_jobs(1) == []


async def test_a_post_whose_time_is_over_leaves_a_job_to_wait_for_its_look_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R2, R15: it is sent when the one before has ended."""
    monkeypatch.setattr("waystation.engine.answering._ANSWER_MARGIN_S", 0.2)
    async with house(tmp_path, first_answer_s=0.2) as here:
        await here.live()
        imagine = JobRequest("imagine", params={"prompt": "a cat"})
        assert (await (await here.ask(imagine))).status is JobStatus.SUBMITTED
        answer = await (await here.ask(imagine))
        assert (answer.status, answer.code) == (JobStatus.CREATED, 200)
        await here.here.pass_time(60)
        await until(lambda: len(here.here.discord.performed) == 2)
        asked = await here.here.job(answer.jobid)
        assert here.here.discord.performed[1].nonce == asked.nonce


async def test_a_job_that_ends_before_anyone_waits_is_answered_all_the_same(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.upload_ends.append(NotAuthorised("rejected"))
        answer = await (await here.ask())
        assert (answer.status, answer.code) == (JobStatus.FAILED, 596)


async def test_a_post_of_an_accepted_job_says_so_though_the_store_cannot_be_read(
    tmp_path: Path,
) -> None:
    """I4."""
    async with house(tmp_path) as here:
        await here.live()
        asked = await here.ask()
        (job,) = await here.performed()
        here.here.failing.failing = {"get_job"}
        await here.service.drain()
        answer = await asked
        assert (answer.jobid, answer.final) == (job.jobid, False)


async def test_a_post_that_waits_for_a_job_of_a_held_account_does_not_read_the_store(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        asked = await here.ask()
        (job,) = await here.performed()
        first = said("800", nonce=job.nonce, content="Describing…", flags=128)
        here.here.discord.say(told(job), MessageSeen(SeenAs.CREATED, first, 3))
        assert (await asked).message_id == "800"
        assert here.here.failing.calls["get_job"] == 0


async def _waiting(here: House, wait_s: float, request: JobRequest = DESCRIBE) -> asyncio.Task[Job]:
    user = await here.user()
    return asyncio.create_task(here.service.submit(user, request, wait_s))


async def test_a_post_that_waits_for_the_end_answers_as_soon_as_the_job_is_final(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        asked = await _waiting(here, 60)
        (job,) = await here.performed()
        here.here.discord.say(told(job), acknowledged(job))
        await here.here.becomes(job.jobid, JobStatus.STARTED)
        assert not asked.done()
        here.here.discord.say(described(job))
        assert (await asked).status is JobStatus.COMPLETED


async def test_a_post_whose_wait_is_over_answers_the_job_as_it_is_and_ends_nothing(
    tmp_path: Path,
) -> None:
    """R2: N seconds from the request; a job that was not asked by then goes on."""
    async with house(tmp_path) as here:
        asked = await _waiting(here, 0)
        assert (await asked).status is JobStatus.CREATED
        await here.live()
        (job,) = await here.performed()
        here.here.discord.say(told(job), acknowledged(job), described(job))
        await here.here.becomes(job.jobid, JobStatus.COMPLETED)


async def test_the_time_that_the_pictures_take_counts_as_waited(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        fetch = here.fetcher.fetch

        async def slow(*arguments: Any, **more: Any) -> Any:
            here.here.clock.advance(30)
            return await fetch(*arguments, **more)

        here.fetcher.fetch = slow  # type: ignore[method-assign]
        waits: list[float] = []
        wait = here.here.feed.wait

        async def noted(job: Job, fits: Callable[[Job], bool], timeout_s: float) -> Job | None:
            waits.append(timeout_s)
            return await wait(job, fits, 0)

        here.here.feed.wait = noted  # type: ignore[method-assign]
        await (await _waiting(here, 50))
        assert waits == [20]
