"""The kind of a message is that of the first row that fits, whatever else stands in it."""

from __future__ import annotations

import ast
import inspect
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.corpus import MESSAGES, PAYLOADS, Golden, event_of, message_of
from waystation.gateway_events import MessageSeen
from waystation.midjourney import replies
from waystation.midjourney.layout import unfolded
from waystation.midjourney.reading import read
from waystation.midjourney.replies import REPLIES, Reply, ReplyKind, facts
from waystation.wire.message import Message


@pytest.mark.parametrize("golden", MESSAGES, ids=str)
def test_the_first_row_that_fits_a_golden_is_the_expected_one(golden: Golden) -> None:
    row = _first(message_of(golden))
    expected = golden.content["reading"]["kind"]
    assert (ReplyKind.UNRECOGNISED if row is None else row.kind) == expected


@pytest.mark.parametrize("golden", MESSAGES, ids=str)
def test_a_golden_says_where_it_is_from(golden: Golden) -> None:
    assert golden.source.startswith(("wire notes", "v2 notes", "rules"))


def test_every_row_is_the_first_that_fits_some_golden() -> None:
    first = [_first(message_of(golden)) for golden in MESSAGES]
    assert [row.source for row in REPLIES if row not in first] == []


def test_every_row_names_its_source() -> None:
    assert len({row.source for row in REPLIES}) == len(REPLIES)


def test_no_row_asks_another_row() -> None:
    """Their order alone is their precedence."""
    names = {row.fits.__name__ for row in REPLIES}
    asked = {
        f"{row.fits.__name__} asks {name}"
        for row in REPLIES
        for name in names & _called_by(row.fits.__name__)
    }
    assert asked == set()


def _called_by(name: str) -> set[str]:
    """Return the functions of the module that one calls, itself or through others."""
    tree = ast.parse(inspect.getsource(replies))
    calls = {
        one.name: {call.id for call in ast.walk(one) if isinstance(call, ast.Name)}
        for one in tree.body
        if isinstance(one, ast.FunctionDef)
    }
    found: set[str] = set()
    left = [name]
    while left:
        new = (calls[left.pop()] & calls.keys()) - found
        found |= new
        left += new
    return found


def _first(message: Message) -> Reply | None:
    said = facts(unfolded(message))
    return next((row for row in REPLIES if row.fits(said)), None)


_GOLDEN_BY_FIELDS = st.sampled_from(MESSAGES).flatmap(
    lambda golden: st.tuples(
        st.just(golden),
        st.sets(st.sampled_from(sorted(set(golden.content["payload"]) - {"id", "channel_id"}))),
    )
)


@given(_GOLDEN_BY_FIELDS)
def test_a_golden_with_missing_fields_can_still_be_read(
    chosen: tuple[Golden, set[str]],
) -> None:
    golden, missing = chosen
    payload = {key: value for key, value in golden.content["payload"].items() if key not in missing}
    message = msgspec.json.decode(json.dumps(payload), type=Message)
    read(message)


_TEXTS = st.sampled_from(["", "Your info - me", "Blocked", "Job queued", "1️⃣ a", "x (Stopped)"])


@given(
    content=_TEXTS,
    title=st.none() | _TEXTS,
    description=st.none() | _TEXTS,
    color=st.sampled_from([None, 0, 16711680, 16776960]),
    kind=st.sampled_from([None, "rich", "link"]),
    captcha=st.booleans(),
    nonce=st.sampled_from([None, "1", 1]),
)
def test_a_human_check_is_an_error_whatever_else_it_says(
    content: str,
    title: str | None,
    description: str | None,
    color: int | None,
    kind: str | None,
    captcha: bool,
    nonce: str | int | None,
) -> None:
    button = {"type": 2, "custom_id": "MJ::Captcha::x" if captcha else "MJ::Picread::Retry"}
    payload = {
        "id": "1",
        "channel_id": "2",
        "content": content,
        "nonce": nonce,
        "embeds": [{"type": kind, "title": title, "description": description, "color": color}],
        "components": [{"type": 1, "components": [button]}],
    }
    message = msgspec.json.decode(json.dumps(payload), type=Message)
    assert not captcha or read(message).kind is ReplyKind.ERROR


# ── several embeds (wire notes 6.1) ──

WARNING = {"type": "rich", "description": "Be nice", "color": 16776960}
ERROR = {"type": "rich", "title": "Invalid parameter", "description": "--x", "color": 16711680}
UNKNOWN = {"type": "rich", "title": "Something new", "description": "-", "color": 16711680}
INFO = {"type": "rich", "title": "Your info - me", "description": "**Job Mode**: Fast"}
HALT = {"type": "rich", "title": "Blocked", "description": "until tomorrow"}


def _said(name: str, **changes: object) -> Message:
    seen = event_of({"see": name, "with": changes})
    assert isinstance(seen, MessageSeen)
    return seen.message


@pytest.mark.parametrize(
    ("embeds", "kind", "error"),
    [
        ([WARNING, ERROR], "error", "Invalid parameter"),
        ([ERROR, WARNING], "error", "Invalid parameter"),
        ([WARNING, UNKNOWN], "error", "Something new"),
        ([UNKNOWN, ERROR], "error", "Invalid parameter"),
        ([ERROR, HALT], "error", "Blocked"),
        ([WARNING, INFO], "info", None),
        ([UNKNOWN, INFO], "info", None),
        ([INFO, ERROR], "error", "Invalid parameter"),
        ([WARNING, WARNING], "warning", None),
    ],
)
def test_of_several_embeds_the_one_that_says_most_counts(
    embeds: list[dict[str, object]], kind: str, error: str | None
) -> None:
    message = _said("describe/warning_yellow", embeds=embeds)
    reading = read(message)
    assert (reading.kind, reading.meaning and reading.meaning.error) == (kind, error)
    assert len(reading.shown.embeds) == len(embeds)


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        ("Failed to process your command\nsorry", "transient"),
        ("Banned prompt detected\nsorry", "moderated"),
        ("Queue full", "busy"),
        ("**p** - <@1144000000000000001> (Stopped)", "stopped"),
    ],
)
def test_an_error_in_the_content_outweighs_a_warning_beside_it(content: str, ending: str) -> None:
    message = _said("describe/warning_yellow", content=content, embeds=[WARNING])
    reading = read(message)
    assert (reading.kind, reading.meaning and reading.meaning.ending) == ("error", ending)


def test_a_content_without_a_caption_may_say_that_the_job_was_given_up() -> None:
    reading = read(_said("imagine/progress_31", content="Rendering (31%) (Stopped)"))
    assert (reading.kind, reading.meaning and reading.meaning.ending) == ("error", "stopped")


@pytest.mark.parametrize(
    "state",
    ["(31%) (Stopped)", "(31%) (Stopped)\n-# tip", "(Stopped) (fast)", "(31%) (stopped)"],
)
def test_a_job_that_was_given_up_has_ended_whatever_stands_beside_it(state: str) -> None:
    content = f"**p** - <@1144000000000000001> {state}"
    reading = read(_said("imagine/progress_31", content=content))
    assert reading.kind == "error"
    assert reading.meaning is not None
    assert (reading.meaning.ending, reading.meaning.error) == ("stopped", "Job Cancelled")


@pytest.mark.parametrize("words", ["fast, 50% off", "HD 50%"])
def test_a_percentage_among_other_words_is_no_progress(words: str) -> None:
    content = f"**p** - <@1144000000000000001> ({words})"
    assert read(_said("imagine/final", content=content)).kind == "picture"


@pytest.mark.parametrize(
    ("name", "embed", "kind"),
    [
        # a warning under a picture takes nothing from it
        ("imagine/final", WARNING, "picture"),
        ("imagine/final", UNKNOWN, "picture"),
        ("imagine/final", ERROR, "error"),
        ("imagine/progress_31", WARNING, "progress"),
        # the preview may stay where the job was refused
        ("imagine/progress_31", ERROR, "error"),
        ("imagine/progress_31", UNKNOWN, "error"),
    ],
)
def test_a_picture_with_an_embed_is_what_the_stronger_of_both_says(
    name: str, embed: dict[str, object], kind: str
) -> None:
    assert read(_said(name, embeds=[embed])).kind == kind


# ── finished or not (wire notes 4.2) ──

UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
WEB = {"type": 2, "style": 5, "label": "Web", "url": f"https://www.midjourney.com/jobs/{UUID}"}


@pytest.mark.parametrize("components", [[], [{"type": 1, "components": [WEB]}]])
def test_a_finished_picture_needs_no_buttons(components: list[object]) -> None:
    reading = read(_said("imagine/final", components=components))
    assert reading.kind is ReplyKind.PICTURE
    assert reading.shown.buttons == ()
    assert reading.shown.hash == UUID


WHO = "<@1144000000000000001>"


@pytest.mark.parametrize(
    ("content", "filename", "kind"),
    [
        (f"**p** - {WHO} (31%) (fast)", f"me_p_{UUID}.webp", "progress"),
        (f"**p** - {WHO} (paused)", f"me_p_{UUID}.webp", "progress"),
        (f"**p** - {WHO} (paused) (relaxed)", f"me_p_{UUID}.webp", "progress"),
        (f"**p** - {WHO} (Waiting to start)", f"me_p_{UUID}.webp", "progress"),
        (f"**p** - {WHO} (fast)", "grid_0.webp", "progress"),
        (f"**p** - {WHO} (fast)", f"{UUID}_grid_0.webp", "progress"),
        (f"**p** - {WHO} (fast)", f"{UUID}_2_step_7.jpeg", "progress"),
        (f"**p** - {WHO} (fast)", f"me_grid_0.webp_{UUID}.webp", "picture"),
        (f"**p** - {WHO} (fast)", f"{UUID}_1_720_N.mp4", "picture"),
        (f"**p** - {WHO}", f"me_p_{UUID}.webp", "picture"),
        # no caption at all: the file's name is what is left
        ("Look what I made", f"me_p_{UUID}.webp", "picture"),
        ("Your picture is ready", f"{UUID}_0.mp4", "picture"),
        ("Look what I made (31%)", f"me_p_{UUID}.webp", "unrecognised"),
        ("Look what I made (Waiting to start)", f"me_p_{UUID}.webp", "unrecognised"),
        ("Look what I made", f"{UUID}_grid_0.webp", "unrecognised"),
        ("Look what I made", "cat.png", "unrecognised"),
        ("Displaying...", f"me_p_{UUID}.webp", "progress"),
    ],
)
def test_without_buttons_caption_and_file_name_tell_a_preview(
    content: str, filename: str, kind: str
) -> None:
    attachment = PAYLOADS["imagine/final"].content["payload"]["attachments"][0]
    changes = {"content": content, "attachments": [attachment | {"filename": filename}]}
    assert read(_said("imagine/final", components=[], **changes)).kind == kind


def test_a_picture_with_a_button_to_give_up_is_not_finished() -> None:
    cancel = {"type": 2, "style": 4, "label": "Cancel Job", "custom_id": f"MJ::CancelJob::{UUID}"}
    row = {"type": 1, "components": [cancel]}
    assert read(_said("imagine/final", components=[row])).kind is ReplyKind.PROGRESS


def test_a_paused_picture_with_buttons_is_not_finished() -> None:
    paused = f"**p** - {WHO} (paused) (relaxed)"
    assert read(_said("imagine/final", content=paused)).kind is ReplyKind.PROGRESS


# ── the same words in a prompt (case I) ──


@pytest.mark.parametrize(
    "prompt",
    ["a lamp turned on", "Done!", "(Stopped)", "You have successfully rated this", "**seed** 7"],
)
def test_a_picture_stays_one_whatever_its_prompt_says(prompt: str) -> None:
    message = _said("imagine/final", content=f"**{prompt}** - {WHO} (fast)")
    assert read(message).kind is ReplyKind.PICTURE


def test_a_partial_update_that_says_no_words_is_no_finished_picture() -> None:
    whole = _said("imagine/final")
    partial = Message(whole.id, whole.channel_id, attachments=whole.attachments)
    assert read(partial).kind is ReplyKind.UNRECOGNISED


@pytest.mark.parametrize(
    ("embeds", "content", "error", "details"),
    [
        ([], "", "Action required to continue", None),
        ([], "Prove it", "Action required to continue", "Prove it"),
        ([{"type": "rich", "title": "Look", "description": "here"}], "", "Look", "here"),
    ],
)
def test_a_human_check_tells_what_it_says(
    embeds: list[object], content: str, error: str, details: str | None
) -> None:
    button = {"type": 2, "custom_id": "MJ::Captcha::1"}
    components = [{"type": 1, "components": [button]}]
    said = {"embeds": embeds, "content": content, "components": components}
    meaning = read(_said("describe/warning_yellow", **said)).meaning
    assert meaning is not None
    assert (meaning.ending, meaning.error, meaning.details) == ("halt", error, details)
