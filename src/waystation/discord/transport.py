"""Transport: one account's connection to Discord, over as many sockets as it takes.

How it works: one task stays connected and puts gateway events into a bounded queue that `events`
empties, so heartbeats go on while the engine commits. When the queue is full nothing more is read,
Discord's heartbeat answers are not seen, and the machine closes the socket resumably; RESUME then
replays what was not read. What waits in the queue at `close` is dropped for the same reason: the
saved sequence has not passed it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog
from yarl import URL

from waystation.actions import Outcome, Submission, Upload, Uploaded
from waystation.discord.connection import CLOSE_WAIT_S, Closed, Connection
from waystation.discord.dispatches import (
    COMMAND_INDEX_UPDATE,
    MESSAGES,
    read_dispatch,
    read_outdated_guild,
)
from waystation.discord.identifying import A_DAY, GAP, pause, waiting
from waystation.discord.inflate import COMPRESSIONS
from waystation.discord.rest import DiscordRest
from waystation.discord.session import GatewaySession, Step, Stop
from waystation.discord.session_rules import Phase
from waystation.discord.site import API_VERSION, Site
from waystation.errors import (
    HumanCheckRequired,
    LocalProtocolError,
    NotAuthorised,
    NotConnected,
    RemoteProtocolError,
    TransportError,
)
from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    GatewayEvent,
    HumanCheckSeen,
    Passed,
    SessionState,
)
from waystation.ignored import Ignored
from waystation.ports import Identifies, Interest, Standing, Transport, TransportFactory
from waystation.secret import Secret
from waystation.wire.gateway import CloseCode
from waystation.wire.message import Message

__all__ = ["PASSED_EVERY", "QUEUE_LIMIT", "DiscordTransport", "discord_factory"]

QUEUE_LIMIT: Final = 1000
"""Gateway events that may wait for the engine (R36). Our choice."""

PASSED_EVERY: Final = 64
"""Dispatches without an event after which their number is told, so that the saved session stays
near what was heard and a resume replays little. Our choice."""

_FOREIGN: Final = Ignored.FOREIGN
"""Looked up once, since most messages are."""

_END: Final = None
"""In the queue: no event will follow."""


def discord_factory(
    site: Site,
    ignored: Callable[[Ignored], None] = lambda reason: None,
    identifies: Identifies | None = None,
) -> TransportFactory:
    """Return what makes an account's transport on that Discord.

    Args:
        ignored: called for each message of which no event is told
        identifies: remembers the IDENTIFYs of each Discord user; None: no session keeps a pause
    """

    def make(
        token: Secret,
        session: SessionState | None,
        log_name: str,
        interest: Interest | None = None,
    ) -> Transport:
        return DiscordTransport(site, token, session, log_name, interest, ignored, identifies)

    return make


class DiscordTransport:
    """A `ports.Transport`. One instance, one socket at a time."""

    def __init__(
        self,
        site: Site,
        token: Secret,
        session: SessionState | None,
        log_name: str,
        interest: Interest | None = None,
        ignored: Callable[[Ignored], None] = lambda reason: None,
        identifies: Identifies | None = None,
    ) -> None:
        self._site = site
        self._identifies = identifies
        self._ignored = ignored
        self._rest = DiscordRest(site, token, log_name)
        guild_id = None if interest is None else interest.guild_id
        self._machine = GatewaySession(token, site.properties, session, guild_id)
        self._compressions = list(COMPRESSIONS)
        self._discord_user_id: str | None = None
        self._events: asyncio.Queue[GatewayEvent | None] = asyncio.Queue(QUEUE_LIMIT)
        self._staying: asyncio.Task[None] | None = None
        self._closed = False
        self._interest = interest
        self._untold = 0
        """Dispatches since the last event: none of them concerned the account."""
        self._log = structlog.get_logger(__name__).bind(
            account=log_name, **({} if interest is None else {"channel": interest.channel})
        )

    # ── ports.Transport ──

    async def events(self) -> AsyncIterator[GatewayEvent]:
        """See `ports.Transport`. Raises: LocalProtocolError: it runs already."""
        if self._closed:
            return
        if self._staying is not None:
            raise LocalProtocolError("one account has one gateway connection")
        self._staying = asyncio.create_task(self._stay_connected())
        try:
            while (event := await self._events.get()) is not _END:
                yield event
            if self._staying.done() and not self._staying.cancelled():
                self._staying.result()
        finally:
            await self.close()

    def waiting(self, most: int) -> Sequence[GatewayEvent]:
        """See `ports.Transport`."""
        found: list[GatewayEvent] = []
        while len(found) < most and not self._events.empty():
            event = self._events.get_nowait()
            if event is _END:
                # nothing can have come after it
                self._events.put_nowait(_END)
                break
            found.append(event)
        return found

    async def perform(self, submission: Submission, timeout_s: float) -> Outcome:
        """See `ports.Transport`. Raises: NotConnected, Withheld, Unreachable: nothing was sent."""
        self._live_session()
        return await self._rest.submit(submission, self._live_session, timeout_s)

    def standing(self) -> Standing | None:
        """See `ports.Transport`."""
        return self._rest.standing()

    async def upload(self, channel: str, upload: Upload) -> Uploaded:
        """See `ports.Transport`."""
        return await self._rest.upload(channel, upload)

    async def recent_messages(self, channel: str, after: str) -> Sequence[Message]:
        """See `ports.Transport`."""
        return await self._rest.recent_messages(channel, after)

    async def refresh_commands(self, channel: str, guild_id: str | None) -> None:
        """See `ports.Transport`."""
        await self._rest.refresh_commands(channel, guild_id)

    async def refresh_links(self, links: Sequence[str]) -> Mapping[str, str]:
        """See `ports.Transport`."""
        return await self._rest.refresh_links(links)

    async def close(self) -> None:
        """See `ports.Transport`. Idempotent; ends `events` without what it has not yielded."""
        self._closed = True
        staying = self._staying
        if staying is not None and not staying.done():
            staying.cancel()
            await asyncio.wait({staying}, timeout=2 * CLOSE_WAIT_S)
        while not self._events.empty():
            self._events.get_nowait()
        self._events.put_nowait(_END)

    # ── staying connected ──

    async def _stay_connected(self) -> None:
        try:
            while await self._connect_once():
                pass
        finally:
            if not self._closed:
                await self._events.put(_END)

    async def _connect_once(self) -> bool:
        """Connect, serve, wait; tell whether to connect again."""
        await self._wait_to_identify()
        try:
            closed = await self._serve()
        except NotAuthorised as error:
            return await self._stop(f"{error.message} (HTTP status 401)", token_rejected=True)
        except TransportError as error:
            if isinstance(error, HumanCheckRequired):
                await self._events.put(HumanCheckSeen(error.message, fatal=False))
            closed = Closed(None, error.message)
        if closed.unreadable and self._machine.phase in (Phase.OFFLINE, Phase.GREETING):
            # not even HELLO could be read: the next cheapest compression, plain at last
            self._compressions = self._compressions[1:] or self._compressions
        clock = self._site.clock
        follows = self._machine.closed(
            closed.close_code, clock.monotonic(), self._site.ids.fraction()
        )
        reason = closed.reason or follows.reason
        if isinstance(follows, Stop):
            rejected = closed.close_code == CloseCode.AUTHENTICATION_FAILED
            return await self._stop(reason, token_rejected=rejected)
        self._log.warning("gateway.lost", reason=reason, wait_s=round(follows.wait_s, 1))
        await self._events.put(Disconnected(reason))
        await clock.sleep(follows.wait_s)
        return True

    async def _wait_to_identify(self) -> None:
        """Wait until this Discord user may begin a session, where none can be resumed."""
        while self._machine.state is None and (wait := await self._pause()):
            if wait > GAP:
                self._log.warning("gateway.identify_waits", wait_s=round(wait.total_seconds()))
                await self._events.put(Disconnected(waiting(wait)))
            await self._site.clock.sleep(wait.total_seconds())

    async def _may_identify(self) -> bool:
        """Note an IDENTIFY before it leaves; False: the Discord user has sent one a moment ago."""
        if self._identifies is None or self._interest is None:
            return True
        now, user_id = self._site.clock.now(), self._interest.discord_user_id
        sent = await self._identifies.after(user_id, now - A_DAY)
        if pause(sent, now):
            return False
        newest = max(sent, default=None)
        return await self._identifies.add(user_id, now, now - A_DAY, newest)

    async def _pause(self) -> timedelta:
        if self._identifies is None or self._interest is None:
            return timedelta()
        now, user_id = self._site.clock.now(), self._interest.discord_user_id
        return pause(await self._identifies.after(user_id, now - A_DAY), now)

    async def _stop(self, reason: str, *, token_rejected: bool) -> bool:
        self._log.error("gateway.stopped", reason=reason)
        await self._events.put(HumanCheckSeen(reason, fatal=True, token_rejected=token_rejected))
        return False

    async def _serve(self) -> Closed:
        """Serve one connection. Raises: TransportError: it could not be prepared."""
        state = self._machine.state
        if state is not None and self._discord_user_id is None:
            # RESUMED does not say who we are, and after a restart nobody else does
            self._discord_user_id = (await self._rest.me()).id
        address = (state.resume_url if state else "") or await self._rest.gateway_url()
        compression = self._compressions[0]
        url = _gateway_url(address, compression)
        if not self._site.may_connect(url):
            raise TransportError("Discord named a gateway without encryption")
        connection = Connection(
            self._site,
            self._machine,
            COMPRESSIONS[compression](),
            self._take,
            self._may_identify,
        )
        return await connection.run(url)

    async def _take(self, step: Step) -> None:
        frame = step.dispatch
        if frame is None:
            return
        self._log.debug("gateway.dispatch", t=frame.t, s=frame.s)
        try:
            if frame.t == COMMAND_INDEX_UPDATE:
                self._rest.forget_commands(read_outdated_guild(frame))
            events = read_dispatch(frame, self._interest)
            if not events and frame.t in MESSAGES:
                self._ignored(_FOREIGN)
            await self._tell(events, frame.s)
        except RemoteProtocolError as error:
            if frame.t in MESSAGES:
                self._ignored(Ignored.UNREADABLE)
            self._log.warning("gateway.unreadable", t=frame.t, s=frame.s, reason=error.message)
        if step.live:
            await self._caught_up(step.resumed)

    async def _tell(self, events: Sequence[GatewayEvent], sequence: int | None) -> None:
        self._untold = 0 if events else self._untold + 1
        if self._untold >= PASSED_EVERY and sequence is not None:
            self._untold = 0
            events = (Passed(sequence),)
        for event in events:
            await self._events.put(event)

    async def _caught_up(self, resumed: bool) -> None:
        state, user_id = self._machine.state, self._machine.discord_user_id
        self._discord_user_id = user_id or self._discord_user_id
        if state is None or self._discord_user_id is None:
            raise LocalProtocolError("live without a session or a user")
        self._log.info("gateway.live", resumed=resumed)
        self._untold = 0
        await self._events.put(CaughtUp(resumed, self._discord_user_id, state))

    def _live_session(self) -> str:
        state = self._machine.state
        if self._closed or self._machine.phase is not Phase.LIVE or state is None:
            raise NotConnected("The account is not connected to Discord's gateway")
        return state.session_id


def _gateway_url(address: str, compression: str) -> URL:
    query = {"v": str(API_VERSION), "encoding": "json"}
    if compression:
        query["compress"] = compression
    return URL(address).update_query(query)
