"""Logins: who is calling, and the caller's own record.

Rules: only failures are throttled, by the caller's address (of IPv6 by its /64, which is one
caller's; what is no address counts as one), over all nodes; a revoked token answers exactly as a
wrong one.
"""

from __future__ import annotations

import hmac
import ipaddress
from datetime import timedelta
from typing import NamedTuple

from waystation import sentences
from waystation.engine.shared_throttle import SharedThrottle
from waystation.errors import SubscriptionExpired, Throttled, Unauthorized
from waystation.ports import Clock, Counted, Glance, Sealer, Tallies, User, UserChanges, Users

__all__ = ["FAILURES", "Logins", "place_of"]

FAILURES = 30
"""R44; a secret has 256 bits, so this only keeps a flood cheap."""


class _Claim(NamedTuple):
    """A caller's id, and the secret that proves it."""

    user_id: int
    secret: str


def _claim_of(authorization: str) -> _Claim | None:
    """Read `Bearer user:<id>-<secret>`; None for anything else."""
    scheme, _, token = authorization.partition(" ")
    prefix, _, rest = token.strip().partition(":")
    user_id, _, secret = rest.partition("-")
    if scheme.casefold() != "bearer" or prefix != "user" or not secret:
        return None
    if not (user_id.isascii() and user_id.isdigit() and len(user_id) <= 18):
        return None
    return _Claim(int(user_id), secret)


class Logins:
    """Knows callers by their API tokens."""

    def __init__(self, store: Users, tallies: Tallies, sealer: Sealer, clock: Clock) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        counted = Counted("failed-logins", timedelta(minutes=1))
        self._failures = SharedThrottle(tallies, clock, counted, FAILURES)

    async def authenticate(
        self, authorization: str | None, peer: str, *, lapsed: bool = False
    ) -> User:
        """Return the user whose API token this is.

        Args: authorization: the header's value; peer: the caller's address, for throttling;
        lapsed: whether a user whose subscription has ended may pass
        Raises: Unauthorized, SubscriptionExpired, Throttled
        """
        user = await self._user_of(authorization)
        if user is None:
            # only failures are throttled: a good token behind the same address goes on working
            quota = await self._failures.count(place_of(peer))
            if quota is not None:
                raise Throttled(sentences.TOO_MANY_LOGINS.text, retry_after_s=60, quota=quota)
            raise Unauthorized
        if self.has_lapsed(user) and not lapsed:
            raise SubscriptionExpired
        return user

    async def flush(self) -> None:
        """Tell other nodes of the failures that they do not know yet: the service stops."""
        await self._failures.flush()

    def has_lapsed(self, user: User) -> bool:
        """Tell whether a user's subscription has ended."""
        return user.expires_at is not None and user.expires_at <= self._clock.wall()

    def known(self, authorization: str, glance: Glance) -> User | None:
        """Return the user whose API token this is, None where `authenticate` has more to say.

        Raises: StoreError
        """
        claim = _claim_of(authorization)
        user = None if claim is None else self._proven(claim, glance.user(claim.user_id))
        return None if user is None or self.has_lapsed(user) else user

    async def _user_of(self, authorization: str | None) -> User | None:
        claim = _claim_of(authorization or "")
        if claim is None:
            return None
        return self._proven(claim, await self._store.get_user(claim.user_id))

    def _proven(self, claim: _Claim, user: User | None) -> User | None:
        if user is None or user.revoked_at is not None:
            return None
        matches = hmac.compare_digest(self._sealer.hash_token(claim.secret), user.token_hash)
        return user if matches else None

    async def update_user(self, user: User, name: str | None, reply_url: str | None) -> None:
        """Change the caller's own record; None leaves a field as it is."""
        changes: UserChanges = {"updated_at": self._clock.wall()}
        if name is not None:
            changes["name"] = name
        if reply_url is not None:
            changes["reply_url"] = reply_url or None
        await self._store.change_user(user.user_id, changes)


def place_of(peer: str) -> str:
    """Return where a caller is, as it is counted by; empty for what is no address."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return ""
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((int(address) >> 64 << 64, 64)))
