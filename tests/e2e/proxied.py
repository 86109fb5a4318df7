"""Calls through a reverse proxy."""

from __future__ import annotations

import ssl

import aiohttp

from tests.e2e.conftest import Person

CALLER, OTHER = "127.0.0.2", "127.0.0.3"


LOGINS_A_MINUTE = 30


async def status_of(
    url: str,
    token: str,
    caller: str = CALLER,
    headers: dict[str, str] | None = None,
    trust: ssl.SSLContext | bool = True,
) -> int:
    """Ask for one's own record from some address."""
    connector = aiohttp.TCPConnector(local_addr=(caller, 0))
    given = {"Authorization": f"Bearer {token}", **(headers or {})}
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.get(f"{url}/v2/account", headers=given, ssl=trust) as answer,
    ):
        return answer.status


WRONG = "user:1-wrong-as-well"


async def exhaust(
    url: str,
    ada: Person,
    headers: dict[str, str] | None = None,
    trust: ssl.SSLContext | bool = True,
) -> None:
    """Fail to log in until it is too often."""
    wrong = f"user:{ada.user_id}-wrong"
    for _ in range(LOGINS_A_MINUTE):
        assert await status_of(url, wrong, headers=headers, trust=trust) == 401
