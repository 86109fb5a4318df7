from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.harness.desk import (
    desk,
    until,
)
from waystation import sentences
from waystation.actions import Slash
from waystation.contract import retry_after_s
from waystation.engine.account.turns import Hindrance
from waystation.engine.account.uploading import UPLOADS
from waystation.errors import (
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    TransportError,
    Unreachable,
    Withheld,
)
from waystation.jobs import JobStatus
from waystation.midjourney.matching.evidence import upload_stem


def pending(count: int = 1) -> list[asyncio.Future[None]]:
    return [asyncio.get_running_loop().create_future() for _ in range(count)]


LIMITED = '{"message": "limited", "retry_after": 119.2}'


async def test_the_picture_is_uploaded_under_a_name_that_carries_the_nonce(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        assert job.nonce is not None
        (upload,) = here.discord.uploads
        assert upload.filename == f"{upload_stem(job.nonce)}.png"
        assert upload.data == b"picture"
        action = here.discord.performed[0].action
        assert isinstance(action, Slash)
        (attachment,) = action.attachments
        assert attachment.uploaded_filename == f"uploads/{upload.filename}"


async def test_four_pictures_of_an_account_are_uploaded_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        hanging = pending(UPLOADS + 2)
        here.discord.upload_ends.extend(hanging)
        for _ in hanging:
            await here.submit()
        await until(lambda: len(here.discord.uploads) == UPLOADS)
        await here.quiet()
        assert len(here.discord.uploads) == UPLOADS == 4
        hanging[0].set_result(None)
        await until(lambda: len(here.discord.uploads) == UPLOADS + 1)


async def test_a_shorter_wait_for_uploads_is_waited_for(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.upload_ends.append(Withheld("Discord asked to wait", 40.0, LIMITED))
        await here.submit()
        await until(lambda: len(here.discord.uploads) == 1)
        await here.pass_time(39)
        assert here.discord.performed == []
        await here.pass_time(2)
        await until(lambda: len(here.discord.performed) == 1)


@pytest.mark.parametrize(
    ("withheld", "code", "error"),
    [
        (Withheld("Discord asked to wait", 119.2, LIMITED), 429, sentences.RATE_LIMITED.text),
        (Withheld("nothing is sent", 600.0), 502, Hindrance.BREAKER.value.text),
    ],
)
async def test_a_wait_for_uploads_beyond_the_jobs_time_ends_it_at_once(
    tmp_path: Path, withheld: Withheld, code: int, error: str
) -> None:
    """R16."""
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.upload_ends.append(withheld)
        job = await here.submit()
        ended = await here.becomes(job.jobid, JobStatus.FAILED)
        assert (ended.code, ended.error) == (code, error)
        assert retry_after_s(ended) == (120 if code == 429 else None)
        assert here.discord.performed == []
        await here.submit("info")
        await until(lambda: len(here.discord.performed) == 1)


@pytest.mark.parametrize(
    ("error", "code", "halted"),
    [
        (Unreachable("no answer"), 502, False),
        (TransportError("Discord named an upload host that is not allowed"), 502, False),
        (RequestRefused(413, "too large"), 400, False),
        (RequestRefused(404, "unknown channel"), 502, False),
        (NotAuthorised("rejected"), 596, True),
        (HumanCheckRequired("captcha"), 596, True),
    ],
)
async def test_a_failed_upload_ends_the_job_unsent(
    tmp_path: Path, error: Exception, code: int, halted: bool
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.upload_ends.append(error)
        job = await here.submit()
        failed = await here.becomes(job.jobid, JobStatus.FAILED)
        assert failed.code == code
        assert failed.nonce is None
        assert here.discord.performed == []
        await until(lambda: (here.owner.account.halt is not None) is halted)
