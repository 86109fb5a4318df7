"""Guarded HTTP session: every connection it makes goes to an address that the guard passed (R42).

How it works: a name is resolved once per connection and the addresses that the guard refuses are
dropped, so a name cannot change between the look and the connection. The HTTP library asks no
resolver about literal addresses; therefore the guard looks again, at the very address a socket is
made for, whatever way it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any, Final

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult

from waystation.interim import Connector
from waystation.outbound.guard import Address, Network, allowed
from waystation.outbound.kept import KeepingConnector

__all__ = [
    "USER_AGENT",
    "BlockedAddress",
    "GuardedResponse",
    "Lookup",
    "TooManyLookups",
    "blocked_of",
    "guarded_session",
    "reason_of",
    "system_lookup",
]

USER_AGENT: Final = f"Waystation/{version('waystation')}"

MAX_LOOKUPS: Final = 1152
"""Lookups under way in one process: a dead name server keeps each for up to 30 s, twice the time
of a callback, so that there is one for each callback and each picture that can be under way."""

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""Turns a host name into addresses. Raises: OSError."""

_log = structlog.get_logger(__name__)
_running_lookups = threading.Semaphore(MAX_LOOKUPS)


class BlockedAddress(OSError):
    """The guard does not let us connect there. Its text is the host."""


class TooManyLookups(OSError):
    """No further name can be looked up at the moment."""


class GuardedResponse(aiohttp.ClientResponse):
    """An answer that remembers the address it came from.

    The connection itself is gone by the time a short answer can be looked at.
    """

    peer: Address | None = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Note the peer, then read the head of the answer."""
        name = connection.transport.get_extra_info("peername")
        self.peer = ip_address(name[0]) if name else None
        return await super().start(connection)


def guarded_session(
    allow_networks: Sequence[Network] = (), lookup: Lookup | None = None, *, keeps: bool = False
) -> aiohttp.ClientSession:
    """Return a session that reaches allowed addresses only; the caller closes it.

    It keeps no cookies and no time limit, and ignores proxy settings of the environment. Must be
    called with a running loop.

    Args: keeps: a few connections are kept a while, for requests that may be repeated: a kept one
    may be found dead, and a POST must not be repeated to find out
    """
    kind, options = (KeepingConnector, {}) if keeps else (Connector, {"force_close": True})
    connector = kind(
        resolver=_GuardedResolver(allow_networks, lookup or system_lookup),
        socket_factory=_guarded_sockets(allow_networks),
        use_dns_cache=False,
        limit=0,
        **options,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT},
        response_class=GuardedResponse,
        timeout=aiohttp.ClientTimeout(total=None),
        trust_env=False,
    )


def reason_of(error: Exception) -> str:
    """Return why a request failed, in words that a stranger may read.

    A name that does not exist, a port that refuses and an address that is blocked read the same, so
    that nobody can map the operator's network by asking.
    """
    match error:
        case TimeoutError():
            return "a time-out"
        case aiohttp.ClientSSLError() | ssl.SSLError() | ssl.CertificateError():
            return "a TLS error"
        case aiohttp.InvalidURL():
            return "a URL that cannot be read"
        case aiohttp.ClientConnectorError(os_error=TooManyLookups()):
            return "no free place to look up its name; try again later"
        case aiohttp.ClientConnectorError() | BlockedAddress():
            return "no connection to the host"
        case aiohttp.ServerConnectionError() | OSError():
            return "a broken connection"
        case _:
            return "an answer that cannot be read"


def blocked_of(error: BaseException | None) -> str | None:
    """Return what the guard has against the host that a request failed at; None when nothing.

    Tells of the operator's network, so that it is for the operator alone (R44).
    """
    while error is not None and not isinstance(error, BlockedAddress):
        error = getattr(error, "os_error", None) or error.__cause__
    if error is None:
        return None
    return f"{error} being a private address; WAYSTATION_ALLOW_NETWORKS can allow it"


async def system_lookup(host: str) -> Sequence[str]:
    """Return the addresses of a name as the operating system knows them.

    Each lookup has a thread of its own, not one of a pool: a name server that hangs then delays
    nobody else's lookup and, the thread being a daemon, not the end of the process.

    Raises: TooManyLookups; OSError: it has none
    """
    if not _running_lookups.acquire(blocking=False):
        raise TooManyLookups
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[str]] = loop.create_future()

    def settle(addresses: Sequence[str], error: OSError | None) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def look() -> None:
        addresses: Sequence[str] = ()
        failure: OSError | None = None
        try:
            rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            addresses = tuple(dict.fromkeys(str(row[4][0]) for row in rows))
        except (OSError, UnicodeError) as error:
            failure = error if isinstance(error, OSError) else OSError(str(error))
        finally:
            _running_lookups.release()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, addresses, failure)

    threading.Thread(target=look, name="lookup", daemon=True).start()
    return await found


class _GuardedResolver(AbstractResolver):
    """Names to allowed addresses."""

    def __init__(self, allow_networks: Sequence[Network], lookup: Lookup) -> None:
        self._allow_networks = allow_networks
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._lookup(host)
        kept = [text for text in found if allowed(ip_address(text), self._allow_networks)]
        if not kept:
            _log.warning(
                "outbound.blocked",
                host=host,
                port=port,
                addresses=len(found),
                allow_with="WAYSTATION_ALLOW_NETWORKS",
            )
            raise BlockedAddress(host)
        return [
            ResolveResult(
                hostname=host,
                host=text,
                port=port,
                family=socket.AF_INET6 if ":" in text else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for text in kept
        ]

    async def close(self) -> None:
        """Nothing is kept."""


def _guarded_sockets(
    allow_networks: Sequence[Network],
) -> Callable[[tuple[Any, ...]], socket.socket]:
    """Return a maker of sockets that refuses to make one for a blocked address."""

    def make(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, (host, port, *_) = info
        if not allowed(ip_address(host), allow_networks):
            _log.warning(
                "outbound.blocked", host=host, port=port, allow_with="WAYSTATION_ALLOW_NETWORKS"
            )
            raise BlockedAddress(str(host))
        return socket.socket(family, kind, protocol)

    return make
