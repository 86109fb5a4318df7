from __future__ import annotations

import pytest

from tests.build import replace
from tests.integration.simulator.scene import UUID, Setting
from waystation.simulator import drawing
from waystation.simulator.bot import captions
from waystation.simulator.bot.buttons import CANCEL, row, uuid_in
from waystation.simulator.bot.gallery import finished, preview
from waystation.simulator.bot.job import Caption, Job, Press
from waystation.simulator.bot.works import Medium, Work

CANVAS = drawing.imagine("fox", 1)
PLAIN = Caption()


def _job(setting: Setting, caption: Caption = PLAIN, **changes: object) -> Job:
    user_id = setting.account.user_id
    work = Work(UUID, user_id, Medium.GRID, CANVAS, "fox", "7", 1)
    work = replace(work, **changes)
    job = setting.job("imagine", prompt=work.prompt, work=work, caption=caption)
    job.drawn = finished(work, 64)
    return job


WHO = f"<@{Setting().account.user_id}>"


@pytest.mark.parametrize(
    ("caption", "waiting", "running", "final"),
    [
        (
            Caption(),
            f"**fox** - {WHO} (Waiting to start)",
            f"**fox** - {WHO} (31%) (fast)",
            f"**fox** - {WHO} (fast)",
        ),
        (
            Caption("Upscaling image #1 with ", "Upscaling (2x) by", "Upscaled (2x) by"),
            f"Upscaling image #1 with **fox** - {WHO} (Waiting to start)",
            f"**fox** - Upscaling (2x) by {WHO} (31%) (fast)",
            f"**fox** - Upscaled (2x) by {WHO} (fast)",
        ),
        (
            Caption(running="Zoom Out by", final="Zoom Out by"),
            f"**fox** - Zoom Out by {WHO} (Waiting to start)",
            f"**fox** - Zoom Out by {WHO} (31%) (fast)",
            f"**fox** - Zoom Out by {WHO} (fast)",
        ),
        (
            Caption(final="Image #2", names_mode=False),
            f"**fox** - {WHO} (Waiting to start)",
            f"**fox** - {WHO} (31%) (fast)",
            f"**fox** - Image #2 {WHO}",
        ),
        (
            Caption("Creating video with prompt ", is_video=True),
            f"Creating video with prompt **fox** - {WHO} (Waiting to start)",
            f"**fox** - {WHO} (31%) (fast)",
            f"**fox** - {WHO} [(Open on website)](<https://midjourney.com/jobs/{UUID}>) (fast)",
        ),
    ],
)
def test_words_follow_the_documented_grammar(
    caption: Caption, waiting: str, running: str, final: str
) -> None:
    setting = Setting()
    job = _job(setting, caption)
    assert captions.waiting(job, setting.scene).content == waiting
    assert captions.running(31)(job, setting.scene).content == running
    assert captions.result(job, setting.scene).content == final


def test_a_result_is_kept_with_its_text() -> None:
    setting = Setting()
    captions.result(_job(setting), setting.scene)
    work = setting.works.find(UUID)
    assert work is not None and work.content == f"**fox** - {WHO} (fast)"


def test_a_forgery_names_another_job() -> None:
    setting = Setting()
    draft = captions.forged(_job(setting), setting.scene)
    other = uuid_in({"components": draft.components})
    assert other is not None and other != UUID and len(other) == 36
    assert setting.works.find(other) is None


def test_links_of_a_result_can_have_expired() -> None:
    setting = Setting()
    job = _job(setting)
    job.link_life_s = -60.0
    (attachment,) = captions.result(job, setting.scene).attachments
    assert setting.files.read_link(attachment["url"]) is None
    job.link_life_s = None
    (attachment,) = captions.result(job, setting.scene).attachments
    assert setting.files.read_link(attachment["url"]) is not None


def test_an_undisclosing_report_shows_no_uuid() -> None:
    setting = Setting()
    job = _job(setting)
    assert job.work is not None
    job.drawn, job.discloses = preview(31)(job.work, 64), False
    draft = captions.running(31)(job, setting.scene)
    assert UUID not in str(draft)
    assert draft.attachments[0]["filename"] == "grid_0.webp"


@pytest.mark.parametrize(
    "content",
    [
        f"**fox** - {WHO} (31%) (fast)",
        f"**say {WHO} (Stopped)** - {WHO} (0%) (fast, stealth)",
    ],
)
def test_a_stopped_message_keeps_all_but_its_state(content: str) -> None:
    setting = Setting()
    rows = [row(CANCEL.component(UUID))]
    message = {"content": content, "embeds": [], "flags": 0, "attachments": [], "id": "1"}
    press = Press(message | {"components": rows}, CANCEL, "Cancel Job", "")
    draft = captions.stopped(setting.job("button", press=press), setting.scene)
    assert draft.content == content.rpartition(WHO)[0] + f"{WHO} (Stopped)"
    assert draft.components == ()


def test_a_clips_file_is_named_by_job_and_number() -> None:
    setting = Setting()
    film = drawing.animate(drawing.pick(CANVAS, 1), drawing.Motion.LOW)
    job = _job(setting, canvas=drawing.pick(film, 3), medium=Medium.CLIP, tile=3)
    (attachment,) = captions.result(job, setting.scene).attachments
    assert attachment["filename"] == f"{UUID}_3_720_N.mp4"
