"""Remote: the commands' way to a running service over HTTP, as WAYSTATION_URL and _TOKEN say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from waystation.cli.loading import load_settings
from waystation.cli.screen import escaped
from waystation.errors import Unauthorized

if TYPE_CHECKING:
    from waystation.client import Client
    from waystation.settings import Settings

__all__ = ["ask", "service_url"]

_T = TypeVar("_T")

_AT_ONCE_S = 0.5
"""Most answers are there by then, and nothing is said."""

_NOT_SET = "WAYSTATION_TOKEN is not set"
_MEND = "`waystation users add --email you@example.org` on the host of the service prints one"


def ask(call: Callable[[Client], Awaitable[_T]], *, awaited: str = "", says: bool = False) -> _T:
    """Run one call against the service that the settings name.

    Whoever waits is told so on stderr, and how long at most.

    Args:
        awaited: what is waited for; empty: the service's answer
        says: the call itself tells that it waits
    Raises: Unauthorized: no token is set; whatever the call raises
    """
    return asyncio.run(_with_client(load_settings(), call, awaited, says))


def service_url(settings: Settings) -> str:
    """Return where the service is: WAYSTATION_URL, else this host and WAYSTATION_PORT."""
    if "url" in settings.origins or settings.port == 0:
        return settings.url
    return f"http://127.0.0.1:{settings.port}"


async def _with_client(
    settings: Settings, call: Callable[[Client], Awaitable[_T]], awaited: str, says: bool
) -> _T:
    from waystation.client import Client

    token, url = settings.token.reveal(), service_url(settings)
    if not token:
        raise Unauthorized(_NOT_SET, details=_MEND)
    async with Client(url, token) as client:
        if says:
            return await call(client)
        telling = asyncio.create_task(_tell(awaited or f"{url} to answer"))
        try:
            return await call(client)
        finally:
            telling.cancel()


async def _tell(awaited: str) -> None:
    from waystation.client import ANSWER_S

    await asyncio.sleep(_AT_ONCE_S)
    typer.echo(f"waits for {escaped(awaited)}, at most {ANSWER_S:g} s", err=True)
