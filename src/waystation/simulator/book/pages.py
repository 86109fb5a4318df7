"""Pages of the book: what is written down about an interaction, before anything has come of it.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from waystation.simulator.bot.job import Ask, Job
from waystation.simulator.payload import Payload

__all__ = ["note_work", "page"]


def page(
    ask: Ask, number: int, interaction_id: str, application_id: str, accepted_at_s: float
) -> Payload:
    """Begin the page of one interaction."""
    press = ask.press
    return {
        "number": number,
        "interaction_id": interaction_id,
        "application_id": application_id,
        "account": ask.account.user_id if ask.account else None,
        "user_id": ask.user.id,
        "verb": ask.verb,
        "button": press.label if press else None,
        "opened_by": press.opened_by if press else None,
        "channel_id": ask.channel.id,
        "source_id": press.message["id"] if press else None,
        "nonce": ask.nonce,
        "session_id": ask.session_id,
        "by_hand": ask.by_hand,
        "picture": ask.picture.digest if ask.picture else None,
        "pictures": [picture.digest for picture in ask.pictures],
        "link": ask.link,
        "asked": None,
        "prompt": None,
        "wording": None,
        "parent": None,
        "tile": None,
        "mode": None,
        "seed": None,
        "message_id": None,
        "message_ids": [],
        "result_id": None,
        "direct_id": None,
        "prompts": None,
        "status": "running",
        "title": None,
        "evidence": [],
        "indistinguishable_from": [],
        "accepted_at_s": accepted_at_s,
        "said_at_s": None,
        "uuid_at_s": None,
        "final_at_s": None,
    }


def note_work(job: Job) -> None:
    """Write into a job's page what it is going to make."""
    work, press = job.work, job.ask.press
    assert work is not None, "only what is made is noted"
    typed = press.text if press is not None else job.ask.options.get("prompt")
    job.entry |= {
        "asked": work.prompt if typed is None else typed,
        "prompt": job.prompt,
        "wording": job.caption.final,
        "parent": work.parent,
        "tile": press.button.tile if press is not None else None,
        "mode": job.mode,
        "seed": work.seed,
    }
