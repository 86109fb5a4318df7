"""Programs that nobody here wrote accept the simulator, unmodified, and return what it made.

They run as processes of their own; only public options, class attributes and constants of a module
are set. Packages of Python that exclude one another have environments of their own.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from tests import measure
from tests.clients.driven import HERE, PATIENCE_S, _process, _result
from tests.clients.environment import environment
from tests.clients.packages import install
from tests.pictures import PROOFS, webp
from waystation.simulator.server import Simulator

NPM = HERE / "npm"
SPEED = 5.0
"""Slow enough for a client that starts to listen only after its 204."""


def _gateway(sim: Simulator, path: str = "") -> str:
    return sim.url.replace("http", "ws", 1) + path


@pytest.fixture(scope="session")
def node_modules() -> None:
    install(NPM)


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


async def test_npm_midjourney_imagines_upscales_varies_and_zooms(node_modules: None) -> None:
    prompt, wider = "a red fox --ar 3:2", "a red fox in the snow --zoom 1.5"
    async with Simulator(speed=SPEED, picture_size=128) as sim, aiohttp.ClientSession() as http:
        account = sim.accounts[0]
        account.standing.mode = "Turbo"
        options = (sim.url, _gateway(sim, "/?encoding=json&v=9"), account.token)
        places = (account.guild_id, account.channel_id)
        script = NPM / "imagine.cjs"
        async with _process("node", script, *options, *places, prompt, wider) as process:
            result = await _result(process)
        pages = {page["button"] or page["verb"]: page for page in sim.book}
        assert pages["Custom Zoom"]["verb"] == "modal"
        expected = {
            "imagined": pages["imagine"],
            "upscaled": pages["U2"],
            "varied": pages["V3"],
            "zoomed": pages["Custom Zoom"],
        }
        pictures = {}
        for name, page in expected.items():
            assert result[name]["id"] == page["result_id"]
            assert result[name]["hash"] == page["uuid"]
            assert result[name]["progress"] == "done"
            async with http.get(result[name]["uri"]) as answer:
                pictures[name] = await answer.read()
    assert measure.which_tile(pictures["imagined"], pictures["upscaled"])[0] == 2
    assert measure.varied_tile(pictures["imagined"], pictures["varied"])[0] == 3
    middle = measure.held_in_middle(pictures["upscaled"], measure.tile_of(pictures["zoomed"], 1))
    assert round(middle[0], 1) == 1.5
    assert wider in result["zoomed"]["content"]
    percents = [int(percent.removesuffix("%")) for _, percent in result["progress"]]
    assert percents and percents == sorted(percents)
    (remix,) = [one for one in result["settings"] if one.get("label") == "Remix mode"]
    assert remix["style"] == 2


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


def _client(name: str) -> tuple[Path, Path]:
    """Return the interpreter that has a locked client, and the script that drives it."""
    return environment(HERE / name), HERE / name / "drive.py"


async def test_hikari_receives_the_result_of_somebody_else() -> None:
    python, script = _client("hikari")
    async with Simulator(speed=SPEED, accounts=2, picture_size=128) as sim:
        account, bot = sim.accounts[0], sim.bots[0]
        account.standing.mode = "Turbo"
        async with _process(python, script, sim.url, bot.token, account.channel_id) as process:
            await _said_hello(process)
            page = sim.by_hand("imagine", options={"prompt": "a red fox"})
            result = await _result(process)
    assert (result["application"], sorted(result["guilds"])) == (
        bot.user_id,
        sorted(one.guild_id for one in sim.accounts),
    )
    assert {"tester0", "Midjourney Bot", "bystander0"} <= set(result["members"])
    assert page["uuid"] in result["url"]
    assert result["content"].startswith(f"**a red fox** - <@{account.user_id}>")
    assert result["custom_ids"][0] == f"MJ::JOB::upsample::1::{page['uuid']}"
    assert result["progress"] > 0 and result["deleted"] == 1


async def test_discord_py_self_imagines_presses_and_chats() -> None:
    python, script = _client("discord_py_self")
    async with (
        Simulator(speed=SPEED, picture_size=128, strict_sessions=True) as sim,
        aiohttp.ClientSession() as http,
    ):
        account = sim.accounts[0]
        account.standing.mode = "Turbo"
        places = (sim.url, _gateway(sim), account.token, account.channel_id)
        async with _process(python, script, *places, "a red fox --ar 3:2") as process:
            result = await _result(process)
        imagined, single = sim.book
        pictures = []
        for name in ("grid", "single"):
            async with http.get(result[name]) as answer:
                pictures.append(await answer.read())
    assert (result["me"], result["joined"]) == (account.user_id, True)
    assert result["successful"] is True and result["replies_to"] is True
    assert result["content"].startswith("**a red fox --ar 3:2** - <@")
    assert (imagined["status"], single["button"]) == ("completed", "U1")
    assert measure.which_tile(*pictures)[0] == 1
    assert (result["edited"], result["member"]) == ("hello", "Midjourney Bot")


@pytest.mark.parametrize(
    ("name", "written"),
    [("py_cord", {200}), ("nextcord", {200, 201}), ("interactions_py", {200, 201})],
)
async def test_a_bot_writes_a_command_and_receives_the_result_of_somebody_else(
    name: str, written: set[int]
) -> None:
    python, script = _client(name)
    async with Simulator(speed=SPEED, picture_size=128) as sim, aiohttp.ClientSession() as http:
        account, bot = sim.accounts[0], sim.bots[0]
        account.standing.mode = "Turbo"
        async with _process(python, script, sim.url, bot.token, account.channel_id) as process:
            await _said_hello(process)
            page = sim.by_hand("imagine", options={"prompt": "a red fox"})
            result = await _result(process)
        async with http.get(result["url"]) as answer:
            assert answer.status == 200
        wrote = [one for one in sim.log if one.get("path", "").endswith("/commands")]
    assert (result["edited"], result["me"]) == ("hello", bot.user.username)
    assert bot.user.username in result["members"]
    assert (result["id"], result["history"][0]) == (page["result_id"], page["result_id"])
    assert result["custom_ids"][0] == f"MJ::JOB::upsample::1::{page['uuid']}"
    assert wrote and {one["status"] for one in wrote} <= written


async def test_selfbot_v13_imagines_presses_describes_and_chats(tmp_path: Path) -> None:
    install(HERE / "selfbot_v13")
    picture, script = tmp_path / "pale.webp", HERE / "selfbot_v13" / "drive.cjs"
    picture.write_bytes(webp())
    async with (
        Simulator(speed=SPEED, picture_size=128, strict_sessions=True) as sim,
        aiohttp.ClientSession() as http,
    ):
        account = sim.accounts[0]
        account.standing.mode = "Turbo"
        places = (sim.url, account.token, account.channel_id)
        async with _process("node", script, *places, "a red fox --ar 3:2", picture) as process:
            result = await _result(process)
        imagined, single, described = sim.book
        pictures = []
        for name in ("grid", "single"):
            async with http.get(result[name]) as answer:
                pictures.append(await answer.read())
    assert (result["me"], result["repliesTo"]) == (account.user_id, True)
    assert (imagined["status"], single["button"]) == ("completed", "U1")
    assert measure.which_tile(*pictures)[0] == 1
    assert [text[4:] for text in result["prompts"].split("\n\n")] == described["prompts"]
    assert (result["edited"], result["attached"]) == ("hello", 1)
    assert (result["user"], result["member"]) == ("Midjourney Bot", "Midjourney Bot")
    assert result["history"][0] == described["message_id"]


@pytest.mark.soak
async def test_mutiny_imagines_varies_a_region_and_animates(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if "soak" not in str(request.config.getoption("markexpr")):
        pytest.skip("it needs OpenCV; see `make soak`")
    python, script = _client("mutiny_sdk")
    mask = tmp_path / "mask.png"
    image = Image.new("L", (64, 64))
    image.paste(255, (16, 16, 48, 48))
    image.save(mask)
    async with (
        Simulator(speed=SPEED, picture_size=256, model="7") as sim,
        aiohttp.ClientSession() as http,
    ):
        account = sim.accounts[0]
        account.standing.mode = "Turbo"
        places = (sim.url, _gateway(sim), account.token, account.guild_id, account.channel_id)
        options = (script, *places, "a red fox", mask)
        # the package keeps a cache where it is started
        async with _process(python, *options, cwd=tmp_path) as process:
            result = await _result(process)
        pages = {page["button"] or page["verb"]: page for page in sim.book}
        async with http.get(result["animated"]["output"]["video_url"]) as answer:
            clip, kind = await answer.read(), answer.content_type
    assert {one["status"] for one in result.values()} == {"SUCCEEDED"}
    assert pages["imagine"]["uuid"] in result["imagined"]["output"]["image_url"]
    assert pages["Vary (Region)"]["verb"] == "iframe"
    assert pages["Vary (Region)"]["uuid"] in result["region"]["output"]["image_url"]
    assert pages["Animate (High motion)"]["status"] == "completed"
    assert (kind, measure.frames(clip) > 1) == ("video/mp4", True)


async def test_npm_midjourney_imagines_without_a_gateway(node_modules: None) -> None:
    async with Simulator(speed=SPEED, picture_size=128) as sim:
        account = sim.accounts[0]
        account.standing.mode = "Turbo"
        sim.fault("anonymous_progress")  # to this client a progress with buttons is a result
        places = (sim.url, account.token, account.guild_id, account.channel_id)
        async with _process("node", NPM / "polling.cjs", *places, "a red fox") as process:
            result = await _result(process)
        (page,) = sim.book
    assert (result["id"], result["hash"]) == (page["result_id"], page["uuid"])


async def _said_hello(process: Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        while line := await process.stdout.readline():
            if line == b"READY\n":
                return
    raise AssertionError((await process.communicate())[1].decode())
