"""Plans: what is said to Discord for a job.

A verb is a slash command, a press of a button, or an emoji under a message. A press may open a
form, the region editor or the settings; what they are answered with is told here, too.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from waystation import sentences
from waystation.actions import (
    Action,
    AnswerModal,
    Option,
    Paint,
    Press,
    React,
    Slash,
    Upload,
    Uploaded,
)
from waystation.errors import InvalidRequest
from waystation.jobs import Job, JobStatus, Modal, Nonce, Source
from waystation.midjourney.buttons import CANCEL_JOB, Needs, button_row, custom_id_hash
from waystation.midjourney.captions import drawn_prompt
from waystation.midjourney.commands import COMMANDS, MODES, Command, Param, ParamKind
from waystation.midjourney.matching.evidence import upload_stem
from waystation.midjourney.results import listed_prompt

__all__ = [
    "answer",
    "cancel",
    "generations",
    "plan",
    "source_of",
    "upload",
    "used_params",
]

_GENERATIONS: Final = 20
"""How far back a prompt is looked for along presses of presses."""

_SUBCOMMAND_OPTION: Final = 1
_TEXT_OPTION: Final = 3
_ATTACHMENT_OPTION: Final = 11
"""Discord's option types. Source: application command option types; wire notes 3.2."""


def plan(
    verb: str,
    params: Mapping[str, object],
    parent: Job | None = None,
    uploads: Sequence[Uploaded] = (),
) -> Action:
    """Return what is asked of Discord for a job.

    Args: params: by v2 name, as validated; parent: the job that is pressed or reacted to, if one
    is; uploads: the pictures of the verb, in the order of its params
    Raises: InvalidRequest: the parent cannot be pressed so
    """
    command = COMMANDS[verb]
    if parent is None:
        return _slash(command, params, uploads)
    if command.reaction is not None:
        return _reaction(parent, command.reaction)
    return _press(parent, params)


def upload(nonce: Nonce, number: int, content_type: str, extension: str, data: bytes) -> Upload:
    """Return one of a job's pictures under a name that carries its nonce."""
    stem = upload_stem(nonce) if number == 0 else f"{upload_stem(nonce)}-{number}"
    return Upload(f"{stem}.{extension}", content_type, data)


# ── a slash command ──


def _slash(command: Command, params: Mapping[str, object], uploads: Sequence[Uploaded]) -> Slash:
    assert command.slash is not None, "a press is made from a button"
    name, *subcommands = command.slash.split()
    options = _options(command, params, uploads)
    for subcommand in reversed(subcommands):
        options = (Option(_SUBCOMMAND_OPTION, subcommand, options=options),)
    return Slash(name=name, options=options, attachments=tuple(uploads))


def _options(
    command: Command, params: Mapping[str, object], uploads: Sequence[Uploaded]
) -> tuple[Option, ...]:
    pictures: list[Option] = []
    texts: dict[str, str] = {}
    for param in command.params:
        if param.option is None:
            continue
        if param.kind is ParamKind.PICTURE:
            pictures.append(Option(_ATTACHMENT_OPTION, param.option, len(pictures)))
        elif param.kind is ParamKind.PICTURES:
            pictures += (
                Option(_ATTACHMENT_OPTION, f"{param.option}{number + 1}", number)
                for number in range(len(uploads))
            )
        elif param.name in params:
            said = _written(param, params[param.name])
            texts[param.option] = " ".join(filter(None, (texts.get(param.option), said)))
    return (*pictures, *(Option(_TEXT_OPTION, name, text) for name, text in texts.items()))


def _written(param: Param, value: object) -> str:
    """Return what a field's value is to the bot."""
    return param.choices[str(value)] if param.choices else str(value)


# ── a press, or an emoji ──


def _press(parent: Job, params: Mapping[str, object]) -> Press:
    """Return the press of `params["button"]`, copied from the parent's message."""
    label = str(params["button"])
    button = next((one for one in parent.buttons if one.label == label), None)
    if parent.status is not JobStatus.COMPLETED or parent.message_id is None or button is None:
        raise InvalidRequest(sentences.NO_BUTTON.text, details=_pressable(parent))
    needs = button_row(label).prompt
    if needs is Needs.MUST and not params.get("prompt"):
        raise InvalidRequest(sentences.PROMPT_NEEDED.said(button=label))
    return Press(parent.message_id, parent.flags, button.custom_id, button.value)


def _pressable(parent: Job) -> str:
    """Say what can be pressed, or why nothing can."""
    if parent.status is not JobStatus.COMPLETED:
        return f"The job is {parent.status}; only a completed one has buttons."
    labels = ", ".join(button.label for button in parent.buttons)
    return f"The job's buttons: {labels}" if labels else "The job's message has no buttons."


def _reaction(parent: Job, emoji: str) -> React:
    if parent.status is not JobStatus.COMPLETED or parent.message_id is None:
        raise InvalidRequest(sentences.NOT_COMPLETED.text)
    if source_of(parent).hash is None or "videoUx" in parent.result:
        raise InvalidRequest(sentences.NO_SEED.text)
    return React(parent.message_id, emoji)


def used_params(params: Mapping[str, object]) -> Mapping[str, object]:
    """Return a verb's fields without a prompt that the pressed button cannot take.

    v2 ignores it too. Source: v2 notes 12, parameters of the buttons
    """
    label = params.get("button")
    if label is None or button_row(str(label)).prompt is not Needs.NO:
        return params
    return {name: value for name, value in params.items() if name != "prompt"}


def source_of(parent: Job, action: Action | None = None) -> Source:
    """Return what is pressed or reacted to; a job shown again knows its uuid by its buttons."""
    pressed = action.custom_id if isinstance(action, Press) else None
    by_buttons = (custom_id_hash(button.custom_id) for button in parent.buttons)
    hash_ = parent.hash or next((one for one in by_buttons if one), None)
    return Source(parent.message_id or "", hash_, pressed)


def cancel(job: Job) -> Press | None:
    """Return the press that asks the bot to cancel, None where nothing shows the button."""
    if job.final or job.message_id is None:
        return None
    for button in job.buttons:
        if button.custom_id.startswith(CANCEL_JOB):
            return Press(job.message_id, job.flags, button.custom_id)
    return None


# ── the answer to what a press has opened ──


def generations(job: Job, modal: Modal) -> int:
    """Return how many of a job's ancestors its answer depends on: its parent, and that one's."""
    if modal.is_settings or job.params.get("prompt"):
        return 0
    return 1 if _offered(modal) else _GENERATIONS


def answer(
    job: Job, modal: Modal, ancestors: Sequence[Job], mask: bytes | None
) -> AnswerModal | Paint | Press | None:
    """Return the answer to what a press has opened.

    A form gets the prompt, the region editor the mask, and the settings a press of the option that
    was meant.

    Args: ancestors: the jobs whose buttons led to this one, its parent first (`generations`)
    Returns: None for the region editor where the mask went with an earlier process
    """
    if modal.is_settings:
        return Press(modal.modal_id, modal.flags, modal.custom_id, modal.value)
    text = _prompt_of(job, modal, ancestors)
    mode = MODES.get(str(job.params.get("mode")), "")
    if not modal.is_iframe:
        values = {one.custom_id: f"{text or one.value} {mode}".strip() for one in modal.inputs}
        return AnswerModal(modal.modal_id, modal.custom_id, values)
    token = modal.custom_id.rpartition("::")[2]
    return None if mask is None else Paint(token, mask, f"{text} {mode}".strip())


def _prompt_of(job: Job, modal: Modal, ancestors: Sequence[Job]) -> str:
    """Return a job's prompt; for a press without one, that of the pressed picture."""
    prompt = job.params.get("prompt")
    if prompt or not ancestors:
        return str(prompt or "")
    offered = _offered(modal)
    if offered:
        # the bot has filled in what it would draw: as it is
        return _own_pick(job, ancestors[0], offered)
    asked = [str(one.params["prompt"]) for one in ancestors if one.params.get("prompt")]
    return drawn_prompt(ancestors[0].content, asked)


def _offered(modal: Modal) -> str:
    """Return what the bot has filled in, empty for nothing."""
    return next((one.value for one in modal.inputs if one.value), "")


def _own_pick(job: Job, parent: Job, offered: str) -> str:
    """Return what the parent lists under the pressed number, if the form has another prompt.

    The message may have been asked again meanwhile; the caller means what the parent shows.
    """
    listed = None if job.button is None else listed_prompt(parent.embeds, job.button)
    return "" if listed is None or offered.strip() in listed else listed
