"""Which press a caller means, and who may make it."""

from __future__ import annotations

import pytest

from tests import build
from tests.build import replace
from tests.harness.play import new_job
from waystation.actions import Press, React
from waystation.engine.pressing import (
    account_of,
    check_mask,
    press_of,
    reaction_to,
    source_of,
    used_params,
)
from waystation.errors import InvalidRequest, NotFound
from waystation.jobs import Button, JobStatus, Source
from waystation.midjourney.buttons import BUTTONS, Needs, button_row
from waystation.ports import Fetched
from waystation.wire.message import Attachment

PARENT = replace(
    new_job("parent", "imagine"),
    status=JobStatus.COMPLETED,
    message_id="900",
    flags=64,
    buttons=(Button("U1", "MJ::1"), Button("Custom Zoom", "MJ::2"), Button("V1", "MJ::3")),
)


def test_a_press_is_copied_from_the_parents_message() -> None:
    assert press_of(PARENT, {"button": "U1"}) == Press("900", 64, "MJ::1")
    assert press_of(PARENT, {"button": "V1", "prompt": "a fox"}) == Press("900", 64, "MJ::3")


@pytest.mark.parametrize("button", ["U9", "u1", "Cancel Job"])
def test_a_label_that_the_parent_does_not_show_is_refused(button: str) -> None:
    with pytest.raises(InvalidRequest, match="not found in jobid buttons array"):
        press_of(PARENT, {"button": button})


def test_a_parent_that_is_not_completed_has_no_buttons() -> None:
    with pytest.raises(InvalidRequest, match="not found"):
        press_of(replace(PARENT, status=JobStatus.PROGRESS), {"button": "U1"})


def test_a_prompt_is_required_as_the_row_says() -> None:
    with pytest.raises(InvalidRequest, match="prompt is required for button Custom Zoom"):
        press_of(PARENT, {"button": "Custom Zoom"})


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


def test_a_press_of_u1_with_a_prompt_is_the_press_of_u1() -> None:
    assert press_of(PARENT, {"button": "U1", "prompt": "x"}) == Press("900", 64, "MJ::1")


def test_only_the_parents_discord_user_in_its_channel_may_press() -> None:
    account = build.account(1)
    parent = replace(PARENT, channel=account.channel, discord_user_id=account.discord_user_id)
    assert account_of(parent, [build.account(2), account]) is account
    assert account_of(replace(parent, discord_user_id=None), [account]) is account
    with pytest.raises(NotFound, match="Configuration not found for provided channel"):
        account_of(replace(parent, discord_user_id="another"), [account])
    with pytest.raises(NotFound):
        account_of(parent, [])


def test_a_reaction_needs_a_completed_job_with_a_uuid() -> None:
    drawn = replace(PARENT, hash="uuid")
    assert reaction_to(drawn, "✉️") == React("900", "✉️")
    with pytest.raises(InvalidRequest, match="jobid has no seed"):
        reaction_to(PARENT, "✉️")
    with pytest.raises(InvalidRequest, match="jobid is not a completed job"):
        reaction_to(replace(drawn, status=JobStatus.FAILED), "✉️")


def test_a_job_shown_again_knows_its_uuid_by_its_buttons() -> None:
    uuid = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
    shown = replace(PARENT, buttons=(Button("U1", f"MJ::JOB::upsample::1::{uuid}"),))
    assert source_of(shown) == Source("900", uuid)
    assert source_of(replace(shown, hash="own")) == Source("900", "own")


def test_a_mask_is_for_one_button_and_as_large_as_the_picture() -> None:
    mask = Fetched(b"mask", "image/png", "png", (64, 32))
    region = "Vary (Region)"
    drawn = replace(PARENT, attachments=(Attachment("1", width=64, height=32),))
    check_mask(drawn, region, mask)
    check_mask(PARENT, region, mask)
    check_mask(PARENT, "U1", None)
    check_mask(drawn, region, replace(mask, size=None))
    with pytest.raises(InvalidRequest, match="mask must have the size of the picture"):
        check_mask(drawn, region, replace(mask, size=(8, 8)))
    with pytest.raises(InvalidRequest, match="mask is required"):
        check_mask(drawn, region, None)
    with pytest.raises(InvalidRequest, match="mask is not supported for button U1"):
        check_mask(drawn, "U1", mask)
