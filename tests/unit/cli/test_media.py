"""waystation media."""

from __future__ import annotations

import pytest

from tests.harness.command_line import answer_with, run
from waystation.errors import NotFound

LINK = {"path": "/v2/media/job:1/0?signature=x", "expires": "2027-01-31T12:00:00.000Z"}


def test_share_prints_a_whole_link(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, LINK)
    ran = run("media", "share", "job:1", "--json")
    assert ran.json == {
        "url": "http://127.0.0.1:8080/v2/media/job:1/0?signature=x",
        "expires": LINK["expires"],
    }
    wish = {"days": 7, "tile": None, "size": None, "format": None}
    assert client.calls == [("share_media", ("job:1", 0), wish)]


def test_share_prints_the_link_that_the_service_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, LINK | {"url": "https://pictures.example.org/v2/media/x"})
    told = run("media", "share", "job:1", "--json").json
    assert told["url"] == "https://pictures.example.org/v2/media/x"


def test_share_takes_a_part_and_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, LINK)
    wish = ("--days", "1", "--tile", "2", "--size", "640", "--format", "webp")
    ran = run("media", "share", "job:1", "3", *wish)
    assert ran.exit_code == 0 and "2027-01-31" in ran.out
    asked = {"days": 1, "tile": 2, "size": 640, "format": "webp"}
    assert client.calls == [("share_media", ("job:1", 3), asked)]


def test_share_of_an_unknown_job_has_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, NotFound("Unable to locate job job:1"))
    assert run("media", "share", "job:1").exit_code != 0


def test_rotate_says_what_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, None)
    assert "work no more" in run("media", "rotate").out
    assert client.calls == [("rotate_media_key", (), {})]
