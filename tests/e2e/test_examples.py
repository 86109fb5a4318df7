"""The examples do what v2's documents' examples do, against a whole installation."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from tests.documents.readme import ROOT
from tests.e2e.conftest import Install

_EXAMPLES = {
    "describe.sh": "sh",
    "describe.mjs": "node",
    "describe.py": sys.executable,
}


@pytest.mark.parametrize(("name", "program"), _EXAMPLES.items(), ids=_EXAMPLES)
async def test_an_example_prints_the_four_prompts(
    name: str, program: str, install: Install
) -> None:
    async with install() as here:
        ada = await here.person()
        await here.equip(ada)
        running = await asyncio.create_subprocess_exec(
            program,
            str(ROOT / "examples" / name),
            here.photo(),
            env={
                "PATH": os.environ["PATH"],
                "WAYSTATION_URL": here.url,
                "WAYSTATION_TOKEN": ada.token,
                "POLL_S": "0.1",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            out, err = await running.communicate()
        assert running.returncode == 0, err.decode()
        assert b"--ar 2:3" in out, out.decode()


@pytest.mark.parametrize(("name", "program"), _EXAMPLES.items(), ids=_EXAMPLES)
async def test_an_example_fails_when_the_picture_cannot_be_had(
    name: str, program: str, install: Install
) -> None:
    async with install() as here:
        ada = await here.person()
        await here.equip(ada)
        running = await asyncio.create_subprocess_exec(
            program,
            str(ROOT / "examples" / name),
            f"{here.outside.url}/missing.png",
            env={
                "PATH": os.environ["PATH"],
                "WAYSTATION_URL": here.url,
                "WAYSTATION_TOKEN": ada.token,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            _, err = await running.communicate()
        assert running.returncode != 0
        assert b"failed with HTTP status 404" in err, err.decode()
