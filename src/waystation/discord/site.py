"""Site: the one Discord that an installation talks to, and what all its accounts share.

How it works: a base URL is all that tells Discord from a stand-in. The gateway's, the session's and
the uploads' URLs come from answers and are used as given, within limits that keep a token on an
encrypted connection and a caller's picture at Discord.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version

import aiohttp
from yarl import URL

from waystation.discord.buckets import Breaker
from waystation.discord.time import DiscordTime
from waystation.interim import Connector
from waystation.ports import Clock, IdSource
from waystation.wire.gateway import Properties
from waystation.wire.interaction import MIDJOURNEY_APPLICATION_ID

__all__ = ["API_VERSION", "Site", "discord_session"]

API_VERSION = 9
"""Of REST and gateway: the one that users' own clients speak. Source: wire notes 1.1."""

_NAME = "Waystation"


class _Redirected(aiohttp.ClientError):
    """Discord's own URLs lead nowhere else: a token would follow."""


def discord_session() -> aiohttp.ClientSession:
    """Return a session for Discord that follows no redirect, not even of a websocket's handshake.

    The caller closes it. Must be called with a running loop.
    """

    async def refuse(*_: object) -> None:
        raise _Redirected("a redirect was refused")

    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(refuse)
    return aiohttp.ClientSession(
        # each account holds a connection; under a limit they would leave none for requests
        connector=Connector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[tracing],
        trust_env=False,
    )


@dataclass
class Site:
    """Where Discord is and how we present ourselves there: honestly, as Waystation.

    The base URL decides what is allowed: an `https` one never leads to an unencrypted gateway.
    """

    base_url: str
    http: aiohttp.ClientSession
    """Owned by the caller. Without a shared cookie jar (`aiohttp.DummyCookieJar`): one account's
    cookies are not another's."""
    clock: Clock
    ids: IdSource
    breaker: Breaker
    """Invalid answers of all accounts together, as far as this process knows (R35)."""
    upload_hosts: Sequence[str] = ()
    """Hosts beside the base URL's origin that pictures may be sent to; subdomains count (R42)."""
    media_hosts: Sequence[str] = ()
    """Hosts beside the base URL's origin that files of jobs are read from (R42)."""
    contact: str = ""
    """URL of whoever runs this, shown in the User-Agent."""
    application_id: str = MIDJOURNEY_APPLICATION_ID
    """The application whose commands are asked."""
    activity_url: str = ""
    """Where the bot's activity of Vary (Region) is served; no answer names it (wire notes 3.6)."""
    untold: int = 0
    """Invalid answers that other processes do not know of yet."""

    @cached_property
    def origin(self) -> URL:
        """The base URL without path, the scheme in it."""
        return URL(self.base_url).origin()

    @cached_property
    def user_agent(self) -> str:
        """The client, as every request names it."""
        name = f"{_NAME}/{version('waystation')}"
        return f"{name} (+{self.contact})" if self.contact else name

    @cached_property
    def time(self) -> DiscordTime:
        """Discord's time."""
        return DiscordTime(self.clock)

    @property
    def properties(self) -> Properties:
        """The client, as IDENTIFY names it."""
        return Properties(os=sys.platform, browser=_NAME, device=_NAME)

    def api(self, path: str) -> URL:
        """Return the URL of a REST path."""
        return URL(f"{self.base_url.rstrip('/')}/api/v{API_VERSION}{path}")

    def may_connect(self, gateway: URL) -> bool:
        """Tell whether a gateway URL may be used: encrypted, unless the base URL is not either."""
        return gateway.scheme == "wss" or (gateway.scheme == "ws" and self.origin.scheme == "http")

    def may_upload(self, target: URL) -> bool:
        """Tell whether a file may be sent there: to our origin or a Discord host (R42)."""
        return self._is_at(target, self.upload_hosts)

    def may_read(self, target: URL) -> bool:
        """Tell whether a file may be read there: at our origin or a Discord host (R42)."""
        return self._is_at(target, self.media_hosts)

    def _is_at(self, target: URL, hosts: Sequence[str]) -> bool:
        if not target.is_absolute():
            return False
        if target.origin() == self.origin:
            return True
        host = target.host or ""
        return target.scheme == "https" and any(
            host == allowed or host.endswith(f".{allowed}") for allowed in hosts
        )

    @property
    def stopped_s(self) -> float:
        """How long nothing may be sent yet, after too many invalid answers (R35); 0: it may."""
        return self.breaker.wait_s(self.clock.monotonic())

    def count_invalid(self) -> None:
        """Count one invalid answer."""
        self.untold += 1
        self.breaker = self.breaker.counted(self.clock.monotonic())
