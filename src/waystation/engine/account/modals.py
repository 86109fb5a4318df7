"""Modals: what a job answers to what its press has opened.

A form gets the prompt, an iframe the mask, and the settings a press of the option that was meant.
"""

from __future__ import annotations

from collections.abc import Sequence

from waystation.actions import AnswerModal, Paint, Press
from waystation.jobs import Job, Modal
from waystation.midjourney.captions import drawn_prompt
from waystation.midjourney.commands import MODES
from waystation.midjourney.results import listed_prompt
from waystation.ports import Jobs

__all__ = ["answer_to"]

_GENERATIONS = 20
"""How far back a prompt is looked for along presses of presses."""


async def answer_to(
    store: Jobs, job: Job, modal: Modal, mask: bytes | None
) -> AnswerModal | Paint | Press | None:
    """Return the answer; None for an iframe whose mask went with an earlier process.

    Raises: StoreError
    """
    if modal.is_settings:
        return Press(modal.modal_id, modal.flags, modal.custom_id, modal.value)
    text = await _prompt_of(store, job)
    mode = MODES.get(str(job.params.get("mode")), "")
    if not modal.is_iframe:
        values = {one.custom_id: f"{text or one.value} {mode}".strip() for one in modal.inputs}
        return AnswerModal(modal.modal_id, modal.custom_id, values)
    token = modal.custom_id.rpartition("::")[2]
    return None if mask is None else Paint(token, mask, f"{text} {mode}".strip())


async def _prompt_of(store: Jobs, job: Job) -> str:
    """Return a job's prompt; for a press without one, that of the pressed picture."""
    prompt = job.params.get("prompt")
    if prompt or job.parent_jobid is None:
        return str(prompt or "")
    offered = [one.value for one in job.modal.inputs if one.value] if job.modal else []
    if offered:
        # the bot has filled in what it would draw: as it is
        return await _own_pick(store, job, offered[0])
    ancestors = await _ancestors(store, job)
    asked = [str(one.params["prompt"]) for one in ancestors if one.params.get("prompt")]
    return drawn_prompt(ancestors[0].content, asked) if ancestors else ""


async def _own_pick(store: Jobs, job: Job, offered: str) -> str:
    """Return what the parent lists under the pressed number, if the form has another prompt.

    The message may have been asked again meanwhile; the caller means what the parent shows.
    """
    if job.parent_jobid is None or job.button is None:
        return ""
    parent = await store.get_job(job.parent_jobid, None)
    listed = None if parent is None else listed_prompt(parent.embeds, job.button)
    return "" if listed is None or offered.strip() in listed else listed


async def _ancestors(store: Jobs, job: Job) -> Sequence[Job]:
    """Return the jobs whose buttons led to a job, its parent first."""
    found: list[Job] = []
    parent_jobid = job.parent_jobid
    while parent_jobid is not None and len(found) < _GENERATIONS:
        parent = await store.get_job(parent_jobid, None)
        if parent is None:
            break
        found.append(parent)
        parent_jobid = parent.parent_jobid
    return found
