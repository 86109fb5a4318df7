"""Pressing: which button of which job a caller means, and through which account it may be pressed.

Rules: the parent must be the caller's and completed; its channel's account, with its current token,
must still be the same Discord user (R32). What is pressed is copied from the parent's message.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waystation.actions import Press
from waystation.errors import InvalidRequest, NotFound
from waystation.jobs import Job, JobStatus
from waystation.midjourney.buttons import Needs, button_row
from waystation.ports import Account

__all__ = ["account_of", "press_of"]


def press_of(parent: Job, params: Mapping[str, object]) -> Press:
    """Return the press of `params["button"]` on the parent's message. Raises: InvalidRequest."""
    label = str(params["button"])
    ids = {button.label: button.custom_id for button in parent.buttons}
    if parent.status is not JobStatus.COMPLETED or parent.message_id is None or label not in ids:
        raise InvalidRequest("Button not supported or not found in jobid buttons array")
    needs = button_row(label).prompt
    if needs is Needs.MUST and not params.get("prompt"):
        raise InvalidRequest(f"prompt is required for button {label}")
    if needs is Needs.NO and params.get("prompt"):
        raise InvalidRequest(f"prompt is not supported for button {label}")
    return Press(parent.message_id, parent.flags, ids[label])


def account_of(parent: Job, accounts: Sequence[Account]) -> Account:
    """Return the account that may press for a job. Raises: NotFound."""
    for account in accounts:
        same_user = parent.discord_user_id in (None, account.discord_user_id)
        if account.channel == parent.channel and same_user:
            return account
    raise NotFound("Configuration not found for provided channel")
