"""Programs that nobody here wrote accept the simulator, unmodified, and return its prompts.

They run as processes of their own; only public options and class attributes are set.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.pictures import PROOFS, webp
from waystation.simulator.server import Simulator

HERE = Path(__file__).parent
NPM = HERE / "npm"
PATIENCE_S = 90.0
SPEED = 5.0
"""Slow enough for a client that starts to listen only after its 204."""


@asynccontextmanager
async def _process(*command: str | Path, cwd: Path = HERE) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _result(process: Process) -> dict[str, Any]:
    """Return what a driver printed behind RESULT; its errors if it printed nothing."""
    async with asyncio.timeout(PATIENCE_S):
        out, err = await process.communicate()
    for line in out.decode().splitlines():
        if line.startswith("RESULT "):
            found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
            return found
    raise AssertionError(f"no result\n{out.decode()}\n{err.decode()}")


def _gateway(sim: Simulator, path: str = "") -> str:
    return sim.url.replace("http", "ws", 1) + path


@pytest.fixture(scope="session")
def node_modules() -> None:
    """Install the locked packages, by version and hash, unless they are there already."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js and npm are not installed: the npm client was NOT run")
    wanted = (NPM / "package-lock.json").read_bytes()
    stamp = NPM / "node_modules" / ".lock-of-install"
    with (NPM / "package.json").open() as one_at_a_time:
        # Two test processes must not write the same folder at once.
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_bytes() == wanted:
            return
        run = subprocess.run([npm, "ci"], cwd=NPM, capture_output=True, text=True, timeout=300)
        assert run.returncode == 0, run.stderr
        stamp.write_bytes(wanted)


@pytest.mark.parametrize("name", ["rotated.jpg", "pale.webp"])
async def test_npm_midjourney_gets_info_and_the_prompts_of_its_upload(
    node_modules: None, tmp_path: Path, name: str
) -> None:
    (proof,) = [proof for proof in PROOFS if proof.filename == name]
    picture = tmp_path / name
    picture.write_bytes(proof.build())
    async with Simulator(speed=SPEED) as sim:
        account = sim.accounts[0]
        account.standing.plan = "Mega"
        options = (sim.url, _gateway(sim, "/?encoding=json&v=9"), account.token)
        places = (account.guild_id, account.channel_id)
        script = NPM / "midjourney.cjs"
        async with _process(
            "node", script, *options, *places, picture, proof.content_type
        ) as process:
            result = await _result(process)
    assert result["info"]["subscription"].startswith("Mega (Active")
    assert result["info"]["runningJobs"] == "None"
    prompts = [text[4:] for text in result["described"]["descriptions"]]
    assert prompts == sim.book[1]["prompts"]
    assert all(prompt.endswith(f"--ar {proof.ratio}") for prompt in prompts)
    assert len(result["described"]["options"]) == 6
    assert [entry["status"] for entry in sim.book] == ["completed", "completed"]


async def test_discord_py_sees_and_rereads_a_described_picture() -> None:
    async with Simulator(speed=SPEED, accounts=2) as sim, aiohttp.ClientSession() as http:
        account, bot = sim.accounts[0], sim.bots[0]
        script = HERE / "discord_py_bot.py"
        options = (sim.url, _gateway(sim, "/"), bot.token, account.channel_id)
        async with _process(sys.executable, script, *options) as process:
            await _said_hello(process)
            sim.by_hand("info")
            entry = sim.by_hand("describe", picture=webp(), filename="pale.webp")
            result = await _result(process)
        assert result["guilds"] == [one.guild_id for one in sim.accounts]
        assert result["history"] == ["", "hello"]
        assert result["interaction"] == entry["interaction_id"]
        prompts = [text[4:] for text in result["edited"].split("\n\n")]
        assert prompts == entry["prompts"]
        assert result["kept"] == result["edited"]
        assert result["custom_ids"][0] == "MJ::Job::PicReader::1"
        async with http.get(result["image"]) as answer:
            assert await answer.read() == webp()


async def _said_hello(process: Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        while line := await process.stdout.readline():
            if line == b"READY\n":
                return
    raise AssertionError((await process.communicate())[1].decode())
