"""Files of jobs as their owner keeps them: labelled, and many in one ZIP file (R47)."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from PIL import Image

from tests.build import replace
from tests.harness.face import JOB, USER
from tests.harness.media import LINK, STRANGER, Desk
from waystation.engine.media.downloads import MISSING, Downloads
from waystation.errors import MediaFailed, MediaGone, NotFound, Throttled
from waystation.media.files import Wish
from waystation.wire.message import Attachment

PROMPT = "a red fox --seed 42"


def _png() -> bytes:
    file = BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    return file.getvalue()


def _desk(size: int | None = None) -> tuple[Desk, Downloads]:
    desk = Desk(size=size)
    desk.source.files[LINK] = _png()
    desk.job = replace(desk.job, params={"prompt": PROMPT}, created_at=JOB.created_at)
    return desk, Downloads(desk.media)


async def _zip(downloads: Downloads, *jobids: str) -> dict[str, bytes]:
    files = await downloads.files_of(USER, jobids)
    sent = b"".join([piece async for piece in downloads.zipped(files)])
    with zipfile.ZipFile(BytesIO(sent)) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


async def test_a_download_says_what_the_picture_is_of() -> None:
    desk, downloads = _desk()
    async with downloads.labelled(await desk.found()) as (data, kind):
        with Image.open(BytesIO(data)) as image:
            image.load()
            assert image.info["Description"] == PROMPT
            assert JOB.jobid in image.info["xmp"].decode()
    assert kind.name == "png"
    assert desk.source.open_files == 0


async def test_a_download_says_the_prompt_that_was_drawn() -> None:
    desk, downloads = _desk()
    desk.job = replace(desk.job, params={}, content="**a blue fox --v 7** - <@1> (fast)")
    async with downloads.labelled(await desk.found()) as (data, _):
        assert b"a blue fox --v 7" in data


async def test_a_cut_picture_is_downloaded_too() -> None:
    desk, downloads = _desk()
    async with downloads.labelled(await desk.found(Wish(JOB.jobid, 0, tile=2))) as (data, kind):
        assert (data[:5], kind.name) == (b"cut 2", "webp")


async def test_no_more_of_a_file_is_held_than_it_said() -> None:
    desk, downloads = _desk(size=20)
    with pytest.raises(MediaFailed):
        async with downloads.labelled(await desk.found()):
            raise AssertionError


async def test_a_user_holds_few_bytes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waystation.engine.media.serving.PLACE_WAIT_S", 0.01)
    monkeypatch.setattr("waystation.engine.media.downloads.CUT_BYTES", len(_png()))
    desk, downloads = _desk(size=len(_png()))
    async with downloads.labelled(await desk.found()):
        with pytest.raises(Throttled, match="Too many files are being read; try again"):
            async with downloads.labelled(await desk.found()):
                raise AssertionError
    async with downloads.labelled(await desk.found()):
        pass


async def test_all_users_hold_few_bytes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waystation.engine.media.serving.PLACE_WAIT_S", 0.01)
    monkeypatch.setattr("waystation.engine.media.downloads.CUT_BYTES", len(_png()))
    desk, downloads = _desk(size=len(_png()))
    own = await desk.found()
    async with (
        downloads.labelled(own),
        downloads.labelled(replace(own, user_id=2)),
    ):
        with pytest.raises(Throttled):
            async with downloads.labelled(replace(own, user_id=3)):
                raise AssertionError


async def test_the_files_of_jobs_come_as_one_zip_file() -> None:
    desk, downloads = _desk()
    second = Attachment("78", "b.png", LINK + "?2", size=None)
    desk.source.files[LINK + "?2"] = _png()
    desk.job = replace(desk.job, attachments=(*desk.job.attachments, second, Attachment("79")))
    found = await _zip(downloads, JOB.jobid, JOB.jobid)
    assert sorted(found) == ["20260102030405678-0.png", "20260102030405678-1.png"]
    assert all(PROMPT.encode() in data for data in found.values())


@pytest.mark.parametrize("error", [MediaGone(), MediaFailed()])
async def test_a_file_that_cannot_be_read_is_named_in_the_zip_file(error: Exception) -> None:
    desk, downloads = _desk()
    desk.source.fails = error
    found = await _zip(downloads, JOB.jobid)
    assert found == {MISSING: f"{JOB.jobid} 0: {error}\n".encode()}


async def test_a_file_that_breaks_off_leaves_the_others_whole() -> None:
    desk, downloads = _desk()
    broken = Attachment("78", "b.png", LINK + "?2", size=None)
    desk.source.files[LINK + "?2"] = b"<svg>"
    desk.job = replace(desk.job, attachments=(broken, *desk.job.attachments))
    found = await _zip(downloads, JOB.jobid)
    assert sorted(found) == ["20260102030405678-1.png", MISSING]
    assert found[MISSING].decode().startswith(f"{JOB.jobid} 0: This file cannot be shown")


async def test_a_foreign_job_and_one_without_files_are_not_found() -> None:
    desk, downloads = _desk()
    with pytest.raises(NotFound, match="Unable to locate job"):
        await downloads.files_of(STRANGER, [JOB.jobid])
    desk.job = replace(desk.job, attachments=(Attachment("77"),))
    with pytest.raises(NotFound, match="None of these jobs has a file"):
        await downloads.files_of(USER, [JOB.jobid])
