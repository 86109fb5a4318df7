"""Our words to Discord: one row per verb, and one per thing that a press may open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.build import replace
from tests.harness.play import new_job
from waystation.actions import (
    Action,
    AnswerModal,
    Option,
    Paint,
    Press,
    React,
    Slash,
    Upload,
    Uploaded,
)
from waystation.errors import InvalidRequest
from waystation.jobs import Button, Job, JobStatus, Modal, ModalInput, Nonce, Source
from waystation.midjourney.asking.plans import (
    answer,
    cancel,
    generations,
    plan,
    source_of,
    upload,
    used_params,
)
from waystation.midjourney.buttons import BUTTONS, CANCEL_JOB, Needs, button_row
from waystation.midjourney.commands import COMMANDS
from waystation.wire.message import Embed

ENVELOPE = "\N{ENVELOPE}\N{VARIATION SELECTOR-16}"
UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
PARENT = replace(
    new_job("parent", "imagine"),
    status=JobStatus.COMPLETED,
    message_id="900",
    flags=64,
    hash=UUID,
    buttons=(
        Button("U1", "MJ::1"),
        Button("Custom Zoom", "MJ::2"),
        Button("V1", "MJ::3"),
        Button("Stylize low", "MJ::4", value="low"),
    ),
)
ONE, TWO = Uploaded("1.png", "a/1.png"), Uploaded("2.png", "a/2.png")
FIRST = {"parentJobId": "parent"}


def _text(name: str, value: str) -> Option:
    return Option(3, name, value)


SAID: Mapping[str, tuple[Mapping[str, object], Sequence[Uploaded], Action]] = {
    "imagine": (
        {"prompt": "a fox", "mode": "relax"},
        (),
        Slash("imagine", (_text("prompt", "a fox --relax"),)),
    ),
    "blend": (
        {"blendUrls": ["https://a.test/1.png"], "blendDimensions": "Portrait"},
        (ONE, TWO),
        Slash(
            "blend",
            (Option(11, "image1", 0), Option(11, "image2", 1), _text("dimensions", "--ar 2:3")),
            (ONE, TWO),
        ),
    ),
    "describe": ({}, (ONE,), Slash("describe", (Option(11, "image", 0),), (ONE,))),
    "button": (FIRST | {"button": "V1"}, (), Press("900", 64, "MJ::3")),
    "seed": (FIRST, (), React("900", ENVELOPE)),
    "seed_async": (FIRST, (), React("900", ENVELOPE)),
    "shorten": ({"prompt": "a fox"}, (), Slash("shorten", (_text("prompt", "a fox"),))),
    "show": ({"uuid": UUID}, (), Slash("show", (_text("job_id", UUID),))),
    "info": ({}, (), Slash("info")),
    # which option is meant, the press that follows says
    "settings": ({"option": "Stealth", "state": "on"}, (), Slash("settings")),
    "fast": ({}, (), Slash("fast")),
    "relax": ({}, (), Slash("relax")),
    "turbo": ({}, (), Slash("turbo")),
    "stealth": ({}, (), Slash("stealth")),
    "public": ({}, (), Slash("public")),
    "remix": ({}, (), Slash("prefer", (Option(1, "remix"),))),
    "variability": ({}, (), Slash("prefer", (Option(1, "variability"),))),
    "prefer_auto_dm": ({}, (), Slash("prefer", (Option(1, "auto_dm"),))),
    "prefer_suffix": (
        {"suffix": "--v 7"},
        (),
        Slash("prefer", (Option(1, "suffix", options=(_text("new_value", "--v 7"),)),)),
    ),
}


@pytest.mark.parametrize("verb", COMMANDS)
def test_each_verb_says_one_thing_to_discord(verb: str) -> None:
    params, uploads, said = SAID[verb]
    parent = PARENT if "parentJobId" in params else None
    assert plan(verb, params, parent, uploads) == said


def test_a_suffix_is_cleared_by_saying_none() -> None:
    assert plan("prefer_suffix", {}) == Slash("prefer", (Option(1, "suffix"),))


def test_pictures_are_uploaded_under_names_that_carry_the_nonce() -> None:
    first, second = (upload(Nonce("14"), n, "image/png", "png", b"x") for n in range(2))
    assert first == Upload("picture-14.png", "image/png", b"x")
    assert second.filename == "picture-14-1.png"


# ── a press ──


def _press(parent: Job, **params: object) -> Action:
    return plan("button", params, parent)


def test_a_press_is_copied_from_the_parents_message() -> None:
    assert _press(PARENT, button="U1") == Press("900", 64, "MJ::1")
    assert _press(PARENT, button="V1", prompt="a fox") == Press("900", 64, "MJ::3")
    assert _press(PARENT, button="Stylize low") == Press("900", 64, "MJ::4", "low")


@pytest.mark.parametrize("button", ["U9", "u1", "Cancel Job"])
def test_a_label_that_the_parent_does_not_show_is_refused(button: str) -> None:
    with pytest.raises(InvalidRequest, match="not found in jobid buttons array") as refused:
        _press(PARENT, button=button)
    assert refused.value.details == "The job's buttons: U1, Custom Zoom, V1, Stylize low"


def test_a_parent_without_buttons_says_so() -> None:
    with pytest.raises(InvalidRequest, match="not found") as refused:
        _press(replace(PARENT, buttons=()), button="U1")
    assert refused.value.details == "The job's message has no buttons."
    with pytest.raises(InvalidRequest, match="not found") as refused:
        _press(replace(PARENT, status=JobStatus.PROGRESS), button="U1")
    assert refused.value.details == "The job is progress; only a completed one has buttons."


def test_a_prompt_is_required_as_the_row_says() -> None:
    with pytest.raises(InvalidRequest, match="prompt is required for button Custom Zoom"):
        _press(PARENT, button="Custom Zoom")


@pytest.mark.parametrize("label", [row.label for row in BUTTONS.values()])
def test_a_prompt_is_ignored_where_no_form_can_take_it(label: str) -> None:
    params = {"button": label, "prompt": "x", "mode": "fast"}
    kept = used_params(params)
    if button_row(label).prompt is Needs.NO:
        assert kept == {"button": label, "mode": "fast"}
    else:
        assert kept == params


def test_a_job_that_presses_nothing_keeps_its_prompt() -> None:
    assert used_params({"prompt": "x"}) == {"prompt": "x"}


def test_cancel_job_is_pressed_where_a_running_job_shows_it() -> None:
    button = Button("Cancel Job", f"{CANCEL_JOB}::1")
    running = replace(PARENT, status=JobStatus.PROGRESS, buttons=(*PARENT.buttons, button))
    assert cancel(running) == Press("900", 64, button.custom_id)
    assert cancel(replace(running, buttons=PARENT.buttons)) is None
    assert cancel(replace(running, message_id=None)) is None
    assert cancel(replace(running, status=JobStatus.COMPLETED)) is None


# ── an emoji ──


def test_a_reaction_needs_a_completed_job_with_a_uuid() -> None:
    with pytest.raises(InvalidRequest, match="jobid has no seed"):
        plan("seed", FIRST, replace(PARENT, hash=None))
    with pytest.raises(InvalidRequest, match="jobid has no seed"):
        plan("seed", FIRST, replace(PARENT, result={"videoUx": []}))
    with pytest.raises(InvalidRequest, match="jobid is not a completed job"):
        plan("seed", FIRST, replace(PARENT, status=JobStatus.FAILED))


def test_a_job_shown_again_knows_its_uuid_by_its_buttons() -> None:
    shown = replace(PARENT, hash=None, buttons=(Button("U1", f"MJ::JOB::upsample::1::{UUID}"),))
    assert source_of(shown) == Source("900", UUID)
    assert source_of(replace(shown, hash="own")) == Source("900", "own")
    assert source_of(shown, Press("900", 64, "MJ::3")) == Source("900", UUID, "MJ::3")


def test_a_button_without_a_uuid_is_passed_over() -> None:
    bare = Button("Vary", "MJ::Other::1")
    shown = replace(
        PARENT, hash=None, buttons=(bare, Button("U1", f"MJ::JOB::upsample::1::{UUID}"))
    )
    assert source_of(shown) == Source("900", UUID)


# ── what a press has opened ──


def pressed(**params: Any) -> Job:
    job = new_job("b", "button")
    return replace(job, params={"parentJobId": "a", "button": "V1", **params})


FORM = Modal("1", "form", (ModalInput("prompt"),))
FILLED = Modal("1", "form", (ModalInput("prompt", "what the bot offers"),))
IFRAME = Modal("1", "MJ::iframe::token")
SETTINGS = Modal("1", "MJ::Settings::Stealth", flags=64, value="on")
LAMP = replace(new_job("a", "imagine"), params={"prompt": "a lamp"})


def test_a_form_gets_the_callers_prompt_and_mode() -> None:
    job = pressed(prompt="a red fox", mode="turbo")
    assert answer(job, FORM, (), None) == AnswerModal("1", "form", {"prompt": "a red fox --turbo"})


def test_a_form_without_a_prompt_gets_that_of_the_first_ancestor() -> None:
    between = replace(new_job("v", "button"), params={"button": "V2"})
    assert answer(pressed(), FORM, (between, LAMP), None) == AnswerModal(
        "1", "form", {"prompt": "a lamp"}
    )
    # and nothing is known where the parent is gone
    assert answer(pressed(), FORM, (), None) == AnswerModal("1", "form", {"prompt": ""})


def test_text_that_the_bot_has_filled_in_stays() -> None:
    said = AnswerModal("1", "form", {"prompt": "what the bot offers"})
    assert answer(pressed(), FILLED, (), None) == said
    assert answer(pressed(), FILLED, (LAMP,), None) == said


def test_a_pick_is_what_the_parent_lists_under_its_number() -> None:
    listed = "1\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP} a blue hat"
    parent = replace(new_job("a", "describe"), embeds=(Embed(type="rich", description=listed),))
    job = pressed(button="1\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}")
    said = answer(job, FILLED, (parent,), None)
    assert said == AnswerModal("1", "form", {"prompt": "a blue hat"})


def test_the_region_editor_gets_the_mask_or_nothing() -> None:
    job = pressed(prompt="a hat")
    assert answer(job, IFRAME, (), b"mask") == Paint("token", b"mask", "a hat")
    assert answer(job, IFRAME, (), None) is None


def test_the_settings_get_a_press() -> None:
    assert answer(pressed(), SETTINGS, (), None) == Press("1", 64, "MJ::Settings::Stealth", "on")


@pytest.mark.parametrize(
    ("job", "modal", "needed"),
    [
        (pressed(), SETTINGS, 0),
        (pressed(prompt="a hat"), FORM, 0),
        (pressed(), FILLED, 1),
        (pressed(), FORM, 20),
        (pressed(), IFRAME, 20),
    ],
)
def test_no_more_ancestors_are_read_than_an_answer_depends_on(
    job: Job, modal: Modal, needed: int
) -> None:
    assert generations(job, modal) == needed
