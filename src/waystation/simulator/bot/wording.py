"""Words of the bot when it does its work and draws nothing: describe, info, shorten and the like.

Source: wire notes 5.1, 5.2, 5.3 and 4.4. Footer and layout of /info follow the captured order of
lines; the layout of /shorten was never captured and is ours.
"""

from __future__ import annotations

from random import Random

from waystation.simulator.bot import captions
from waystation.simulator.bot.buttons import DIGITS, described_rows, shortened_rows
from waystation.simulator.bot.job import Job, Press, Scene
from waystation.simulator.bot.prompts import collapsed
from waystation.simulator.bot.titles import DEFAULT_RED, echo
from waystation.simulator.discord.messages import Draft
from waystation.simulator.discord.world import RENEWAL_UNIX, Account, Standing
from waystation.simulator.drawing import pictures
from waystation.simulator.payload import Payload
from waystation.wire.message import MessageFlag

__all__ = [
    "captcha_frame",
    "described",
    "described_again",
    "info",
    "info_text",
    "job_queued",
    "look_alike",
    "rated",
    "shortened",
    "shortened_details",
]

SHORTEN_FOOTER = "Click on a button to imagine one of the shortened prompts"
"""Source: wire notes 5.3, literal."""


def described(job: Job, scene: Scene) -> Draft:
    """Write the four prompts of a picture and keep them in the book."""
    prompts = _prompts(job, job.seed)
    job.entry["prompts"] = list(prompts)
    return Draft(embeds=(_described_embed(job, scene, prompts),), components=described_rows())


def described_again(job: Job, scene: Scene) -> Draft:
    """Write four other prompts of a picture that was described before."""
    message = _press(job).message
    (embed,) = message["embeds"]
    picture = scene.files.behind(embed["image"]["url"])
    if picture is None:
        return Draft(embeds=(embed,), components=tuple(message["components"]))
    prompts = pictures.describe(pictures.look(picture.data), job.seed)
    job.entry["prompts"] = list(prompts)
    again = embed | {"description": "\n\n".join(_numbered(prompts))}
    return Draft(embeds=(again,), components=described_rows())


def look_alike(job: Job, scene: Scene) -> Draft:
    """Write what another bot says to be taken for the answer; never the book's prompts."""
    if job.work is not None:
        return captions.forged(job, scene)
    if job.look is None:
        return Draft(embeds=({"type": "rich", "title": "Your info - nobody", "description": "-"},))
    prompts = _prompts(job, job.seed + 1)
    return Draft(embeds=(_described_embed(job, scene, prompts),), components=described_rows())


def _prompts(job: Job, seed: int) -> tuple[str, ...]:
    assert job.look is not None, "describe starts only with a picture that was read"
    return pictures.describe(job.look, seed)


def _described_embed(job: Job, scene: Scene, prompts: tuple[str, ...]) -> Payload:
    picture, look = job.ask.picture, job.look
    assert picture is not None and look is not None
    # The path's first part is the command's id in the captured result of 2025 (wire notes 1.6).
    path = f"/ephemeral-attachments/{job.ask.command_id}/{scene.new_id()}/{picture.filename}"
    scene.files.publish(path, picture)
    return {
        "type": "rich",
        "description": "\n\n".join(_numbered(prompts)),
        "image": {
            "url": scene.files.link(path, job.link_life_s),
            "proxy_url": scene.files.proxy_link(path, job.link_life_s),
            "width": look.width,
            "height": look.height,
            "flags": 0,
        },
        "content_scan_version": 0,
    }


def _numbered(prompts: tuple[str, ...]) -> list[str]:
    return [f"{digit} {prompt}" for digit, prompt in zip(DIGITS, prompts, strict=False)]


def shortened(job: Job, scene: Scene) -> Draft:
    """Write shorter forms of a prompt and keep them in the book."""
    weights = _weights(job.ask.options.get("prompt", ""), job.seed)
    prompts = _shorter(weights)
    job.entry["prompts"] = list(prompts)
    marked = " ".join(f"**{word}**" if weight > 0.5 else word for word, weight in weights)
    listed = "\n\n".join(_numbered(prompts))
    embed: Payload = {
        "type": "rich",
        "title": "Important tokens",
        "description": f"{marked}\n\n**Shortened prompts**\n{listed}",
        "color": 0,
        "footer": {"text": SHORTEN_FOOTER},
        "content_scan_version": 0,
    }
    return Draft(embeds=(embed,), components=shortened_rows(len(prompts)))


def shortened_details(job: Job, scene: Scene) -> Draft:
    """Write how much each word of a shortened prompt matters."""
    message = _press(job).message
    (embed,) = message["embeds"]
    words = embed["description"].partition("\n")[0].replace("**", "")
    lines = "\n".join(f"{word} ({weight:.2f})" for word, weight in _weights(words, job.seed))
    longer = embed | {"description": f"{embed['description']}\n\n{lines}"}
    return Draft(embeds=(longer,), components=tuple(message["components"]))


def _weights(prompt: str, seed: int) -> list[tuple[str, float]]:
    """Return the words of a prompt, each with what it weighs, 0-1."""
    rng = Random(seed)
    return [(word, rng.random()) for word in collapsed(prompt).split()]


def _shorter(weights: list[tuple[str, float]]) -> tuple[str, ...]:
    """Return at most five prompts, each without more of the light words than the one before."""
    heaviest = sorted(range(len(weights)), key=lambda place: -weights[place][1])
    found: list[str] = []
    for sixths in (5, 4, 3, 2, 1):
        kept = sorted(heaviest[: max(1, len(weights) * sixths // 6)])
        prompt = " ".join(weights[place][0] for place in kept)
        if prompt not in found:
            found.append(prompt)
    return tuple(found)


def rated(job: Job, scene: Scene) -> Draft:
    """Write that a heart was given. Source: wire notes 4.4, with our own host in the link."""
    message, channel = _press(job).message, job.ask.channel
    place = f"{channel.guild_id or '@me'}/{channel.id}/{message['id']}"
    link = f"[this job]({scene.world.url}/channels/{place})"
    words = f"You have successfully rated {link} with the heart-eyes emoji"
    return Draft(words, flags=int(MessageFlag.EPHEMERAL))


def _press(job: Job) -> Press:
    assert job.ask.press is not None, "a button was pressed"
    return job.ask.press


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
        "footer": {"text": echo(job)},
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
