from __future__ import annotations

import pytest

from waystation.api.fields.values import (
    MAX_REFERENCE,
    bounded,
    checked_reply_url,
    id_text_at,
    is_web_url,
    number_at,
    sent_text_at,
    switch_at,
    text_at,
)
from waystation.errors import InvalidRequest


def test_the_empty_text_is_absent_but_where_it_clears() -> None:
    assert (text_at({"a": ""}, "a"), sent_text_at({"a": ""}, "a")) == (None, "")
    assert text_at({}, "a") is text_at({"a": None}, "a") is None


def test_the_last_of_a_field_that_a_form_repeats_counts() -> None:
    assert (text_at({"a": ("1", "2")}, "a"), number_at({"a": ("1", "2")}, "a")) == ("2", 2)


@pytest.mark.parametrize("value", [5, True, ["a"], {}])
def test_a_text_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequest, match="a must be a string"):
        text_at({"a": value}, "a")


def test_a_nul_character_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="a must not contain a NUL"):
        text_at({"a": "x\0"}, "a")


@pytest.mark.parametrize(("value", "text"), [(12, "12"), (0, "0"), ("12", "12"), (None, None)])
def test_an_id_may_be_a_number(value: object, text: str | None) -> None:
    assert id_text_at({"a": value}, "a") == text


@pytest.mark.parametrize("value", [True, -1, 1.0])
def test_an_id_is_no_other_number(value: object) -> None:
    with pytest.raises(InvalidRequest, match="a must be a string"):
        id_text_at({"a": value}, "a")


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, None), ("", None), (7, 7), (7.0, 7), ("-7", -7), (10**9 - 1, 10**9 - 1)],
)
def test_a_number_may_come_as_its_text(value: object, number: int | None) -> None:
    assert number_at({"a": value}, "a") == number


@pytest.mark.parametrize("value", [True, 7.5, "7.0", "x", 10**9, 1e9, [7]])
def test_a_number_of_another_form_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequest, match="a must be a whole number"):
        number_at({"a": value}, "a")


@pytest.mark.parametrize(
    ("value", "switch"),
    [(None, None), ("", None), (True, True), (False, False), ("true", True), ("false", False)],
)
def test_a_switch_may_come_as_its_word(value: object, switch: bool | None) -> None:
    assert switch_at({"a": value}, "a") is switch


@pytest.mark.parametrize("value", [1, "yes", "True", []])
def test_a_switch_of_another_form_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequest, match="a must be true or false"):
        switch_at({"a": value}, "a")


def test_a_reference_has_a_longest_length() -> None:
    longest = "x" * MAX_REFERENCE
    assert (bounded(longest, "a"), bounded(None, "a")) == (longest, None)
    with pytest.raises(InvalidRequest, match="a is too long"):
        bounded(longest + "x", "a")


def test_a_reply_url_is_a_web_url_or_clears() -> None:
    assert checked_reply_url("https://a.example/") == "https://a.example/"
    assert (checked_reply_url(""), checked_reply_url(None)) == ("", None)
    with pytest.raises(InvalidRequest, match="replyUrl is not a valid http or https URL"):
        checked_reply_url("ftp://a.example")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://a.example", True),
        ("http://[::1]:8/b?c#d", True),
        ("ftp://a.example", False),
        ("http://", False),
        ("http://[", False),
        ("http://a:b/", False),
        ("http://a/\n", False),
    ],
)
def test_a_web_url_has_a_scheme_a_host_and_can_be_printed(text: str, is_one: bool) -> None:
    assert is_web_url(text) is is_one
