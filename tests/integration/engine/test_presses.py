"""Pictures and presses through the service: what is asked of Discord, and what comes of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

from tests.build import replace
from tests.golden.corpus import PAYLOADS, merged
from tests.harness.desk import ACCOUNT, PICTURE, opened, until
from tests.harness.house import House, house
from tests.harness.play import CHANNEL, USER
from waystation.actions import AnswerModal, Option, Paint, Press, Refused, Slash
from waystation.engine.intake import FilePart
from waystation.engine.request import JobRequest
from waystation.errors import (
    ButtonRepeated,
    Halted,
    InvalidRequest,
    NotConnected,
    NotFound,
    Unreachable,
    UuidTaken,
)
from waystation.gateway_events import (
    CaughtUp,
    IframeSeen,
    InteractionTold,
    MessageSeen,
    ModalSeen,
    SeenAs,
    ToldAs,
)
from waystation.jobs import Job, JobId, JobStatus
from waystation.midjourney.conversation import Conversation
from waystation.midjourney.steps import NOTHING
from waystation.ports import Commit, Standing
from waystation.wire.interaction import IframeModalCreated, ModalCreated
from waystation.wire.message import Message

IMAGINE = JobRequest("imagine", params={"prompt": "a red fox --ar 3:2"})
GRID = PAYLOADS["imagine/final"].content["payload"]
UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


def said(name: str, job: Job | None = None, **changes: Any) -> MessageSeen:
    """A golden as this account's bot says it, with the job's nonce if one is given."""
    payload = merged(PAYLOADS[name].content["payload"], changes)
    if job is not None:
        payload["nonce"] = job.nonce
    text = json.dumps(payload).replace(USER, ACCOUNT.discord_user_id)
    message = msgspec.json.decode(text.replace(CHANNEL, ACCOUNT.channel), type=Message)
    return MessageSeen(SeenAs.CREATED, message)


def pressing(parent: Job, button: str, **params: object) -> JobRequest:
    return JobRequest("button", params={"parentJobId": parent.jobid, "button": button, **params})


async def drawn(here: House) -> Job:
    """Let an imagine complete."""
    await here.live()
    asked = await here.ask(IMAGINE)
    before = len(here.here.discord.performed)
    (job,) = await here.performed(before + 1)
    here.here.discord.say(said("imagine/started", job), said("imagine/progress_0"))
    await asked
    here.here.discord.say(said("imagine/final"))
    return await here.here.becomes(job.jobid, JobStatus.COMPLETED)


async def pressed(here: House, request: JobRequest) -> tuple[asyncio.Task[Job], Job]:
    """Ask for a press and wait until it was performed."""
    count = len(here.here.discord.performed) + 1
    asked = await here.ask(request)
    (job,) = await here.performed(count)
    return asked, job


async def test_an_imagine_is_followed_to_its_picture_and_its_buttons(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        job = await drawn(here)
        (submission,) = here.here.discord.performed
        text = Option(3, "prompt", "a red fox --ar 3:2")
        assert submission.action == Slash("imagine", (text,))
        assert (job.hash, job.message_id) == (UUID, GRID["id"])
        assert [button.label for button in job.buttons][:5] == ["U1", "U2", "U3", "U4", "🔄"]
        assert job.discord_user_id == ACCOUNT.discord_user_id


@pytest.mark.parametrize("error", [UuidTaken(details=UUID), RuntimeError("a mistake")], ids=repr)
async def test_a_picture_that_cannot_be_the_jobs_is_dropped_and_the_job_waits_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        asked = await here.ask(IMAGINE)
        (job,) = await here.performed(1)
        here.here.discord.say(said("imagine/started", job))
        await asked
        store = here.pool.owners[0].adapters.store
        commit = store.commit

        async def refusing(change: Commit) -> None:
            if any(one.job.hash == UUID for one in change.jobs):
                raise error
            await commit(change)

        monkeypatch.setattr(store, "commit", refusing)
        here.here.discord.say(said("imagine/final"), said("imagine/final_other"))
        done = await here.here.becomes(job.jobid, JobStatus.COMPLETED)
        assert done.hash not in (None, UUID)


async def test_a_press_copies_its_ids_and_may_be_completed_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        asked, job = await pressed(here, pressing(parent, "U2"))
        press = Press(GRID["id"], 0, f"MJ::JOB::upsample::2::{UUID}")
        assert here.here.discord.performed[-1].action == press
        here.here.discord.say(
            said("button/tile", job, message_reference={"message_id": GRID["id"]})
        )
        child = await asked
        assert (child.status, child.parent_jobid) == (JobStatus.COMPLETED, parent.jobid)
        assert child.hash != parent.hash
        _, (born,) = await here.service.reads.family(await here.user(), parent.jobid)
        assert (born.button, born.jobid, born.message_id) == ("U2", child.jobid, child.message_id)


async def test_a_second_u1_is_refused_and_names_the_first_under_two_at_once(tmp_path: Path) -> None:
    """R38."""
    async with house(tmp_path) as here:
        parent = await drawn(here)
        both = [await here.ask(pressing(parent, "U1")) for _ in range(2)]
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        error = next(iter(done)).exception()
        assert isinstance(error, ButtonRepeated)
        (first,) = await here.performed(2)
        assert (error.button, error.jobid) == ("U1", first.jobid)
        assert error.message == f"Button U1 already executed by job {first.jobid}"


async def test_a_parent_must_be_known_and_show_the_button(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        user = await here.user()
        with pytest.raises(NotFound, match="Unable to locate job job:0"):
            await here.service.submit(user, pressing(replace(parent, jobid=JobId("job:0")), "U1"))
        with pytest.raises(InvalidRequest, match="not found in jobid buttons array"):
            await here.service.submit(user, pressing(parent, "U7"))
        assert len(here.here.discord.performed) == 1


async def test_a_halted_channel_presses_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        here.here.discord.say(said("describe/pending_mod_message", parent))
        await until(lambda: here.pool.owners[0].account.halt is not None)
        with pytest.raises(Halted):
            await here.service.submit(await here.user(), pressing(parent, "U1"))


def modal_for(job: Job, value: str = "a red fox") -> ModalSeen:
    """The remix modal that the bot opens for a press."""
    rows = [
        {
            "type": 1,
            "components": [{"type": 4, "custom_id": "MJ::RemixModal::new_prompt", "value": value}],
        }
    ]
    body = {"id": "990", "custom_id": "MJ::RemixModal::x", "nonce": job.nonce, "components": rows}
    return ModalSeen(msgspec.json.decode(json.dumps(body), type=ModalCreated))


@pytest.mark.parametrize(
    ("params", "held", "written"),
    [
        ({"prompt": "a blue fox"}, "a red fox", "a blue fox"),
        ({}, "what the bot wrote", "what the bot wrote"),
        ({}, "", "a red fox --ar 3:2"),
    ],
)
async def test_a_modal_is_answered_with_the_prompt_or_the_parents(
    tmp_path: Path, params: dict[str, object], held: str, written: str
) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        asked, job = await pressed(here, pressing(parent, "V1", **params))
        here.here.discord.say(modal_for(job, held))
        await until(lambda: len(here.here.discord.performed) == 3)
        answer = here.here.discord.performed[-1]
        values = {"MJ::RemixModal::new_prompt": written}
        assert answer.action == AnswerModal("990", "MJ::RemixModal::x", values)
        now = await here.here.job(job.jobid)
        assert answer.nonce == now.nonce != job.nonce
        here.here.discord.say(said("button/variations_started", now))
        assert (await asked).status is JobStatus.STARTED


async def test_a_refused_answer_to_a_modal_ends_its_job_although_the_press_was_seen(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        asked, job = await pressed(here, pressing(parent, "V1"))
        told = InteractionTold(ToldAs.CREATED, "990", job.nonce)
        here.here.discord.outcomes.append(Refused(404, '{"code": 10062}', "invalid"))
        here.here.discord.say(told, modal_for(job))
        failed = await here.here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.error_details) == (502, '{"code": 10062}')
        assert (await asked).code == 502


async def test_no_modal_is_answered_where_no_nonce_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R12, I4."""
    async with house(tmp_path) as here:
        parent = await drawn(here)
        _, job = await pressed(here, pressing(parent, "V1"))
        asked = Mock(return_value=NOTHING)
        monkeypatch.setattr(Conversation, "submitted", asked)
        here.here.discord.say(modal_for(job))
        await until(lambda: asked.called)
        await here.here.quiet()
        assert len(here.here.discord.performed) == 2
        assert (await here.here.job(job.jobid)).nonce == job.nonce


async def test_a_modal_found_after_a_lost_session_fails_and_nothing_is_pressed_again(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        _, job = await pressed(here, pressing(parent, "V1"))
        here.here.clock.advance(0.001)
        owner = here.pool.owners[0]
        owner.disconnected()
        here.here.discord.say(modal_for(job))
        await until(lambda: owner.current(job.jobid) is not None and _modal(owner, job))
        here.here.discord.say(
            CaughtUp(False, ACCOUNT.discord_user_id, opened(1, "session-2")),
        )
        failed = await here.here.becomes(job.jobid, JobStatus.FAILED)
        assert (failed.code, failed.modal) == (502, None)
        assert len(here.here.discord.performed) == 2


FORM = (
    "What the bot opened was not answered, so nothing comes of it; the job can be submitted again."
)
LIMITED = '{"message":"You are being rate limited.","retry_after":120}'


async def test_a_form_that_waits_for_its_turn_ends_with_that_and_holds_nothing(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        asked, job = await pressed(here, pressing(parent, "V1"))
        owner, clock = here.pool.owners[0], here.here.clock
        owner._submitter._turns.asked(clock.monotonic(), 1000.0, unbound=False)
        here.here.discord.say(modal_for(job))
        await until(lambda: _modal(owner, job))
        reads = len(here.here.discord.reads)
        await here.here.pass_time(60)
        failed = await asked
        assert (failed.code, failed.error, failed.error_details) == (
            502,
            "Not sent within 60 seconds: an account sends one job after the other",
            FORM,
        )
        # it was opened and never answered: the bot draws nothing, and history has nothing of it
        assert (failed.ghost, failed.slot) == (False, False)
        assert len(here.here.discord.reads) == reads


async def test_a_form_that_discord_lets_nobody_answer_in_its_time_ends_at_once(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        asked, job = await pressed(here, pressing(parent, "V1"))
        here.here.discord.standing = Standing(120.0, LIMITED)
        here.here.discord.say(modal_for(job))
        failed = await asked
        assert (failed.code, failed.error, failed.error_details) == (
            429,
            "Discord /interactions failed with HTTP status 429",
            LIMITED,
        )
        assert (failed.ghost, failed.slot) == (False, False)


async def test_a_form_is_answered_after_a_wait_that_ends_in_its_time(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        _, job = await pressed(here, pressing(parent, "V1"))
        here.here.discord.standing = Standing(20.0, LIMITED)
        here.here.discord.say(modal_for(job))
        await until(lambda: _modal(here.pool.owners[0], job))
        await here.here.quiet()
        assert len(here.here.discord.performed) == 2
        here.here.discord.standing = None
        await here.here.pass_time(20)
        await here.performed(3)


async def test_a_form_that_waits_for_the_connection_ends_with_that(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        asked, job = await pressed(here, pressing(parent, "V1"))
        here.here.clock.advance(0.001)
        owner = here.pool.owners[0]
        owner.disconnected()
        here.here.discord.say(modal_for(job))
        await until(lambda: _modal(owner, job))
        await here.here.pass_time(60)
        failed = await asked
        assert (failed.error, failed.error_details) == (
            "The account's connection to Discord was lost while the job waited",
            FORM,
        )


def _modal(owner: Any, job: Job) -> bool:
    return owner.current(job.jobid).modal is not None


async def started(here: House) -> Job:
    """Let an imagine show its Cancel Job."""
    await here.live()
    asked = await here.ask(IMAGINE)
    (job,) = await here.performed(1)
    here.here.discord.say(said("imagine/started", job), said("imagine/progress_0"))
    await asked
    return await here.here.becomes(job.jobid, JobStatus.PROGRESS)


async def test_a_cancel_presses_cancel_job_and_waits_for_the_bots_word(tmp_path: Path) -> None:
    """R26."""
    async with house(tmp_path) as here:
        job = await started(here)
        cancelling = asyncio.create_task(here.service.cancel(await here.user(), job.jobid))
        await until(lambda: len(here.here.discord.performed) == 2)
        press = here.here.discord.performed[-1].action
        assert press == Press(str(job.message_id), 0, f"MJ::CancelJob::ByJobid::{UUID}")
        here.here.discord.say(said("imagine/final_stopped_with_picture"))
        cancelled = await cancelling
        assert (cancelled.status, cancelled.ghost) == (JobStatus.CANCELLED, False)


async def test_a_result_that_is_faster_than_the_cancel_wins(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        job = await started(here)
        cancelling = asyncio.create_task(here.service.cancel(await here.user(), job.jobid))
        await until(lambda: len(here.here.discord.performed) == 2)
        here.here.discord.say(said("imagine/final"))
        assert (await cancelling).status is JobStatus.COMPLETED


async def test_a_cancel_that_cannot_be_pressed_ends_as_a_ghost(tmp_path: Path) -> None:
    """R26."""
    async with house(tmp_path) as here:
        job = await started(here)
        here.here.discord.outcomes.append(Unreachable("down"))
        cancelled = await here.service.cancel(await here.user(), job.jobid)
        assert (cancelled.status, cancelled.ghost) == (JobStatus.CANCELLED, True)


async def test_an_identical_prompt_waits_until_the_earlier_has_shown_its_uuid(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        first = await here.ask(IMAGINE)
        (job,) = await here.performed(1)
        here.here.discord.say(said("imagine/started", job))
        await first
        same = JobRequest("imagine", params={"prompt": "A red  fox --v 7"})
        await here.ask(same)
        await until(lambda: len(here.pool.jobs(ACCOUNT.account_id)) == 2)
        assert len(here.here.discord.performed) == 1
        here.here.discord.say(said("imagine/progress_0"))
        await here.performed(2)


async def test_a_blend_uploads_its_urls_and_then_its_files(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        request = JobRequest(
            "blend",
            params={"blendUrls": ["https://example.org/1.png"], "blendDimensions": "Square"},
            files={"blendFile_2": FilePart("b.png", b"picture")},
        )
        await here.ask(request)
        await here.performed(1)
        (submission,) = here.here.discord.performed
        assert isinstance(submission.action, Slash)
        names = [option.name for option in submission.action.options]
        assert names == ["image1", "image2", "dimensions"]
        assert len(here.here.discord.uploads) == 2


def iframe_for(job: Job) -> IframeSeen:
    """The region editor that the bot opens for a press."""
    return IframeSeen(
        IframeModalCreated("991", custom_id="MJ::iframe::token", title="Inpaint", nonce=job.nonce)
    )


async def test_a_mask_is_sent_once_the_region_editor_is_open(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        tile, job = await pressed(here, pressing(parent, "U2"))
        here.here.discord.say(said("button/tile", job))
        single = await tile
        request = replace(
            pressing(single, "Vary (Region)"), files={"mask": FilePart("mask", b"mask")}
        )
        _, job = await pressed(here, request)
        assert here.here.discord.uploads == []
        here.here.discord.say(iframe_for(job))
        await until(lambda: len(here.here.discord.performed) == 4)
        paint = here.here.discord.performed[-1].action
        assert paint == Paint("token", PICTURE.data, "a red fox --ar 3:2")


async def test_a_mask_waits_for_the_region_editor_over_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        tile, job = await pressed(here, pressing(parent, "U2"))
        here.here.discord.say(said("button/tile", job))
        single = await tile
        request = replace(
            pressing(single, "Vary (Region)"), files={"mask": FilePart("mask", b"mask")}
        )
        _, job = await pressed(here, request)
        # what a killed process knew is gone
        owner = here.pool.get(ACCOUNT.account_id)
        assert owner is not None
        owner._submitter._queue.masks.clear()
        assert await here.here.store.inputs_of(job.jobid) is not None
        here.here.discord.say(iframe_for(job))
        await until(lambda: len(here.here.discord.performed) == 4)
        paint = here.here.discord.performed[-1].action
        assert paint == Paint("token", PICTURE.data, "a red fox --ar 3:2")
        # R13: it may not have left; the bot's first message says that it has
        assert await here.here.store.inputs_of(job.jobid) is not None
        here.here.discord.say(said("imagine/started", await here.here.job(job.jobid)))
        await here.here.becomes(job.jobid, JobStatus.STARTED)
        assert await here.here.store.inputs_of(job.jobid) is None


async def test_a_mask_waits_for_the_connection_that_broke_before_it_left(tmp_path: Path) -> None:
    """R13: the press was executed; the answer to what it has opened waits as for its turn."""
    async with house(tmp_path) as here:
        parent = await drawn(here)
        tile, job = await pressed(here, pressing(parent, "U2"))
        here.here.discord.say(said("button/tile", job))
        request = replace(
            pressing(await tile, "Vary (Region)"), files={"mask": FilePart("mask", b"mask")}
        )
        _, job = await pressed(here, request)
        here.here.discord.outcomes.append(NotConnected("gone"))
        here.here.discord.say(iframe_for(job))
        owner = here.pool.get(ACCOUNT.account_id)
        assert owner is not None
        await until(lambda: not owner.caught_up)
        await until(lambda: _modal(owner, job))
        here.here.discord.say(CaughtUp(True, ACCOUNT.discord_user_id, opened(9)))
        await until(lambda: len(here.here.discord.performed) == 5)
        paint = here.here.discord.performed[-1].action
        assert paint == Paint("token", PICTURE.data, "a red fox --ar 3:2")


async def test_an_editor_that_opens_for_a_press_without_a_mask_fails_its_job(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        parent = await drawn(here)
        _, job = await pressed(here, pressing(parent, "V1"))
        here.here.discord.say(iframe_for(job))
        failed = await here.here.becomes(job.jobid, JobStatus.FAILED)
        assert failed.error == "The bot asked for a mask, and the job has none"
