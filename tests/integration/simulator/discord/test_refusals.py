from __future__ import annotations

import json

import pytest

from waystation.simulator.discord.refusals import (
    ERRORS,
    error_effect,
    invalid_form,
    outdated,
    rate_limited,
    server_error,
)


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_a_message_and_a_code(name: str) -> None:
    effect = error_effect(name)
    assert 400 <= effect.status < 600
    assert set(json.loads(effect.body)) == {"message", "code"}


def test_an_invalid_form_leads_to_the_wrong_field() -> None:
    body = json.loads(invalid_form("data.options", "CODE", "Words.").effect.body)
    assert body["code"] == 50035
    assert body["errors"]["data"]["options"]["_errors"] == [{"code": "CODE", "message": "Words."}]


def test_an_old_version_is_called_outdated() -> None:
    effect = outdated().effect
    assert effect.status == 400
    assert b"This command is outdated" in effect.body


def test_a_global_429_has_the_very_words_of_the_api_page() -> None:
    effect = rate_limited(10, is_global=True)
    words = b'{"global":true,"message":"You are being rate limited.","retry_after":10}'
    assert effect.body == words


@pytest.mark.parametrize(("status", "kind"), [(500, "application/json"), (502, "text/html")])
def test_discord_answers_500_itself_and_a_proxy_the_rest(status: int, kind: str) -> None:
    effect = server_error(status, executes=True)
    assert effect.content_type.startswith(kind)
    assert (effect.status, effect.executes) == (status, True)
