"""The REST client over loopback: at most once, honest outcomes, bounded patience."""

from __future__ import annotations

import asyncio
import socket

import pytest
from structlog.testing import capture_logs

from tests.build import replace
from tests.fakes import FakeClock
from tests.integration.discord.conftest import Reply, StandIn
from tests.limits import BREAKER
from waystation.actions import (
    Accepted,
    Option,
    Outcome,
    Paint,
    Press,
    React,
    Refused,
    Slash,
    Submission,
    Unknown,
    Upload,
    Uploaded,
)
from waystation.discord.rest import HISTORY_LIMIT, DiscordRest
from waystation.discord.site import Site
from waystation.errors import (
    NotAuthorised,
    RequestRefused,
    TransportError,
    Unreachable,
    Withheld,
)
from waystation.jobs import Nonce
from waystation.secret import Secret

INDEX_ROUTE = "GET /guilds/2222/application-command-index"
ASK_ROUTE = "POST /interactions"
SLOTS_ROUTE = "POST /channels/3333/attachments"
HISTORY_ROUTE = "GET /channels/3333/messages"
LIMITED = b'{"global":true,"message":"You are being rate limited.","retry_after":10}'
INDEX = {
    "application_commands": [
        {"id": "1", "application_id": "900", "version": "11", "type": 1, "name": "info"},
        {"id": "2", "application_id": "666", "version": "12", "type": 1, "name": "describe"},
    ]
}
SUBMISSION = Submission(Nonce("140"), "3333", "2222", Slash("info", [Option(3, "a", "b")]))
PICTURE = Upload("cat.png", "image/png", b"\x89PNG picture")


@pytest.fixture
def rest(site: Site) -> DiscordRest:
    return DiscordRest(site, Secret("the-token"), "account-1")


@pytest.fixture(autouse=True)
def script(discord: StandIn) -> None:
    discord.on(INDEX_ROUTE, Reply(body=INDEX))
    discord.on(ASK_ROUTE, Reply(204))


async def submit(rest: DiscordRest, submission: Submission = SUBMISSION) -> Outcome:
    return await rest.submit(submission, lambda: "live-session", 5.0)


# ── submitting ──


async def test_a_submission_is_one_post_with_token_session_and_nonce(
    rest: DiscordRest, discord: StandIn
) -> None:
    assert await submit(rest) == Accepted()
    [seen] = discord.asked(ASK_ROUTE)
    assert seen.headers["Authorization"] == "the-token"
    assert seen.headers["User-Agent"].startswith("Waystation/")
    assert seen.headers["Content-Type"] == "application/json"
    assert (seen.json["nonce"], seen.json["session_id"]) == ("140", "live-session")
    assert seen.json["data"]["version"] == "11"


async def test_a_press_needs_no_command_index(rest: DiscordRest, discord: StandIn) -> None:
    press = Press("77", 0, "MJ::JOB::upsample::1::x")
    assert await submit(rest, replace(SUBMISSION, action=press)) == Accepted()
    assert discord.asked(INDEX_ROUTE) == []
    [seen] = discord.asked(ASK_ROUTE)
    assert (seen.json["type"], seen.json["message_id"]) == (3, "77")


async def test_a_reaction_is_put_under_its_message_once(
    rest: DiscordRest, discord: StandIn
) -> None:
    route = "PUT /channels/3333/messages/77/reactions/✉️/@me"
    discord.on(route, Reply(204))
    react = React("77", "✉️")
    assert await submit(rest, replace(SUBMISSION, action=react)) == Accepted()
    assert len(discord.asked(route)) == 1
    assert discord.asked(ASK_ROUTE) == []


async def test_a_mask_goes_to_the_region_editor(site: Site, discord: StandIn) -> None:
    site.activity_url = str(site.origin)
    newer = "POST /.proxy/inpaint/api/submit-job/token"
    discord.on(newer, Reply(200, body={"success": True}))
    painted = replace(SUBMISSION, action=Paint("token", b"mask", "a fox"))
    assert await submit(DiscordRest(site, Secret("the-token")), painted) == Accepted()
    assert len(discord.asked(newer)) == 1
    assert discord.asked(ASK_ROUTE) == []


async def test_the_command_index_is_read_once_and_again_after_an_update(
    rest: DiscordRest, discord: StandIn
) -> None:
    await submit(rest)
    await submit(rest)
    assert len(discord.asked(INDEX_ROUTE)) == 1
    rest.forget_commands("2222")
    await submit(rest)
    assert len(discord.asked(INDEX_ROUTE)) == 2


async def test_direct_messages_have_a_command_index_of_their_own(
    rest: DiscordRest, discord: StandIn
) -> None:
    discord.on("GET /channels/4444/application-command-index", Reply(body=INDEX))
    in_dm = Submission(Nonce("1"), "4444", None, Slash("info"))
    assert await submit(rest, in_dm) == Accepted()
    assert "guild_id" not in discord.asked(ASK_ROUTE)[0].json


async def test_a_command_of_another_application_is_never_asked(
    rest: DiscordRest, discord: StandIn
) -> None:
    outcome = await submit(rest, replace(SUBMISSION, action=Slash("describe")))
    assert isinstance(outcome, Refused) and outcome.kind == "invalid"
    assert not discord.asked(ASK_ROUTE)


async def test_an_answer_429_is_refused_with_discords_exact_text(
    rest: DiscordRest, discord: StandIn
) -> None:
    discord.on(ASK_ROUTE, Reply(429, LIMITED))
    assert await submit(rest) == Refused(429, LIMITED.decode(), "rate_limited", 10.0)


async def test_while_a_long_wait_stands_nothing_is_asked_and_discords_last_word_is_told(
    rest: DiscordRest, discord: StandIn, clock: FakeClock
) -> None:
    discord.on(ASK_ROUTE, Reply(429, LIMITED), Reply(204))
    await submit(rest)
    clock.advance(4)
    with pytest.raises(Withheld) as withheld:
        await submit(rest)
    assert (withheld.value.wait_s, withheld.value.text) == (6.0, LIMITED.decode())
    assert len(discord.asked(ASK_ROUTE)) == 1
    clock.advance(6)
    assert await submit(rest) == Accepted()


async def test_a_short_wait_is_waited_for(
    rest: DiscordRest, discord: StandIn, clock: FakeClock
) -> None:
    short = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "2"}
    discord.on(ASK_ROUTE, Reply(204, headers=short), Reply(204))
    await submit(rest)
    second = asyncio.create_task(submit(rest))
    await clock.sleeping()
    assert len(discord.asked(ASK_ROUTE)) == 1
    clock.advance(2)
    assert await second == Accepted()


async def test_a_long_wait_without_a_refusal_sends_nothing(
    rest: DiscordRest, discord: StandIn
) -> None:
    long = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "60"}
    discord.on(ASK_ROUTE, Reply(204, headers=long))
    await submit(rest)
    with pytest.raises(Withheld, match="wait 60 s"):
        await submit(rest)
    assert len(discord.asked(ASK_ROUTE)) == 1


@pytest.mark.parametrize("reply", [Reply(500), Reply(502, b"<html>"), Reply(522), Reply(0)])
async def test_an_ask_that_may_have_been_executed_is_unknown_and_sent_once(
    reply: Reply, rest: DiscordRest, discord: StandIn
) -> None:
    discord.on(ASK_ROUTE, reply)
    assert isinstance(await submit(rest), Unknown)
    assert len(discord.asked(ASK_ROUTE)) == 1


async def test_an_interaction_never_follows_a_redirect(rest: DiscordRest, discord: StandIn) -> None:
    """R12."""
    discord.on(ASK_ROUTE, Reply(307, headers={"Location": "/api/v9/elsewhere"}))
    assert isinstance(await submit(rest), Unknown)
    assert not discord.asked("POST /elsewhere")


async def test_a_time_out_is_unknown(rest: DiscordRest, discord: StandIn) -> None:
    await rest.refresh_commands("3333", "2222")
    late = asyncio.Event()
    discord.on(ASK_ROUTE, Reply(204, hold=late))
    outcome = await rest.submit(SUBMISSION, lambda: "live-session", 0.2)
    late.set()
    assert isinstance(outcome, Unknown)
    assert len(discord.asked(ASK_ROUTE)) == 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_connection_that_never_stood_is_raised_because_nothing_was_sent(
    rest: DiscordRest, site: Site, discord: StandIn
) -> None:
    await rest.refresh_commands("3333", "2222")
    site.base_url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unreachable, match="no connection"):
        await submit(rest)
    assert not discord.asked(ASK_ROUTE)


async def test_a_lost_session_is_noticed_before_anything_is_written(
    rest: DiscordRest, discord: StandIn
) -> None:
    def gone() -> str:
        raise Unreachable

    with pytest.raises(Unreachable):
        await rest.submit(SUBMISSION, gone, 5.0)
    assert not discord.asked(ASK_ROUTE)


async def test_a_command_index_that_comes_too_late_sends_nothing(
    rest: DiscordRest, discord: StandIn
) -> None:
    late = asyncio.Event()
    discord.on(INDEX_ROUTE, Reply(body=INDEX, hold=late))
    with pytest.raises(Unreachable, match="did not arrive in time"):
        await rest.submit(SUBMISSION, lambda: "s", 0.1)
    late.set()
    assert not discord.asked(ASK_ROUTE)


async def test_no_time_left_after_a_wait_sends_nothing(
    rest: DiscordRest, discord: StandIn, clock: FakeClock
) -> None:
    def slow() -> str:
        clock.advance(6)
        return "live-session"

    with pytest.raises(Unreachable, match="nothing was sent"):
        await rest.submit(SUBMISSION, slow, 5.0)
    assert not discord.asked(ASK_ROUTE)


async def test_a_refused_command_index_refuses_the_submission(
    rest: DiscordRest, discord: StandIn
) -> None:
    discord.on(INDEX_ROUTE, Reply(401, {"message": "401: Unauthorized", "code": 0}))
    outcome = await submit(rest)
    assert isinstance(outcome, Refused) and (outcome.status, outcome.kind) == (401, "unauthorized")
    assert not discord.asked(ASK_ROUTE)


async def test_an_outdated_command_is_refused_and_left_to_the_caller(
    rest: DiscordRest, discord: StandIn
) -> None:
    discord.on(ASK_ROUTE, Reply(404, {"code": 10063, "message": "who knows"}), Reply(204))
    outcome = await submit(rest)
    assert isinstance(outcome, Refused) and outcome.kind == "outdated"
    assert len(discord.asked(ASK_ROUTE)) == 1


# ── the breaker ──


async def test_an_open_breaker_stops_sends_and_reads_of_every_account(
    rest: DiscordRest, site: Site, discord: StandIn, clock: FakeClock
) -> None:
    """R35."""
    discord.on("GET /users/@me", Reply(401, {"code": 0}), Reply(body={"id": "1"}))
    site.breaker = replace(BREAKER, rows=((0, BREAKER.limit - 1),))
    with pytest.raises(NotAuthorised):
        await DiscordRest(site, Secret("another-token")).me()
    with pytest.raises(Withheld, match="refused too many"):
        await submit(rest)
    assert not discord.asked(INDEX_ROUTE) and not discord.asked(ASK_ROUTE)
    clock.advance(700)
    assert await submit(rest) == Accepted()


# ── uploads ──


def slot(url: str, slot_id: object = 0) -> Reply:
    target = {"id": slot_id, "upload_url": url, "upload_filename": "1b4e28ba/cat.png"}
    return Reply(body={"attachments": [target]})


@pytest.mark.parametrize("slot_id", [0, "0"])
async def test_an_upload_is_put_where_discord_says_without_the_token(
    rest: DiscordRest, discord: StandIn, slot_id: object
) -> None:
    discord.on(SLOTS_ROUTE, slot(f"{discord.url}/bucket/cat.png?sig=a%2Fb%3D", slot_id))
    discord.on("PUT /bucket/cat.png", Reply())
    assert await rest.upload("3333", PICTURE) == Uploaded("cat.png", "1b4e28ba/cat.png")
    [asked] = discord.asked(SLOTS_ROUTE)
    file = {"id": "0", "filename": "cat.png", "file_size": len(PICTURE.data), "is_clip": False}
    assert asked.json == {"files": [file]}
    [put] = discord.asked("PUT /bucket/cat.png")
    assert (put.body, put.headers["Content-Type"]) == (PICTURE.data, "image/png")
    assert put.query["sig"] == "a/b="
    assert "Authorization" not in put.headers


@pytest.mark.parametrize("reply", [Reply(503), Reply(429), Reply(0)])
async def test_an_upload_that_broke_off_is_tried_again(
    reply: Reply, rest: DiscordRest, discord: StandIn
) -> None:
    discord.on(SLOTS_ROUTE, slot(f"{discord.url}/bucket/cat.png"))
    discord.on("PUT /bucket/cat.png", reply, Reply())
    assert (await rest.upload("3333", PICTURE)).uploaded_filename == "1b4e28ba/cat.png"
    assert len(discord.asked("PUT /bucket/cat.png")) == 2


async def test_a_refused_upload_is_not_tried_again_and_never_speaks_for_the_token(
    rest: DiscordRest, discord: StandIn
) -> None:
    discord.on(SLOTS_ROUTE, slot(f"{discord.url}/bucket/cat.png"))
    discord.on("PUT /bucket/cat.png", Reply(401, b"<Error>signature</Error>"))
    with pytest.raises(RequestRefused, match="401"):
        await rest.upload("3333", PICTURE)
    assert len(discord.asked("PUT /bucket/cat.png")) == 1


async def test_a_file_that_is_too_large_is_refused_in_discords_words(
    rest: DiscordRest, discord: StandIn
) -> None:
    discord.on(SLOTS_ROUTE, Reply(413, {"code": 40005, "message": "Request entity too large"}))
    with pytest.raises(RequestRefused) as refusal:
        await rest.upload("3333", PICTURE)
    assert "40005" in refusal.value.body


async def test_an_upload_goes_to_no_other_host(rest: DiscordRest, discord: StandIn) -> None:
    elsewhere = discord.url.replace("127.0.0.1", "localhost")
    discord.on(SLOTS_ROUTE, slot(f"{elsewhere}/bucket/cat.png"))
    with pytest.raises(TransportError, match="not allowed"):
        await rest.upload("3333", PICTURE)
    assert not discord.asked("PUT /bucket/cat.png")


async def test_an_answer_without_a_place_is_unreachable(
    rest: DiscordRest, discord: StandIn
) -> None:
    discord.on(SLOTS_ROUTE, Reply(body={"attachments": []}))
    with pytest.raises(Unreachable, match="no place"):
        await rest.upload("3333", PICTURE)


# ── reads ──


def page(*ids: int) -> Reply:
    return Reply(body=[{"id": str(one), "channel_id": "3333"} for one in ids])


async def test_history_is_read_page_by_page_oldest_first(
    rest: DiscordRest, discord: StandIn
) -> None:
    discord.on(HISTORY_ROUTE, page(*range(199, 99, -1)), page(201, 200))
    messages = await rest.recent_messages("3333", "99")
    assert [int(message.id) for message in messages] == list(range(100, 202))
    assert [dict(one.query) for one in discord.asked(HISTORY_ROUTE)] == [
        {"limit": "100", "after": "99"},
        {"limit": "100", "after": "199"},
    ]


async def test_history_ends_at_its_limit(rest: DiscordRest, discord: StandIn) -> None:
    pages = [page(*range(start + 99, start - 1, -1)) for start in range(1000, 1900, 100)]
    discord.on(HISTORY_ROUTE, *pages)
    messages = await rest.recent_messages("3333", "0")
    assert len(messages) == HISTORY_LIMIT
    assert len(discord.asked(HISTORY_ROUTE)) == HISTORY_LIMIT // 100


async def test_one_unreadable_message_does_not_hide_the_others(
    rest: DiscordRest, discord: StandIn
) -> None:
    discord.on(HISTORY_ROUTE, Reply(body=[{"id": "2", "channel_id": "3"}, {"id": 1}]))
    with capture_logs() as lines:
        assert [message.id for message in await rest.recent_messages("3333", "0")] == ["2"]
    [line] = [line for line in lines if line["event"] == "history.unreadable"]
    assert (line["account"], line["channel"]) == ("account-1", "3333")


@pytest.mark.parametrize(
    "body", [b'[{"a":' + b"[" * 100_000, b"[" * 100_000, b'[{"id":"\xff"}', b"\xff", b"{}", b""]
)
async def test_a_page_that_cannot_be_read_is_unreachable(
    rest: DiscordRest, discord: StandIn, body: bytes
) -> None:
    discord.on(HISTORY_ROUTE, *[Reply(body=body)] * 10)
    with pytest.raises(Unreachable):
        await rest.recent_messages("3333", "0")


async def test_refreshing_the_command_index_raises_what_discord_refuses(
    rest: DiscordRest, discord: StandIn
) -> None:
    discord.on(INDEX_ROUTE, Reply(403, {"code": 50001}))
    with pytest.raises(RequestRefused):
        await rest.refresh_commands("3333", "2222")
