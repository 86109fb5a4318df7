from __future__ import annotations

import gc

import pytest

from waystation.secret import Secret, mask, redact, veiled


def test_a_secret_hides_itself_in_every_text() -> None:
    secret = Secret("hunter2-hunter2")
    for text in (repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{[secret]}"):
        assert "hunter2" not in text
    assert "hunter2" not in repr([secret])
    assert "hunter2" not in repr({"token": secret})


def test_a_secret_is_revealed_on_request_only() -> None:
    assert Secret("hunter2").reveal() == "hunter2"


def test_a_secret_has_no_attributes_that_give_it_away() -> None:
    secret = Secret("hunter2")
    assert not hasattr(secret, "__dict__")
    with pytest.raises(AttributeError):
        secret.other = 1  # type: ignore[attr-defined]


def test_every_live_secret_is_redacted() -> None:
    first, second = Secret("alpha-token"), Secret("beta-token")
    assert redact("a alpha-token b beta-token c alpha-token") == (
        "a [redacted] b [redacted] c [redacted]"
    )
    assert first.reveal() != second.reveal()


def test_one_of_two_equal_secrets_is_enough_to_redact() -> None:
    first, second = Secret("gamma-token"), Secret("gamma-token")
    del first
    gc.collect()
    assert redact("gamma-token") == "[redacted]"
    assert second.reveal() == "gamma-token"


def test_a_secret_of_a_few_characters_does_not_blank_the_words_around_it() -> None:
    short = Secret("a")
    assert redact("a job was accepted: password a, a=1") == (
        "[redacted] job was accepted: password [redacted], [redacted]=1"
    )
    assert short.reveal() == "a"


def test_a_secret_that_is_gone_is_redacted_no_more() -> None:
    secret = Secret("d3lta-gone")
    del secret
    gc.collect()
    assert redact("d3lta-gone") == "d3lta-gone"


def test_an_empty_secret_redacts_nothing() -> None:
    secret = Secret("")
    assert redact("text") == "text"
    assert secret.reveal() == ""


def test_a_token_is_masked_as_v2_shows_it() -> None:
    assert mask("ABCdefghijklmnopxyz") == "ABC…secured…xyz"


@pytest.mark.parametrize(
    "token",
    [
        "MTAwMDAwMDAwMDAwMDAwMDAx.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789AB",
        "mfa.abcdefghijklmnopqrstuvwxyz",
        "user:17-abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_text_in_the_form_of_a_token_is_veiled(token: str) -> None:
    assert veiled(f"There is no user {token}.") == "There is no user [a token]."


@pytest.mark.parametrize(
    "text",
    [
        "user:1 is not there",
        "https://cdn.discordapp.com/attachments/1/2/a_red_fox.png",
        "job:20260102030405000-user:1-channel:100000000000000001-bot:midjourney",
        "WAYSTATION_DATA_DIR=/var/lib/waystation",
        "mfa.short",
    ],
)
def test_other_texts_are_not_veiled(text: str) -> None:
    assert veiled(text) == text


def test_a_token_too_short_to_show_a_part_of_is_masked_whole() -> None:
    assert mask("x" * 5) == "…secured…"
