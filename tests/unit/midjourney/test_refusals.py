"""The table of wordings: complete in goldens, and true to v2's codes."""

from __future__ import annotations

import pytest

from tests.golden.corpus import FRAMES, MESSAGES, Golden, event_of
from waystation.gateway_events import IframeSeen
from waystation.midjourney.refusals import (
    CODES,
    ERRORS,
    Ending,
    Meaning,
    content_meaning,
    embed_meaning,
    is_human_check,
    plain,
)
from waystation.wire.message import Embed, EmbedFooter

_READINGS = [golden.content["reading"] for golden in MESSAGES]
_SEEN = {(plain(one["error"]), one["ending"]) for one in _READINGS if "error" in one}


@pytest.mark.parametrize(
    ("title", "ending"),
    [(title, row.ending) for row in ERRORS for title in row.titles],
)
def test_every_title_has_a_golden(title: str, ending: Ending) -> None:
    seen = {
        (plain(reading["error"]), reading["ending"]) for reading in _READINGS if "error" in reading
    }
    assert (plain(title), ending) in seen


def test_every_ending_has_a_golden() -> None:
    assert {reading.get("ending") for reading in _READINGS} >= set(Ending)


def test_every_ending_has_a_code_of_v2() -> None:
    assert set(CODES) == set(Ending)
    assert Meaning(Ending.QUEUED, "Job queued", None).code == 504


def test_a_title_means_one_thing_unless_its_body_tells_more() -> None:
    wide = [plain(title) for row in ERRORS if row.body is None for title in row.titles]
    assert len(wide) == len(set(wide))
    assert all(row.source for row in ERRORS)


@pytest.mark.parametrize("title", ["Invalid link", "invalid link!", " INVALID LINK. "])
def test_titles_are_compared_without_case_and_closing_punctuation(title: str) -> None:
    meaning = embed_meaning(Embed(title=title, description="not found"))
    assert meaning is not None
    assert meaning.ending is Ending.BAD_INPUT
    assert meaning.error == title


@pytest.mark.parametrize(
    ("footer", "ending"),
    [("decline-revise-frolic", Ending.MODERATED), ("/describe", Ending.TRANSIENT)],
)
def test_a_declining_footer_makes_an_internal_error_a_moderation(
    footer: str, ending: Ending
) -> None:
    embed = Embed(title="Sorry, something went wrong", footer=EmbedFooter(footer))
    meaning = embed_meaning(embed)
    assert meaning is not None
    assert meaning.ending is ending


def test_an_unknown_title_means_nothing_here() -> None:
    assert embed_meaning(Embed(title="The tea has gone cold")) is None
    assert embed_meaning(Embed(description="Blocked")) is None
    assert content_meaning("Good morning") is None
    assert content_meaning("") is None


@pytest.mark.parametrize("text", ["my plan: Blocked", "**Blocked** - <@1> (31%)", "a\nBlocked"])
def test_content_is_an_error_only_by_its_first_line(text: str) -> None:
    assert content_meaning(text) is None


@pytest.mark.parametrize("golden", FRAMES, ids=str)
def test_a_frame_is_a_human_check_by_title_or_path(golden: Golden) -> None:
    event = event_of({"see": golden.name})
    assert isinstance(event, IframeSeen)
    assert is_human_check(event.iframe) is golden.content["human_check"]


@pytest.mark.parametrize("title", ["Invalid job id", "INVALID aspect ratio!"])
def test_an_unknown_complaint_of_the_input_is_the_callers(title: str) -> None:
    assert embed_meaning(Embed(title=title)) == Meaning(Ending.BAD_INPUT, title, None)


def test_a_content_can_say_that_a_job_was_stopped_or_that_it_may_be_tried_again() -> None:
    stopped = content_meaning("**a fox** - <@1> (Stopped)")
    assert stopped is not None and stopped.ending is Ending.STOPPED
    failed = content_meaning("Failed to process your command\nTry again")
    assert failed == Meaning(Ending.TRANSIENT, "Failed to process your command", "Try again")


@pytest.mark.parametrize(
    ("body", "ending"),
    [("A filter took it.", Ending.MODERATED), ("It cannot be read.", Ending.BAD_INPUT)],
)
def test_a_body_may_narrow_a_title(body: str, ending: Ending) -> None:
    meaning = embed_meaning(Embed(title="Invalid link", description=body))
    assert meaning is not None
    assert meaning.ending is ending
