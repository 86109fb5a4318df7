"""Remote: the commands' way to a running service over HTTP, as WAYSTATION_URL and _TOKEN say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from waystation.cli.loading import load_settings
from waystation.errors import Unauthorized

if TYPE_CHECKING:
    from waystation.client import Client
    from waystation.settings import Settings

__all__ = ["ask", "service_url"]

_T = TypeVar("_T")

_NOT_SET = "WAYSTATION_TOKEN is not set"
_MEND = "`waystation users add --email you@example.org` on the host of the service prints one"


def ask(call: Callable[[Client], Awaitable[_T]]) -> _T:
    """Run one call against the service that the settings name.

    Raises: Unauthorized: no token is set; whatever the call raises
    """
    return asyncio.run(_with_client(load_settings(), call))


def service_url(settings: Settings) -> str:
    """Return where the service is: WAYSTATION_URL, else this host and WAYSTATION_PORT."""
    if "url" in settings.origins or settings.port == 0:
        return settings.url
    return f"http://127.0.0.1:{settings.port}"


async def _with_client(settings: Settings, call: Callable[[Client], Awaitable[_T]]) -> _T:
    from waystation.client import Client

    token = settings.token.reveal()
    if not token:
        raise Unauthorized(_NOT_SET, details=_MEND)
    async with Client(service_url(settings), token) as client:
        return await call(client)
