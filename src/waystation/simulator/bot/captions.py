"""Captions: the messages of a job that draws, from waiting to result.

Source: wire notes 4.1 (grammar), 4.2 (files and what else a message holds) and 4.10 (the seed).
"""

from __future__ import annotations

from dataclasses import replace

from waystation.simulator.bot import buttons
from waystation.simulator.bot.buttons import CANCEL, MODELS
from waystation.simulator.bot.gallery import Drawn
from waystation.simulator.bot.job import Job, Scene, Write
from waystation.simulator.bot.prompts import file_words
from waystation.simulator.bot.works import Medium, Work
from waystation.simulator.discord.files import safe_name
from waystation.simulator.discord.messages import Draft
from waystation.simulator.payload import Payload

__all__ = [
    "displaying",
    "forged",
    "recoloured",
    "result",
    "running",
    "seeded",
    "shown",
    "stopped",
    "waiting",
]

MODES = {"Fast": "fast", "Relaxed": "relaxed", "Turbo": "turbo"}
"""How texts name the modes of /info."""


def waiting(job: Job, scene: Scene) -> Draft:
    """Write that a job has not begun yet."""
    words = "" if job.caption.opening else job.caption.running
    return Draft(f"{job.caption.opening}**{job.prompt}**{_who(job, words)} (Waiting to start)")


def running(percent: int) -> Write:
    """Return what writes a progress report, with its picture and the button to give up."""

    def write(job: Job, scene: Scene) -> Draft:
        who = _who(job, job.caption.running)
        name = f"{job.uuid}_grid_0" if job.discloses else "grid_0"
        row = (buttons.row(CANCEL.component(job.uuid)),) if job.discloses else ()
        return Draft(
            f"**{job.prompt}**{who} ({percent}%) ({_mode(job)})",
            components=row,
            attachments=_attached(job, scene, [name] * len(job.drawn)),
        )

    return write


def result(job: Job, scene: Scene) -> Draft:
    """Write the finished work, and keep it for the buttons that come with it."""
    assert job.work is not None, "a result is a work"
    work = replace(job.work, content=_final(job, job.uuid))
    scene.works.add(work)
    names = [_result_name(job, work)] * len(job.drawn)
    return Draft(work.content, components=_rows(work), attachments=_attached(job, scene, names))


def forged(job: Job, scene: Scene) -> Draft:
    """Write what another bot says to be taken for the result: another uuid, another picture."""
    assert job.work is not None, "only a job that draws can be imitated so"
    uuid = job.uuid[::-1].replace("-", "")
    uuid = "-".join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]))
    work = replace(job.work, uuid=uuid)
    names = [_result_name(job, work)] * len(job.drawn)
    return Draft(
        _final(job, uuid), components=_rows(work), attachments=_attached(job, scene, names)
    )


def recoloured(job: Job, scene: Scene) -> Draft:
    """Write the pressed message again, with the button in another colour."""
    press = job.ask.press
    assert press is not None, "only a press recolours"
    return _again(press.message, buttons.pressed(press.message["components"], press.custom_id))


def stopped(job: Job, scene: Scene) -> Draft:
    """Write the pressed progress message as that of a job that was given up."""
    press = job.ask.press
    assert press is not None, "only a press stops"
    content = press.message["content"]
    who = f"<@{job.ask.user.id}>"
    head = content[: content.rindex(who) + len(who)] if who in content else content
    return replace(_again(press.message, ()), content=f"{head} (Stopped)")


def displaying(job: Job, scene: Scene) -> Draft:
    """Write that /show is looking. Source: wire notes 4.9."""
    return Draft("Displaying...")


def shown(job: Job, scene: Scene) -> Draft:
    """Write an earlier result again."""
    work = job.work
    assert work is not None, "only what was found is shown"
    names = [_result_name(job, work)] * len(job.drawn)
    attachments = _attached(job, scene, names)
    return Draft(work.content, components=_rows(work), attachments=attachments)


def seeded(job: Job, scene: Scene) -> Draft:
    """Write a job's uuid and seed, with its pictures one by one. Source: wire notes 4.10."""
    work = job.work
    assert work is not None, "only what was made has a seed"
    words = f"**{work.prompt}**\n**Job ID**: {work.uuid}\n**seed** {work.seed}"
    numbers = range(1, len(job.drawn) + 1)
    names = [f"{_result_name(job, work)}_{number}" for number in numbers]
    account = job.ask.account
    channel_id = job.ask.channel.id if account is None else account.dm_channel_id
    return Draft(words, attachments=_attached(job, scene, names, channel_id))


def _again(message: Payload, rows: tuple[Payload, ...]) -> Draft:
    return Draft(
        message["content"],
        tuple(message["embeds"]),
        rows,
        message["flags"],
        tuple(message["attachments"]),
    )


def _final(job: Job, uuid: str) -> str:
    words = f"**{job.prompt}**{_who(job, job.caption.final)}"
    model = MODELS[job.work.version] if job.work is not None else None
    if job.caption.names_mode and (job.caption.is_video or (model is not None and model.links)):
        words += f" [(Open on website)](<https://midjourney.com/jobs/{uuid}>)"
    return f"{words} ({_mode(job)})" if job.caption.names_mode else words


def _who(job: Job, words: str) -> str:
    parts = [words] if words else []
    if job.caption.names_user:
        parts.append(f"<@{job.ask.user.id}>")
    return f" - {' '.join(parts)}"


def _mode(job: Job) -> str:
    account = job.ask.account
    hidden = account is not None and account.standing.visibility == "Stealth"
    return MODES[job.mode] + (", stealth" if hidden else "")


def _rows(work: Work) -> tuple[Payload, ...]:
    model = MODELS[work.version]
    match work.medium:
        case Medium.GRID:
            return buttons.grid_rows(work.uuid)
        case Medium.SINGLE:
            width, height = work.canvas.ratio
            return buttons.single_rows(work.uuid, model, is_square=width == height)
        case Medium.UPSCALED:
            return buttons.upscaled_rows(work.uuid, model)
        case Medium.VIDEO:
            return buttons.video_rows(work.uuid)
        case Medium.CLIP:
            return buttons.clip_rows(work.uuid, work.tile)


def _result_name(job: Job, work: Work) -> str:
    """Return a file's name without its extension. Source: wire notes 4.2, file names."""
    if work.medium is Medium.CLIP:
        return f"{work.uuid}_{work.tile}_720_N"
    return "_".join(filter(None, (job.ask.user.username, file_words(work.prompt), work.uuid)))


def _attached(
    job: Job, scene: Scene, names: list[str], channel_id: str | None = None
) -> tuple[Payload, ...]:
    place = channel_id or job.ask.channel.id
    named = zip(names, job.drawn, strict=True)
    return tuple(_attach(job, scene, place, name, drawn) for name, drawn in named)


def _attach(job: Job, scene: Scene, channel_id: str, name: str, drawn: Drawn) -> Payload:
    filename = safe_name(f"{name}.{drawn.extension}")
    owner = job.ask.user.id
    picture = scene.files.keep(filename, drawn.data, drawn.content_type, owner)
    size = (drawn.width, drawn.height)
    return scene.files.attach(picture, channel_id, size, job.link_life_s)
