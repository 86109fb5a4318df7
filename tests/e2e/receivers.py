"""Receivers of docs/callbacks.md, run as they stand there with the libraries they name."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.clients.environment import environment
from tests.clients.packages import install

__all__ = ["LANGUAGES", "PAGE", "Receiver", "blocks", "receiving"]

_TESTS = Path(__file__).parents[1]
PAGE = _TESTS.parent / "docs" / "callbacks.md"
_FOLDER = _TESTS / "clients" / "standard_webhooks"
_PATIENCE_S = 90.0

LANGUAGES = {"python": "receiver.py", "javascript": "receiver.cjs"}
"""Language of a block of the page → file that it becomes."""


def blocks(language: str) -> list[str]:
    """Return the blocks of the page in a language, in their order."""
    page = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.+?)```", page, re.DOTALL)


class Receiver:
    """A program of the page, running."""

    def __init__(self, process: Process, url: str) -> None:
        self._process = process
        self.url = url

    async def line(self) -> str:
        """Return the next line that it prints."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_PATIENCE_S):
            return (await self._process.stdout.readline()).decode().strip()


@asynccontextmanager
async def receiving(language: str, place: Path, secret: str) -> AsyncIterator[Receiver]:
    """Run the receiver of a language. Args: place: a folder for its program"""
    script = place / LANGUAGES[language]
    script.write_text(blocks(language)[0], encoding="utf-8")
    environ: dict[str, Any] = os.environ | {"SIGNING_SECRET": secret, "PORT": "0"}
    # processes to install something block; nothing else goes on in this loop
    if language == "python":
        program = str(environment(_FOLDER))
    else:
        install(_FOLDER)
        program = str(shutil.which("node"))
        environ["NODE_PATH"] = str(_FOLDER / "node_modules")
    process = await asyncio.create_subprocess_exec(program, script, stdout=PIPE, env=environ)
    try:
        receiver = Receiver(process, "")
        port = (await receiver.line()).rpartition(" ")[2]
        receiver.url = f"http://127.0.0.1:{port}"
        yield receiver
    finally:
        process.kill()
        await process.communicate()
