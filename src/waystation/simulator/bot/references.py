"""The origin of a message: application, interaction, message replied to.

Source: wire notes 2.7 and 4.2. An answer to a command names its interaction twice; an answer to a
button or a form names it once, and replies to the message that holds the button.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from waystation.simulator.bot.job import Job
from waystation.simulator.discord.world import User, World
from waystation.simulator.payload import Payload
from waystation.wire.interaction import InteractionType

__all__ = ["application", "interaction", "triggered"]


def application(author: User) -> Payload:
    """Write whose application speaks."""
    return {"application_id": author.id, "webhook_id": author.id}


def interaction(world: World, job: Job) -> Payload:
    """Write what marks a command's response."""
    common = {
        "id": job.interaction_id,
        "type": int(InteractionType.APPLICATION_COMMAND),
        "name": job.ask.verb,
        "user": job.ask.user.payload(),
    }
    metadata = common | {"authorizing_integration_owners": _owners(job), "command_type": 1}
    extra = {"interaction": common, "interaction_metadata": metadata}
    return application(world.midjourney) | extra


def triggered(world: World, job: Job) -> Payload:
    """Write what marks the response to a button or a form; there is no `interaction` in it."""
    press = job.ask.press
    assert press is not None, "only presses are triggered"
    common: Payload = {
        "user": job.ask.user.payload(),
        "authorizing_integration_owners": _owners(job),
    }
    pressed: Payload = {
        "type": int(InteractionType.MESSAGE_COMPONENT),
        "interacted_message_id": press.message["id"],
    }
    own: Payload = {"id": job.interaction_id}
    if press.opened_by in (None, job.interaction_id):
        metadata = own | common | pressed
    else:
        form = {"type": int(InteractionType.MODAL_SUBMIT)}
        opener = {"id": press.opened_by} | common | pressed
        metadata = own | common | form | {"triggering_interaction_metadata": opener}
    return application(world.midjourney) | {"interaction_metadata": metadata}


def _owners(job: Job) -> Payload:
    guild_id = job.ask.channel.guild_id
    return {"0": guild_id} if guild_id else {}
