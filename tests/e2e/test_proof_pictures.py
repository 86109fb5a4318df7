"""The eight proof pictures through the whole service: the answers differ as the pictures do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from tests.e2e.conftest import Install, Installation, Person
from tests.pictures import PROOFS, Proof

Ask = Callable[[Installation, Person, Proof], Awaitable[tuple[int, Any, Any]]]


async def by_url(here: Installation, ada: Person, proof: Proof) -> tuple[int, Any, Any]:
    """Name the picture by its URL."""
    return await ada.describe(here.photo(proof.filename), replyRef=proof.filename)


async def by_form(here: Installation, ada: Person, proof: Proof) -> tuple[int, Any, Any]:
    """Send the picture itself, as a file part of a form."""
    form = aiohttp.FormData()
    form.add_field(
        "describeFile", proof.build(), filename=proof.filename, content_type=proof.content_type
    )
    form.add_field("replyRef", proof.filename)
    form.add_field("maxJobs", "8")
    return await ada.call("POST", "/v2/jobs/describe", data=form)


@pytest.mark.parametrize("ask", [by_url, by_form])
async def test_each_picture_gets_the_prompts_that_tell_what_is_in_it(
    install: Install, ask: Ask
) -> None:
    async with install() as here:
        ada = await here.person()
        await here.equip(ada, maxJobs=8)
        answers = await asyncio.gather(*(ask(here, ada, proof) for proof in PROOFS))
        assert [status for status, _, _ in answers] == [200] * len(PROOFS)
        finals = [await ada.final(job["jobid"]) for _, job, _ in answers]
        for proof, job in zip(PROOFS, finals, strict=True):
            assert job["replyRef"] == proof.filename
            assert ("describeUrl" in job) is (ask is by_url)
            _tells_what_is_seen(proof, job)
        await _the_bot_got_the_bytes(here)
        prompts = [prompt for job in finals for prompt in _prompts(job)]
        assert len(set(prompts)) == len(prompts)


def _prompts(job: dict[str, Any]) -> list[str]:
    """Return the four prompts of a finished job, without their numbers."""
    lines = job["embeds"][0]["description"].split("\n\n")
    return [line.partition(" ")[2] for line in lines]


def _tells_what_is_seen(proof: Proof, job: dict[str, Any]) -> None:
    image = job["embeds"][0]["image"]
    assert (image["width"], image["height"]) == (proof.width, proof.height), proof.filename
    prompts = _prompts(job)
    assert len(prompts) == 4
    for prompt in prompts:
        words, _, ratio = prompt.partition(" --ar ")
        assert ratio == proof.ratio, proof.filename
        seen = [colour for colour in _colours() if re.search(rf"\b{colour}\b", words)]
        assert sorted(seen) == sorted(proof.colours), (proof.filename, prompt)
        assert proof.light in words
        assert proof.orientation in words


def _colours() -> set[str]:
    return {colour for proof in PROOFS for colour in proof.colours} | {"lime"}


async def _the_bot_got_the_bytes(here: Installation) -> None:
    """The uploads are the given pictures, each once."""
    digests = [page["picture"] for page in here.sim.book]
    assert len(set(digests)) == len(PROOFS)


async def test_twins_differ_only_in_what_differs_between_them(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        await here.equip(ada)
        described = {}
        for name in ("crimson.png", "blue.png", "wide.png", "tall.png"):
            _, job, _ = await ada.describe(here.photo(name))
            described[name] = (await ada.final(job["jobid"]))["embeds"][0]
        size = {name: (e["image"]["width"], e["image"]["height"]) for name, e in described.items()}
        assert size["crimson.png"] == size["blue.png"]
        assert size["wide.png"] == tuple(reversed(size["tall.png"]))
        texts = {name: embed["description"] for name, embed in described.items()}
        assert "crimson" in texts["crimson.png"]
        assert "crimson" not in texts["blue.png"]
        assert "blue" in texts["blue.png"]
        assert "blue" not in texts["crimson.png"]
        for name, ratio in (("wide.png", "3:2"), ("tall.png", "2:3")):
            assert texts[name].count(f"--ar {ratio}") == 4
            assert "navy" in texts[name]


async def test_a_form_with_no_picture_in_its_file_part_is_412(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        await here.equip(ada)
        for data, error in ((b"", "describeFile is empty"), (b"text", "a.png unknown mime type")):
            form = aiohttp.FormData()
            form.add_field("describeFile", data, filename="a.png", content_type="image/png")
            status, answer, _ = await ada.call("POST", "/v2/jobs/describe", data=form)
            assert (status, answer["error"], answer["code"]) == (412, error, 412)
