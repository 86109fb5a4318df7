"""One fake per port: a clock set by hand, ids that count, a Discord that says what it is told to.

How the clock works: `sleep` waits until a test moves the time past its end. `advance` moves it at
once; `elapse` moves it from one sleeper's end to the next, so that a loop that sleeps again in
between is woken as often as it would be in real time. `set_wall` sets the machine's clock, as an
operator or a time server would: time passes as before.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from waystation.actions import Accepted, Outcome, Submission, Upload, Uploaded
from waystation.errors import StoreError
from waystation.gateway_events import CaughtUp, GatewayEvent, SessionState
from waystation.jobs import Nonce
from waystation.ports import Interest, Standing, Store
from waystation.secret import Secret
from waystation.wire.message import Message
from waystation.wire.snowflake import snowflake_at

__all__ = [
    "START",
    "FailingStore",
    "FakeClock",
    "id_at",
    "FakeDiscord",
    "FakeIds",
    "FakeSealer",
    "FakeTransport",
]

_Item = TypeVar("_Item")

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""When a fake clock starts unless told otherwise."""


def id_at(seconds: float, number: int = 0) -> str:
    """Return a Discord id that is so many seconds younger than START."""
    return str(snowflake_at(START + timedelta(seconds=seconds), number))


_TURNS = 20
"""Turns of the event loop that a woken task gets before the time moves on."""


class FakeClock:
    """A `ports.Clock` that moves only when told to."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._wall_ahead = timedelta()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0
        self._slept = asyncio.Event()

    def now(self) -> datetime:
        """Return the instant as set."""
        return self._start + timedelta(seconds=self._elapsed_s)

    def wall(self) -> datetime:
        """Return the instant that the machine's clock shows."""
        return self.now() + self._wall_ahead

    def set_wall(self, by: timedelta) -> None:
        """Set the machine's clock forward, or back."""
        self._wall_ahead += by

    def monotonic(self) -> float:
        """Return the seconds moved since the start."""
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        """Return once the time has been moved that far; at once when not positive."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._elapsed_s + seconds, self._count, waiter))
        self._slept.set()
        await waiter

    @property
    def sleepers(self) -> int:
        """How many tasks wait for the time to move."""
        return sum(not waiter.done() for _, _, waiter in self._sleepers)

    async def sleeping(self, count: int = 1) -> None:
        """Wait until at least `count` tasks sleep."""
        while self.sleepers < count:
            self._slept.clear()
            await asyncio.wait_for(self._slept.wait(), 30)

    def advance(self, seconds: float) -> None:
        """Move the time and wake every sleeper whose end has come, without running it."""
        self._elapsed_s += seconds
        while self._sleepers and self._sleepers[0][0] <= self._elapsed_s:
            _, _, waiter = heapq.heappop(self._sleepers)
            if not waiter.done():
                waiter.set_result(None)

    async def elapse(self, seconds: float) -> None:
        """Move the time sleeper by sleeper and let each run before the next."""
        end_s = self._elapsed_s + seconds
        await self._run()
        while self._sleepers and self._sleepers[0][0] <= end_s:
            self.advance(max(0.0, self._sleepers[0][0] - self._elapsed_s))
            await self._run()
        self.advance(end_s - self._elapsed_s)
        await self._run()

    async def _run(self) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)


class FakeIds:
    """A `ports.IdSource` without chance: everything counts upwards and order is kept."""

    def __init__(self, fraction: float = 0.0) -> None:
        self._count = 0
        self.next_fraction = fraction

    def nonce(self, now: datetime) -> Nonce:
        """Return a nonce that names its instant and its place in the row."""
        self._count += 1
        return Nonce(snowflake_at(now, self._count))

    def token(self, size_bytes: int = 32) -> str:
        """Return `token-1`, `token-2` and so on."""
        self._count += 1
        return f"token-{self._count}"

    def below(self, limit: int) -> int:
        """Return 0: of several, the first is drawn."""
        return 0

    def fraction(self) -> float:
        """Return `next_fraction`, which a test may set."""
        return self.next_fraction


class FakeSealer:
    """A `ports.Sealer` that only marks what it seals, with table and row."""

    def seal(self, table: str, row_id: str, value: bytes) -> bytes:
        """Return the value behind its place."""
        return f"{table}/{row_id}:".encode() + value

    def unseal(self, table: str, row_id: str, sealed: bytes) -> bytes:
        """Return the value; a wrong place is a failed test."""
        place = f"{table}/{row_id}:".encode()
        assert sealed.startswith(place), f"{sealed!r} was not sealed for {place!r}"
        return sealed.removeprefix(place)

    def hash_token(self, secret: str) -> bytes:
        """Return something that depends on the secret."""
        return b"hash of " + secret.encode()


_PARTS = {"commands", "deliveries", "feeds", "queue", "quotas", "search", "sharing", "tallies"}


class FailingStore:
    """A real store that fails when told to: every method, or those named."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.failing: set[str] | bool = False
        self.busy = 0
        """Calls that are not answered yet."""
        self.calls = Counter[str]()
        """Calls so far, by method."""

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if name == "nodes":
            return _FailingPart(self, real)
        parts = {
            "commands",
            "deliveries",
            "feeds",
            "queue",
            "quotas",
            "search",
            "sharing",
            "tallies",
        }
        if name in parts:
            return real

        return self.counted(name, real)

    def counted(self, name: str, real: Any) -> Any:
        """Return a method that fails when told to, and counts as busy until it has answered."""

        async def call(*args: object, **kwargs: object) -> Any:
            self.calls[name] += 1
            if self.failing is True or (self.failing and name in self.failing):
                raise StoreError("The disk is full.")
            self.busy += 1
            try:
                return await real(*args, **kwargs)
            finally:
                self.busy -= 1

        return call


class _FailingPart:
    """A part of such a store, with its own methods."""

    def __init__(self, store: FailingStore, real: Any) -> None:
        self._store = store
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return self._store.counted(name, getattr(self._real, name))


class FakeDiscord:
    """A `ports.TransportFactory`: the Discord behind all transports of one account.

    Each new transport is greeted by itself: resumed when it brings the session that Discord
    remembers, as a new session otherwise.
    """

    def __init__(self, discord_user_id: str) -> None:
        self.discord_user_id = discord_user_id
        self.transports: list[FakeTransport] = []
        self.greets = True
        """True when a connection becomes live by itself."""
        self.remembers = True
        self.renewals: list[tuple[str, ...]] = []
        self.renewed: dict[str, str] | Exception = {}
        """Working links by those that have ended."""
        """True when sessions can be resumed."""
        self.performed: list[Submission] = []
        self.timeouts_s: list[float] = []
        self.outcomes: deque[Outcome | Exception | asyncio.Future[Outcome]] = deque()
        """How the next submissions end; accepted when empty."""
        self.uploads: list[Upload] = []
        self.upload_ends: deque[Exception | asyncio.Future[None]] = deque()
        """Waits or errors of the next uploads."""
        self.history: list[Message] = []
        self.history_ends: deque[Exception | asyncio.Future[None]] = deque()
        self.reads: list[str] = []
        """The snowflakes after which history was read."""
        self.page = 500
        self.standing: Standing | None = None
        self.looks = 0
        """How often somebody has asked what holds back."""
        self.refreshed: deque[Exception | None] = deque()
        self.refreshes = 0

    def __call__(
        self,
        token: Secret,
        session: SessionState | None,
        log_name: str,
        interest: Interest | None = None,
    ) -> FakeTransport:
        transport = FakeTransport(self, token.reveal(), session)
        self.transports.append(transport)
        if self.greets:
            self.greet()
        return transport

    @property
    def now(self) -> FakeTransport:
        """The newest transport."""
        return self.transports[-1]

    def greet(self, discord_user_id: str | None = None) -> None:
        """Let the newest connection become live."""
        session = self.now.session
        resumed = self.remembers and session is not None
        if session is None or not resumed:
            session = SessionState(f"session-{len(self.transports)}", "ws://gateway.test", 1)
        self.say(CaughtUp(resumed, discord_user_id or self.discord_user_id, session))

    def say(self, *events: GatewayEvent) -> None:
        """Tell the newest transport something."""
        self.now.say(*events)


class FakeTransport:
    """A `ports.Transport` whose every word comes from its `FakeDiscord`."""

    def __init__(self, discord: FakeDiscord, token: str, session: SessionState | None) -> None:
        self.token = token
        self.session = session
        self.closed = False
        self._discord = discord
        self._queue: asyncio.Queue[GatewayEvent | None] = asyncio.Queue()

    def say(self, *events: GatewayEvent) -> None:
        """Queue events."""
        for event in events:
            self._queue.put_nowait(event)

    def end(self) -> None:
        """Stop for good, as after a fatal close."""
        self._queue.put_nowait(None)

    async def events(self) -> AsyncIterator[GatewayEvent]:
        """Yield what was said."""
        while (event := await self._queue.get()) is not None:
            yield event

    def waiting(self, most: int) -> Sequence[GatewayEvent]:
        """Return what was said beside it."""
        found: list[GatewayEvent] = []
        while len(found) < most and not self._queue.empty():
            event = self._queue.get_nowait()
            if event is None:
                self._queue.put_nowait(None)
                break
            found.append(event)
        return found

    async def perform(self, submission: Submission, timeout_s: float) -> Outcome:
        """End as the script says."""
        self._discord.performed.append(submission)
        self._discord.timeouts_s.append(timeout_s)
        outcome = self._discord.outcomes.popleft() if self._discord.outcomes else Accepted()
        if isinstance(outcome, asyncio.Future):
            outcome = await outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def standing(self) -> Standing | None:
        """Return what the script says."""
        self._discord.looks += 1
        return self._discord.standing

    async def upload(self, channel: str, upload: Upload) -> Uploaded:
        """Keep the file."""
        self._discord.uploads.append(upload)
        await _ending(self._discord.upload_ends)
        return Uploaded(upload.filename, f"uploads/{upload.filename}")

    async def recent_messages(self, channel: str, after: str) -> Sequence[Message]:
        """Return the first page of history after a snowflake."""
        self._discord.reads.append(after)
        await _ending(self._discord.history_ends)
        newer = [one for one in self._discord.history if int(one.id) > int(after)]
        return newer[: self._discord.page]

    async def refresh_commands(self, channel: str, guild_id: str | None) -> None:
        """Count."""
        self._discord.refreshes += 1
        error = self._discord.refreshed.popleft() if self._discord.refreshed else None
        if error is not None:
            raise error

    async def refresh_links(self, links: Sequence[str]) -> Mapping[str, str]:
        """Answer as the script says."""
        self._discord.renewals.append(tuple(links))
        if isinstance(self._discord.renewed, Exception):
            raise self._discord.renewed
        return {
            link: self._discord.renewed[link] for link in links if link in self._discord.renewed
        }

    async def close(self) -> None:
        """End the events."""
        self.closed = True
        self.end()


async def _ending(script: deque[Exception | asyncio.Future[None]]) -> None:
    if not script:
        return
    ends = script.popleft()
    if isinstance(ends, Exception):
        raise ends
    await ends
