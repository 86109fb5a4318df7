"""Tokens: Discord is asked whose a token is, by each user so many times an hour (R35)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

from waystation import sentences
from waystation.engine.shared_throttle import Allowance
from waystation.errors import HumanCheckRequired, InvalidRequest, NotAuthorised, Throttled
from waystation.ports import Counted, DiscordIdentity, Probe, Tallies, User
from waystation.secret import Secret

__all__ = ["REJECTED_TOKENS", "TOKENS", "Tokens"]

REJECTED_TOKENS: Final = 5
"""Of one user and hour, over all nodes (R35)."""

TOKENS: Final = 60
"""Of one user and hour that Discord is asked about, good ones too: each costs it several reads."""

_HOUR: Final = timedelta(hours=1)


class Tokens:
    """Asks Discord about tokens."""

    def __init__(self, tallies: Tallies, probe: Probe) -> None:
        self._probe = probe
        self._rejected = Allowance(tallies, Counted("rejected-tokens", _HOUR), REJECTED_TOKENS)
        self._asked = Allowance(tallies, Counted("tokens", _HOUR), TOKENS)
        self._asking: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        """User → held while Discord is asked about a token."""

    async def identify(self, user: User, token: Secret) -> DiscordIdentity:
        """Return whose a token is; the tokens of a user are asked about one after the other.

        Raises: InvalidRequest: nobody's; Throttled; StoreError; Unreachable
        """
        async with self._asking.setdefault(user.user_id, asyncio.Lock()):
            return await self._identified(user, token)

    async def _identified(self, user: User, token: Secret) -> DiscordIdentity:
        key = str(user.user_id)
        # counted as rejected until Discord has taken it: another node may ask at the same time
        quota = await self._rejected.take(key, user.user_id)
        if quota is not None:
            raise Throttled(sentences.REJECTED_TOKENS.text, retry_after_s=3600, quota=quota)
        rejected = False
        try:
            quota = await self._asked.take(key, user.user_id)
            if quota is not None:
                error = sentences.TOKENS_AN_HOUR.said(limit=TOKENS)
                raise Throttled(error, retry_after_s=600, quota=quota)
            return await self._probe.identify(token)
        except (NotAuthorised, HumanCheckRequired) as error:
            rejected = True
            raise InvalidRequest(sentences.TOKEN_UNKNOWN.text, details=error.details) from error
        finally:
            if not rejected:
                await self._rejected.give_back(key)
