"""Programs written for v2 read our answers: the vendor's client, and one generated of facts."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.clients.driven import driven
from tests.clients.environment import environment
from tests.clients.generated.facts import document
from tests.documents.vendor import VENDOR
from tests.e2e.conftest import Install, Installation, Person, install

__all__ = ["install"]

HERE = Path(__file__).parent
CALM = {"speed": 20.0, "sim_options": {"picture_size": 128}}
"""Slow enough for a POST to be answered at the start, as it is in the world."""


async def _drive(here: Installation, ada: Person, folder: Path, *more: str | Path) -> Any:
    account, python = here.sim.accounts[0], environment(folder)
    places = (account.token, account.guild_id, account.channel_id)
    pictures = (here.photo("tall.png"), here.photo("rotated.jpg"))
    return await driven(
        python, folder / "drive.py", f"{here.url}/v2", ada.token, *places, *pictures, *more
    )


@pytest.mark.slow
async def test_the_vendors_client_of_2023_reads_every_answer(install: Install) -> None:
    async with install(**CALM) as here:
        ada = await here.ready()
        told = await _drive(here, ada, HERE / "vendor")
        account = here.sim.accounts[0]
        assert told["account"]["name"] == ""
        for name in ("described", "blended", "drawn", "varied"):
            assert told[f"{name} posted"]["status"] == "started"
            assert told[name]["status"] == "completed"
            assert told[name]["server"] == account.guild_id
        assert set(told["running"]) <= {told["drawn"]["jobid"]}
        prompts = here.sim.book[0]["prompts"]
        assert all(prompt in told["described"]["content"] for prompt in prompts)
        assert "buttons" not in told["described"]
        assert told["drawn"]["buttons"][:4] == ["U1", "U2", "U3", "U4"]
        assert told["single posted"]["status"] == "started"
        children = {child["button"]: child for child in told["parent"]["children"]}
        assert children["V1"]["messageId"] == told["varied"]["messageId"]
        assert children["U1"]["jobid"] == told["single posted"]["jobid"]


def _described(source: str) -> dict[str, Any]:
    if source == "facts":
        return document()
    if VENDOR not in os.environ:
        pytest.skip(f"{VENDOR} names no file to generate a client of")
    theirs: dict[str, Any] = yaml.safe_load(Path(os.environ[VENDOR]).read_text("utf-8"))
    return theirs


def _generated(described: dict[str, Any], python: Path, place: Path) -> Path:
    """Let the generator make a package of a document."""
    source, made = place / "v2.json", place / "made_of_v2"
    source.write_text(json.dumps(described), "utf-8")
    generator = python.with_name("openapi-python-client")
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        [generator, "generate", "--path", source, "--meta", "none", "--output-path", made],
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return made


@pytest.mark.slow
@pytest.mark.parametrize("source", ["facts", "the vendor's file"])
async def test_a_client_generated_of_v2_reads_every_answer(
    install: Install, tmp_path: Path, source: str
) -> None:
    described, folder = _described(source), HERE / "generated"
    made = _generated(described, environment(folder), tmp_path)
    async with install(**CALM) as here:
        ada = await here.ready()
        read = (await _drive(here, ada, folder, made))["read"]
    statuses = {(model, status) for model, status, _ in read}
    assert {("DescribeResponse", 200), ("ButtonResponse", 409)} <= statuses
    assert {("ImagineResponse", 429), ("CompletedResponse", 200)} <= statuses
    schemas = described["components"]["schemas"]
    for model, _, answer in read:
        name = model[0].lower() + model[1:]
        validator = Draft202012Validator(schemas[name])
        wrong = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(answer)]
        assert wrong == [], (model, answer)
