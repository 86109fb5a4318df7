"""The examples do what v2's documents' examples do, against a whole installation."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.readme import ROOT
from tests.e2e.conftest import Install, Installation
from waystation.cli.demo.tiles import tile_of

_EXAMPLES = {
    "describe.sh": "sh",
    "describe.mjs": "node",
    "describe.py": sys.executable,
}


async def _ran(
    here: Installation, program: str, name: str, *arguments: str, token: str
) -> tuple[int | None, str, str]:
    """Run an example against an installation. Returns: its code, what it printed, what it said"""
    running = await asyncio.create_subprocess_exec(
        program,
        str(ROOT / "examples" / name),
        *arguments,
        env={
            "PATH": os.environ["PATH"],
            "WAYSTATION_URL": here.url,
            "WAYSTATION_TOKEN": token,
            "POLL_S": "0.1",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await running.communicate()
    return running.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(("name", "program"), _EXAMPLES.items(), ids=_EXAMPLES)
async def test_an_example_prints_the_four_prompts(
    name: str, program: str, install: Install
) -> None:
    async with install() as here:
        ada = await here.person()
        await here.equip(ada)
        code, out, err = await _ran(here, program, name, here.photo(), token=ada.token)
        assert code == 0, err
        assert out.count("--ar 2:3") == 4
        assert out.startswith("1️⃣")


_INFO = {"info.sh": "sh", "info.mjs": "node", "info.py": sys.executable}


@pytest.mark.parametrize("named", [False, True], ids=["only account", "named channel"])
@pytest.mark.parametrize(("name", "program"), _INFO.items(), ids=_INFO)
async def test_an_example_shows_the_info_of_an_account(
    name: str, program: str, named: bool, install: Install
) -> None:
    async with install(accounts=2) as here:
        ada = await here.person()
        channels = await here.equip(ada, 2 if named else 1)
        code, out, err = await _ran(here, program, name, *channels[1:], token=ada.token)
        assert code == 0, err
        job = json.loads(out)
        assert (job["status"], job["channel"]) == ("completed", channels[-1])


@pytest.mark.parametrize(("name", "program"), _EXAMPLES.items(), ids=_EXAMPLES)
async def test_an_example_fails_when_the_picture_cannot_be_had(
    name: str, program: str, install: Install
) -> None:
    async with install() as here:
        ada = await here.person()
        await here.equip(ada)
        missing = f"{here.outside.url}/missing.png"
        code, _, err = await _ran(here, program, name, missing, token=ada.token)
        assert code != 0
        assert "failed with HTTP status 404" in err, err


_IMAGINE = {"imagine.sh": "sh", "imagine.mjs": "node", "imagine.py": sys.executable}


async def _imagined(here: Installation, program: str, name: str) -> tuple[int | None, str, str]:
    ada = await here.person()
    await here.equip(ada)
    prompt = 'a "red" fox in the snow --ar 3:2'
    return await _ran(here, program, name, prompt, token=ada.token)


@pytest.mark.parametrize(("name", "program"), _IMAGINE.items(), ids=_IMAGINE)
async def test_an_example_draws_and_upscales_the_second_of_the_four(
    name: str, program: str, install: Install, tmp_path: Path
) -> None:
    async with install(sim_options={"picture_size": 128}) as here:
        code, out, err = await _imagined(here, program, name)
        assert code == 0, err
        links = out.splitlines()
        files = [tmp_path / "grid", tmp_path / "single"]
        for link, file in zip(links, files, strict=True):
            async with here.http.get(link) as picture:
                file.write_bytes(await picture.read())
        assert tile_of(*files) == 2


@pytest.mark.parametrize(("name", "program"), _IMAGINE.items(), ids=_IMAGINE)
async def test_an_example_fails_when_the_prompt_is_refused(
    name: str, program: str, install: Install
) -> None:
    async with install(sim_options={"picture_size": 128}) as here:
        here.sim.fault("banned_prompt", count=1)
        code, out, err = await _imagined(here, program, name)
        assert code == 1 and out == ""
        assert "Banned prompt" in err, err


@pytest.mark.parametrize(("name", "program"), (_EXAMPLES | _INFO | _IMAGINE).items())
def test_an_example_without_a_token_says_so_in_a_sentence(name: str, program: str) -> None:
    ran = subprocess.run(
        [program, str(ROOT / "examples" / name), "x"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = "WAYSTATION_TOKEN is not set: waystation users add prints one\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", said)


_ARGUMENTS = {"describe": ["http://x.test/a.png"], "info": [], "imagine": ["a red fox"]}


@pytest.mark.parametrize(("name", "program"), (_EXAMPLES | _INFO | _IMAGINE).items())
async def test_an_example_fails_at_a_token_that_is_not_valid(
    name: str, program: str, install: Install
) -> None:
    async with install() as here:
        arguments = _ARGUMENTS[name.partition(".")[0]]
        code, out, err = await _ran(here, program, name, *arguments, token="user:1-wrong")
        assert code == 1, err
        assert (out, "Unauthorized" in err) == ("", True)


@pytest.mark.parametrize(("name", "program"), (_EXAMPLES | _INFO | _IMAGINE).items())
def test_an_example_fails_when_nothing_listens(name: str, program: str) -> None:
    ran = subprocess.run(
        [program, str(ROOT / "examples" / name), *_ARGUMENTS[name.partition(".")[0]]],
        env={
            "PATH": os.environ["PATH"],
            "WAYSTATION_URL": "http://127.0.0.1:9",
            "WAYSTATION_TOKEN": "user:1-wrong",
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode != 0 and ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1, ran.stderr


@pytest.mark.parametrize(
    "file", sorted((ROOT / "examples").glob("*.sh")), ids=lambda file: file.name
)
def test_a_shell_example_can_be_run_by_its_name(file: Path) -> None:
    assert os.access(file, os.X_OK)
