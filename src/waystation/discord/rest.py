"""Discord's REST API as one account uses it: ask the bot, put files, read.

What every call has in common is in `calls`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import structlog
from yarl import URL

from waystation import sentences
from waystation.actions import Outcome, Paint, React, Refused, Slash, Submission, Upload, Uploaded
from waystation.discord.answers import Answer, error_of, refused
from waystation.discord.calls import (
    FAILURES,
    Calls,
    decoded,
    read_answer,
    repeated,
    within,
)
from waystation.discord.interactions import commands_by_name, encode_interaction
from waystation.discord.region_editor import paint
from waystation.discord.routes import ROUTES
from waystation.discord.site import Site
from waystation.errors import RequestRefused, TransportError, Unreachable
from waystation.ports import Standing
from waystation.reasons import why
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

_UPLOAD_TIMEOUT_S: Final = 60.0

_log = structlog.get_logger(__name__)


class DiscordRest:
    """One account's REST client."""

    def __init__(self, site: Site, token: Secret, log_name: str = "") -> None:
        """Args: log_name: what log lines call the account; empty for one that is not set up yet"""
        self._site = site
        self._log_name = log_name
        self._calls = Calls(site, token)
        self._commands: dict[str, Mapping[str, ApplicationCommand]] = {}

    def standing(self) -> Standing | None:
        """Return what holds interactions back now, None when nothing does (R16, R35)."""
        return self._calls.standing()

    # ── submitting ──

    async def submit(
        self, submission: Submission, session_id: Callable[[], str], timeout_s: float
    ) -> Outcome:
        """Submit an interaction at most once, the look-up of its command included in the time.

        Args: session_id: called immediately before writing; raises when there is none
        Raises: Unreachable, Withheld: nothing was sent
        """
        deadline = self._site.clock.monotonic() + timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                command = await self._command(submission)
                await self._calls.await_turn(timeout_s / 2)
        except TimeoutError as error:
            raise Unreachable(sentences.INDEX_LATE.text) from error
        if isinstance(command, Refused):
            return command
        if isinstance(submission.action, Paint):
            return await paint(self._site, submission.action, deadline)
        if isinstance(submission.action, React):
            message, emoji = submission.action.message_id, submission.action.emoji
            request = ROUTES["react"].request(
                channel=submission.channel, message=message, emoji=emoji
            )
        else:
            session = session_id()
            body = encode_interaction(submission, command, session, self._site.application_id)
            request = ROUTES["ask the bot"].request(body=body)
        return await self._calls.post(request, deadline)

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
        if guild_id is None:
            request = ROUTES["commands of a channel"].request(channel=channel)
        else:
            request = ROUTES["commands of a guild"].request(guild=guild_id)
        answer = await repeated(lambda: self._calls.answer(request))
        if answer.ok:
            index = decoded(answer, CommandIndex)
            self._commands[place] = commands_by_name(index, self._site.application_id)
        return answer

    # ── uploads ──

    async def upload(self, channel: str, upload: Upload) -> Uploaded:
        """Put a file where Discord's applications can read it. Raises: TransportError."""

        async def once() -> Uploaded:
            slot = await self._upload_slot(channel, upload)
            await self._put(slot.upload_url, upload)
            return Uploaded(upload.filename, slot.upload_filename)

        return await repeated(once)

    async def _upload_slot(self, channel: str, upload: Upload) -> AttachmentSlot:
        file = {"id": "0", "filename": upload.filename, "file_size": len(upload.data)}
        body = msgspec.json.encode({"files": [file | {"is_clip": False}]})
        request = ROUTES["place for a file"].request(body=body, channel=channel)
        slots = await self._calls.ask(request, AttachmentSlots)
        if not slots.attachments:
            raise Unreachable(sentences.NO_UPLOAD_PLACE.text)
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
                timeout=within(_UPLOAD_TIMEOUT_S),
            ) as response:
                answer = await read_answer(response)
        except FAILURES as error:
            raise Unreachable(sentences.UPLOAD_BROKE.said(reason=why(error))) from error
        if answer.status == 429 or answer.status >= 500:
            raise Unreachable(sentences.UPLOAD_STATUS.said(status=answer.status))
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
        answer = await self._calls.ask(ROUTES["renew links"].request(body=body), RefreshedLinks)
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
        return await self._calls.read(ROUTES["channel"].request(channel=channel), Channel)

    async def _messages(self, channel: str, query: Mapping[str, str]) -> Sequence[msgspec.Raw]:
        request = ROUTES["history"].request(query, channel=channel)
        return await self._calls.read(request, list[msgspec.Raw])

    async def me(self) -> User:
        """Return whose token this is. Raises: TransportError."""
        return await self._calls.read(ROUTES["who am I"].request(), User)

    async def private_channels(self) -> Sequence[Channel]:
        """Return the account's direct-message channels. Raises: TransportError."""
        return await self._calls.read(ROUTES["direct messages"].request(), list[Channel])

    async def gateway_url(self) -> str:
        """Return where new gateway sessions begin. Not retried: whoever connects does that.

        Raises: TransportError
        """
        return (await self._calls.ask(ROUTES["gateway"].request(), GatewayAddress)).url
