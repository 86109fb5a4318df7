"""Pressing: through which account a button may be pressed, and with which mode and mask.

Rules: the account of the parent's channel, with its current token, must still be the same Discord
user (R32). What is pressed is told by midjourney/asking/plans.py.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waystation import sentences
from waystation.errors import InvalidRequest, NotFound
from waystation.jobs import Job
from waystation.midjourney.buttons import Needs, button_row
from waystation.ports import Account, Fetched

__all__ = ["account_of", "check_mask", "mode_needed"]


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


def account_of(parent: Job, accounts: Sequence[Account]) -> Account:
    """Return the account that may press for a job. Raises: NotFound."""
    for account in accounts:
        same_user = parent.discord_user_id in (None, account.discord_user_id)
        if account.channel == parent.channel and same_user:
            return account
    raise NotFound(sentences.CHANNEL_NOT_FOUND.text)


def _by(size: tuple[int | None, int | None]) -> str:
    return f"{size[0]} x {size[1]}"
