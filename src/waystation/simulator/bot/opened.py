"""The events that open something in the client: forms, and the iframe of Vary (Region).

Source: wire notes 2.7, 3.5 and 3.6.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from urllib.parse import quote

from waystation.simulator.bot.buttons import uuid_in
from waystation.simulator.bot.forms import FORMS, form_payload
from waystation.simulator.bot.job import Job
from waystation.simulator.bot.studio import listed_prompts
from waystation.simulator.payload import Payload
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID

__all__ = ["IFRAME_PREFIX", "form_opened", "iframe_opened", "iframe_token"]

IFRAME_PREFIX = "MJ::iframe::"
_FULL_SIZE = 3
_MAX_VALUE_CHARS = 4000


def form_opened(job: Job) -> Payload:
    """Write INTERACTION_MODAL_CREATE, and keep the form with the job."""
    press = job.ask.press
    assert press is not None, "a press opens a form"
    form = FORMS[press.button.form]
    custom_id = form.custom_id.format(**_parts(job))
    job.form = form_payload(form, custom_id, _suggestion(job)[:_MAX_VALUE_CHARS])
    return _common(job) | job.form


def _parts(job: Job) -> dict[str, object]:
    """Return what ids of forms may name. Source: wire notes 3.5."""
    press, account = job.ask.press, job.ask.account
    assert press is not None, "a press opens a form"
    button = press.button
    is_high = account is None or account.standing.high_variation
    is_strong = button.detail == "Strong" if button.deed == "vary" else is_high
    return {
        "uuid": uuid_in(press.message),
        "tile": button.tile,
        "strength": int(is_strong),
        "message": press.message["id"],
        "side": button.detail,
        "motion": button.detail,
        "extends": int(button.deed == "extend"),
    }


def _suggestion(job: Job) -> str:
    """Return what stands in the form when it opens: the prompt so far."""
    press = job.ask.press
    assert press is not None, "a press opens a form"
    if press.message["embeds"]:
        listed = listed_prompts(press.message)
        return listed[press.button.tile - 1] if len(listed) >= press.button.tile else ""
    return f"{job.prompt} --zoom 2" if press.button.form == "custom_zoom" else job.prompt


def iframe_token(job: Job) -> str:
    """Return what the iframe of a job is called."""
    return job.uuid.replace("-", "")


def iframe_opened(job: Job) -> Payload:
    """Write INTERACTION_IFRAME_MODAL_CREATE of Vary (Region)."""
    custom_id = f"{IFRAME_PREFIX}{iframe_token(job)}"
    channel = job.ask.channel
    instance = quote(f"{channel.id}:{MIDJOURNEY_APPLICATION_ID}:{custom_id}", safe=":")
    return _common(job) | {
        "custom_id": custom_id,
        "title": "Inpaint",
        "iframe_path": f"/inpaint/index.html?instance_id={instance}&custom_id={quote(custom_id)}",
        "modal_size": _FULL_SIZE,
    }


def _common(job: Job) -> Payload:
    body: Payload = {
        "id": job.interaction_id,
        "channel_id": job.ask.channel.id,
        "application": {"id": MIDJOURNEY_APPLICATION_ID, "name": "Midjourney Bot"},
    }
    return body if job.ask.nonce is None else body | {"nonce": job.ask.nonce}
