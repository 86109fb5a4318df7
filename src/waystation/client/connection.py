"""Connection: requests to one service, with the token of one user."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping

import aiohttp

from waystation.client.answers import read
from waystation.errors import RemoteProtocolError, TransportError, Unanswered, Unreachable
from waystation.reasons import why

__all__ = ["Connection", "short"]

_CHUNK_BYTES = 64 * 1024
_CONNECT_S = 10.0
_SILENT_S = 30.0
"""Longest silence within a download."""


class Connection:
    """Requests to a service. Args: as of `Client`."""

    def __init__(self, url: str, token: str, timeout_s: float) -> None:
        self._url = url.rstrip("/").removesuffix("/v2")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_S)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections; they are opened again when something is asked."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(
        self,
        method: str,
        path: str,
        fits: Callable[[object], bool] = lambda _: True,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        form: aiohttp.FormData | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> object:
        request = self._http().request(
            method,
            self._url + path,
            params=query,
            json=body,
            data=form,
            headers={**self._headers, **(headers or {})},
            allow_redirects=False,
        )
        try:
            async with request as response:
                answer = read(response, await response.read())
        except TimeoutError:
            raise Unanswered(f"{self._url} did not answer in time") from None
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise Unreachable(f"{self._url} cannot be reached: {why(error)}") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            said = f"{self._url} cannot be reached: {why(error)}"
            raise Unanswered(said, broken=True) from error
        if not fits(answer):
            raise RemoteProtocolError(
                f"{self._url} does not answer like Waystation",
                details=f"The answer to {method} {path} has another form.",
            )
        return answer

    async def body(self, url: str, timeout_s: float) -> AsyncGenerator[bytes, None]:
        timeout = aiohttp.ClientTimeout(
            total=timeout_s, sock_connect=_CONNECT_S, sock_read=_SILENT_S
        )
        try:
            async with self._http().get(url, timeout=timeout) as response:
                if response.status != 200:
                    raise TransportError(
                        f"{short(url)} cannot be fetched: HTTP status {response.status}"
                    )
                async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                    yield chunk
        except TimeoutError:
            raise Unreachable(f"{short(url)} did not arrive in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"{short(url)} cannot be fetched: {why(error)}") from error

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self._session


def short(url: str) -> str:
    """Return a link without its signature."""
    return url.partition("?")[0]
