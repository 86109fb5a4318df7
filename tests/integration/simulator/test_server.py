from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
import pytest

from tests.harness.certificates import self_signed
from tests.integration.simulator.conftest import Start
from tests.integration.simulator.discord_client import Client
from tests.pictures import webp
from waystation.simulator.server import Simulator
from waystation.wire.snowflake import snowflake_time


async def test_a_simulator_listens_on_a_free_port_of_its_own() -> None:
    async with Simulator() as one, Simulator() as other:
        assert one.url.startswith("http://127.0.0.1:")
        assert one.url != other.url


async def test_the_ready_line_names_accounts_and_bots(start: Start) -> None:
    client = await start(accounts=2)
    line = client.sim.ready_line()
    assert line["url"] == client.sim.url
    assert [a["user_id"] for a in line["accounts"]] == [a.user_id for a in client.sim.accounts]
    assert [bot["token"] for bot in line["bots"]] == [bot.token for bot in client.sim.bots]


async def test_stopping_twice_or_before_the_start_is_no_error() -> None:
    sim = Simulator()
    await sim.stop()
    await sim.start()
    await sim.stop()
    await sim.stop()


async def test_stopping_is_quick_even_with_work_and_silent_sockets(start: Start) -> None:
    client = await start(speed=1.0)
    await client.identify()
    await client.connect()
    await client.ask("describe", await client.upload(webp()))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await client.sim.stop()
    assert loop.time() - began < 2.0


async def test_a_stopped_simulator_answers_nothing(client: Client) -> None:
    await client.sim.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.get("/api/v9/gateway")


async def test_a_clock_set_by_hand_repeats_every_id_of_a_run(start: Start) -> None:
    runs = []
    for _ in range(2):
        client = await start(now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
        await client.identify()
        await client.ask("describe", await client.upload(webp()))
        told = [
            (name, data.get("id"), data.get("timestamp")) for name, data in await client.events()
        ]
        runs.append((told, client.sim.book))
    assert runs[0] == runs[1]


async def test_the_root_is_a_page_for_people(client: Client) -> None:
    answer = await client.get("/")
    assert (answer.status, b"/_sim/" in answer.body) == (200, True)


async def test_an_unknown_path_is_logged_too(client: Client) -> None:
    assert (await client.get("/favicon.ico")).status == 404
    assert client.sim.log[-1]["path"] == "/favicon.ico"


async def test_thousands_of_events_a_second_are_dispatched(ready: Client) -> None:
    """Guards against work that grows with every event; the bound is far below what is reached."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(5_000):
        ready.sim.sessions.publish((ready.account.user_id,), "TEST", {"number": number})
    events = await ready.events()
    assert len([name for name, _ in events if name == "TEST"]) == 5_000
    assert loop.time() - began < 5.0


@pytest.mark.parametrize("ahead_s", [3600.0, -8.0])
async def test_its_clock_can_be_off(ahead_s: float) -> None:
    async with Simulator(clock_ahead_s=ahead_s) as sim, aiohttp.ClientSession() as http:
        async with http.get(f"{sim.url}/api/v9/gateway") as answer:
            told = parsedate_to_datetime(answer.headers["Date"])
        made = snowflake_time(sim.ids.snowflake())
    expected = datetime.now(UTC) + timedelta(seconds=ahead_s)
    assert abs(told - expected) < timedelta(seconds=4)
    assert abs(made - expected) < timedelta(seconds=4)


async def test_with_a_certificate_the_port_speaks_tls(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    for path, pem in zip((cert, key), self_signed(), strict=True):
        path.write_bytes(pem)
    trusted = ssl.create_default_context(cafile=cert)
    connector = aiohttp.TCPConnector(ssl=trusted)
    async with (
        Simulator(tls_cert=str(cert), tls_key=str(key)) as sim,
        aiohttp.ClientSession(connector=connector) as http,
    ):
        assert sim.url.startswith("https://127.0.0.1:")
        async with http.get(sim.url + "/api/v9/gateway") as answer:
            gateway = (await answer.json())["url"]
        assert gateway == sim.url.replace("https", "wss")
        async with http.ws_connect(gateway + "/?v=9") as ws:
            assert (await ws.receive_json())["op"] == 10
