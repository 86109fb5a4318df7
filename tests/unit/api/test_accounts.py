from __future__ import annotations

from datetime import timedelta

import pytest

from tests.build import replace
from tests.harness.face import (
    ACCOUNT,
    CHANNEL,
    DISCORD,
    JOB,
    NOW,
    SERVER,
    USER,
    FakeService,
    ask,
    face,
)
from waystation.sidelining import Cause, Trouble

ENTRY = {
    "channel": CHANNEL,
    "discord": "MTA…secured…xyz",
    "server": SERVER,
    "maxJobs": 3,
    "connection": {"state": "connected"},
}
HALTED = replace(ACCOUNT, channel="9" * 18, halt="You have a pending moderation message.")


async def test_the_callers_record_has_the_fields_of_v2() -> None:
    answered = await ask(face(FakeService(held=[ACCOUNT, HALTED])), "GET", "/v2/account")
    assert (answered.status, answered.json) == (
        200,
        {
            "id": 1,
            "email": "someone@mail.example",
            "created": "2026-01-02T03:04:05.678Z",
            "name": "Someone",
            "subscriptionIsActive": True,
            "subscriptions": 1,
            "maxAccountsPerAPI": 1000,
            "accounts": {"Midjourney API": {"total": 2, "active": 1, "error": 1}},
            "verified": "2026-01-02T03:04:05.678Z",
            "sub": "260102",
        },
    )


async def test_a_record_shows_what_else_is_set() -> None:
    user = replace(
        USER, name=None, reply_url="https://h.example", updated_at=NOW + timedelta(seconds=1)
    )
    body = (await ask(face(FakeService(user=user, held=[])), "GET", "/v2/account/")).json
    assert body["updated"] == "2026-01-02T03:04:06.678Z"
    assert body["replyUrl"] == "https://h.example"
    assert body["accounts"]["Midjourney API"] == {"total": 0, "active": 0, "error": 0}
    assert body["name"] == ""


async def test_changing_the_record_answers_204() -> None:
    service = FakeService()
    body = {"name": "N", "replyUrl": "https://h.example"}
    answered = await ask(face(service), "POST", "/v2/account", body)
    assert (answered.status, answered.body) == (204, b"")
    assert service.calls == [("logins.update_user", "N", "https://h.example")]


async def test_accounts_are_an_object_keyed_by_channel() -> None:
    answered = await ask(face(FakeService(held=[ACCOUNT, HALTED])), "GET", "/v2/account/midjourney")
    assert answered.json == {
        CHANNEL: ENTRY,
        HALTED.channel: {
            **ENTRY,
            "channel": HALTED.channel,
            "pendingModMessage": "You have a pending moderation message.",
        },
    }


async def test_an_account_shows_how_it_stands_with_discord() -> None:
    lost = FakeService(connection=("connecting", "no connection: refused"))
    answered = await ask(face(lost), "GET", f"/v2/account/midjourney/{CHANNEL}")
    assert answered.json["connection"] == {
        "state": "connecting",
        "reason": "no connection: refused",
    }


async def test_no_accounts_are_404_in_json() -> None:
    answered = await ask(face(FakeService(held=[])), "GET", "/v2/account/midjourney")
    assert (answered.status, answered.json) == (
        404,
        {"error": "Configuration not found", "code": 404},
    )


@pytest.mark.parametrize(("created", "status"), [(True, 201), (False, 200)])
async def test_adding_an_account_answers_what_was_found(created: bool, status: int) -> None:
    service = FakeService(created=created)
    body = {"discord": DISCORD, "maxJobs": 5}
    answered = await ask(face(service), "POST", "/v2/account/midjourney", body)
    assert (answered.status, answered.json) == (
        status,
        {"discord": "MTA…secured…xyz", "channel": CHANNEL, "maxJobs": 3},
    )
    assert service.calls == [("accounts.add", DISCORD, 5)]


async def test_one_account_is_read_by_its_channel() -> None:
    answered = await ask(face(), "GET", f"/v2/account/midjourney/{CHANNEL}")
    assert (answered.status, answered.json) == (200, ENTRY)


async def test_a_shared_account_shows_less_and_says_so() -> None:
    """R32: its owner's halt, and jobs of others, are not told."""
    held = replace(HALTED, user_id=USER.user_id + 1)
    service = FakeService(held=[held], in_slots=[JOB, replace(JOB, user_id=USER.user_id + 1)])
    answered = await ask(face(service), "GET", f"/v2/account/midjourney/{HALTED.channel}")
    assert answered.json["shared"] is True
    assert answered.json["pendingModMessage"] == (
        "The account is halted until its owner has dealt with it."
    )
    own, others = answered.json["slots"]
    assert own == others | {"jobid": JOB.jobid} and "jobid" not in others


async def test_direct_messages_have_no_server() -> None:
    service = FakeService(held=[replace(ACCOUNT, guild_id=None)])
    answered = await ask(face(service), "GET", f"/v2/account/midjourney/{CHANNEL}")
    assert "server" not in answered.json


@pytest.mark.parametrize("channel", ["1", "x", "%00", "é"])
async def test_an_unknown_channel_is_404(channel: str) -> None:
    answered = await ask(face(), "GET", f"/v2/account/midjourney/{channel}")
    assert (answered.status, answered.json) == (
        404,
        {"error": "Configuration not found for provided channel", "code": 404},
    )


async def test_an_account_of_era_a_is_put_with_204() -> None:
    service = FakeService()
    body = {"discord": DISCORD, "server": SERVER, "channel": CHANNEL, "maxJobs": 2}
    answered = await ask(face(service), "POST", f"/v2/account/midjourney/{CHANNEL}", body)
    assert (answered.status, answered.body) == (204, b"")
    assert service.calls == [("accounts.put", CHANNEL, DISCORD, SERVER, 2)]


@pytest.mark.parametrize(
    ("query", "force"),
    [("", False), ("?force=true", True), ("?force=1", True), ("?force=no", False)],
)
async def test_removing_answers_204_and_passes_force(query: str, force: bool) -> None:
    service = FakeService()
    answered = await ask(face(service), "DELETE", f"/v2/account/midjourney/{CHANNEL}{query}")
    assert (answered.status, service.calls) == (204, [("accounts.remove", CHANNEL, force)])


@pytest.mark.parametrize("slash", ["", "/"])
async def test_reset_answers_204(slash: str) -> None:
    service = FakeService()
    answered = await ask(face(service), "POST", f"/v2/account/midjourney/{CHANNEL}/reset{slash}")
    assert (answered.status, answered.body) == (204, b"")
    assert service.calls == [("accounts.reset", CHANNEL)]


async def test_no_answer_shows_the_token() -> None:
    app = face()
    for method, path in (
        ("GET", "/v2/account/midjourney"),
        ("GET", f"/v2/account/midjourney/{CHANNEL}"),
        ("POST", "/v2/account/midjourney"),
    ):
        body = {"discord": DISCORD} if method == "POST" else b""
        assert DISCORD.encode() not in (await ask(app, method, path, body)).body


async def test_a_lapsed_subscription_is_told_in_the_callers_record_and_402_elsewhere() -> None:
    app = face(FakeService(lapsed=True))
    for path in ("/v2/account", "/v2/account/"):
        told = await ask(app, "GET", path)
        assert (told.status, told.json["subscriptionIsActive"]) == (200, False)
    assert (await ask(app, "POST", "/v2/account", {"name": "N"})).status == 402
    assert (await ask(app, "GET", "/v2/account/midjourney")).status == 402


BODIES = {
    "/v2/account": {"name": "N"},
    "/v2/account/midjourney": {"discord": DISCORD},
    f"/v2/account/midjourney/{CHANNEL}": {
        "discord": DISCORD,
        "server": SERVER,
        "channel": CHANNEL,
        "maxJobs": 3,
    },
    "/v2/jobs/info": {},
}


@pytest.mark.parametrize("path", BODIES)
async def test_a_token_that_is_revoked_while_the_body_arrives_changes_nothing(path: str) -> None:
    service = FakeService(looks_left=1)
    told = await ask(face(service), "POST", path, BODIES[path])
    assert (told.status, told.json) == (401, {"error": "Unauthorized", "code": 401})
    assert service.calls == []


async def test_a_default_reply_url_that_cannot_be_called_is_refused_at_once() -> None:
    service = FakeService()
    body = {"replyUrl": "http://10.0.0.1/x"}
    answered = await ask(face(service), "POST", "/v2/account", body)
    assert (answered.status, answered.json) == (
        400,
        {"error": "replyUrl cannot be called: 10.0.0.1 is a private address", "code": 400},
    )
    assert service.calls == []


async def test_a_sidelined_account_says_how_discord_refuses_it_and_until_when() -> None:
    cause = Cause(400, "10003", '{"message": "Unknown Channel", "code": 10003}')
    trouble = Trouble(cause, 3, since=NOW, span=timedelta(minutes=10))
    service = FakeService(held=[replace(ACCOUNT, trouble=trouble)])
    answered = await ask(face(service), "GET", f"/v2/account/midjourney/{CHANNEL}")
    assert answered.json == ENTRY | {
        "sidelined": {
            "cause": "Discord refuses what this account sends: HTTP status 400 with code 10003",
            "details": '{"message": "Unknown Channel", "code": 10003}',
            "since": "2026-01-02T03:04:05.678Z",
            "until": "2026-01-02T03:14:05.678Z",
        }
    }


async def test_an_account_says_which_jobs_hold_its_slots_and_since_when() -> None:
    sent, heard = NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)
    service = FakeService(in_slots=[replace(JOB, submitted_at=sent, updated_at=heard)])
    answered = await ask(face(service), "GET", f"/v2/account/midjourney/{CHANNEL}")
    slot = {"since": "2026-01-02T03:04:06.678Z", "heard": "2026-01-02T03:04:07.678Z"}
    assert answered.json == ENTRY | {"slots": [{"jobid": JOB.jobid, **slot}]}


async def test_an_account_that_was_refused_once_or_twice_is_not_sidelined() -> None:
    service = FakeService(held=[replace(ACCOUNT, trouble=Trouble(Cause(403, "50013", ""), 2))])
    answered = await ask(face(service), "GET", f"/v2/account/midjourney/{CHANNEL}")
    assert answered.json == ENTRY
