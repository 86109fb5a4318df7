"""Callbacks as their receivers see them: signed, numbered, and told of."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.e2e.conftest import Install, Person
from tests.e2e.receivers import LANGUAGES, blocks, receiving


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
