"""Client: one user's view of a service, over HTTP."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, Unpack, cast
from urllib.parse import quote

from waystation.client.answers import (
    is_account,
    is_accounts,
    is_form,
    is_job,
    is_jobids,
)
from waystation.client.bodies import form_data, given
from waystation.client.connection import Connection, short
from waystation.client.forms import (
    FINAL,
    Account,
    Asked,
    AskedOf,
    Delivery,
    DeliveryPage,
    Job,
    named,
)
from waystation.client.repeating import asked_once
from waystation.errors import (
    NotFound,
    TooLarge,
    Unavailable,
    Unreachable,
)

__all__ = ["ANSWER_S", "Client"]

ANSWER_S = 300.0
"""Longest wait for one answer, unless another is given; a POST takes less (docs/deployment.md)."""

_FIRST_POLL_S = 0.25
_LONGEST_POLL_S = 5.0
_POLL_GROWTH = 1.5
"""A short job is seen quickly, a long one is asked about every five seconds."""

_PATIENCE = 10
"""Failed polls in a row before `wait` gives up: the service may be restarting."""


_DELIVERIES = "/v2/deliveries"
_MEDIA = "/v2/media"


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
        timeout_s: float = ANSWER_S,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._sleep, self._patience_s = sleep, timeout_s
        self._connection = Connection(url, token, timeout_s)
        self._ask, self._body = self._connection.ask, self._connection.body

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
        await self._connection.close()

    # jobs

    async def submit(
        self,
        verb: str,
        fields: Mapping[str, object] | None = None,
        files: Mapping[str, Path | bytes] | None = None,
    ) -> Job:
        """Ask for any verb of the service; those with a method of their own are named so below.

        Args:
            fields: request fields under their v2 names; None values are left out
            files: file parts of a form; with any, the request is multipart
        Raises: what `Client` says; PreconditionFailed: no such file; Unanswered: there may be a job
        """
        sent = given(**(fields or {}))
        path = f"/v2/jobs/{verb}"

        async def send(key: dict[str, str]) -> object:
            form = await form_data(sent, files) if files else None
            body = None if files else sent
            return await self._ask("POST", path, is_job, body=body, form=form, headers=key)

        asking = asked_once(self._connection, path, send, self._sleep, self._patience_s)
        return cast(Job, await asking)

    async def imagine(self, prompt: str, **asked: Unpack[AskedOf]) -> Job:
        """Let the bot draw four pictures; `wait` for the end. `mode` is for this job alone."""
        return await self.submit("imagine", {"prompt": prompt} | named(asked))

    async def blend(
        self,
        pictures: Sequence[str | Path],
        *,
        dimensions: str | None = None,
        **asked: Unpack[AskedOf],
    ) -> Job:
        """Let the bot draw four pictures from two to five; `wait` for the end.

        Args: pictures: URL texts and Paths; dimensions: `Portrait`, `Square` or `Landscape`
        """
        urls = [picture for picture in pictures if isinstance(picture, str)]
        files = {
            f"blendFile_{number}": picture
            for number, picture in enumerate(pictures, 1)
            if isinstance(picture, Path)
        }
        fields = {"blendUrls": urls or None, "blendDimensions": dimensions}
        return await self.submit("blend", fields | named(asked), files)

    async def button(
        self,
        jobid: str,
        button: str,
        *,
        prompt: str | None = None,
        mask: bytes | None = None,
        **asked: Unpack[Asked],
    ) -> Job:
        """Press a button of a completed job; `wait` for the end of the new one.

        Args:
            button: a label, as the job's `buttons` list it
            mask: for Vary (Region), a PNG or WebP of the picture's size; white is redrawn
        """
        fields: dict[str, object] = {"jobid": jobid, "button": button, "prompt": prompt}
        if mask is not None:
            fields["mask"] = base64.b64encode(mask).decode()
        return await self.submit("button", fields | named(asked))

    async def info(self, **asked: Unpack[AskedOf]) -> Job:
        """Return the account's plan, hours and running jobs as the bot tells them."""
        return await self.submit("info", named(asked))

    async def describe(self, picture: str | Path, **asked: Unpack[AskedOf]) -> Job:
        """Let the bot write four prompts for a picture; `wait` for the end.

        Args: picture: URL text that the service fetches, or the Path of a file that is sent along
        """
        if isinstance(picture, Path):
            return await self.submit("describe", named(asked), {"describeFile": picture})
        return await self.submit("describe", {"describeUrl": picture} | named(asked))

    async def job(self, jobid: str) -> Job:
        """Return a job as it is now. Raises: NotFound: unknown, purged or somebody else's."""
        return cast(Job, await self._ask("GET", "/v2/jobs/", is_form, query={"jobid": jobid}))

    async def jobs(self) -> list[str]:
        """Return the jobids of the caller's jobs that are not final."""
        return cast("list[str]", await self._ask("GET", "/v2/jobs", is_jobids))

    async def cancel(self, jobid: str) -> Job:
        """Cancel a job; the answer holds its status, which may be an earlier end."""
        return cast(
            Job, await self._ask("GET", "/v2/jobs/cancel/", is_form, query={"jobid": jobid})
        )

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

    async def download(
        self, url: str, into: IO[bytes], *, most_bytes: int, timeout_s: float = 300.0
    ) -> int:
        """Write what a job's link shows into a file; the API token is not sent along.

        Returns: bytes written
        Raises: TransportError: it cannot be had; TooLarge: it has more than `most_bytes`; OSError:
            it cannot be written
        """
        written = 0
        async with aclosing(self._body(url, timeout_s)) as body:
            async for chunk in body:
                written += len(chunk)
                if written > most_bytes:
                    raise TooLarge(f"{short(url)} is larger than {most_bytes} bytes")
                into.write(chunk)
        return written

    # accounts

    async def account(self) -> dict[str, Any]:
        """Return the caller's own record."""
        return cast("dict[str, Any]", await self._ask("GET", "/v2/account", is_form))

    async def update_account(
        self, *, name: str | None = None, reply_url: str | None = None
    ) -> None:
        """Change the caller's name and default replyUrl; None leaves them."""
        await self._ask("POST", "/v2/account", body=given(name=name, replyUrl=reply_url))

    async def discord_accounts(self) -> dict[str, Account]:
        """Return the caller's Discord accounts by channel; empty when there are none."""
        with suppress(NotFound):
            return cast(
                "dict[str, Account]", await self._ask("GET", "/v2/account/midjourney", is_accounts)
            )
        return {}

    async def discord_account(self, channel: str) -> Account:
        """Return one Discord account. Raises: NotFound."""
        return cast(Account, await self._ask("GET", _account_path(channel), is_account))

    async def add_discord_account(self, discord: str, *, max_jobs: int | None = None) -> Account:
        """Add or renew a Discord account; the service finds the bot's channel from the token.

        Args: discord: the Discord token
        """
        body = {"discord": discord} | ({} if max_jobs is None else {"maxJobs": max_jobs})
        return cast(
            Account, await self._ask("POST", "/v2/account/midjourney", is_account, body=body)
        )

    async def put_discord_account(
        self, channel: str, *, server: str, discord: str, max_jobs: int
    ) -> None:
        """Add or renew a Discord account in a channel of a server that the caller names."""
        body = {"discord": discord, "server": server, "channel": channel, "maxJobs": max_jobs}
        await self._ask("POST", _account_path(channel), body=body)

    async def remove_discord_account(self, channel: str, *, force: bool = False) -> None:
        """Stop using a Discord account; its running jobs end first.

        Args: force: end them now, also when the account is being removed already
        Raises: NotFound
        """
        query = {"force": "true"} if force else None
        await self._ask("DELETE", _account_path(channel), query=query)

    async def reset_discord_account(self, channel: str) -> None:
        """Put a halted account to work again, after a person has dealt with the cause."""
        await self._ask("POST", _account_path(channel, "/reset"), body={})

    async def limit_discord_account(
        self, channel: str, *, jobs_a_day: int | None = None, max_jobs: int | None = None
    ) -> None:
        """Set jobs a day (UTC; 0: any number) and at once; None: as before. Raises: NotFound."""
        body = given(jobsADay=jobs_a_day, maxJobs=max_jobs)
        await self._ask("POST", _account_path(channel, "/limit"), body=body)

    # callbacks

    async def deliveries(
        self,
        *,
        jobid: str | None = None,
        state: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> DeliveryPage:
        """Return callbacks, newest first. Args: before: `next` of the page before"""
        asked = given(jobid=jobid, state=state, before=before, limit=limit)
        query = {name: str(value) for name, value in asked.items()}
        return cast(DeliveryPage, await self._ask("GET", _DELIVERIES, is_form, query=query))

    async def delivery(self, delivery_id: str) -> Delivery:
        """Return a callback with its attempts. Raises: NotFound."""
        return cast(Delivery, await self._ask("GET", _delivery_path(delivery_id), is_form))

    async def redeliver(self, delivery_id: str) -> Delivery:
        """Have a job's end sent again. Raises: NotFound; Conflict: its receiver is disabled."""
        path = f"{_delivery_path(delivery_id)}/redeliver"
        return cast(Delivery, await self._ask("POST", path, is_form, body={}))

    async def replay(self, since: str) -> dict[str, Any]:
        """Have all sent again that was not taken since a moment (ISO 8601)."""
        path = f"{_DELIVERIES}/replay"
        return cast("dict[str, Any]", await self._ask("POST", path, is_form, body={"since": since}))

    async def ping(self, reply_url: str | None = None) -> Delivery:
        """Have a test sent to a receiver; None: to the caller's default replyUrl."""
        body = {} if reply_url is None else {"replyUrl": reply_url}
        return cast(Delivery, await self._ask("POST", f"{_DELIVERIES}/ping", is_form, body=body))

    async def receivers(self) -> list[dict[str, Any]]:
        """Return the receivers that have failed since they took a callback last."""
        answer = await self._ask("GET", f"{_DELIVERIES}/receivers", is_form)
        return cast("list[dict[str, Any]]", cast("dict[str, Any]", answer)["receivers"])

    async def enable_receiver(self, reply_url: str) -> None:
        """Let callbacks be sent to a disabled receiver again, without a test."""
        await self._ask("POST", f"{_DELIVERIES}/enable", body={"replyUrl": reply_url})

    async def signing(self) -> dict[str, Any]:
        """Tell since when callbacks are signed."""
        return cast("dict[str, Any]", await self._ask("GET", f"{_DELIVERIES}/secret", is_form))

    async def new_signing_secret(self) -> dict[str, Any]:
        """Make the secret that signs callbacks; `secret` is shown by this answer alone."""
        path = f"{_DELIVERIES}/secret"
        return cast("dict[str, Any]", await self._ask("POST", path, is_form, body={}))

    # files

    async def share_media(
        self,
        jobid: str,
        number: int = 0,
        *,
        days: int | None = None,
        tile: int | None = None,
        size: int | None = None,
        format: str | None = None,
    ) -> dict[str, Any]:
        """Make a link to a file of a job that needs no token; `path` begins at the host.

        Args: number: of the attachment, from 0
        """
        path = f"{_MEDIA}/{quote(jobid, safe=':')}/{number}/link"
        body = given(days=days, tile=tile, size=size, format=format)
        return cast("dict[str, Any]", await self._ask("POST", path, is_form, body=body))

    async def rotate_media_key(self) -> None:
        """End each link that was made before."""
        await self._ask("POST", f"{_MEDIA}/key/rotate", body={})

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


def _account_path(channel: str, action: str = "") -> str:
    return f"/v2/account/midjourney/{quote(channel, safe='')}{action}"


def _delivery_path(delivery_id: str) -> str:
    return f"{_DELIVERIES}/{quote(delivery_id, safe='')}"
