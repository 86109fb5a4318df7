"""Callbacks as their receivers see them: signed, numbered, and told of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from email import message_from_string
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from standardwebhooks import Webhook

from tests.e2e.conftest import LOOK_AGAIN_S, Install, Person, eventually, post_office
from tests.e2e.databases import on_postgresql_too
from tests.e2e.receivers import LANGUAGES, blocks, receiving

pytestmark = on_postgresql_too


async def new_secret(person: Person) -> str:
    status, made, _ = await person.call("POST", "/v2/deliveries/secret")
    assert status == 201, made
    return str(made["secret"])


async def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    sent = {name: value for name, value in headers.items() if name.startswith("webhook-")}
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=sent) as told:
        return told.status


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_receivers_of_the_page_take_what_is_genuine_and_nothing_else(
    install: Install, tmp_path: Path, language: str
) -> None:
    """The libraries of PyPI and npm verify each callback, over a change of the secret, too."""
    async with install() as here:
        ada = await here.ready()
        secret = await new_secret(ada)
        async with receiving(language, tmp_path, secret) as receiver:
            for _ in range(2):
                job = await ada.run("info", replyUrl=f"{receiver.url}/hook")
                assert await receiver.line() == f"{job['jobid']} completed"
                # from the second turn on by the secret that was replaced
                assert await new_secret(ada) != secret
            await ada.run("info", replyUrl=f"{here.outside.url}/callback")
            await here.outside.callback()
            headers, body = here.outside.callbacks[0][0], here.outside.raw_callbacks[0]
            assert len(headers["webhook-signature"].split(" ")) == 3
            assert await post(receiver.url, body, headers) == 204
            assert await post(receiver.url, body + b" ", headers) == 401
            old = headers | {"webhook-timestamp": str(int(time.time()) - 3600)}
            assert await post(receiver.url, body, old) == 401
            del headers["webhook-signature"]
            assert await post(receiver.url, body, headers) == 401
        async with receiving(language, tmp_path, "whsec_" + "A" * 44) as receiver:
            await ada.run("info", replyUrl=f"{here.outside.url}/callback")
            await here.outside.callback(2)
            headers, body = here.outside.callbacks[1][0], here.outside.raw_callbacks[1]
            assert await post(receiver.url, body, headers) == 401


async def test_a_rate_limit_is_told_by_callback_to_one_who_preferred_not_to_wait(
    install: Install,
) -> None:
    """R4: else the POST tells it, and makes no callback."""
    async with install() as here:
        ada = await here.ready()
        body = {"replyUrl": f"{here.outside.url}/callback"}
        here.sim.fault("rate_limited_proxy", count=1)
        status, job, _ = await ada.call("POST", "/v2/jobs/info", body, headers={"Prefer": "wait=0"})
        assert (status, job["status"]) == (200, "created")
        told = await here.outside.callback()
        assert (told["jobid"], told["status"], told["code"]) == (job["jobid"], "failed", 429)


async def test_the_page_verifies_by_hand_what_the_service_signs(install: Install) -> None:
    known: dict[str, Any] = {}
    exec(blocks("python")[1], known)
    async with install() as here:
        ada = await here.ready()
        secret = await new_secret(ada)
        await ada.run("info", replyUrl=f"{here.outside.url}/callback")
        await here.outside.callback()
        headers, body = here.outside.callbacks[0][0], here.outside.raw_callbacks[0]
        assert known["is_genuine"](secret, headers, body)
        assert not known["is_genuine"](secret, headers, body[:-1])
        assert not known["is_genuine"](secret, headers | {"webhook-timestamp": "1"}, body)
        assert not known["is_genuine"]("whsec_" + "A" * 44, headers, body)


async def test_a_receiver_of_the_tests_takes_what_is_genuine_and_nothing_else(
    install: Install,
) -> None:
    """The crash matrix and the chaos judge each attempt so, as it comes."""
    async with install() as here:
        ada = await here.ready()
        here.outside.verifier = Webhook(await new_secret(ada))
        await ada.run("info", replyUrl=f"{here.outside.url}/callback")
        await here.outside.callback()
        assert here.outside.unverified == []
        headers, body = here.outside.callbacks[0][0], here.outside.raw_callbacks[0]
        others = (
            (headers, body[:-1]),
            (headers | {"webhook-id": "another"}, body),
            (headers | {"webhook-timestamp": "1"}, body),
            ({"webhook-id": headers["webhook-id"]}, body),
        )
        for given, text in others:
            here.outside.verify(given, text)
        assert len(here.outside.unverified) == len(others)


async def test_the_callbacks_of_a_job_are_numbered_and_the_body_is_v2s(install: Install) -> None:
    """R37."""
    async with install() as here:
        ada = await here.ready()
        url = f"{here.outside.url}/callback"
        job = await ada.run("imagine", prompt="a red fox", replyUrl=url, replyProgress=True)

        def has_ended() -> bool:
            return any(body["status"] == "completed" for _, body in here.outside.callbacks)

        while not has_ended():
            await here.outside.callback(len(here.outside.callbacks) + 1)
        numbers = [int(headers["waystation-sequence"]) for headers, _ in here.outside.callbacks]
        assert numbers == sorted(set(numbers)) and numbers[0] > 0
        ids = {headers["webhook-id"] for headers, _ in here.outside.callbacks}
        assert len(ids) == len(numbers) > 1
        assert here.outside.callbacks[-1][1] == job
        assert all("webhook-signature" not in headers for headers, _ in here.outside.callbacks)


async def shown(person: Person, id_: str) -> dict[str, Any]:
    status, one, _ = await person.call("GET", f"/v2/deliveries/{id_}")
    assert status == 200, one
    return dict(one)


async def settled(person: Person, id_: str, attempts: int) -> dict[str, Any]:
    """Wait until so many attempts of a callback are in its log."""

    async def are_there() -> bool:
        return int((await shown(person, id_))["attempted"]) == attempts

    await eventually(are_there)
    return await shown(person, id_)


async def listed(person: Person, query: str = "") -> list[dict[str, Any]]:
    status, page, _ = await person.call("GET", f"/v2/deliveries{query}")
    assert status == 200, page
    return list(page["deliveries"])


async def test_after_an_outage_of_the_receiver_all_that_is_missing_comes_at_once(
    install: Install,
) -> None:
    async with install() as here:
        ada = await here.ready()
        url = f"{here.outside.url}/callback"
        await ada.run("info", replyUrl=url)
        await here.outside.callback()
        here.outside.answer, here.outside.retry_after = lambda: 503, "3600"
        lost = [await ada.run("info", replyUrl=url) for _ in range(3)]
        await here.outside.callback(4)
        for one in await listed(ada):
            await settled(ada, one["id"], 1)
        # one has used up its attempts, the others wait for theirs as the receiver has asked
        with here.records() as records:
            (given_up,) = await listed(ada, f"?jobid={lost[0]['jobid']}")
            records.rows(
                "update callbacks set status = 'given_up' where callback_id = ?", given_up["id"]
            )
        assert [one["id"] for one in await listed(ada, "?state=given_up")] == [given_up["id"]]
        here.outside.answer = lambda: 200
        before = {headers["webhook-id"] for headers, _ in here.outside.callbacks[1:]}
        since = {"since": lost[0]["created"]}
        status, told, _ = await ada.call("POST", "/v2/deliveries/replay", since)
        assert (status, told) == (200, {"replayed": 3, "more": False})
        await here.outside.callback(7)
        again = here.outside.callbacks[4:]
        assert {headers["webhook-id"] for headers, _ in again} == before
        assert sorted(body["jobid"] for _, body in again) == sorted(one["jobid"] for one in lost)
        for one in await listed(ada):
            await settled(ada, one["id"], 1 if one["jobid"] not in str(lost) else 2)
        assert {one["state"] for one in await listed(ada)} == {"delivered"}
        told = (await ada.call("POST", "/v2/deliveries/replay", since))[1]
        assert told == {"replayed": 0, "more": False}


async def test_a_callback_that_was_taken_can_be_sent_again_and_the_log_has_each_attempt(
    install: Install,
) -> None:
    async with install() as here:
        ada = await here.ready()
        job = await ada.run("info", replyUrl=f"{here.outside.url}/callback")
        await here.outside.callback()
        (one,) = await listed(ada, f"?jobid={job['jobid']}")
        await settled(ada, one["id"], 1)
        status, told, _ = await ada.call("POST", f"/v2/deliveries/{one['id']}/redeliver")
        assert (status, told["state"]) == (200, "pending")
        await here.outside.callback(2)
        log = await settled(ada, one["id"], 2)
        assert [(each["number"], each["status"]) for each in log["attempts"]] == [
            (1, 200),
            (2, 200),
        ]
        first, second = here.outside.callbacks
        assert first[1] == second[1] == job
        assert first[0]["webhook-id"] == second[0]["webhook-id"] == one["id"]


async def test_a_ping_tells_how_the_receiver_answers(install: Install) -> None:
    async with install() as here:
        ada = await here.ready()
        await new_secret(ada)
        url = f"{here.outside.url}/callback"
        for answer, state in ((204, "delivered"), (500, "given_up")):
            here.outside.answer = partial(int, answer)
            count = len(here.outside.callbacks)
            status, told, _ = await ada.call("POST", "/v2/deliveries/ping", {"replyUrl": url})
            assert status == 200
            body = await here.outside.callback(count + 1)
            assert (body["jobid"], body["verb"]) == (f"ping:{told['id']}", "ping")
            assert "webhook-signature" in here.outside.callbacks[count][0]
            log = await settled(ada, told["id"], 1)
            assert (log["state"], log["attempts"][0]["status"]) == (state, answer)


async def test_a_receiver_that_fails_on_and_on_is_told_of_disabled_and_enabled_by_a_ping(
    install: Install,
) -> None:
    """Three mails, then nothing is sent; a fifth of the patience is a third of a second here."""
    async with (
        post_office() as office,
        install(receiver_patience_days=0.00002, smtp_url=office.url) as here,
    ):
        ada = await here.ready()
        url = f"{here.outside.url}/callback"
        here.outside.answer, here.outside.retry_after = lambda: 500, "3600"
        jobs = []

        async def failing() -> list[dict[str, Any]]:
            return list((await ada.call("GET", "/v2/deliveries/receivers"))[1]["receivers"])

        while "disabled" not in str(await failing()):
            status, job, _ = await ada.call("POST", "/v2/jobs/info", {"replyUrl": url})
            if status == 429:
                # Discord bears so many asks in a few seconds, and these follow at once
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            jobs.append(await ada.final(job["jobid"]))
            (one,) = await listed(ada, f"?jobid={jobs[-1]['jobid']}")
            await settled(ada, one["id"], 1)
        (receiver,) = await failing()
        assert (receiver["receiver"], receiver["mails"]) == (here.outside.url, 3)
        assert receiver["reason"] == "HTTP status 500"
        await eventually(lambda: len(office.mails) == 3)
        subjects = [message_from_string(text)["Subject"] for _, text in office.mails]
        assert subjects.count("Waystation: a receiver of your callbacks fails") == 2
        assert subjects.count("Waystation: a receiver of your callbacks is disabled") == 1

        sent = len(here.outside.callbacks)
        unsent = await ada.run("info", replyUrl=url)

        async def is_disabled() -> bool:
            (one,) = await listed(ada, f"?jobid={unsent['jobid']}")
            return bool(one["state"] == "disabled")

        await eventually(is_disabled)
        (one,) = await listed(ada, f"?jobid={unsent['jobid']}")
        status, told, _ = await ada.call("POST", f"/v2/deliveries/{one['id']}/redeliver")
        error = "The receiver is disabled; a ping that it takes enables it"
        assert (status, told) == (409, {"error": error, "code": 409})
        since = {"since": jobs[0]["created"]}
        told = (await ada.call("POST", "/v2/deliveries/replay", since))[1]
        assert told == {"replayed": 0, "more": False}
        assert len(here.outside.callbacks) == sent

        here.outside.answer, here.outside.retry_after = lambda: 200, None
        ping = (await ada.call("POST", "/v2/deliveries/ping", {"replyUrl": url}))[1]
        await settled(ada, ping["id"], 1)
        assert await failing() == []
        told = (await ada.call("POST", "/v2/deliveries/replay", since))[1]
        assert told["replayed"] == len(jobs) + 1
        await here.outside.callback(sent + 1 + told["replayed"])


async def test_a_url_that_answers_410_gets_nothing_until_it_is_enabled(install: Install) -> None:
    """R41."""
    async with install() as here:
        ada = await here.ready()
        url = f"{here.outside.url}/callback"
        here.outside.answer = lambda: 410
        await ada.run("info", replyUrl=url)
        (one,) = await listed(ada)
        assert (await settled(ada, one["id"], 1))["state"] == "given_up"
        page = (await ada.call("GET", "/v2/deliveries/receivers"))[1]
        assert [found["receiver"] for found in page["receivers"]] == [url]
        kept = await ada.run("info", replyUrl=url)

        async def disabled() -> list[str]:
            return [found["jobid"] for found in await listed(ada, "?state=disabled")]

        await eventually(lambda: _is(disabled, [kept["jobid"]]))
        assert (await ada.call("POST", "/v2/deliveries/enable", {"replyUrl": url}))[0] == 204
        here.outside.answer = lambda: 200
        await ada.call("POST", f"/v2/deliveries/{one['id']}/redeliver")
        assert (await settled(ada, one["id"], 2))["state"] == "delivered"
        # what ends now is sent, and what was kept waits until it is asked for
        new = await ada.run("info", replyUrl=url)
        (sent,) = await listed(ada, f"?jobid={new['jobid']}")
        assert (await settled(ada, sent["id"], 1))["state"] == "delivered"
        assert await disabled() == [kept["jobid"]]
        since = {"since": kept["created"]}
        assert (await ada.call("POST", "/v2/deliveries/replay", since))[1]["replayed"] == 1
        await eventually(lambda: _is(disabled, []))


async def _is(found: Callable[[], Awaitable[object]], value: object) -> bool:
    return await found() == value
