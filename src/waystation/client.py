"""Client: Waystation's REST API from Python, typed; `SyncClient` is the same without `await`.

    async with Client("http://127.0.0.1:8080", token) as client:
        job = await client.describe("https://example.org/picture.png")
        job = await client.wait(job["jobid"], on_progress=lambda seen: print(seen["status"]))

How it works: an answer that names a job and its status is a job and is returned, whatever its
`code` says (a moderated picture is an answer, not an error). Every other refusal raises the class
of `waystation.errors` that the service itself raised; network trouble raises Unreachable.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, NotRequired, ParamSpec, Self, TypedDict, TypeVar, cast
from urllib.parse import quote

import aiohttp

from waystation.errors import (
    Busy,
    Conflict,
    Halted,
    InvalidRequest,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    RemoteProtocolError,
    SubscriptionExpired,
    TooLarge,
    TransportError,
    Unauthorized,
    Unavailable,
    Unreachable,
    WaystationError,
)

__all__ = ["FINAL", "Account", "Client", "Job", "SyncClient", "reason"]

FINAL = frozenset({"completed", "moderated", "failed", "cancelled"})
"""Statuses that never change again."""

_FIRST_POLL_S = 0.25
_LONGEST_POLL_S = 5.0
_POLL_GROWTH = 1.5
"""A short job is seen quickly, a long one is asked about every five seconds."""

_PATIENCE = 10
"""Failed polls in a row before `wait` gives up: the service may be restarting."""


class Job(TypedDict, total=False):
    """A job in the words of API v2; every field may be missing.

    Units: created, updated: ISO 8601 UTC with milliseconds; timestamp: Discord's own text
    """

    jobid: str
    verb: str
    status: str
    created: str
    updated: str
    describeUrl: str
    discord: str
    channel: str
    maxJobs: int
    replyUrl: str
    replyRef: str
    messageId: str
    content: str
    timestamp: str
    attachments: list[dict[str, Any]]
    embeds: list[dict[str, Any]]
    error: str
    errorDetails: str
    code: int


class Account(TypedDict):
    """One Discord account as the API shows it; `discord` is masked.

    `pendingModMessage` is there only while the account is halted, and says why.
    """

    channel: str
    discord: str
    maxJobs: int
    server: NotRequired[str]
    pendingModMessage: NotRequired[str]


_ERRORS: Mapping[int, type[WaystationError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    402: SubscriptionExpired,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    413: TooLarge,
    502: TransportError,
    503: Unavailable,
    596: Halted,
}


class Client:
    """One user's view of a Waystation service.

    Args:
        url: where the service listens, with or without `/v2`
        token: API token, `user:<id>-<secret>`
        timeout_s: longest wait for one answer; a describe answers when the bot has begun
        sleep: how `wait` pauses between polls
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_s: float = 180.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._url = url.rstrip("/").removesuffix("/v2")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=10)
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the client can be used again afterwards."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    # jobs

    async def submit(
        self,
        verb: str,
        fields: Mapping[str, object] | None = None,
        files: Mapping[str, Path | bytes] | None = None,
    ) -> Job:
        """Ask for any verb of the service; `describe` and `info` are shorter ways to say it.

        Args:
            fields: request fields under their v2 names; None values are left out
            files: file parts of a form; with any, the request is multipart
        Raises: what `Client` says; PreconditionFailed: a file cannot be read
        """
        sent = {name: value for name, value in (fields or {}).items() if value is not None}
        path = f"/v2/jobs/{verb}"
        if not files:
            return cast(Job, await self._ask("POST", path, body=sent))
        return cast(Job, await self._ask("POST", path, form=await _form(sent, files)))

    async def info(
        self,
        *,
        channel: str | None = None,
        reply_url: str | None = None,
        reply_ref: str | None = None,
    ) -> Job:
        """Return the account's plan, hours and running jobs as the bot tells them."""
        fields = {"channel": channel, "replyUrl": reply_url, "replyRef": reply_ref}
        return await self.submit("info", fields)

    async def describe(
        self,
        picture: str | Path,
        *,
        channel: str | None = None,
        max_jobs: int | None = None,
        reply_url: str | None = None,
        reply_ref: str | None = None,
    ) -> Job:
        """Let the bot write four prompts for a picture; `wait` for the end.

        Args: picture: URL text that the service fetches, or the Path of a file that is sent along
        """
        fields: dict[str, object] = {
            "channel": channel,
            "maxJobs": max_jobs,
            "replyUrl": reply_url,
            "replyRef": reply_ref,
        }
        if isinstance(picture, Path):
            return await self.submit("describe", fields, {"describeFile": picture})
        return await self.submit("describe", {"describeUrl": picture, **fields})

    async def job(self, jobid: str) -> Job:
        """Return a job as it is now. Raises: NotFound: unknown, purged or somebody else's."""
        return cast(Job, await self._ask("GET", "/v2/jobs/", query={"jobid": jobid}))

    async def jobs(self) -> list[str]:
        """Return the jobids of the caller's jobs that are not final."""
        return cast("list[str]", await self._ask("GET", "/v2/jobs"))

    async def cancel(self, jobid: str) -> Job:
        """Cancel a job; the answer holds its status, which may be an earlier end."""
        return cast(Job, await self._ask("GET", "/v2/jobs/cancel/", query={"jobid": jobid}))

    async def wait(
        self,
        jobid: str,
        *,
        timeout_s: float | None = None,
        on_progress: Callable[[Job], object] | None = None,
    ) -> Job:
        """Return the job when its status is final.

        Args: on_progress: called with each state that differs from the one before
        Raises: Unavailable: `timeout_s` passed and the job still runs
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._poll(jobid, on_progress)
        except TimeoutError:
            raise Unavailable(f"{jobid} is not final after {timeout_s:g} s") from None

    # accounts

    async def account(self) -> dict[str, Any]:
        """Return the caller's own record."""
        return cast("dict[str, Any]", await self._ask("GET", "/v2/account"))

    async def update_account(
        self, *, name: str | None = None, reply_url: str | None = None
    ) -> None:
        """Change the caller's name and default replyUrl; None leaves them."""
        given = {"name": name, "replyUrl": reply_url}
        body = {key: value for key, value in given.items() if value is not None}
        await self._ask("POST", "/v2/account", body=body)

    async def discord_accounts(self) -> dict[str, Account]:
        """Return the caller's Discord accounts by channel; empty when there are none."""
        with suppress(NotFound):
            return cast("dict[str, Account]", await self._ask("GET", "/v2/account/midjourney"))
        return {}

    async def discord_account(self, channel: str) -> Account:
        """Return one Discord account. Raises: NotFound."""
        return cast(Account, await self._ask("GET", _account_path(channel)))

    async def add_discord_account(self, discord: str, *, max_jobs: int | None = None) -> Account:
        """Add or renew a Discord account; the service finds the bot's channel from the token.

        Args: discord: the Discord token
        """
        body = {"discord": discord} | ({} if max_jobs is None else {"maxJobs": max_jobs})
        return cast(Account, await self._ask("POST", "/v2/account/midjourney", body=body))

    async def put_discord_account(
        self, channel: str, *, server: str, discord: str, max_jobs: int
    ) -> None:
        """Add or renew a Discord account in a channel of a server that the caller names."""
        body = {"discord": discord, "server": server, "channel": channel, "maxJobs": max_jobs}
        await self._ask("POST", _account_path(channel), body=body)

    async def remove_discord_account(self, channel: str) -> None:
        """Stop using a Discord account; its running jobs end first. Raises: NotFound."""
        await self._ask("DELETE", _account_path(channel))

    async def reset_discord_account(self, channel: str) -> None:
        """Put a halted account to work again, after a person has dealt with the cause."""
        await self._ask("POST", _account_path(channel, "/reset"), body={})

    # private

    async def _poll(self, jobid: str, on_progress: Callable[[Job], object] | None) -> Job:
        pause_s, failures, seen = _FIRST_POLL_S, 0, None
        while True:
            try:
                job = await self.job(jobid)
            except (Unreachable, Unavailable):
                failures += 1
                if failures >= _PATIENCE:
                    raise
            else:
                failures = 0
                if on_progress is not None and job != seen:
                    on_progress(job)
                if job.get("status") in FINAL:
                    return job
                seen = job
            await self._sleep(pause_s)
            pause_s = min(pause_s * _POLL_GROWTH, _LONGEST_POLL_S)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        form: aiohttp.FormData | None = None,
    ) -> object:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        request = self._session.request(
            method, self._url + path, params=query, json=body, data=form, allow_redirects=False
        )
        try:
            async with request as response:
                return _read(response, await response.read())
        except TimeoutError:
            raise Unreachable(f"{self._url} did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"{self._url} cannot be reached: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Return why a connection failed, in words and without the library's address lists."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number).lower()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _account_path(channel: str, action: str = "") -> str:
    return f"/v2/account/midjourney/{quote(channel, safe='')}{action}"


async def _form(
    fields: Mapping[str, object], files: Mapping[str, Path | bytes]
) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, str(value))
    for name, file in files.items():
        if isinstance(file, bytes):
            form.add_field(name, file, filename=name)
            continue
        try:
            data = await asyncio.to_thread(file.read_bytes)
        except OSError as error:
            raise PreconditionFailed(f"{file} cannot be read: {error.strerror}") from error
        form.add_field(name, data, filename=file.name)
    return form


def _read(response: aiohttp.ClientResponse, data: bytes) -> object:
    if response.status == 204:
        return None
    body = _decode(response, data)
    if response.status < 300 or _is_job(body):
        return body
    raise _error(response, body if isinstance(body, dict) else {})


def _decode(response: aiohttp.ClientResponse, data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        raise RemoteProtocolError(
            f"{response.url.origin()} does not answer like Waystation",
            details=f"HTTP status {response.status}, {response.content_type}",
        ) from None


def _is_job(body: object) -> bool:
    return isinstance(body, dict) and "jobid" in body and "status" in body


def _error(response: aiohttp.ClientResponse, body: Mapping[str, Any]) -> WaystationError:
    message, details = _text(body.get("error")), _text(body.get("errorDetails"))
    if response.status == 429:
        executing = body.get("executingJobs")
        return Busy(
            message,
            executing_jobs=executing if isinstance(executing, list) else None,
            retry_after_s=_seconds(response.headers.get("Retry-After")),
            details=details,
        )
    return _ERRORS.get(response.status, WaystationError)(
        message or f"HTTP status {response.status}", details=details
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _seconds(header: str | None) -> int:
    return int(header) if header is not None and header.isdecimal() else 10


_P = ParamSpec("_P")
_T = TypeVar("_T")


def _blocking(
    method: Callable[Concatenate[Client, _P], Coroutine[Any, Any, _T]],
) -> Callable[Concatenate[SyncClient, _P], _T]:
    @functools.wraps(method)
    def call(self: SyncClient, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return self._runner.run(method(self._client, *args, **kwargs))

    return call


class SyncClient:
    """`Client` for programs without an event loop; each call blocks until its answer is there."""

    def __init__(self, url: str, token: str, *, timeout_s: float = 180.0) -> None:
        self._runner = asyncio.Runner()
        self._client = Client(url, token, timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and the loop; the client cannot be used again."""
        self._runner.run(self._client.close())
        self._runner.close()

    submit = _blocking(Client.submit)
    info = _blocking(Client.info)
    describe = _blocking(Client.describe)
    job = _blocking(Client.job)
    jobs = _blocking(Client.jobs)
    cancel = _blocking(Client.cancel)
    wait = _blocking(Client.wait)
    account = _blocking(Client.account)
    update_account = _blocking(Client.update_account)
    discord_accounts = _blocking(Client.discord_accounts)
    discord_account = _blocking(Client.discord_account)
    add_discord_account = _blocking(Client.add_discord_account)
    put_discord_account = _blocking(Client.put_discord_account)
    remove_discord_account = _blocking(Client.remove_discord_account)
    reset_discord_account = _blocking(Client.reset_discord_account)
