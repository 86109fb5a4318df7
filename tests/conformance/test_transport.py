"""Duties of each `ports.Transport`, tried on the Discord transport against the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import aiohttp
import pytest
import stamina

from tests.build import replace
from tests.fakes import FakeClock, FakeIds
from tests.limits import BREAKER
from tests.pictures import landscape_twin
from waystation.actions import (
    Accepted,
    Option,
    Outcome,
    Refused,
    Slash,
    Submission,
    Unknown,
    Upload,
)
from waystation.discord.inflate import COMPRESSIONS
from waystation.discord.probe import DiscordProbe
from waystation.discord.site import Site
from waystation.discord.transport import discord_factory
from waystation.errors import NotAuthorised, Unreachable
from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    GatewayEvent,
    HumanCheckSeen,
    InteractionTold,
    MessageSeen,
    SeenAs,
    SessionState,
    ToldAs,
)
from waystation.jobs import Nonce
from waystation.ports import DiscordIdentity
from waystation.secret import Secret
from waystation.simulator.server import Simulator

PATIENCE_S = 10
SPEED = 1000.0
_E = TypeVar("_E", bound=GatewayEvent)


class Connected:
    """One account's transport, whose events a test looks through in order."""

    def __init__(self, simulator: Simulator, site: Site, saved: SessionState | None = None) -> None:
        self.account = simulator.accounts[0]
        self.clock = site.clock
        self.transport = discord_factory(site)(Secret(self.account.token), saved, "account-1")
        self.nonce = 0
        self.session: SessionState | None = None
        self._seen: asyncio.Queue[GatewayEvent] = asyncio.Queue()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.transport.events():
            self._seen.put_nowait(event)

    async def next(self) -> GatewayEvent:
        """Return the next event; let the wait for a reconnection pass."""
        event = await asyncio.wait_for(self._seen.get(), PATIENCE_S)
        if isinstance(event, Disconnected):
            assert isinstance(self.clock, FakeClock)
            await self.clock.sleeping()
            self.clock.advance(700)
        if isinstance(event, CaughtUp):
            self.session = event.session
        return event

    async def until(self, kind: type[_E], fits: Callable[[_E], bool] = lambda event: True) -> _E:
        """Skip events until one fits."""
        while True:
            event = await self.next()
            if isinstance(event, kind) and fits(event):
                return event

    async def ask(self, action: Slash, *, direct: bool = False) -> Outcome:
        """Submit with a nonce of its own, in the guild or in direct messages."""
        self.nonce += 1
        account = self.account
        channel = account.dm_channel_id if direct else account.channel_id
        guild_id = None if direct else account.guild_id
        submission = Submission(Nonce(str(self.nonce)), channel, guild_id, action)
        return await self.transport.perform(submission, 5.0)

    async def describe(self) -> Outcome:
        """Upload a picture and ask for its description."""
        picture = Upload("twin.png", "image/png", landscape_twin())
        uploaded = await self.transport.upload(self.account.channel_id, picture)
        return await self.ask(Slash("describe", [Option(11, "image", 0)], [uploaded]))

    async def first_message(self) -> MessageSeen:
        """Return the create event that carries the latest nonce."""
        return await self.until(MessageSeen, lambda seen: seen.message.nonce == str(self.nonce))

    async def described(self) -> MessageSeen:
        """Return the message with the four prompts."""
        return await self.until(MessageSeen, lambda seen: bool(seen.message.embeds))

    async def caught_up_and_described(self) -> tuple[CaughtUp, MessageSeen]:
        """Return both, in whichever order they come: the replay ends when the bot is quick."""
        caught_up, described = None, None
        while caught_up is None or described is None:
            event = await self.next()
            if isinstance(event, CaughtUp):
                caught_up = event
            if isinstance(event, MessageSeen) and event.message.embeds:
                described = event
        return caught_up, described

    async def transport_lost(self) -> None:
        """Wait for the loss without letting the reconnection's wait pass."""
        while not isinstance(await asyncio.wait_for(self._seen.get(), PATIENCE_S), Disconnected):
            pass

    async def leave(self) -> None:
        await asyncio.wait_for(self.transport.close(), PATIENCE_S)
        await asyncio.wait_for(self.reading, PATIENCE_S)


@pytest.fixture(autouse=True)
def impatient_retries() -> Any:
    stamina.set_testing(True, attempts=4)
    yield
    stamina.set_testing(False)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(accounts=1, seed=1, speed=SPEED, strict_sessions=True) as running:
        yield running


@pytest.fixture
async def site(simulator: Simulator) -> AsyncIterator[Site]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Site(simulator.url, http, FakeClock(), FakeIds(0.5), BREAKER)


@pytest.fixture
async def connected(simulator: Simulator, site: Site) -> AsyncIterator[Connected]:
    connection = Connected(simulator, site)
    caught_up = await connection.until(CaughtUp)
    assert not caught_up.resumed
    assert caught_up.discord_user_id == connection.account.user_id
    yield connection
    await connection.leave()


def frames(simulator: Simulator, op: int) -> list[Any]:
    return [entry for entry in simulator.read_log(kind="frame") if entry.get("op") == op]


# ── asking and hearing ──


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_a_session_works_in_every_compression(
    compression: str, simulator: Simulator, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = {compression: COMPRESSIONS[compression]}
    monkeypatch.setattr("waystation.discord.transport.COMPRESSIONS", only)
    connection = Connected(simulator, site)
    await connection.until(CaughtUp)
    assert await connection.ask(Slash("info")) == Accepted()
    assert (await connection.first_message()).seen_as is SeenAs.CREATED
    await connection.leave()


@pytest.mark.parametrize("direct", [False, True])
async def test_an_action_is_accepted_told_and_answered(connected: Connected, direct: bool) -> None:
    assert await connected.ask(Slash("info"), direct=direct) == Accepted()
    told = await connected.until(InteractionTold)
    assert (told.told_as, told.nonce) == (ToldAs.CREATED, "1")
    seen = await connected.first_message()
    assert seen.sequence is not None


async def test_an_uploaded_picture_is_described_and_the_answer_is_in_history(
    connected: Connected, simulator: Simulator
) -> None:
    assert await connected.describe() == Accepted()
    described = await connected.described()
    history = await connected.transport.recent_messages(connected.account.channel_id, "0")
    assert described.message.id in [message.id for message in history]
    assert [int(one.id) for one in history] == sorted(int(one.id) for one in history)
    assert len(simulator.book) == 1


async def test_history_begins_after_the_snowflake_named(connected: Connected) -> None:
    await connected.describe()
    first = (await connected.described()).message.id
    await connected.describe()
    second = (await connected.described()).message.id
    newer = await connected.transport.recent_messages(connected.account.channel_id, first)
    assert [message.id for message in newer] == [second]


async def test_an_unknown_command_is_refused_without_being_asked(
    connected: Connected, simulator: Simulator
) -> None:
    outcome = await connected.ask(Slash("no-such-command"))
    assert isinstance(outcome, Refused) and outcome.kind == "invalid"
    assert not simulator.book


# ── outcomes ──

OUTCOMES = [
    # fault, kind of the refusal or None for Unknown, whether the bot executed it
    ("rate_limited_bucket", "rate_limited", False),
    ("rate_limited_global", "rate_limited", False),
    ("rate_limited_proxy", "rate_limited", False),
    ("captcha_400", "captcha", False),
    ("unauthorized_401", "unauthorized", False),
    ("missing_access_403", "account", False),
    ("missing_permissions_403", "account", False),
    ("abuse_block_403", "blocked", False),
    ("verify_account_403", "blocked", False),
    ("unknown_channel_400", "account", False),
    ("server_error_before", None, False),
    ("server_error_after", None, True),
    ("reset_before", None, False),
    ("reset_after", None, True),
]


@pytest.mark.parametrize(("fault", "kind", "executed"), OUTCOMES)
async def test_an_outcome_says_no_more_than_what_is_certain(
    fault: str, kind: str | None, executed: bool, connected: Connected, simulator: Simulator
) -> None:
    simulator.fault(fault)
    outcome = await connected.ask(Slash("info"))
    if kind is None:
        assert isinstance(outcome, Unknown)
    else:
        assert isinstance(outcome, Refused) and outcome.kind == kind
        assert (outcome.retry_after_s is not None) == (kind == "rate_limited")
    assert len(simulator.book) == executed
    posts = [e for e in simulator.read_log(kind="request") if e["path"].endswith("/interactions")]
    assert len(posts) == 1


async def test_an_outdated_command_is_accepted_after_a_refresh_with_a_new_nonce(
    connected: Connected, simulator: Simulator
) -> None:
    assert await connected.ask(Slash("info")) == Accepted()
    simulator.fault("stale_version", count=1)
    outcome = await connected.ask(Slash("info"))
    assert isinstance(outcome, Refused) and outcome.kind == "outdated"
    account = connected.account
    await connected.transport.refresh_commands(account.channel_id, account.guild_id)
    assert await connected.ask(Slash("info")) == Accepted()
    assert [page["nonce"] for page in simulator.book] == ["1", "3"]


async def test_links_that_have_ended_are_renewed(
    connected: Connected, simulator: Simulator
) -> None:
    picture = simulator._files.keep("a.png", b"picture", "image/png", connected.account.user_id)
    ended = simulator._files.attach(picture, connected.account.channel_id, (1, 1), -60.0)["url"]
    unknown = f"{simulator.url}/attachments/1/2/none.png?ex=1&is=1&hm=1&"
    fresh = await connected.transport.refresh_links([ended, unknown])
    assert list(fresh) == [ended]
    async with aiohttp.ClientSession() as http:
        assert (await http.get(ended)).status == 404
        assert await (await http.get(fresh[ended])).read() == b"picture"


# ── losing and finding again ──


@pytest.mark.parametrize(
    "fault", ["gateway_drop", "gateway_close", "gateway_reconnect", "gateway_invalid_resumable"]
)
async def test_after_a_loss_that_can_be_resumed_nothing_is_missing(
    fault: str, connected: Connected, simulator: Simulator
) -> None:
    simulator.fault(fault, count=1)
    assert await connected.describe() == Accepted()
    caught_up, _ = await connected.caught_up_and_described()
    assert caught_up.resumed
    assert len(frames(simulator, 2)) == 1


@pytest.mark.parametrize("fault", ["gateway_drop_lost", "gateway_invalid_session"])
async def test_after_a_loss_that_cannot_be_resumed_history_fills_the_gap(
    fault: str, connected: Connected, simulator: Simulator
) -> None:
    simulator.fault(fault, count=1)
    assert await connected.describe() == Accepted()
    caught_up = await connected.until(CaughtUp)
    assert not caught_up.resumed
    channel = connected.account.channel_id
    async with asyncio.timeout(PATIENCE_S):
        while not any(m.embeds for m in await connected.transport.recent_messages(channel, "0")):
            await asyncio.sleep(0)


async def test_a_refused_resume_becomes_a_new_session(
    connected: Connected, simulator: Simulator
) -> None:
    simulator.fault("resume_refused", count=1)
    simulator.drop()
    caught_up = await connected.until(CaughtUp)
    assert not caught_up.resumed
    assert await connected.ask(Slash("info")) == Accepted()


async def test_nothing_is_sent_while_the_gateway_is_away(
    connected: Connected, simulator: Simulator
) -> None:
    lost = asyncio.create_task(connected.transport_lost())
    simulator.drop()
    await lost
    with pytest.raises(Unreachable):
        await connected.ask(Slash("info"))
    assert not simulator.book


async def test_a_session_left_with_close_is_resumed_by_another_process(
    connected: Connected, simulator: Simulator, site: Site
) -> None:
    assert await connected.describe() == Accepted()
    first = await connected.first_message()
    assert connected.session is not None and first.sequence is not None
    await connected.leave()
    again = Connected(simulator, site, replace(connected.session, sequence=first.sequence))
    caught_up, described = await again.caught_up_and_described()
    assert described.message.id == first.message.id
    assert caught_up.resumed
    assert caught_up.discord_user_id == connected.account.user_id
    assert await again.ask(Slash("info")) == Accepted()
    await again.leave()


# ── what only a person can mend ──


@pytest.mark.parametrize("code", [4004, 4012])
async def test_a_fatal_close_code_ends_the_events(
    code: int, simulator: Simulator, site: Site
) -> None:
    simulator.fault("identify_refused", code=code)
    connection = Connected(simulator, site)
    check = await connection.until(HumanCheckSeen)
    assert check.fatal
    await asyncio.wait_for(connection.reading, PATIENCE_S)
    assert len(frames(simulator, 2)) == 1
    await connection.leave()


async def test_a_token_that_dies_ends_the_events(
    connected: Connected, simulator: Simulator
) -> None:
    simulator.revoke()
    assert (await connected.until(HumanCheckSeen)).fatal
    with pytest.raises(Unreachable):
        await connected.ask(Slash("info"))


@pytest.mark.parametrize("fault", ["required_action", "required_action_update"])
async def test_an_action_that_discord_requires_is_told(
    fault: str, simulator: Simulator, site: Site
) -> None:
    simulator.fault(fault, count=1)
    connection = Connected(simulator, site)
    if fault == "required_action_update":
        await connection.until(CaughtUp)
        await connection.ask(Slash("info"))
    check = await connection.until(HumanCheckSeen)
    assert "REQUIRE_VERIFIED_PHONE" in check.text and not check.fatal
    await connection.leave()


# ── who we are ──


async def test_every_request_and_frame_says_honestly_who_asks(
    connected: Connected, simulator: Simulator
) -> None:
    await connected.describe()
    [identify] = frames(simulator, 2)
    assert identify["d"]["properties"]["browser"] == "Waystation"
    requests = simulator.read_log(kind="request")
    assert {entry["headers"]["User-Agent"].split("/")[0] for entry in requests} == {"Waystation"}
    [put] = [entry for entry in requests if entry["method"] == "PUT"]
    assert "Authorization" not in put["headers"]


async def test_a_probe_tells_whose_token_it_is_and_what_it_reads(
    simulator: Simulator, site: Site
) -> None:
    account, probe = simulator.accounts[0], DiscordProbe(site)
    token = Secret(account.token)
    assert await probe.identify(token) == DiscordIdentity(
        account.user_id, account.user.username, account.dm_channel_id
    )
    assert await probe.can_read(token, account.channel_id)
    assert not await probe.can_read(token, "1")
    with pytest.raises(NotAuthorised):
        await probe.identify(Secret("MTIz.no.token"))
