"""Frames: what one account's gateway says while its jobs are described amid other people's noise.

The mix is ours: some frames are about a job of the account. Two thirds of the others are messages
(pictures of other members, chat), one third is what a user's session hears all day and Waystation
never decodes (typing, presences, reactions).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID

__all__ = ["OWN_PER_JOB", "AskedJob", "frames"]

OWN_PER_JOB = 3
"""The bot's empty message, INTERACTION_SUCCESS, and the result."""

_TIME = "2026-01-01T00:00:00.123456+00:00"
_PROMPT = (
    "a lighthouse on a cliff at dusk, soft warm light, muted blues and oranges, drifting fog, "
    "fine ink lines over watercolour, calm sea, portrait orientation --ar 2:3"
)
_BOT = {"id": MIDJOURNEY_APPLICATION_ID, "username": "Midjourney Bot", "bot": True, "avatar": "f6c"}


@dataclass(frozen=True)
class AskedJob:
    """The parts of a job that the frames need."""

    nonce: str
    interaction_id: str
    message_id: str


@dataclass(frozen=True)
class _Place:
    guild: str
    channel: str
    user: str


def frames(
    guild: str, channel: str, user: str, jobs: Sequence[AskedJob], foreign_per_own: int, seed: int
) -> Sequence[bytes]:
    """Return the dispatches, numbered from 2; the last one ends the last job."""
    rng = random.Random(seed)
    place = _Place(guild, channel, user)
    dispatches: list[bytes] = []
    for name, data in _own(place, jobs):
        for _ in range(foreign_per_own):
            dispatches.append(_frame(len(dispatches) + 2, *_noise(place, rng)))
        dispatches.append(_frame(len(dispatches) + 2, name, data))
    return dispatches


def _own(place: _Place, jobs: Sequence[AskedJob]) -> Iterator[tuple[str, Any]]:
    """Yield what the bot says of the account's jobs, those of one step after the other."""
    for job in jobs:
        yield "MESSAGE_CREATE", _answer(place, job) | {"nonce": job.nonce, "flags": 128}
    for job in jobs:
        yield "INTERACTION_SUCCESS", {"id": job.interaction_id, "nonce": job.nonce}
    for job in jobs:
        embed = {
            "type": "rich",
            "description": "\n\n".join(f"{digit}\ufe0f\u20e3 {_PROMPT}" for digit in "1234"),
            "image": _image(f"picture-{job.nonce}.webp", job.message_id),
            "content_scan_version": 0,
        }
        buttons = [_button(f"MJ::Job::PicReader::{number}") for number in range(1, 5)]
        yield (
            "MESSAGE_UPDATE",
            _answer(place, job) | {"embeds": [embed], "components": [_row(*buttons)]},
        )


def _answer(place: _Place, job: AskedJob) -> dict[str, Any]:
    user = {"id": place.user, "username": "owner"}
    interaction = {"id": job.interaction_id, "type": 2, "name": "describe", "user": user}
    return _message(place.guild, place.channel, job.message_id, _BOT) | {
        "type": 20,
        "application_id": MIDJOURNEY_APPLICATION_ID,
        "interaction": interaction,
        "interaction_metadata": interaction,
    }


def _noise(place: _Place, rng: random.Random) -> tuple[str, Any]:
    draw = rng.random()
    other = str(rng.randrange(10**17, 10**18))
    channel = place.channel if rng.random() < 0.3 else str(rng.randrange(10**17, 10**18))
    if draw < 0.45:
        return rng.choice(("MESSAGE_CREATE", "MESSAGE_UPDATE")), _picture(place, channel, other)
    if draw < 0.65:
        author = {"id": other, "username": "somebody", "global_name": "Somebody", "avatar": "a1b"}
        message = _message(place.guild, channel, other, author)
        return "MESSAGE_CREATE", message | {"content": "look at that light, wow"}
    if draw < 0.8:
        typing = {"channel_id": channel, "guild_id": place.guild, "user_id": other, "timestamp": 1}
        return "TYPING_START", typing | {"member": {"user": {"id": other}, "roles": [], "mute": 0}}
    user = {"id": other, "username": "somebody"}
    status = {"desktop": "online", "mobile": "idle"}
    return "PRESENCE_UPDATE", {
        "user": user,
        "guild_id": place.guild,
        "status": "online",
        "client_status": status,
        "activities": [{"type": 0, "name": "a game", "created_at": 1, "id": "ec0b28a579ecb4bd"}],
    }


def _picture(place: _Place, channel: str, other: str) -> dict[str, Any]:
    """Return another member's finished grid, as the bot posts it."""
    user = {"id": other, "username": "somebody"}
    rows = [
        _row(*(_button(f"MJ::JOB::{what}::{n}::{other}") for n in range(1, 5)))
        for what in ("upsample", "variation")
    ]
    attachment = _image("somebody_a_lighthouse_7c0e.png", other) | {
        "id": other,
        "filename": "somebody_a_lighthouse_7c0e.png",
        "size": 6_123_456,
        "content_type": "image/png",
    }
    return _message(place.guild, channel, other, _BOT) | {
        "content": f"**{_PROMPT}** - <@{other}> (fast)",
        "application_id": MIDJOURNEY_APPLICATION_ID,
        "attachments": [attachment],
        "components": rows,
        "mentions": [user],
        "mention_roles": [],
        "interaction": {"id": other, "type": 2, "name": "imagine", "user": user},
    }


def _message(guild: str, channel: str, message_id: str, author: Any) -> dict[str, Any]:
    return {
        "id": message_id,
        "guild_id": guild,
        "channel_id": channel,
        "type": 0,
        "author": author,
        "content": "",
        "flags": 0,
        "timestamp": _TIME,
        "edited_timestamp": None,
        "tts": False,
        "pinned": False,
        "mention_everyone": False,
        "mentions": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "member": {"roles": ["987654321098765432"], "joined_at": _TIME, "deaf": False},
    }


def _image(name: str, number: str) -> dict[str, Any]:
    path = f"attachments/{number}/{number}/{name}?ex=6a5b4c3d&is=6a59fabd&hm={'0f' * 32}&"
    return {
        "url": f"https://cdn.discordapp.com/{path}",
        "proxy_url": f"https://media.discordapp.net/{path}",
        "width": 1024,
        "height": 1536,
    }


def _button(custom_id: str) -> dict[str, Any]:
    return {"type": 2, "style": 2, "custom_id": custom_id, "emoji": {"name": "\ufe0f"}}


def _row(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(buttons)}


def _frame(number: int, name: str, data: Any) -> bytes:
    return msgspec.json.encode({"t": name, "s": number, "op": 0, "d": data})
