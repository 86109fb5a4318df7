from __future__ import annotations

import pytest

from waystation.discord.routes import ROUTES


def test_marks_are_filled_in_and_quoted_as_one_part_of_the_path() -> None:
    request = ROUTES["react"].request(channel="1", message="2", emoji="a/b ✉")
    assert request.path == "/channels/1/messages/2/reactions/a%2Fb%20%E2%9C%89/%40me"
    assert request.query == {"location": "Message", "type": "0"}


def test_a_bucket_is_the_route_with_its_channel_or_guild() -> None:
    first, second = (
        ROUTES["react"].request(channel="1", message=message, emoji="x") for message in "23"
    )
    assert first.bucket == second.bucket
    history, other = (ROUTES["history"].request(channel=channel) for channel in "12")
    assert history.bucket != other.bucket
    assert history.bucket == "GET /channels/1/messages"


def test_a_bucket_keeps_the_marks_of_what_is_limited_together() -> None:
    request = ROUTES["react"].request(channel="1", message="2", emoji="x")
    assert request.bucket == "PUT /channels/1/messages/{message}/reactions/{emoji}/%40me"


def test_a_missing_mark_is_an_error() -> None:
    with pytest.raises(KeyError):
        ROUTES["channel"].request()


@pytest.mark.parametrize("name", ROUTES)
def test_no_two_rows_are_the_same_call(name: str) -> None:
    route = ROUTES[name]
    assert [(one.method, one.path) for one in ROUTES.values()].count(
        (route.method, route.path)
    ) == 1
