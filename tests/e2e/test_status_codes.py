"""Each line of v2's table of status codes (v2 notes 3), with the literal bodies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_string
from typing import Any, cast

import pytest

from tests.e2e.conftest import Install, Installation, Person, eventually, post_office
from tests.e2e.desk import MEASURABLE
from tests.e2e.halting import halted
from tests.pictures import big_picture, not_a_picture

PENDING = (
    "You have a pending moderation message. Please acknowledge it before using the bot further."
)
LONG = "x" * 1025

RESULTS = {"attachments", "buttons", "labels", "embeds"}
"""Fields of a job's form when it is completed, and not while it is started (R2)."""


@asynccontextmanager
async def set_up(
    install: Install, accounts: int = 1, **options: Any
) -> AsyncIterator[tuple[Installation, Person, list[str]]]:
    """Start an installation with one person whose accounts are connected."""
    async with install(accounts=accounts, **options) as here:
        ada = await here.person()
        channels = await here.equip(ada, accounts)
        await here.connected(accounts)
        yield here, ada, channels


async def described(here: Installation, ada: Person, **body: Any) -> dict[str, Any]:
    """Ask for a description that must be accepted."""
    status, job, _ = await ada.describe(here.photo(), **body)
    assert status == 200, job
    assert job["status"] == "started"
    return dict(job)


# ── 200 ──


async def test_a_callback_is_byte_for_byte_what_get_answers(install: Install) -> None:
    async with set_up(install) as (here, ada, _):
        job = await described(here, ada, replyUrl=f"{here.outside.url}/callback", replyRef="r1")
        final = await ada.final(job["jobid"])
        await here.outside.callback()
        assert here.outside.raw_callbacks == [ada.answers[-1].raw]
        assert (final["status"], final["code"], final["replyRef"]) == ("completed", 200, "r1")
        assert len(final["embeds"][0]["description"].split("\n\n")) == 4


async def test_the_default_reply_url_of_the_user_is_called_back_too(install: Install) -> None:
    async with set_up(install) as (here, ada, _):
        url = f"{here.outside.url}/callback"
        assert (await ada.call("POST", "/v2/account", {"replyUrl": url}))[0] == 204
        _, info, _ = await ada.call("POST", "/v2/jobs/info", {})
        assert info["replyUrl"] == url
        assert await here.outside.callback() == info


async def test_the_answer_to_info_needs_no_body(install: Install) -> None:
    async with set_up(install) as (_, ada, __):
        status, job, _ = await ada.call("POST", "/v2/jobs/info")
        assert (status, job["status"], job["verb"]) == (200, "completed", "info")


async def test_u1_is_started_by_its_post_and_completed_by_the_next_get(install: Install) -> None:
    """R2: the vendor's own models know no `completed` in the answer of a POST."""
    sim_options = {"model": "8.1", "picture_size": MEASURABLE}
    async with set_up(install, sim_options=sim_options) as (_, ada, __):
        grid = await ada.run("imagine", prompt="a red fox")
        body = {"jobid": grid["jobid"], "button": "U1"}
        status, posted, _ = await ada.call("POST", "/v2/jobs/button", body)
        assert (status, posted["status"], posted["code"]) == (200, "started", 200)
        assert not RESULTS & set(posted)
        got = await ada.job(posted["jobid"])
        assert (got["status"], got["code"], got["messageId"]) == (
            "completed",
            200,
            posted["messageId"],
        )
        assert len(got["attachments"]) == 1


# ── 400 ──


@pytest.mark.parametrize(
    ("verb", "body", "error"),
    [
        ("info", {"replyUrl": f"https://example.org/{LONG}"}, "replyUrl is too long"),
        ("info", {"replyRef": LONG}, "replyRef is too long"),
        ("info", {}, "discord, server or channel value is missing"),
        ("info", {"channel": "1"}, "Configuration not found for provided channel"),
        ("describe", {"channel": "1"}, "Configuration not found for provided channel"),
    ],
)
async def test_a_bad_request_is_400(
    install: Install, verb: str, body: dict[str, Any], error: str
) -> None:
    async with set_up(install, accounts=2) as (here, ada, _):
        own = {"describeUrl": here.photo()} if verb == "describe" else {}
        status, answer, _ = await ada.call("POST", f"/v2/jobs/{verb}", own | body)
        assert (status, answer) == (400, {"error": error, "code": 400})


async def test_without_any_account_a_job_is_400(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        for verb, body in (("info", {}), ("describe", {"describeUrl": here.photo()})):
            status, answer, _ = await ada.call("POST", f"/v2/jobs/{verb}", body)
            assert (status, answer) == (400, {"error": "Configuration not found", "code": 400})


async def test_a_read_without_a_jobid_is_400(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        for path in ("/v2/jobs/", "/v2/jobs/?jobid=", "/v2/jobs/cancel/", "/v2/jobs/cancel"):
            status, answer, _ = await ada.call("GET", path)
            expected = {"error": "Query param jobid not provided", "code": 400}
            assert (status, answer) == (400, expected), path


@pytest.mark.parametrize(
    "raw",
    [b"{", b"[]", b'"text"', b"\xff\xfe", b'{"channel":5}', b'{"replyRef":{}}', b'{"maxJobs":[]}'],
)
async def test_broken_json_is_400_and_never_500(install: Install, raw: bytes) -> None:
    async with set_up(install) as (_, ada, __):
        for verb in ("describe", "info"):
            headers = {"Content-Type": "application/json"}
            status, answer, _ = await ada.call(
                "POST", f"/v2/jobs/{verb}", data=raw, headers=headers
            )
            if raw == b'{"maxJobs":[]}' and verb == "info":
                assert status == 200  # info has no such field; what is unknown is ignored
            else:
                assert (status, answer["code"]) in ((400, 400), (412, 412)), answer


# ── 401, 402 ──

ROUTES = (
    ("GET", "/v2/jobs"),
    ("GET", "/v2/jobs/?jobid=1"),
    ("GET", "/v2/jobs/cancel/?jobid=1"),
    ("POST", "/v2/jobs/info"),
    ("POST", "/v2/jobs/describe"),
    ("GET", "/v2/account"),
    ("POST", "/v2/account"),
    ("GET", "/v2/account/midjourney"),
    ("POST", "/v2/account/midjourney"),
    ("GET", "/v2/account/midjourney/1"),
    ("POST", "/v2/account/midjourney/1"),
    ("DELETE", "/v2/account/midjourney/1"),
    ("POST", "/v2/account/midjourney/1/reset"),
    ("GET", "/v2/deliveries"),
    ("GET", "/v2/deliveries/1"),
    ("POST", "/v2/deliveries/1/redeliver"),
    ("POST", "/v2/deliveries/replay"),
    ("POST", "/v2/deliveries/ping"),
    ("GET", "/v2/deliveries/receivers"),
    ("POST", "/v2/deliveries/enable"),
    ("GET", "/v2/deliveries/secret"),
    ("POST", "/v2/deliveries/secret"),
)
"""Every route that wants a token."""


async def test_every_route_is_401_without_a_good_token(install: Install) -> None:
    async with install() as here:
        ada, eve = await here.person(), await here.person("eve@example.org")
        await here.change(eve, revoked_at=datetime.now(UTC))
        wrong = f"user:{ada.user_id}-{eve.token.partition('-')[2]}"
        for authorization in ("", "Bearer", f"Bearer {wrong}", ada.token, f"Bearer {eve.token}"):
            method, path = ROUTES[len(authorization) % len(ROUTES)]
            await _refused(ada, method, path, authorization)
        for method, path in ROUTES:
            await _refused(ada, method, path, f"Bearer {wrong}")


async def _refused(ada: Person, method: str, path: str, authorization: str) -> None:
    status, answer, _ = await ada.call(method, path, headers={"Authorization": authorization})
    assert (status, answer) == (401, {"error": "Unauthorized", "code": 401}), (method, path)


async def test_every_route_is_402_once_the_subscription_is_over(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        await here.change(ada, expires_at=datetime(2026, 1, 1, tzinfo=UTC))
        for method, path in ROUTES:
            status, answer, _ = await ada.call(method, path)
            if (method, path) == ("GET", "/v2/account"):
                # R1: the caller's own record is where v2 tells it
                assert (status, answer["subscriptionIsActive"]) == (200, False)
                continue
            expected = {
                "error": "Account has no subscription or subscription expired",
                "code": 402,
            }
            assert (status, answer) == (402, expected), (method, path)
        await here.change(ada, expires_at=None)
        assert (await ada.call("GET", "/v2/jobs"))[0] == 200


# ── 412 ──

WRONG_TYPES: Sequence[tuple[dict[str, Any], str]] = (
    *(
        ({"describeUrl": wrong}, "describeUrl must be a string")
        for wrong in cast(Sequence[Any], (5, True, [], {}))
    ),
    *(({"channel": wrong}, "channel must be a string") for wrong in (True, -1, 1.5, ["1"])),
    *(({name: 5}, f"{name} must be a string") for name in ("replyUrl", "replyRef", "mode")),
    *(
        ({"maxJobs": wrong}, "maxJobs must be a whole number")
        for wrong in cast(Sequence[Any], (True, 1.5, "two", []))
    ),
    ({"replyProgress": "perhaps"}, "replyProgress must be true or false"),
)
"""v2 notes 6.3 have no 400 of a describe's own fields."""


async def test_a_picture_that_cannot_be_had_is_412_and_makes_no_job(install: Install) -> None:
    async with set_up(install, fetch_limit_bytes=50_000) as (here, ada, _):
        place = here.outside
        place.pictures["gone.png"] = (404, "text/plain", b"no such picture")
        gone = f"{place.url}/pictures/gone.png"
        page = place.picture("page.png", not_a_picture())
        big = place.picture("big.png", big_picture(50_001))
        closed = "http://127.0.0.1:9/picture.png"
        rows: list[tuple[dict[str, Any], str]] = [
            ({}, "describeUrl is missing"),
            ({"describeUrl": None}, "describeUrl is missing"),
            ({"describeUrl": ""}, "describeUrl is empty"),
            ({"describeUrl": "  "}, "describeUrl is empty"),
            ({"describeUrl": "ftp://x/y"}, "describeUrl is not a valid http or https URL"),
            # R5: what a private address answers is not quoted
            ({"describeUrl": gone}, f"GET {gone} failed with HTTP status 404"),
            ({"describeUrl": closed}, f"GET {closed} failed with no connection to the host"),
            ({"describeUrl": page}, f"{page} unknown mime type"),
            ({"describeUrl": big}, f"GET {big} failed with a body larger than 50000 bytes"),
            ({"describeUrl": page, "replyRef": LONG}, "replyRef is too long"),
            ({"describeUrl": page, "replyUrl": f"http://x/{LONG}"}, "replyUrl is too long"),
            ({"describeUrl": page, "maxJobs": 0}, "maxJobs 0 is not between 1 and 15"),
            ({"describeUrl": page, "maxJobs": 16}, "maxJobs 16 is not between 1 and 15"),
            *(({"describeUrl": page} | wrong, error) for wrong, error in WRONG_TYPES),
        ]
        for body, error in rows:
            status, answer, _ = await ada.call("POST", "/v2/jobs/describe", body)
            details = answer.pop("errorDetails", None)
            assert (status, answer) == (412, {"error": error, "code": 412}), body
            assert (details is not None) == ("mime" in error)
        with here.records() as records:
            assert records.jobs() == []


async def test_a_picture_on_a_network_that_is_not_allowed_is_412_and_never_asked_for(
    install: Install,
) -> None:
    asked: list[object] = []
    server = await asyncio.start_server(lambda *streams: asked.append(streams), "127.0.0.2", 0)
    async with server, set_up(install, allow_networks=["127.0.0.1/32"]) as (_, ada, __):
        url = f"http://127.0.0.2:{server.sockets[0].getsockname()[1]}/picture.png"
        status, answer, _ = await ada.describe(url)
        error = f"GET {url} failed with no connection to the host"
        assert (status, answer) == (412, {"error": error, "code": 412})
    assert asked == []


# ── 422 ──


async def test_a_moderated_picture_is_422_and_stays_readable(install: Install) -> None:
    async with set_up(install) as (here, ada, _):
        here.sim.fault("invalid_link_moderated", form="nonce")
        status, answer, _ = await ada.describe(here.photo())
        jobid = answer["jobid"]
        assert (status, answer) == (
            422,
            {
                "error": "Invalid link",
                "errorDetails": "Request cancelled due to image filters.",
                "jobid": jobid,
                "status": "moderated",
                "code": 422,
            },
        )
        job = await ada.job(jobid)
        assert (job["status"], job["code"], job["verb"]) == ("moderated", 422, "describe")


# ── 429 (a) ──


async def test_a_full_account_is_429_and_names_what_it_executes(install: Install) -> None:
    async with set_up(install) as (here, ada, _):
        here.sim.fault("no_result", command="describe")
        first = await described(here, ada, maxJobs=1)
        status, answer, headers = await ada.describe(here.photo(), maxJobs=1)
        assert (status, answer) == (
            429,
            {
                "error": "Maximum of 1 jobs executing in parallel supported",
                "executingJobs": [first["jobid"]],
                "code": 429,
            },
        )
        assert headers["Retry-After"] == "10"
        # the account's own limit is 3
        more = [await described(here, ada) for _ in range(2)]
        status, answer, _ = await ada.describe(here.photo())
        assert status == 429
        assert answer["error"] == "Maximum of 3 jobs executing in parallel supported"
        running = [job["jobid"] for job in (first, *more)]
        assert sorted(answer["executingJobs"]) == running
        # what needs no slot still finds room, and maxJobs of the request goes above the account's
        assert (await ada.call("POST", "/v2/jobs/info", {}))[0] == 200
        fourth = await described(here, ada, maxJobs=4)
        assert (await ada.call("GET", "/v2/jobs"))[1] == [*running, fourth["jobid"]]


async def test_as_many_jobs_as_there_are_slots_win_a_race(install: Install) -> None:
    async with set_up(install) as (here, ada, _):
        here.sim.fault("no_result")
        url = here.photo()
        answers = await asyncio.gather(*(ada.describe(url) for _ in range(8)))
        assert sorted(status for status, _, _ in answers) == [200] * 3 + [429] * 5


# ── 429 (b) ──


async def test_discords_own_429_is_passed_on_word_for_word(install: Install) -> None:
    async with set_up(install) as (here, ada, _):
        here.sim.fault("rate_limited_global", count=1)
        callback = f"{here.outside.url}/callback"
        status, answer, headers = await ada.describe(here.photo(), replyUrl=callback)
        assert (status, answer) == (
            429,
            {
                "error": "Discord /interactions failed with HTTP status 429",
                "errorDetails": '{"global":true,"message":"You are being rate limited.",'
                '"retry_after":10}',
                "code": 429,
            },
        )
        assert headers["Retry-After"] == "10"
        # R4: no callback; the row is kept as failed
        with here.records() as records:
            (row,) = records.jobs()
            assert (row["status"], row["code"], row["slot"]) == ("failed", 429, 0)
            assert records.callbacks() == []


async def test_discords_wait_is_kept_before_the_next_job_is_sent(install: Install) -> None:
    async with set_up(install) as (here, ada, _):
        here.sim.fault("rate_limited_bucket", count=1, retry_after=1.0)
        assert (await ada.describe(here.photo()))[0] == 429
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        await described(here, ada)
        assert loop.time() - asked_at > 0.8


# ── 502 ──


async def test_a_bot_that_never_answers_is_502(install: Install) -> None:
    async with set_up(install, first_answer_s=1.0) as (here, ada, _):
        here.sim.fault("no_answer", count=1)
        status, answer, _ = await ada.describe(here.photo())
        assert (status, answer) == (
            502,
            {
                "error": "Midjourney bot did not reply within 1 seconds",
                "jobid": answer["jobid"],
                "status": "failed",
                "code": 502,
            },
        )
        # the slot is free: it was never seen to start
        for _ in range(3):
            await described(here, ada)


async def test_a_gateway_that_is_down_is_502(install: Install) -> None:
    async with set_up(install, first_answer_s=1.0) as (here, ada, _):
        await here.sim.stop()
        await here.cut_off()
        status, answer, _ = await ada.describe(here.photo())
        assert (status, answer) == (
            502,
            {
                "error": "The account's connection to Discord was not ready within 1 seconds",
                "errorDetails": "Nothing was submitted to Midjourney; "
                "the job can be submitted again.",
                "jobid": answer["jobid"],
                "status": "failed",
                "code": 502,
            },
        )


# ── 504 ──


async def test_the_late_result_of_a_queued_job_goes_to_no_other(install: Install) -> None:
    async with set_up(install) as (here, ada, _):
        here.sim.fault("job_queued", count=1, start_after_s=0.6)
        status, answer, _ = await ada.describe(here.photo("crimson.png"))
        first = answer["jobid"]
        assert (status, answer) == (
            504,
            {"error": "Job queued", "jobid": first, "status": "failed", "code": 504},
        )
        with here.records() as records:
            assert records.job(first)["slot"] == 1  # R31: until there is evidence
            here.sim.fault("late_message", count=1, seconds=1.0)
            second = (await described(here, ada))["jobid"]
            await here.quiet()
            pages = {page["nonce"]: page for page in here.sim.book}
            rows = {jobid: records.job(jobid) for jobid in (first, second)}
            late = pages[rows[first]["nonce"]]["message_ids"][-1]
            assert rows[first]["late"]["message_id"] == late
            assert rows[first]["slot"] == 0
            assert (await ada.job(first))["status"] == "failed"
            own = pages[rows[second]["nonce"]]
            said = (await ada.final(second))["embeds"][0]["description"]
            assert all(prompt in said for prompt in own["prompts"])


# ── 596 ──


async def test_a_pending_message_stops_one_channel_until_it_is_reset(install: Install) -> None:
    async with (
        post_office() as office,
        set_up(install, accounts=2, smtp_url=office.url) as (here, ada, channels),
    ):
        first, second = channels
        here.sim.fault("no_result", account=0, count=1)
        running = await described(here, ada, channel=first)
        here.sim.fault("pending_mod_message", account=0, count=1)
        status, job, _ = await ada.describe(
            here.photo(), channel=first, replyUrl=f"{here.outside.url}/callback", replyRef="r"
        )
        assert status == 596
        assert job == await ada.job(job["jobid"]) == await here.outside.callback()
        assert job["error"] == "Pending mod message"
        assert job["errorDetails"] == PENDING
        assert (job["status"], job["code"], job["maxJobs"]) == ("failed", 596, 3)
        assert (await ada.account(first))["pendingModMessage"] == PENDING

        # later calls get the short form, and make no job
        for verb in ("describe", "info"):
            body = {"describeUrl": here.photo(), "channel": first}
            status, answer, _ = await ada.call("POST", f"/v2/jobs/{verb}", body)
            assert (status, answer) == (596, halted(first))

        # only that channel is stopped, and what runs in it goes on (R7)
        for body in ({"channel": second}, {}):
            assert (await described(here, ada, **body))["channel"] == second
        assert (await ada.job(running["jobid"]))["status"] == "started"

        # one mail, really sent
        await eventually(lambda: bool(office.mails))
        ((to, text),) = office.mails
        mail = message_from_string(text)
        assert to == ["ada@example.org"]
        assert mail["Subject"] == "Waystation: a Midjourney account needs you"
        assert PENDING in str(mail.get_payload()).replace("=\r\n", "").replace("\r\n", " ")

        # a person has dealt with it
        path = f"/v2/account/midjourney/{first}/reset"
        assert (await ada.call("POST", path))[:2] == (204, None)
        assert "pendingModMessage" not in await ada.account(first)
        assert (await described(here, ada, channel=first))["channel"] == first
        assert len(office.mails) == 1


async def test_a_second_halt_writes_a_second_mail(install: Install) -> None:
    async with set_up(install) as (here, ada, (channel,)):
        for round_number in (1, 2):
            here.sim.fault("blocked", count=1)
            assert (await ada.describe(here.photo()))[0] == 596
            with here.records() as records:
                assert len(records.mails()) == round_number
            reset = f"/v2/account/midjourney/{channel}/reset"
            assert (await ada.call("POST", reset))[0] == 204
        await described(here, ada)


async def test_words_from_before_the_reset_never_halt_again(install: Install) -> None:
    async with set_up(install) as (here, ada, (channel,)):
        account = here.sim.accounts[0]
        here.sim.fault("pending_mod_message", count=1)
        assert (await ada.describe(here.photo()))[0] == 596
        reset = f"/v2/account/midjourney/{channel}/reset"
        assert (await ada.call("POST", reset))[0] == 204
        said = here.said_by_the_bot(
            account,
            id=here.sim.book[0]["message_ids"][0],
            embeds=[{"type": "rich", "title": "Pending mod message", "description": PENDING}],
        )
        here.sim.sessions.publish((account.user_id,), "MESSAGE_CREATE", said)
        await here.quiet()
        assert "pendingModMessage" not in await ada.account(channel)
        # the same words, said now, do halt
        fresh = said | {"id": here.sim.ids.snowflake()}
        here.sim.sessions.publish((account.user_id,), "MESSAGE_CREATE", fresh)
        await here.quiet()
        assert (await ada.account(channel))["pendingModMessage"] == PENDING


async def test_a_job_that_waits_when_its_account_is_stopped_ends_at_once(install: Install) -> None:
    async with set_up(install) as (here, ada, (channel,)):
        # the next IDENTIFY, some seconds from now, kills the token
        here.sim.drop(0)
        here.sim.fault("resume_refused", count=1)
        here.sim.fault("identify_refused", count=1)
        status, job, _ = await ada.describe(here.photo())
        rejected = "Discord rejected the account's token (close code 4004)"
        assert status == 596, job
        halted = "The account was halted before the job was sent to Discord"
        assert (job["error"], job["errorDetails"]) == (halted, rejected)
        assert (await ada.account(channel))["pendingModMessage"] == rejected
        # a reset connects anew
        reset = f"/v2/account/midjourney/{channel}/reset"
        assert (await ada.call("POST", reset))[0] == 204
        await here.connected()
        await described(here, ada)


# ── failed after the time that a job may take ──


async def test_a_job_that_never_ends_fails_and_gives_its_slot_back_later(install: Install) -> None:
    settings: dict[str, Any] = {"job_timeout_s": 1.0, "slot_hold_s": 0.5, "first_edit_s": 0.0}
    async with set_up(install, **settings) as (here, ada, _):
        here.sim.fault("no_result", count=1)
        job = await described(here, ada, maxJobs=1, replyUrl=f"{here.outside.url}/callback")
        final = await ada.final(job["jobid"])
        changed = {"status": "failed", "code": 502, "updated": final["updated"]}
        assert final == job | changed | {"error": "Job did not finish within 1 seconds"}
        assert await here.outside.callback() == final
        status, answer, _ = await ada.describe(here.photo(), maxJobs=1)
        # R31: it may still run in Midjourney, and is no unfinished job of the caller
        assert (status, "executingJobs" in answer) == (429, False)
        with here.records() as records:
            await eventually(lambda: records.job(job["jobid"])["slot"] == 0)
        await described(here, ada, maxJobs=1)


# ── cancel ──


async def test_a_full_account_names_no_cancelled_describe(install: Install) -> None:
    """R31: what was cancelled may still run in Midjourney, and is nothing to wait for."""
    async with set_up(install, first_edit_s=0.0) as (here, ada, _):
        here.sim.fault("no_result", command="describe")
        running, cancelled = [(await described(here, ada, maxJobs=2))["jobid"] for _ in range(2)]
        assert (await ada.call("GET", f"/v2/jobs/cancel/?jobid={cancelled}"))[0] == 200
        with here.records() as records:
            assert records.job(cancelled)["slot"] == 1
        status, full, _ = await ada.describe(here.photo(), maxJobs=2)
        assert (status, full["executingJobs"]) == (429, [running])
        assert (await ada.call("GET", f"/v2/jobs/cancel/?jobid={running}"))[0] == 200
        status, full, headers = await ada.describe(here.photo(), maxJobs=2)
        assert (status, "executingJobs" in full) == (429, False)
        assert int(headers["Retry-After"]) > 0


async def test_a_cancelled_job_stays_cancelled_when_its_result_comes(install: Install) -> None:
    async with set_up(install, first_edit_s=0.0) as (here, ada, _):
        here.sim.fault("late_message", count=1, seconds=0.5)
        job = await described(here, ada, replyUrl=f"{here.outside.url}/callback")
        path = f"/v2/jobs/cancel/?jobid={job['jobid']}"
        expected = {"jobid": job["jobid"], "status": "cancelled", "code": 200}
        for _ in range(2):
            status, answer, _ = await ada.call("GET", path)
            assert (status, answer) == (200, expected)
        await here.quiet()
        final = await ada.job(job["jobid"])
        assert final["status"] == "cancelled"
        assert await here.outside.callback() == final
        with here.records() as records:
            row = records.job(job["jobid"])
            assert row["late"] is not None
            assert row["slot"] == 0


async def test_cancelling_a_final_job_answers_its_own_status(install: Install) -> None:
    async with set_up(install) as (here, ada, _):
        job = await described(here, ada)
        await ada.final(job["jobid"])
        status, answer, _ = await ada.call("GET", f"/v2/jobs/cancel/?jobid={job['jobid']}")
        assert (status, answer["status"]) == (200, "completed")
