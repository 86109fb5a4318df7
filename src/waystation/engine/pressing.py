"""Pressing: which button of which job a caller means, and through which account it may be pressed.

Rules: the parent must be the caller's and completed; its channel's account, with its current token,
must still be the same Discord user (R32). What is pressed is copied from the parent's message.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waystation import sentences
from waystation.actions import Press, React
from waystation.errors import InvalidRequest, NotFound
from waystation.jobs import Job, JobStatus, Source
from waystation.midjourney.buttons import Needs, button_row, custom_id_hash
from waystation.ports import Account, Fetched

__all__ = [
    "account_of",
    "check_mask",
    "mode_needed",
    "press_of",
    "reaction_to",
    "source_of",
    "used_params",
]


def press_of(parent: Job, params: Mapping[str, object]) -> Press:
    """Return the press of `params["button"]` on the parent's message. Raises: InvalidRequest."""
    label = str(params["button"])
    button = next((one for one in parent.buttons if one.label == label), None)
    if parent.status is not JobStatus.COMPLETED or parent.message_id is None or button is None:
        raise InvalidRequest(sentences.NO_BUTTON.text, details=_pressable(parent))
    needs = button_row(label).prompt
    if needs is Needs.MUST and not params.get("prompt"):
        raise InvalidRequest(sentences.PROMPT_NEEDED.said(button=label))
    return Press(parent.message_id, parent.flags, button.custom_id, button.value)


def used_params(params: Mapping[str, object]) -> Mapping[str, object]:
    """Return a verb's fields without a prompt that the pressed button cannot take.

    v2 ignores it too. Source: v2 notes 12, parameters of the buttons
    """
    label = params.get("button")
    if label is None or button_row(str(label)).prompt is not Needs.NO:
        return params
    return {name: value for name, value in params.items() if name != "prompt"}


def _pressable(parent: Job) -> str:
    """Say what can be pressed, or why nothing can."""
    if parent.status is not JobStatus.COMPLETED:
        return f"The job is {parent.status}; only a completed one has buttons."
    labels = ", ".join(button.label for button in parent.buttons)
    return f"The job's buttons: {labels}" if labels else "The job's message has no buttons."


def mode_needed(
    mode: str | None, params: Mapping[str, object], *, remixes: bool = False
) -> str | None:
    """Return the mode that an account must be in already, since nothing that is asked can say it.

    Args: mode: of a verb without a field of its own for it; remixes: whether the account is known
    to be in remix mode, in which more presses open a form
    """
    label = params.get("button")
    if label is None:
        return mode
    row = button_row(str(label))
    asks = row.asks_always or (remixes and row.prompt is Needs.MAY)
    return None if asks or params.get("mode") is None else str(params["mode"])


def check_mask(parent: Job, button: str, mask: Fetched | None) -> None:
    """Tell whether a button gets the mask that it needs, as large as its picture.

    Raises: InvalidRequest
    """
    if not button_row(button).mask:
        if mask is not None:
            raise InvalidRequest(sentences.MASK_NOT_TAKEN.said(button=button))
        return
    if mask is None:
        raise InvalidRequest(sentences.MASK_NEEDED.said(button=button))
    picture = next(iter(parent.attachments), None)
    size = None if picture is None else (picture.width, picture.height)
    if mask.size is not None and size not in (None, (None, None), mask.size):
        raise InvalidRequest(
            sentences.MASK_SIZE.text,
            details=f"The mask has {_by(mask.size)} pixels, the picture {_by(size)}.",
        )


def reaction_to(parent: Job, emoji: str) -> React:
    """Return a reaction to the parent's message. Raises: InvalidRequest."""
    if parent.status is not JobStatus.COMPLETED or parent.message_id is None:
        raise InvalidRequest(sentences.NOT_COMPLETED.text)
    if source_of(parent).hash is None or "videoUx" in parent.result:
        raise InvalidRequest(sentences.NO_SEED.text)
    return React(parent.message_id, emoji)


def source_of(parent: Job, action: Press | React | None = None) -> Source:
    """Return what is pressed or reacted to; a job shown again knows its uuid by its buttons."""
    pressed = action.custom_id if isinstance(action, Press) else None
    by_buttons = (custom_id_hash(button.custom_id) for button in parent.buttons)
    hash_ = parent.hash or next((one for one in by_buttons if one), None)
    return Source(parent.message_id or "", hash_, pressed)


def account_of(parent: Job, accounts: Sequence[Account]) -> Account:
    """Return the account that may press for a job. Raises: NotFound."""
    for account in accounts:
        same_user = parent.discord_user_id in (None, account.discord_user_id)
        if account.channel == parent.channel and same_user:
            return account
    raise NotFound(sentences.CHANNEL_NOT_FOUND.text)


def _by(size: tuple[int | None, int | None]) -> str:
    return f"{size[0]} x {size[1]}"
