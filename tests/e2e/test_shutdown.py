"""SIGTERM and SIGINT: ten seconds, every waiting caller answered, nothing lost afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from tests.e2e.conftest import eventually
from tests.e2e.process import Ground, ground

LIMIT_S = 10.0
IDENTIFY, RESUME = 2, 6


async def stopped_in_time(here: Ground, number: signal.Signals = signal.SIGTERM) -> None:
    """Ask the service to stop, and see it end well within the limit and without a complaint."""
    began = time.monotonic()
    assert await here.stop(number) == 0, here.service.log
    assert time.monotonic() - began < LIMIT_S
    assert "Traceback" not in here.service.log, here.service.log


def gateway_asks(here: Ground) -> list[int]:
    """Return the opcodes with which the service began or continued sessions, in order."""
    return [
        entry["op"]
        for entry in here.sim.log
        if entry["kind"] == "frame" and entry["op"] in (IDENTIFY, RESUME)
    ]


@contextlib.asynccontextmanager
async def hanging_server() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Serve requests that are never answered; the event tells that one has come."""
    came = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        came.set()
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", hang)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}", came
    finally:
        await runner.cleanup()


class Wire:
    """A TCP connection in front of the simulator that can be frozen: nothing moves any more."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        assert parts.hostname is not None and parts.port is not None
        self._target = (parts.hostname, parts.port)
        self._flows = asyncio.Event()
        self._flows.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.url = ""

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def freeze(self) -> None:
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        self._writers += [writer, there_writer]
        for one, other in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._carry(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_leaves_the_gateway_session_resumable(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        await stopped_in_time(here, number)
        await here.start()
        await here.connected()
        assert gateway_asks(here) == [IDENTIFY, RESUME]


async def test_two_signals_are_as_good_as_one(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.doors.hold("INTERACTION_CREATE")
        asked = here.ask()
        await here.recorded("Submitted")
        here.service.signal(signal.SIGTERM)
        here.service.signal(signal.SIGTERM)
        await stopped_in_time(here, signal.SIGINT)
        status, _, _ = await asked
        assert status == 200
        here.doors.release()
        await here.start()
        assert (await here.only_job())["status"] == "completed"


@pytest.mark.parametrize("verb", ["describe", "info"])
async def test_a_caller_who_waits_for_the_bot_is_answered_and_the_job_goes_on_afterwards(
    tmp_path: Path, verb: str
) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.doors.hold("INTERACTION_CREATE")
        asked = here.ask(verb)
        await here.recorded("Submitted")
        await stopped_in_time(here)
        status, answer, _ = await asked
        assert (status, answer["status"], answer["code"]) == (200, "started", 200)
        here.doors.release()
        await here.start()
        job = await here.only_job()
        assert (job["jobid"], job["status"]) == (answer["jobid"], "completed")
        assert await here.outside.callback() == job
        assert len(here.interactions) == 1


async def test_a_job_that_was_not_sent_is_answered_and_sent_by_the_next_start(
    tmp_path: Path,
) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.doors.hold("INTERACTION_CREATE")
        first = here.ask()
        await here.recorded("Submitted")
        second = here.ask(describeUrl=here.photo("wide.png"))
        await eventually(lambda: here.doors.passed.count("upload") == 2)
        await stopped_in_time(here)
        assert (await first)[0] == 200
        status, answer, _ = await second
        assert (status, answer["status"], answer["code"]) == (200, "started", 200)
        here.doors.release()
        await here.start()
        rows = await here.final()
        assert [row["status"] for row in rows] == ["completed", "completed"]
        assert here.interactions == [row["nonce"] for row in rows]
        assert rows[1]["jobid"] == answer["jobid"]
        await here.outside.callback(2)


async def test_a_caller_whose_picture_is_still_being_fetched_is_told_to_come_back(
    tmp_path: Path,
) -> None:
    async with hanging_server() as (url, came), ground(tmp_path) as here:
        await here.settle_in()
        asked = here.ask(describeUrl=f"{url}/picture.png")
        await came.wait()
        await stopped_in_time(here)
        status, answer, _ = await asked
        assert status == 503, answer
        assert "jobid" not in answer
        with here.records() as records:
            assert records.jobs() == []


async def test_open_connections_do_not_hold_up_the_stop(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        parts = urlsplit(here.url)
        head = f"Host: {parts.netloc}\r\nAuthorization: Bearer {here.ada.token}\r\n"
        whole = f"GET /v2/jobs HTTP/1.1\r\n{head}\r\n".encode()
        half_head = b"GET /v2/jobs HTTP/1.1\r\nHost:"
        writers = []
        for sent in (b"", whole, half_head):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(sent)
            await writer.drain()
            writers.append(writer)
            if sent is whole:
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        await stopped_in_time(here)
        for writer in writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def test_a_body_that_does_not_come_to_its_end_does_not_hold_up_the_stop(
    tmp_path: Path,
) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        parts = urlsplit(here.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(
            f"POST /v2/jobs/info HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Bearer {here.ada.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
        )
        await writer.drain()
        # its head was read: another request on another connection was answered after it
        await here.ada.call("GET", "/v2/jobs")
        began = time.monotonic()
        assert await here.stop() == 0, here.service.log
        assert time.monotonic() - began < LIMIT_S
        assert b"jobid" not in await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_receiver_that_hangs_gets_its_callback_after_the_restart(tmp_path: Path) -> None:
    async with hanging_server() as (url, came), ground(tmp_path, callback_timeout_s=2.5) as here:
        await here.settle_in()
        status, _, _ = await here.ask(replyUrl=f"{url}/callback")
        assert status == 200
        await came.wait()
        await stopped_in_time(here)
        came.clear()
        await here.start()
        # the claim of the process that is gone runs out
        async with asyncio.timeout(20):
            await came.wait()


async def test_a_discord_that_hangs_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    async with ground(tmp_path) as here, Wire(here.sim.url) as wire:
        here.sim.world.url = here.environment["WAYSTATION_DISCORD_URL"] = wire.url
        await here.settle_in()
        await here.ask()
        here.doors.at("interactions", wire.freeze)
        asked = here.ask(describeUrl=here.photo("wide.png"))
        await here.recorded("Submitted", 2)
        await eventually(lambda: len(here.interactions) == 2)
        await stopped_in_time(here)
        assert (await asked)[0] == 200
        wire.thaw()
        await here.start()
        assert {job["status"] for job in await here.final()} == {"completed"}


async def test_a_locked_database_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.doors.hold("MESSAGE_UPDATE")
        await here.ask()
        with here.records() as records:
            records.rows("begin immediate")
            here.doors.release()
            await here.sim.settled()
            stopping = asyncio.create_task(stopped_in_time(here))
            # everything else is down, and it gives up what it cannot write now
            await eventually(lambda: "service.stopped" in here.service.log)
            records.rows("rollback")
            await stopping
        await here.start()
        assert (await here.only_job())["status"] == "completed"


async def test_a_stop_while_nothing_is_connected_is_as_quick(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        await stopped_in_time(here)
        await here.sim.stop()
        await here.start()
        await stopped_in_time(here)
