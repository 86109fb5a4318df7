from __future__ import annotations

import gc
from typing import Any, SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation import secret as secret_module
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


def test_a_secret_that_stands_in_another_leaves_no_part_of_it() -> None:
    inner, outer = Secret("inner-token"), Secret("the-inner-token-and-more")
    assert redact("x the-inner-token-and-more y inner-token z") == "x [redacted] y [redacted] z"
    assert inner.reveal() in outer.reveal()


def test_secrets_that_overlap_leave_no_part_of_either() -> None:
    first, second = Secret("aaaaaaaa-bb"), Secret("bb-cccccccc")
    assert redact("<aaaaaaaa-bb-cccccccc>") == "<[redacted]>"
    assert redact(first.reveal() + second.reveal()) == "[redacted][redacted]"


@given(
    texts=st.lists(st.text("abc\u00e9\U0001f98a", min_size=8, max_size=12), max_size=6),
    line=st.text("abc\u00e9\U0001f98a", max_size=40),
    at=st.integers(0, 40),
)
def test_a_secret_is_found_wherever_it_stands(texts: list[str], line: str, at: int) -> None:
    secrets = [Secret(text) for text in texts]
    for secret in secrets:
        shown = line[:at] + secret.reveal() + line[at:]
        assert all(one.reveal() not in redact(shown) for one in secrets)


def test_a_line_costs_as_much_beside_a_thousand_secrets_as_beside_one() -> None:
    line = "job.submitted code=200 jobid=job:20260102030405000-user:1 nonce=1576163828196526597"
    looked_up: list[str] = []

    class Counting(str):
        """A text that counts what is cut out of it to be looked up."""

        def __getitem__(self, key: SupportsIndex | slice) -> str:
            looked_up.append(str.__getitem__(self, key))
            return looked_up[-1]

        def find(self, *args: Any) -> int:
            looked_up.append("searched")
            return str.find(self, *args)

    few = [Secret("token-of-somebody")]
    redact(Counting(line))
    beside_one = len(looked_up)
    few += [Secret(f"MTAw.token-{number * 7919:08}") for number in range(1000)]
    looked_up.clear()
    assert redact(Counting(line)) == line
    assert len(looked_up) == beside_one <= len(line)


def test_secrets_that_come_and_go_leave_nothing_behind() -> None:
    gc.collect()
    before = len(secret_module._live._parts)
    kept = Secret("kept-all-the-time")
    for number in range(1000):
        Secret(f"{number * 7919:016}")
        Secret("another-all-the-time")
    gc.collect()
    assert redact("kept-all-the-time") == "[redacted]"
    assert redact("another-all-the-time") == "another-all-the-time"
    assert len(secret_module._live._parts) == before + 4
    assert kept.reveal() == "kept-all-the-time"


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
