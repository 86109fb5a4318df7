"""Halting: what becomes of an account with a step, its halt or its trouble, each with its mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog

from waystation.engine.account.adapters import Adapters
from waystation.engine.account.commits import halt_with_mail, sidelined_mail
from waystation.midjourney.steps import HaltSign
from waystation.ports import Account, Halt, TroubleChange
from waystation.sidelining import Cause, trouble_after

__all__ = ["ID_LENGTH", "halt_of", "log_change", "trouble_of"]

log = structlog.get_logger("waystation.owner")

ID_LENGTH = 18
"""Random bytes of a callback's id, and of a mail's."""


async def halt_of(
    adapters: Adapters, account: Account, sealed_token: bytes, sign: HaltSign, now: datetime
) -> Halt:
    """Return an account's halt with its mail (R34).

    Args: sealed_token: the token that the account is connected with
    """
    to = await _address(adapters, account)
    halt = halt_with_mail(sign, account, to, adapters.ids.token(ID_LENGTH), now)
    return replace(halt, sealed_token=sealed_token)


async def trouble_of(
    adapters: Adapters, account: Account, refused: Cause | None, now: datetime
) -> TroubleChange | None:
    """Return what becomes of an account's trouble (R50); None when it stays as it is.

    Args: refused: Discord's refusal of the account; None: something was done
    """
    before = account.trouble
    after = trouble_after(before, refused, now)
    if after == before:
        return None
    mail = None
    if after is not None and after.is_new:
        to = await _address(adapters, account)
        mail = sidelined_mail(after, account, to, adapters.ids.token(ID_LENGTH), now)
    return TroubleChange(before, after, mail)


def log_change(account: Account, halt: Halt | None, trouble: TroubleChange | None) -> None:
    """Log what became of an account. Args: account: as it is after the commit"""
    if halt is not None and account.halt is not None:
        log.warning("account.halted", account=account.account_id, text=halt.text)
    if trouble is None or trouble.after != account.trouble:
        return
    if (after := trouble.after) is not None and after.until is not None:
        until, cause = after.until.isoformat(timespec="seconds"), str(after.cause)
        log.warning("account.sidelined", account=account.account_id, until=until, cause=cause)
    elif trouble.before is not None and trouble.before.until is not None:
        log.info("account.back", account=account.account_id)


async def _address(adapters: Adapters, account: Account) -> str:
    user = await adapters.store.get_user(account.user_id)
    return "" if user is None else user.email
