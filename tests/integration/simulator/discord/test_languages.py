from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.simulator.conftest import Start
from waystation import simulator
from waystation.simulator.discord.commands import COMMANDS, Option
from waystation.simulator.discord.languages import (
    LOCALES,
    NAMES,
    SENTENCES,
    default_name,
    in_language,
    name_in,
)
from waystation.simulator.discord.refusals import (
    ERRORS,
    Effect,
    error_effect,
    invalid_form,
    rate_limited,
)
from waystation.simulator.options import ENGLISH
from waystation.simulator.play import Play

_FORM_CODE = re.compile(r'invalid_form\(\s*[^,]+,\s*"([A-Z_]+)"')


def _form_codes() -> Iterator[str]:
    (folder,) = simulator.__path__
    for path in Path(folder).rglob("*.py"):
        yield from _FORM_CODE.findall(path.read_text(encoding="utf-8"))


def test_every_code_that_is_answered_has_its_sentences() -> None:
    numbers = {str(code) for _, code, _ in ERRORS.values() if code}
    assert set(SENTENCES) == numbers | {"50035", "50109", "429"} | set(_form_codes())


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_differs_from_language_to_language(code: str) -> None:
    english = {message for _, number, message in ERRORS.values() if str(number) == code}
    assert len({*SENTENCES[code], *english}) == len(SENTENCES[code]) + len(english)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_keeps_its_code_and_says_it_in_the_language(name: str, locale: str) -> None:
    english = error_effect(name)
    told = in_language(english, locale)
    body, plain = json.loads(told.body), json.loads(english.body)
    assert (told.status, body["code"]) == (english.status, plain["code"])
    speaks_english = locale == ENGLISH or plain["code"] == 0
    assert (body["message"] == plain["message"]) is speaks_english


def test_the_fields_of_a_form_are_told_in_the_language_too() -> None:
    refused = invalid_form("data.options", "BASE_TYPE_REQUIRED", "This field is required")
    body = json.loads(in_language(refused.effect, "de").body)
    assert (body["code"], body["message"]) == (50035, "Ungültige Eingaben")
    assert body["errors"] == {
        "data": {
            "options": {
                "_errors": [{"code": "BASE_TYPE_REQUIRED", "message": "Das ist ein Pflichtfeld"}]
            }
        }
    }


def test_a_429_keeps_its_numbers() -> None:
    told = in_language(rate_limited(1.5, is_global=True), "zh-CN")
    assert json.loads(told.body) == {
        "global": True,
        "message": "你的请求过于频繁。",
        "retry_after": 1.5,
    }
    assert told.headers["Retry-After"] == "1.5"


@pytest.mark.parametrize("effect", [Effect(502, b"<html>", "text/html"), Effect(204)])
def test_a_value_without_a_sentence_is_left_alone(effect: Effect) -> None:
    assert in_language(effect, "fr") is effect


def _named(options: tuple[Option, ...]) -> Iterator[str]:
    for option in options:
        yield option.name
        yield from _named(option.options)


def test_a_name_of_any_language_leads_back_to_one_command() -> None:
    known = {c.name for c in COMMANDS} | {n for c in COMMANDS for n in _named(c.options)}
    assert set(NAMES) <= known
    local = [name for row in NAMES.values() for name in row]
    assert len({*local, *known}) == len(local) + len(known)
    assert all(default_name(name) == english for english, row in NAMES.items() for name in row)
    assert default_name("image3") == "image3" and default_name(5) == 5


def test_a_localised_name_brings_its_default() -> None:
    assert name_in("de", "imagine") == {"name": "vorstellen", "name_default": "imagine"}
    assert name_in("de", "image3") == name_in(ENGLISH, "image3") == {"name": "image3"}


@pytest.mark.parametrize("locale", LOCALES)
async def test_an_account_is_spoken_to_in_its_language(start: Start, locale: str) -> None:
    client = await start(locale=locale)
    ready = (await client.identify()).ready
    me = (await client.get("/api/v9/users/@me")).json
    settings = (await client.get("/api/v9/users/@me/settings")).json
    assert ready["user"]["locale"] == me["locale"] == settings["locale"] == locale
    told = (await client.get("/api/v9/channels/1")).json
    assert told == json.loads(in_language(error_effect("no_channel"), locale).body)


async def test_a_bot_is_spoken_to_in_english(start: Start) -> None:
    client = await start(locale="de")
    headers = {"Authorization": f"Bot {client.sim.bots[0].token}"}
    assert (await client.get("/api/v10/channels/1", headers=headers)).json == {
        "message": "Unknown Channel",
        "code": 10003,
    }
    assert (await client.get("/api/v10/users/@me", headers=headers)).json["locale"] == ENGLISH


async def test_a_command_is_taken_by_its_default_and_by_its_localised_name(start: Start) -> None:
    client = await start(locale="zh-CN")
    await client.identify()
    path = f"/api/v9/guilds/{client.account.guild_id}/application-command-index"
    index = (await client.get(path)).json["application_commands"]
    (imagine,) = [one for one in index if one.get("name_default") == "imagine"]
    (prompt,) = imagine["options"]
    assert (imagine["name"], prompt["name"], prompt["name_default"]) == ("想象", "提示词", "prompt")
    for name, option in (("imagine", "prompt"), ("想象", "提示词")):
        options = [{"type": 3, "name": option, "value": "a red fox"}]
        data = {"id": imagine["id"], "version": imagine["version"], "name": name, "type": 1}
        await client.ask("info", data=data | {"options": options})
    await client.sim.settled()
    assert [page["verb"] for page in client.sim.book] == ["imagine", "imagine"]


@pytest.mark.parametrize(("fault", "says"), [({}, "Zugriff fehlt"), ({"locale": "fr"}, "Accès")])
async def test_a_fault_speaks_the_accounts_language_or_the_one_it_is_told(
    start: Start, fault: dict[str, Any], says: str
) -> None:
    client = await start(locale="de")
    client.sim.fault("missing_access_403", params={"route": "me"} | fault)
    answer = await client.get("/api/v9/users/@me")
    assert (answer.status, answer.json["code"]) == (403, 50001)
    assert answer.json["message"].startswith(says)


def test_no_other_language_is_accepted() -> None:
    with pytest.raises(ValueError, match="no locale is 'tlh' here; there are en-US, de"):
        Play(locale="tlh")
