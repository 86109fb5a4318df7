from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from tests.harness.requests import HOOK
from waystation.api.body import Body
from waystation.api.fields.user import ping_url, replay_since, user_changes
from waystation.errors import InvalidRequest


def test_user_changes_leave_what_was_not_sent() -> None:
    assert user_changes(Body()) == (None, None)
    assert user_changes(Body(fields={"name": "N"})) == ("N", None)
    assert user_changes(Body(fields={"replyUrl": HOOK})) == (None, HOOK)


def test_user_changes_clear_with_the_empty_text() -> None:
    assert user_changes(Body(fields={"name": "", "replyUrl": ""})) == ("", "")


def test_user_stands_in_for_name_only_without_one() -> None:
    assert user_changes(Body(fields={"user": "U"})) == ("U", None)
    assert user_changes(Body(fields={"user": "U", "name": "N"})) == ("N", None)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"replyUrl": "h" * 1025}, "replyUrl is too long"),
        ({"name": "n" * 1025}, "name is too long"),
        ({"replyUrl": "nowhere"}, "replyUrl is not a valid http or https URL"),
        ({"name": 1}, "name must be a string"),
    ],
)
def test_bad_user_changes_are_400(fields: Mapping[str, object], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        user_changes(Body(fields=fields))
    assert (caught.value.message, caught.value.status_hint) == (sentence, 400)


def test_a_moment_without_a_zone_is_utc() -> None:
    for text in ("2026-05-01T10:00", " 2026-05-01T10:00:00Z ", "2026-05-01T12:00+02:00"):
        assert replay_since(Body(fields={"since": text})) == datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("since", [None, "", "yesterday"])
def test_no_moment_is_400(since: str | None) -> None:
    with pytest.raises(InvalidRequest, match="since"):
        replay_since(Body(fields={"since": since}))


def test_a_ping_may_name_a_url() -> None:
    assert ping_url(Body(fields={"replyUrl": HOOK})) == HOOK
    assert ping_url(Body()) is None
