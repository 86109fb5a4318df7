"""Discord's REST API as one account uses it.

Rules: an interaction is written to a socket at most once and never follows a redirect (R12). What
only reads, and uploads, may be repeated. Every request waits for the limits that earlier answers
named (R16), and none goes out while the breaker is open (R35).

How it works: what ends before the interaction's connection stood cannot have been executed, so it
is raised as `Unreachable`. From then on there is always an outcome, and it is `Unknown` unless
Discord's answer was read to its end.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
import stamina
import structlog
from yarl import URL

from waystation.actions import (
    Outcome,
    Paint,
    React,
    Refused,
    Slash,
    Submission,
    Unknown,
    Upload,
    Uploaded,
)
from waystation.discord.answers import Answer, error_of, outcome_of, refused
from waystation.discord.buckets import Limits, Verdict, judge
from waystation.discord.interactions import commands_by_name, encode_interaction
from waystation.discord.site import Site
from waystation.errors import (
    RequestRefused,
    TransportError,
    Unreachable,
    Withheld,
)
from waystation.ports import Standing
from waystation.secret import Secret
from waystation.wire.gateway import GatewayAddress
from waystation.wire.interaction import (
    ApplicationCommand,
    AttachmentSlot,
    AttachmentSlots,
    CommandIndex,
)
from waystation.wire.message import Channel, Message, RefreshedLinks, User

__all__ = ["HISTORY_LIMIT", "DiscordRest"]

HISTORY_LIMIT: Final = 500
"""Most messages that one read-back returns (`ports.Transport`)."""

_PAGE: Final = 100
"""Discord's most messages per request. Source: wire notes 1.4."""

_READ_TIMEOUT_S: Final = 15.0
_UPLOAD_TIMEOUT_S: Final = 60.0
_CONNECT_TIMEOUT_S: Final = 10.0
_LONGEST_READ_WAIT_S: Final = 30.0
"""A read that Discord told to wait longer fails at once instead."""

_ANSWER_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""Above any command index or page of messages; bounds memory."""

_NOT_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""Raised only while a connection is being made: no byte of the request has left."""

_FAILURES: Final = (aiohttp.ClientError, TimeoutError, OSError)

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    """One call: `bucket` is its route with its major parameter (wire notes 1.7)."""

    method: str
    path: str
    bucket: str
    query: Mapping[str, str] | None = None
    body: bytes | None = None


class DiscordRest:
    """One account's REST client."""

    def __init__(self, site: Site, token: Secret, log_name: str = "") -> None:
        """Args: log_name: what log lines call the account; empty for one that is not set up yet"""
        self._site = site
        self._log_name = log_name
        self._token = token
        self._limits = Limits()
        self._last_refusal: Answer | None = None
        self._commands: dict[str, Mapping[str, ApplicationCommand]] = {}

    # ── submitting ──

    async def submit(
        self, submission: Submission, session_id: Callable[[], str], timeout_s: float
    ) -> Outcome:
        """Submit an interaction at most once, the look-up of its command included in the time.

        Args: session_id: called immediately before writing; raises when there is none
        Raises: Unreachable: nothing was sent
        """
        deadline = self._site.clock.monotonic() + timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                command = await self._command(submission)
                standing = await self._await_turn(timeout_s / 2)
        except TimeoutError as error:
            raise Unreachable("Discord's command index came too late") from error
        if isinstance(command, Refused):
            return command
        if standing is not None:
            return standing
        if isinstance(submission.action, Paint):
            return await self._paint(submission.action, deadline)
        if isinstance(submission.action, React):
            return await self._post(_reaction(submission.channel, submission.action), deadline)
        body = encode_interaction(submission, command, session_id(), self._site.application_id)
        request = _Request("POST", _INTERACTIONS.path, _INTERACTIONS.bucket, body=body)
        return await self._post(request, deadline)

    def standing(self) -> Standing | None:
        """Return what holds interactions back now, None when nothing does (R16, R35)."""
        stopped_s = self._site.stopped_s
        if stopped_s > 0:
            return Standing(stopped_s, "", is_breaker=True)
        wait_s = self._limits.wait_s(_INTERACTIONS.bucket, self._site.clock.monotonic())
        said = "" if self._last_refusal is None else self._last_refusal.text
        return Standing(wait_s, said) if wait_s > 0 else None

    async def _await_turn(self, longest_s: float) -> Refused | None:
        """Wait for a short limit; for a long one return Discord's last word, which still stands."""
        wait_s = self._limits.wait_s(_INTERACTIONS.bucket, self._site.clock.monotonic())
        if wait_s > longest_s and self._last_refusal is not None:
            return refused(self._last_refusal, wait_s)
        await self._await_limits(_INTERACTIONS, longest_s)
        return None

    async def _paint(self, action: Paint, deadline: float) -> Outcome:
        """Send a mask to the activity, by its newer path, and by the older where that is unknown.

        Source: wire notes 3.6
        """
        mask = base64.b64encode(action.mask).decode()
        newer = {"mask": mask, "prompt": action.prompt}
        account = {"full_prompt": None, "userId": "0", "username": "0"}
        older = newer | account | {"customId": action.token}
        outcome = await self._post_activity(
            f"/.proxy/inpaint/api/submit-job/{quote(action.token)}", newer, deadline
        )
        if isinstance(outcome, Refused) and outcome.status in (404, 405):
            return await self._post_activity("/inpaint/api/submit-job", older, deadline)
        return outcome

    async def _post_activity(
        self, path: str, body: Mapping[str, object], deadline: float
    ) -> Outcome:
        timeout_s = deadline - self._site.clock.monotonic()
        if timeout_s <= 0:
            raise Unreachable("no time was left to submit; nothing was sent")
        # another host than Discord's API: the token stays at home
        headers = {"Content-Type": "application/json", "User-Agent": self._site.user_agent}
        try:
            async with self._site.http.post(
                URL(self._site.activity_url.rstrip("/") + path),
                data=msgspec.json.encode(body),
                headers=headers,
                allow_redirects=False,
                timeout=_timeout(timeout_s),
            ) as response:
                answer = await _read_answer(response)
        except _NOT_SENT as error:
            raise Unreachable(
                "no connection to the region editor",
                details=f"{self._site.activity_url} could not be reached ({type(error).__name__}); "
                "WAYSTATION_ACTIVITY_URL names it",
            ) from error
        except _FAILURES as error:
            return Unknown(f"no answer from the region editor: {type(error).__name__}")
        outcome = outcome_of(answer, None)
        if isinstance(outcome, Refused):
            # what this host refuses says nothing about the account
            return Refused(outcome.status, outcome.body, "invalid")
        return outcome

    async def _post(self, request: _Request, deadline: float) -> Outcome:
        """Ask once. Args: deadline: monotonic seconds."""
        timeout_s = deadline - self._site.clock.monotonic()
        if timeout_s <= 0:
            raise Unreachable("no time was left to submit; nothing was sent")
        try:
            answer, verdict = await self._send(request, timeout_s)
        except _NOT_SENT as error:
            raise Unreachable(f"no connection to Discord: {type(error).__name__}") from error
        except _FAILURES as error:
            return Unknown(f"no answer from Discord: {type(error).__name__}")
        return outcome_of(answer, verdict.wait_s)

    # ── commands ──

    async def refresh_commands(self, channel: str, guild_id: str | None) -> None:
        """Drop and reload the command index of a place. Raises: TransportError."""
        answer = await self._load_commands(channel, guild_id)
        if not answer.ok:
            raise error_of(answer)

    def forget_commands(self, place: str) -> None:
        """Drop the command index of a guild or channel; the next submission reloads it."""
        self._commands.pop(place, None)

    async def _command(self, submission: Submission) -> ApplicationCommand | Refused | None:
        """Return a slash command's entry; other actions need none."""
        if not isinstance(submission.action, Slash):
            return None
        place, name = submission.guild_id or submission.channel, submission.action.name
        if name not in self._commands.get(place, {}):
            answer = await self._load_commands(submission.channel, submission.guild_id)
            if not answer.ok:
                return refused(answer, None)
        command = self._commands[place].get(name)
        return command or Refused(404, f"The command index has no /{name} here", "invalid")

    async def _load_commands(self, channel: str, guild_id: str | None) -> Answer:
        place = guild_id or channel
        self._commands.pop(place, None)
        folder = "channels" if guild_id is None else "guilds"
        path = f"/{folder}/{place}/application-command-index"
        answer = await _repeated(lambda: self._answer(_Request("GET", path, path)))
        if answer.ok:
            index = _decode(answer, CommandIndex)
            self._commands[place] = commands_by_name(index, self._site.application_id)
        return answer

    # ── uploads ──

    async def upload(self, channel: str, upload: Upload) -> Uploaded:
        """Put a file where Discord's applications can read it. Raises: TransportError."""

        async def once() -> Uploaded:
            slot = await self._upload_slot(channel, upload)
            await self._put(slot.upload_url, upload)
            return Uploaded(upload.filename, slot.upload_filename)

        return await _repeated(once)

    async def _upload_slot(self, channel: str, upload: Upload) -> AttachmentSlot:
        path = f"/channels/{channel}/attachments"
        file = {"id": "0", "filename": upload.filename, "file_size": len(upload.data)}
        body = msgspec.json.encode({"files": [file | {"is_clip": False}]})
        request = _Request("POST", path, f"POST {path}", body=body)
        slots = await self._ask(request, AttachmentSlots)
        if not slots.attachments:
            raise Unreachable("Discord named no place for the upload")
        return slots.attachments[0]

    async def _put(self, upload_url: str, upload: Upload) -> None:
        # the URL is signed: it must not be normalised, and the token stays at home
        target = URL(upload_url, encoded=True)
        if not self._site.may_upload(target):
            raise TransportError("Discord named an upload host that is not allowed")
        headers = {"Content-Type": upload.content_type, "User-Agent": self._site.user_agent}
        try:
            async with self._site.http.put(
                target,
                data=upload.data,
                headers=headers,
                allow_redirects=False,
                timeout=_timeout(_UPLOAD_TIMEOUT_S),
            ) as response:
                answer = await _read_answer(response)
        except _FAILURES as error:
            raise Unreachable(f"the upload broke off: {type(error).__name__}") from error
        if answer.status == 429 or answer.status >= 500:
            raise Unreachable(f"the upload was answered with HTTP status {answer.status}")
        if not answer.ok:
            raise RequestRefused(answer.status, answer.text)

    # ── reads ──

    async def recent_messages(self, channel: str, after: str) -> Sequence[Message]:
        """Return messages newer than a snowflake, oldest first. Raises: TransportError."""
        found: list[Message] = []
        while len(found) < HISTORY_LIMIT:
            page = await self._messages(channel, {"limit": str(_PAGE), "after": after})
            messages = sorted(self._readable(channel, page), key=lambda message: int(message.id))
            found.extend(messages)
            if len(page) < _PAGE or not messages:
                break
            after = messages[-1].id
        return found[:HISTORY_LIMIT]

    def _readable(self, channel: str, page: Sequence[msgspec.Raw]) -> Sequence[Message]:
        """Return the messages of a page that can be read: one must not hide the rest."""
        messages: list[Message] = []
        for raw in page:
            try:
                message = msgspec.json.decode(raw, type=Message)
                int(message.id)  # history is sorted by it
                messages.append(message)
            except (msgspec.DecodeError, RecursionError, ValueError) as error:
                _log.warning(
                    "history.unreadable",
                    account=self._log_name,
                    channel=channel,
                    reason=str(error),
                )
        return messages

    async def refresh_links(self, links: Sequence[str]) -> Mapping[str, str]:
        """Return working links by those that have ended; at most 50. Raises: TransportError."""
        body = msgspec.json.encode({"attachment_urls": list(links)})
        path = "/attachments/refresh-urls"
        request = _Request("POST", path, f"POST {path}", body=body)
        answer = await self._ask(request, RefreshedLinks)
        return {one.original: one.refreshed for one in answer.refreshed_urls if one.refreshed}

    async def can_read(self, channel: str) -> bool:
        """Tell whether the account can read a channel. Raises: TransportError."""
        try:
            await self._messages(channel, {"limit": "1"})
        except RequestRefused:
            return False
        return True

    async def channel(self, channel: str) -> Channel:
        """Return a channel. Raises: TransportError."""
        path = f"/channels/{channel}"
        return await self._read(_Request("GET", path, f"GET {path}"), Channel)

    async def _messages(self, channel: str, query: Mapping[str, str]) -> Sequence[msgspec.Raw]:
        path = f"/channels/{channel}/messages"
        return await self._read(_Request("GET", path, f"GET {path}", query), list[msgspec.Raw])

    async def me(self) -> User:
        """Return whose token this is. Raises: TransportError."""
        return await self._read(_Request("GET", "/users/@me", "GET /users/@me"), User)

    async def private_channels(self) -> Sequence[Channel]:
        """Return the account's direct-message channels. Raises: TransportError."""
        path = "/users/@me/channels"
        return await self._read(_Request("GET", path, f"GET {path}"), list[Channel])

    async def gateway_url(self) -> str:
        """Return where new gateway sessions begin. Not retried: whoever connects does that.

        Raises: TransportError
        """
        return (await self._ask(_Request("GET", "/gateway", "GET /gateway"), GatewayAddress)).url

    # ── the wire ──

    async def _read(self, request: _Request, shape: type[_T]) -> _T:
        return await _repeated(lambda: self._ask(request, shape))

    async def _ask(self, request: _Request, shape: type[_T]) -> _T:
        """Send a request that may be repeated, once. Raises: TransportError."""
        answer = await self._answer(request)
        if not answer.ok:
            raise error_of(answer)
        return _decode(answer, shape)

    async def _answer(self, request: _Request) -> Answer:
        """Return 2xx or a definite refusal. Raises: Unreachable for all that may pass."""
        await self._await_limits(request, _LONGEST_READ_WAIT_S)
        try:
            answer, _ = await self._send(request, _READ_TIMEOUT_S)
        except _FAILURES as error:
            raise Unreachable(f"no answer from Discord: {type(error).__name__}") from error
        if not answer.ok:
            passing = error_of(answer)
            if isinstance(passing, Unreachable):
                raise passing
        return answer

    async def _await_limits(self, request: _Request, longest_s: float) -> None:
        stopped_s = self._site.stopped_s
        if stopped_s > 0:
            raise Withheld(_STOPPED, stopped_s)
        wait_s = self._limits.wait_s(request.bucket, self._site.clock.monotonic())
        if wait_s > longest_s:
            said = "" if self._last_refusal is None else self._last_refusal.text
            raise Withheld(f"Discord asked to wait {wait_s:.0f} s", wait_s, said)
        if wait_s > 0:
            await self._site.clock.sleep(wait_s)

    async def _send(self, request: _Request, timeout_s: float) -> tuple[Answer, Verdict]:
        headers = {"Authorization": self._token.reveal(), "User-Agent": self._site.user_agent}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        async with self._site.http.request(
            request.method,
            self._site.api(request.path),
            params=request.query,
            data=request.body,
            headers=headers,
            allow_redirects=False,
            timeout=_timeout(timeout_s),
        ) as response:
            answer = await _read_answer(response)
        return answer, self._note(request.bucket, answer)

    def _note(self, bucket: str, answer: Answer) -> Verdict:
        self._site.time.heard(answer.headers.get("Date"))
        verdict = judge(answer.status, answer.headers, answer.text)
        self._limits.note(bucket, verdict, self._site.clock.monotonic())
        if verdict.invalid:
            self._site.count_invalid()
        if answer.status == 429:
            self._last_refusal = answer
        return verdict


_STOPPED: Final = (
    "Discord refused too many requests of this installation; nothing is sent to it now"
)

_INTERACTIONS: Final = _Request("POST", "/interactions", "POST /interactions")


def _reaction(channel: str, action: React) -> _Request:
    """Return the request that puts an emoji under a message. Source: wire notes 1.4."""
    reactions = f"/channels/{channel}/messages/{action.message_id}/reactions"
    path = f"{reactions}/{quote(action.emoji)}/%40me"
    bucket = f"PUT /channels/{channel}/reactions"
    return _Request("PUT", path, bucket, {"location": "Message", "type": "0"})


async def _repeated(once: Callable[[], Awaitable[_T]]) -> _T:
    """Repeat a read or an upload while Discord cannot be reached."""
    async for attempt in stamina.retry_context(
        on=Unreachable, attempts=4, timeout=45.0, wait_initial=0.5, wait_max=8.0
    ):
        with attempt:
            return await once()
    raise AssertionError("the last attempt returns or raises")


def _decode(answer: Answer, shape: type[_T]) -> _T:
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise Unreachable("Discord's answer could not be read") from error


def _timeout(total_s: float) -> aiohttp.ClientTimeout:
    connect_s = min(_CONNECT_TIMEOUT_S, total_s / 2)
    return aiohttp.ClientTimeout(total=total_s, connect=connect_s, sock_connect=connect_s)


async def _read_answer(response: aiohttp.ClientResponse) -> Answer:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > _ANSWER_LIMIT_BYTES:
            raise aiohttp.ClientPayloadError("the answer is above the limit")
    return Answer(response.status, response.headers, bytes(body))
