"""The transport over loopback: a real gateway session on a clock set by hand."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import structlog

from tests.fakes import FakeClock
from tests.integration.discord.conftest import PATIENCE_S, Reply, StandIn, Talk
from waystation.actions import Accepted, Slash, Submission, Upload
from waystation.discord.identifying import FREE, GAP
from waystation.discord.session import HELLO_LIMIT_S, RESUMABLE_CLOSE
from waystation.discord.site import Site
from waystation.discord.transport import PASSED_EVERY, discord_factory
from waystation.errors import LocalProtocolError, NotConnected, Unreachable
from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    GatewayEvent,
    HumanCheckSeen,
    MessageGone,
    MessageSeen,
    Passed,
    SessionState,
)
from waystation.ignored import Ignored
from waystation.jobs import Nonce
from waystation.ports import Interest, Transport
from waystation.secret import Secret

TOKEN = "a-very-secret-token"
SUBMISSION = Submission(Nonce("140"), "3333", "2222", Slash("info"))
INDEX_ROUTE = "GET /guilds/2222/application-command-index"
INDEX = {
    "application_commands": [
        {"id": "1", "application_id": "900", "version": "11", "type": 1, "name": "info"}
    ]
}
MESSAGE = {"id": "5", "channel_id": "3333"}


class Watched:
    """A transport with a reader that keeps what it yields, as the engine's listener would."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._seen: asyncio.Queue[GatewayEvent] = asyncio.Queue()
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.transport.events():
            self._seen.put_nowait(event)

    async def next(self) -> GatewayEvent:
        return await asyncio.wait_for(self._seen.get(), PATIENCE_S)

    async def ended(self) -> None:
        await asyncio.wait_for(self.reading, PATIENCE_S)

    async def lost(self) -> str:
        event = await self.next()
        assert isinstance(event, Disconnected)
        return event.reason


Watch = Callable[..., Watched]


@pytest.fixture
async def watch(site: Site) -> AsyncIterator[Watch]:
    watched: list[Watched] = []

    def start(saved: SessionState | None = None) -> Watched:
        watched.append(Watched(discord_factory(site)(Secret(TOKEN), saved, "account-1")))
        return watched[-1]

    yield start
    for one in watched:
        await asyncio.wait_for(one.transport.close(), PATIENCE_S)
        await one.ended()


async def reconnect(clock: FakeClock) -> None:
    """Let the backoff's wait pass."""
    await clock.sleeping()
    clock.advance(700)


@asynccontextmanager
async def live(watch: Watch, discord: StandIn) -> AsyncIterator[tuple[Watched, Talk]]:
    watched = watch()
    talk = await discord.talk()
    await talk.ready(discord.gateway)
    assert isinstance(await watched.next(), CaughtUp)
    yield watched, talk


# ── coming live ──


async def test_a_new_session_asks_for_zlib_identifies_and_is_caught_up(
    watch: Watch, discord: StandIn
) -> None:
    watched = watch()
    talk = await discord.talk()
    assert dict(talk.query) == {"v": "9", "encoding": "json", "compress": "zlib-stream"}
    await talk.send(10, {"heartbeat_interval": 40_000})
    identify = await talk.said()
    assert (identify["op"], identify["d"]["token"]) == (2, TOKEN)
    assert identify["d"]["properties"]["browser"] == "Waystation"
    ready = {"session_id": "s-1", "user": {"id": "1111"}, "resume_gateway_url": discord.gateway}
    await talk.send(0, ready, 1, "READY")
    state = SessionState("s-1", discord.gateway, 1)
    assert await watched.next() == CaughtUp(False, "1111", state)
    assert not discord.asked("GET /users/@me")


async def test_a_saved_session_is_resumed_where_it_was_and_replayed_before_caught_up(
    watch: Watch, discord: StandIn
) -> None:
    discord.on("GET /users/@me", Reply(body={"id": "1111"}))
    watched = watch(SessionState("s-0", discord.gateway, 7))
    talk = await discord.talk()
    assert await talk.hello() == {"op": 6, "d": {"token": TOKEN, "session_id": "s-0", "seq": 7}}
    await talk.send(0, MESSAGE, 8, "MESSAGE_CREATE")
    await talk.send(0, {}, 9, "RESUMED")
    replayed = await watched.next()
    assert isinstance(replayed, MessageSeen) and replayed.sequence == 8
    assert await watched.next() == CaughtUp(True, "1111", SessionState("s-0", discord.gateway, 9))
    assert not discord.asked("GET /gateway")


async def test_a_saved_session_that_is_gone_is_replaced_and_told_as_a_gap(
    watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    discord.on("GET /users/@me", Reply(body={"id": "1111"}))
    watched = watch(SessionState("s-0", discord.gateway, 7))
    talk = await discord.talk()
    await talk.hello()
    await talk.send(9, False)
    assert "invalid" in await watched.lost()
    await reconnect(clock)
    await (await discord.talk()).ready(discord.gateway)
    caught_up = await watched.next()
    assert isinstance(caught_up, CaughtUp) and not caught_up.resumed


async def test_an_action_that_discord_requires_is_told_before_caught_up(
    watch: Watch, discord: StandIn
) -> None:
    watched = watch()
    talk = await discord.talk()
    await talk.ready(discord.gateway, required_action="REQUIRE_VERIFIED_PHONE")
    check = await watched.next()
    assert isinstance(check, HumanCheckSeen) and not check.fatal
    assert isinstance(await watched.next(), CaughtUp)


# ── events ──


async def test_dispatches_become_events_and_strangers_are_ignored(
    watch: Watch, discord: StandIn
) -> None:
    async with live(watch, discord) as (watched, talk):
        await talk.send(0, {"whatever": 1}, 2, "PRESENCE_UPDATE")
        await talk.send(0, {"id": 5}, 3, "MESSAGE_CREATE")
        await talk.send(0, MESSAGE, 4, "MESSAGE_DELETE")
        assert await watched.next() == MessageGone("5", "3333", 4)


async def test_a_message_that_is_not_for_the_account_is_counted_once(
    site: Site, discord: StandIn
) -> None:
    counted: Counter[Ignored] = Counter()

    def ignored(reason: Ignored) -> None:
        counted[reason] += 1

    interest = Interest("3333", "42", "2222")

    def start() -> Watched:
        factory = discord_factory(site, ignored)
        return Watched(factory(Secret(TOKEN), None, "account-1", interest))

    async with live(start, discord) as (watched, talk):
        elsewhere = {"id": "5", "channel_id": "4444", "guild_id": "2222"}
        await talk.send(0, elsewhere, 2, "MESSAGE_CREATE")
        await talk.send(0, {"id": 5}, 3, "MESSAGE_UPDATE")
        await talk.send(0, {"whatever": 1}, 4, "PRESENCE_UPDATE")
        await talk.send(0, MESSAGE, 5, "MESSAGE_CREATE")
        assert isinstance(await watched.next(), MessageSeen)
        assert counted == {Ignored.FOREIGN: 1, Ignored.UNREADABLE: 1}
        await watched.transport.close()


async def test_the_number_of_dispatches_that_concern_nobody_is_told_now_and_then(
    watch: Watch, discord: StandIn
) -> None:
    async with live(watch, discord) as (watched, talk):
        for number in range(2, 2 + 2 * PASSED_EVERY):
            await talk.send(0, {"whatever": 1}, number, "PRESENCE_UPDATE")
        assert await watched.next() == Passed(1 + PASSED_EVERY)
        assert await watched.next() == Passed(1 + 2 * PASSED_EVERY)


async def test_events_can_be_taken_once_only(watch: Watch, discord: StandIn) -> None:
    async with live(watch, discord) as (watched, _):
        with pytest.raises(LocalProtocolError):
            await anext(aiter(watched.transport.events()))


# ── staying connected ──


async def test_heartbeats_go_out_in_time_and_carry_the_sequence(
    watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    async with live(watch, discord) as (watched, talk):
        await talk.send(0, MESSAGE, 2, "MESSAGE_CREATE")
        await watched.next()
        for _ in range(3):
            await clock.sleeping()
            clock.advance(40)
            assert await talk.said() == {"op": 1, "d": 2}
            await talk.send(11)
            # the acknowledgement is read before what follows it
            await talk.send(0, MESSAGE, 2, "MESSAGE_DELETE")
            await watched.next()


async def test_a_heartbeat_asked_for_is_sent_at_once(watch: Watch, discord: StandIn) -> None:
    async with live(watch, discord) as (_, talk):
        await talk.send(1)
        assert await talk.said() == {"op": 1, "d": 1}


async def test_a_missed_acknowledgement_leads_to_a_new_socket_and_resume(
    watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    async with live(watch, discord) as (watched, talk):
        await clock.sleeping()
        clock.advance(20)
        assert (await talk.said())["op"] == 1
        await clock.sleeping()
        clock.advance(40)
        assert await watched.lost() == "Discord missed a heartbeat"
        await asyncio.wait_for(talk.ended.wait(), PATIENCE_S)
        assert talk.socket.close_code == RESUMABLE_CLOSE
        await reconnect(clock)
        again = await discord.talk()
        assert (await again.hello())["d"]["session_id"] == "s-1"
        await again.send(0, {}, 2, "RESUMED")
        caught_up = await watched.next()
        assert isinstance(caught_up, CaughtUp) and caught_up.resumed
    assert not discord.asked("GET /users/@me")


@pytest.mark.parametrize("ending", ["reconnect", "close 4000", "drop", "invalid but resumable"])
async def test_an_ordinary_loss_is_resumed(
    ending: str, watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    async with live(watch, discord) as (watched, talk):
        match ending:
            case "reconnect":
                await talk.send(7)
            case "close 4000":
                await talk.socket.close(code=4000)
            case "drop":
                await talk.drop()
            case _:
                await talk.send(9, True)
        await watched.lost()
        with pytest.raises(Unreachable):
            await watched.transport.perform(SUBMISSION, 5.0)
        await reconnect(clock)
        assert (await (await discord.talk()).hello())["op"] == 6


@pytest.mark.parametrize("code", [4007, 4009])
async def test_a_session_that_discord_forgot_is_identified_anew(
    code: int, watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    async with live(watch, discord) as (watched, talk):
        await talk.socket.close(code=code)
        assert str(code) in await watched.lost()
        await reconnect(clock)
        assert (await (await discord.talk()).hello())["op"] == 2


@pytest.mark.parametrize("code", [4004, 4010, 4014])
async def test_a_fatal_close_code_ends_the_events_with_a_human_check(
    code: int, watch: Watch, discord: StandIn
) -> None:
    async with live(watch, discord) as (watched, talk):
        await talk.socket.close(code=code)
        check = await watched.next()
        assert isinstance(check, HumanCheckSeen)
        assert check.fatal and str(code) in check.text
        await watched.ended()
        with pytest.raises(Unreachable):
            await watched.transport.perform(SUBMISSION, 5.0)


async def test_a_dead_token_is_noticed_before_a_session_is_resumed(
    watch: Watch, discord: StandIn
) -> None:
    discord.on("GET /users/@me", Reply(401, {"message": "401: Unauthorized", "code": 0}))
    watched = watch(SessionState("s-0", discord.gateway, 7))
    check = await watched.next()
    assert isinstance(check, HumanCheckSeen) and check.fatal
    await watched.ended()


async def test_a_human_check_over_http_is_told_and_tried_again(
    watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    blocked = Reply(403, {"code": 40002, "message": "You need to verify your account"})
    discord.on("GET /users/@me", blocked, Reply(body={"id": "1111"}))
    watched = watch(SessionState("s-0", discord.gateway, 7))
    check = await watched.next()
    assert isinstance(check, HumanCheckSeen) and not check.fatal
    await watched.lost()
    await reconnect(clock)
    assert (await (await discord.talk()).hello())["op"] == 6


async def test_a_silent_gateway_is_given_up(
    watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    watched = watch()
    await discord.talk()
    await clock.sleeping()
    clock.advance(HELLO_LIMIT_S)
    assert await watched.lost() == "Discord did not greet"


async def test_a_discord_that_is_down_is_tried_again(
    watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    discord.on("GET /gateway", Reply(503), Reply(body={"url": discord.gateway}))
    discord.refuse_upgrades = [502]
    watched = watch()
    assert "503" in await watched.lost()
    await reconnect(clock)
    assert "502" in await watched.lost()
    await reconnect(clock)
    assert (await discord.talk()).query["compress"] == "zlib-stream"


async def test_a_gateway_that_does_not_listen_is_a_loss(
    watch: Watch, discord: StandIn, unused_tcp_port: int
) -> None:
    discord.on("GET /gateway", Reply(body={"url": f"ws://127.0.0.1:{unused_tcp_port}"}))
    assert "no connection" in await watch().lost()


async def test_an_open_gateway_is_refused_when_the_base_url_is_encrypted(
    watch: Watch, discord: StandIn
) -> None:
    discord.on("GET /gateway", Reply(body={"url": "http://127.0.0.1:9/"}))
    assert "encryption" in await watch().lost()


async def test_a_lost_connection_is_a_warning_that_names_the_account(
    watch: Watch, discord: StandIn, unused_tcp_port: int
) -> None:
    discord.on("GET /gateway", Reply(body={"url": f"ws://127.0.0.1:{unused_tcp_port}"}))
    with structlog.testing.capture_logs() as lines:
        await watch().lost()
    [lost] = [line for line in lines if line["event"] == "gateway.lost"]
    assert (lost["log_level"], lost["account"]) == ("warning", "account-1")


# ── compression ──


async def test_a_compression_that_is_turned_down_gives_way_to_the_next(
    watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    discord.refuse_upgrades = [400]
    watched = watch()
    await watched.lost()
    await reconnect(clock)
    talk = await discord.talk()
    assert talk.query["compress"] == "zstd-stream"
    await talk.ready(discord.gateway)
    assert isinstance(await watched.next(), CaughtUp)


async def test_an_unreadable_greeting_falls_back_until_plain_text_is_left(
    watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    watched = watch()
    asked = []
    for _ in range(3):
        talk = await discord.talk()
        asked.append(talk.query.get("compress"))
        await talk.socket.send_bytes(b"no such stream\x00\x00\xff\xff")
        await watched.lost()
        await reconnect(clock)
    assert asked == ["zlib-stream", "zstd-stream", None]
    talk = await discord.talk()
    assert "compress" not in talk.query
    await talk.ready(discord.gateway)
    assert isinstance(await watched.next(), CaughtUp)


async def test_a_broken_stream_after_hello_keeps_the_compression_and_resumes(
    watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    async with live(watch, discord) as (watched, talk):
        await talk.socket.send_bytes(b"no such stream\x00\x00\xff\xff")
        assert "unreadable" in await watched.lost()
        await reconnect(clock)
        again = await discord.talk()
        assert again.query["compress"] == "zlib-stream"
        assert (await again.hello())["op"] == 6


async def test_text_is_read_even_when_compression_was_asked_for(
    watch: Watch, discord: StandIn
) -> None:
    watch()
    talk = await discord.talk()
    await talk.socket.send_str('{"op":10,"d":{"heartbeat_interval":40000}}')
    assert (await talk.said())["op"] == 2


async def test_an_unreadable_frame_is_a_loss(watch: Watch, discord: StandIn) -> None:
    async with live(watch, discord) as (watched, talk):
        await talk.socket.send_str("{")
        assert "unreadable gateway frame" in await watched.lost()


async def test_nothing_of_a_large_ready_is_held_while_the_next_frame_is_waited_for(
    watch: Watch, discord: StandIn
) -> None:
    watched = watch()
    talk = await discord.talk()
    large = "x" * 4_000_000
    tracemalloc.start()
    try:
        await talk.ready(discord.gateway, _trace=[large])
        assert isinstance(await watched.next(), CaughtUp)
        async with asyncio.timeout(PATIENCE_S):
            while tracemalloc.get_traced_memory()[0] > len(large) / 2:
                await asyncio.sleep(0)
    finally:
        tracemalloc.stop()


# ── performing ──


async def test_a_submission_uses_the_live_session(watch: Watch, discord: StandIn) -> None:
    discord.on(INDEX_ROUTE, Reply(body=INDEX))
    discord.on("POST /interactions", Reply(204))
    async with live(watch, discord) as (watched, _):
        assert await watched.transport.perform(SUBMISSION, 5.0) == Accepted()
    assert discord.asked("POST /interactions")[0].json["session_id"] == "s-1"


async def test_nothing_is_sent_before_the_session_is_live(watch: Watch, discord: StandIn) -> None:
    watched = watch()
    await discord.talk()
    with pytest.raises(NotConnected):
        await watched.transport.perform(SUBMISSION, 5.0)
    assert not discord.asked(INDEX_ROUTE)


async def test_an_index_update_makes_the_next_submission_read_the_index(
    watch: Watch, discord: StandIn
) -> None:
    discord.on(INDEX_ROUTE, Reply(body=INDEX))
    discord.on("POST /interactions", Reply(204))
    async with live(watch, discord) as (watched, talk):
        await watched.transport.perform(SUBMISSION, 5.0)
        update = "GUILD_APPLICATION_COMMAND_INDEX_UPDATE"
        await talk.send(0, {"guild_id": "2222"}, 2, update)
        await talk.send(0, {"guild_id": 2222}, 3, update)
        await talk.send(0, MESSAGE, 4, "MESSAGE_DELETE")
        await watched.next()
        await watched.transport.perform(SUBMISSION, 5.0)
    assert len(discord.asked(INDEX_ROUTE)) == 2


async def test_reads_and_uploads_need_no_gateway(site: Site, discord: StandIn) -> None:
    transport = discord_factory(site)(Secret(TOKEN), None, "account-1")
    discord.on(INDEX_ROUTE, Reply(body=INDEX))
    discord.on("GET /channels/3333/messages", Reply(body=[MESSAGE]))
    place = {"upload_url": f"{discord.url}/put", "upload_filename": "x/cat.png"}
    discord.on("POST /channels/3333/attachments", Reply(body={"attachments": [place]}))
    discord.on("PUT /put", Reply())
    await transport.refresh_commands("3333", "2222")
    assert [message.id for message in await transport.recent_messages("3333", "1")] == ["5"]
    uploaded = await transport.upload("3333", Upload("cat.png", "image/png", b"x"))
    assert uploaded.uploaded_filename == "x/cat.png"
    await transport.close()


# ── leaving ──


async def test_close_leaves_the_session_resumable_and_ends_the_events(
    watch: Watch, discord: StandIn
) -> None:
    async with live(watch, discord) as (watched, talk):
        await asyncio.wait_for(watched.transport.close(), 2)
        await watched.ended()
        await asyncio.wait_for(talk.ended.wait(), PATIENCE_S)
        assert talk.socket.close_code == RESUMABLE_CLOSE
        await watched.transport.close()
        with pytest.raises(Unreachable):
            await watched.transport.perform(SUBMISSION, 5.0)


async def test_close_ends_a_wait_for_reconnection(
    watch: Watch, discord: StandIn, clock: FakeClock
) -> None:
    discord.on("GET /gateway", Reply(503))
    watched = watch()
    await watched.lost()
    await clock.sleeping()
    await asyncio.wait_for(watched.transport.close(), 2)
    await watched.ended()


async def test_events_after_close_are_none(site: Site) -> None:
    transport = discord_factory(site)(Secret(TOKEN), None, "account-1")
    await transport.close()
    assert [event async for event in transport.events()] == []


async def test_a_reader_that_stops_early_closes_the_connection(
    site: Site, discord: StandIn
) -> None:
    transport = discord_factory(site)(Secret(TOKEN), None, "account-1")
    events = transport.events()
    reading = asyncio.ensure_future(anext(events))
    talk = await discord.talk()
    await talk.ready(discord.gateway)
    assert isinstance(await reading, CaughtUp)
    await events.aclose()  # type: ignore[attr-defined]
    await asyncio.wait_for(talk.ended.wait(), PATIENCE_S)
    assert talk.socket.close_code == RESUMABLE_CLOSE


async def test_events_that_wait_are_given_without_waiting_for_more(
    site: Site, discord: StandIn
) -> None:
    transport = discord_factory(site)(Secret(TOKEN), None, "account-1")
    events = aiter(transport.events())
    reading = asyncio.ensure_future(anext(events))
    talk = await discord.talk()
    await talk.ready(discord.gateway)
    assert isinstance(await reading, CaughtUp)
    assert transport.waiting(5) == []
    for sequence in (2, 3, 4):
        await talk.send(0, MESSAGE, sequence, "MESSAGE_DELETE")
    queue = transport._events  # type: ignore[attr-defined]
    async with asyncio.timeout(PATIENCE_S):
        while queue.qsize() < 3:
            await asyncio.sleep(0)
    assert [one.sequence for one in transport.waiting(2)] == [2, 3]  # type: ignore[union-attr]
    assert (await anext(events)).sequence == 4  # type: ignore[union-attr]
    await transport.close()
    # the end is no event, and stays for the reader
    assert transport.waiting(5) == []
    assert [event async for event in events] == []


async def test_a_reader_that_does_not_read_is_closed_resumably_and_loses_nothing(
    site: Site, discord: StandIn, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waystation.discord.transport.QUEUE_LIMIT", 2)
    transport = discord_factory(site)(Secret(TOKEN), None, "account-1")
    events = aiter(transport.events())
    reading = asyncio.ensure_future(anext(events))
    talk = await discord.talk()
    await talk.ready(discord.gateway)
    assert isinstance(await reading, CaughtUp)
    for sequence in range(2, 12):
        await talk.send(0, MESSAGE, sequence, "MESSAGE_DELETE")
    for _ in range(2):
        await clock.sleeping()
        clock.advance(40)
    await asyncio.wait_for(talk.ended.wait(), PATIENCE_S)
    assert talk.socket.close_code == RESUMABLE_CLOSE
    kept = []
    while not isinstance(event := await asyncio.wait_for(anext(events), PATIENCE_S), Disconnected):
        assert isinstance(event, MessageGone)
        kept.append(event.sequence)
    await reconnect(clock)
    again = await discord.talk()
    resume = await again.hello()
    assert kept == list(range(2, resume["d"]["seq"] + 1))
    await transport.close()


# ── secrets ──


async def test_no_log_line_holds_the_token(watch: Watch, discord: StandIn) -> None:
    with structlog.testing.capture_logs() as lines:
        async with live(watch, discord) as (watched, talk):
            await talk.send(0, {"id": 5}, 2, "MESSAGE_CREATE")
            await talk.socket.close(code=4004)
            assert isinstance(await watched.next(), HumanCheckSeen)
    assert {"gateway.live", "gateway.unreadable", "gateway.stopped"} <= {
        line["event"] for line in lines
    }
    assert TOKEN not in str(lines)


# ── pauses between IDENTIFYs ──


class Remembered:
    """IDENTIFYs, as a store keeps them."""

    def __init__(self, *moments: datetime) -> None:
        self.moments = list(moments)
        self.meanwhile: list[datetime] = []
        """IDENTIFYs that another process notes between a read and a write of ours."""

    async def after(self, discord_user_id: str, moment: datetime) -> list[datetime]:
        return [at for at in self.moments if at > moment]

    async def add(
        self, discord_user_id: str, at: datetime, forget: datetime, newest: datetime | None
    ) -> bool:
        self.moments += self.meanwhile
        self.meanwhile.clear()
        if any(newest is None or moment > newest for moment in self.moments):
            return False
        self.moments.append(at)
        return True


async def test_a_new_session_waits_for_the_pause_after_an_earlier_session_of_its_user(
    site: Site, discord: StandIn, clock: FakeClock
) -> None:
    earlier = clock.now()
    remembered = Remembered(earlier)
    make = discord_factory(site, identifies=remembered)
    watched = Watched(make(Secret(TOKEN), None, "account-1", Interest("33", "1111")))
    await clock.sleeping()
    clock.advance(5)
    talk = await discord.talk()
    assert (await talk.hello())["op"] == 2
    assert remembered.moments == [earlier, earlier + timedelta(seconds=5)]
    await watched.transport.close()


async def test_a_session_begun_elsewhere_meanwhile_takes_the_turn_of_the_identify(
    site: Site, discord: StandIn, clock: FakeClock
) -> None:
    remembered = Remembered()
    make = discord_factory(site, identifies=remembered)
    watched = Watched(make(Secret(TOKEN), None, "account-1", Interest("33", "1111")))
    talk = await discord.talk()
    remembered.moments.append(clock.now())
    await talk.send(10, {"heartbeat_interval": 40_000})
    await asyncio.wait_for(talk.ended.wait(), PATIENCE_S)
    assert len(remembered.moments) == 1
    await watched.transport.close()


async def test_a_session_begun_elsewhere_between_the_look_and_the_note_takes_the_turn(
    site: Site, discord: StandIn, clock: FakeClock
) -> None:
    remembered = Remembered()
    remembered.meanwhile.append(clock.now())
    make = discord_factory(site, identifies=remembered)
    watched = Watched(make(Secret(TOKEN), None, "account-1", Interest("33", "1111")))
    talk = await discord.talk()
    await talk.send(10, {"heartbeat_interval": 40_000})
    await asyncio.wait_for(talk.ended.wait(), PATIENCE_S)
    assert len(remembered.moments) == 1
    await watched.transport.close()


async def test_a_server_that_answers_every_identify_with_invalid_session_is_asked_with_pauses(
    site: Site, discord: StandIn, clock: FakeClock
) -> None:
    remembered = Remembered()
    make = discord_factory(site, identifies=remembered)
    watched = Watched(make(Secret(TOKEN), None, "account-1", Interest("33", "1111")))
    for _ in range(40):
        talk = await _next_talk(discord, clock)
        assert (await talk.hello())["op"] == 2
        await talk.send(9, False)
        await watched.lost()
    gaps = [later - earlier for earlier, later in pairwise(remembered.moments)]
    assert len(gaps) == 39 and min(gaps) >= GAP
    await watched.transport.close()


async def _next_talk(discord: StandIn, clock: FakeClock) -> Talk:
    """Let the time pass, second by second, until the next socket comes."""
    talking = asyncio.ensure_future(discord.talk())
    while not talking.done():
        asleep = asyncio.ensure_future(clock.sleeping())
        await asyncio.wait({talking, asleep}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        if not talking.done():
            clock.advance(1)
    return await talking


async def test_an_account_that_has_identified_very_often_says_for_what_it_waits(
    site: Site, discord: StandIn, clock: FakeClock
) -> None:
    make = discord_factory(site, identifies=Remembered(*[clock.now()] * FREE))
    watched = Watched(make(Secret(TOKEN), None, "account-1", Interest("33", "1111")))
    assert (await watched.lost()).startswith(f"Waystation has begun {FREE} sessions or more")
    await watched.transport.close()
