"""Ended links of a job form, and others in their place."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from waystation.signed_links import expired_links, expires_at, with_links

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SECOND = int(NOW.timestamp())


def link(name: str, ends_in_s: int) -> str:
    return f"https://cdn.example.net/{name}?ex={SECOND + ends_in_s:x}&is=1&hm=00&"


OLD, OLD_PROXY, YOUNG = link("old", -1), link("old/proxy", -1), link("young", 3600)


def form(**fields: object) -> bytes:
    return json.dumps({"jobid": "job:1", **fields}).encode()


FORM = form(
    attachments=[{"id": "1", "url": OLD, "proxy_url": OLD_PROXY}, {"id": "2", "url": YOUNG}],
    embeds=[{"type": "rich", "image": {"url": OLD}}, {"type": "rich"}],
    replyRef=OLD,
)


@pytest.mark.parametrize(
    ("url", "ends"),
    [
        (link("a", 5), SECOND + 5.0),
        ("https://cdn.example.net/a?is=1&ex=10&hm=0", 16.0),
        ("https://cdn.example.net/a?ex=xyz", None),
        ("https://cdn.example.net/ex=10", None),
        ("", None),
    ],
)
def test_a_link_says_until_when_it_works(url: str, ends: float | None) -> None:
    assert expires_at(url) == ends


def test_ended_links_are_found_once_and_only_where_discords_links_stand() -> None:
    assert list(expired_links(FORM, NOW)) == [OLD, OLD_PROXY]
    assert expired_links(form(replyRef=OLD), NOW) == ()


def test_a_link_that_ends_within_the_minute_has_ended() -> None:
    soon, later = link("soon", 59), link("later", 61)
    assert expired_links(form(attachments=[{"url": soon}, {"url": later}]), NOW) == (soon,)


def test_others_take_their_place_and_nothing_else_changes() -> None:
    changed = with_links(FORM, {OLD: YOUNG})
    expected = json.loads(FORM)
    expected["attachments"][0]["url"] = YOUNG
    expected["embeds"][0]["image"]["url"] = YOUNG
    assert json.loads(changed) == expected
    assert list(json.loads(changed)) == list(expected)


def test_without_others_the_form_is_the_very_same() -> None:
    assert with_links(FORM, {}) is FORM


def test_in_a_form_of_links_that_work_none_has_ended() -> None:
    assert expired_links(form(attachments=[{"id": "1", "url": YOUNG}]), NOW) == ()
