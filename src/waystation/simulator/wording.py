"""What the bot says when it does its work: the answers of each command.

Source: wire notes 5.1 and 5.2. Footer and layout of /info follow the captured order of lines.
"""

from __future__ import annotations

from waystation.simulator import pictures
from waystation.simulator.job import Draft, Job, Scene
from waystation.simulator.payload import Payload
from waystation.simulator.titles import DEFAULT_RED
from waystation.simulator.world import RENEWAL_UNIX, Account, Standing
from waystation.wire.message import ComponentType, MessageFlag

__all__ = ["captcha_frame", "described", "info", "info_text", "job_queued", "look_alike"]

_DIGITS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣")


def described(job: Job, scene: Scene) -> Draft:
    """Write the four prompts of a picture and keep them in the book."""
    prompts = _prompts(job, job.seed)
    job.entry["prompts"] = list(prompts)
    return Draft(embeds=(_described_embed(job, scene, prompts),), components=_describe_buttons())


def look_alike(job: Job, scene: Scene) -> Draft:
    """Write what another bot says to be taken for the answer; never the book's prompts."""
    if job.look is None:
        return Draft(embeds=({"type": "rich", "title": "Your info - nobody", "description": "-"},))
    prompts = _prompts(job, job.seed + 1)
    return Draft(embeds=(_described_embed(job, scene, prompts),), components=_describe_buttons())


def _prompts(job: Job, seed: int) -> tuple[str, ...]:
    assert job.look is not None, "describe starts only with a picture that was read"
    return pictures.describe(job.look, seed)


def _described_embed(job: Job, scene: Scene, prompts: tuple[str, ...]) -> Payload:
    picture, look = job.ask.picture, job.look
    assert picture is not None and look is not None
    # The path's first part is the command's id in the captured result of 2025 (wire notes 1.6).
    path = f"/ephemeral-attachments/{job.ask.command_id}/{scene.new_id()}/{picture.filename}"
    scene.files.publish(path, picture)
    numbered = (f"{digit} {prompt}" for digit, prompt in zip(_DIGITS, prompts, strict=True))
    return {
        "type": "rich",
        "description": "\n\n".join(numbered),
        "image": {
            "url": scene.files.link(path, job.link_life_s),
            "proxy_url": scene.files.proxy_link(path, job.link_life_s),
            "width": look.width,
            "height": look.height,
            "flags": 0,
        },
        "content_scan_version": 0,
    }


def _describe_buttons() -> tuple[Payload, ...]:
    numbers = [
        _button(f"MJ::Job::PicReader::{number}", emoji=digit)
        for number, digit in enumerate(_DIGITS, start=1)
    ]
    retry = _button("MJ::Picread::Retry", emoji="🔄")
    every = _button("MJ::Job::PicReader::all", label="Imagine all 🎉")
    return (_row(*numbers, retry), _row(every))


def info(job: Job, scene: Scene) -> Draft:
    """Write the standing of the asking account."""
    account = job.ask.account
    assert account is not None, "only accounts ask for /info"
    embed: Payload = {
        "type": "rich",
        "title": f"Your info - {account.user.username}",
        "description": info_text(account),
        "color": 0,
        "content_scan_version": 0,
    }
    return Draft(embeds=(embed,), flags=int(MessageFlag.EPHEMERAL))


def info_text(account: Account) -> str:
    """Return the lines of /info."""
    standing = account.standing
    left = max(0.0, standing.fast_hours - standing.fast_hours_used)
    share = 100 * left / standing.fast_hours if standing.fast_hours else 0.0
    running = standing.running_jobs
    return "\n".join(
        (
            f"**User ID**: {account.user_id}",
            f"**Subscription**: {_subscription(standing)}",
            f"**Job Mode**: {standing.mode}",
            f"**Visibility Mode**: {standing.visibility}",
            f"**Fast Time Remaining**: {left:.2f}/{standing.fast_hours:.1f} hours ({share:.2f}%)",
            f"**Lifetime Usage**: {standing.images} images ({standing.image_hours:.2f} hours)",
            f"**Relaxed Usage**: {standing.relaxed_images} images"
            f" ({standing.relaxed_hours:.2f} hours)",
            "",
            f"**Queued Jobs (fast)**: {standing.queued_jobs if standing.mode != 'Relaxed' else 0}",
            f"**Queued Jobs (relax)**: {standing.queued_jobs if standing.mode == 'Relaxed' else 0}",
            f"**Running Jobs**: {running or 'None'}",
        )
    )


def _subscription(standing: Standing) -> str:
    if standing.plan in ("Trial", "None"):
        return "None (Trial)"
    if standing.active != "Active":
        return f"{standing.plan} ({standing.active})"
    renewal = f"renews next on <t:{RENEWAL_UNIX}>"
    return f"{standing.plan} (Active {standing.cycle}, {renewal})"


def job_queued(job: Job, scene: Scene) -> Draft:
    """Write the notice that a job waits for a slot."""
    embed: Payload = {
        "type": "rich",
        "title": "Job queued",
        "description": "Your job is queued and will start when one of your jobs has finished.",
        "color": DEFAULT_RED,
        "footer": {"text": f"/{job.ask.verb}"},
        "content_scan_version": 0,
    }
    return Draft(embeds=(embed,), flags=int(MessageFlag.EPHEMERAL))


def captcha_frame(job: Job) -> Payload:
    """Write the event that opens a human check in the client. Source: wire notes 2.7, 6.3."""
    return {
        "id": job.interaction_id,
        "channel_id": job.ask.channel.id,
        "custom_id": f"MJ::iframe::{job.uuid}",
        "title": "Action required to continue",
        "iframe_path": f"/captcha/embedded/?token={job.uuid}",
        "modal_size": 3,
        "nonce": job.ask.nonce,
        "application": {"id": job.entry["application_id"], "name": "Midjourney Bot"},
    }


def _button(custom_id: str, *, label: str | None = None, emoji: str | None = None) -> Payload:
    button: Payload = {"type": int(ComponentType.BUTTON), "style": 2, "custom_id": custom_id}
    return button | ({"label": label} if label else {"emoji": {"name": emoji}})


def _row(*buttons: Payload) -> Payload:
    return {"type": int(ComponentType.ACTION_ROW), "components": list(buttons)}
