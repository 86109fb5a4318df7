from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client
from tests.pictures import webp


async def _link(client: Client) -> str:
    name = await client.upload(webp())
    body = {"content": "", "attachments": [{"id": "0", "uploaded_filename": name}]}
    sent = await client.post(f"/api/v9/channels/{client.account.channel_id}/messages", body)
    url: str = sent.json["attachments"][0]["url"]
    return url


async def test_a_slot_names_a_number_an_address_and_a_file(client: Client) -> None:
    files = {"files": [{"id": "3", "filename": "../my cat.png", "file_size": 3}]}
    path = f"/api/v9/channels/{client.account.channel_id}/attachments"
    (slot,) = (await client.post(path, files)).json["attachments"]
    assert slot["id"] == 3
    assert slot["upload_filename"].endswith("/my_cat.png")
    assert slot["upload_url"].startswith(f"{client.sim.url}/uploads/{slot['upload_filename']}?")


async def test_an_upload_needs_no_authorization_but_its_key(client: Client) -> None:
    files = {"files": [{"id": "0", "filename": "a.png", "file_size": 3}]}
    path = f"/api/v9/channels/{client.account.channel_id}/attachments"
    url = (await client.post(path, files)).json["attachments"][0]["upload_url"]
    async with client.http.put(url, data=b"abc") as answer:
        assert answer.status == 200
    async with client.http.put(url + "0", data=b"abc") as answer:
        assert answer.status == 403
    async with client.http.put(client.sim.url + "/uploads/x/y?upload_id=", data=b"") as answer:
        assert answer.status == 403


async def test_an_upload_larger_than_the_limit_is_refused(start: Start) -> None:
    client = await start(max_file_bytes=10)
    files = {"files": [{"id": "0", "filename": "a.png", "file_size": 3}]}
    path = f"/api/v9/channels/{client.account.channel_id}/attachments"
    url = (await client.post(path, files)).json["attachments"][0]["upload_url"]
    async with client.http.put(url, data=b"x" * 11) as answer:
        assert answer.status == 413


async def test_a_link_gives_the_very_bytes(client: Client) -> None:
    answer = await client.get(await _link(client), headers={"Authorization": ""})
    assert (answer.status, answer.body) == (200, webp())
    assert answer.headers["Content-Type"] == "image/png"


@pytest.mark.parametrize("part", ["ex", "is", "hm"])
async def test_a_link_that_was_tampered_with_leads_nowhere(client: Client, part: str) -> None:
    url = (await _link(client)).replace(f"{part}=", f"{part}=1")
    assert (await client.get(url)).status == 404


async def test_a_link_without_its_signature_leads_nowhere(client: Client) -> None:
    url = (await _link(client)).partition("?")[0]
    assert (await client.get(url)).status == 404


async def test_a_link_dies_at_its_hour(start: Start) -> None:
    moment = [datetime(2026, 1, 1, tzinfo=UTC)]
    client = await start(now=lambda: moment[0], link_life_s=3600.0)
    url = await _link(client)
    moment[0] += timedelta(minutes=59)
    assert (await client.get(url)).status == 200
    moment[0] += timedelta(minutes=2)
    assert (await client.get(url)).status == 404


async def test_the_oldest_files_make_room_for_new_ones(start: Start) -> None:
    client = await start(stored_bytes=2 * len(webp()) + 1)
    first, second = await _link(client), await _link(client)
    assert (await client.get(first)).status == 200
    third = await _link(client)
    statuses = [(await client.get(url)).status for url in (first, second, third)]
    assert statuses == [404, 200, 200]


async def test_uploads_are_logged_with_a_digest(client: Client) -> None:
    await client.upload(webp())
    entry = client.sim.log[-1]
    assert (entry["route"], entry["bytes"], entry["status"]) == ("upload", len(webp()), 200)
    assert len(entry["digest"]) == 64
