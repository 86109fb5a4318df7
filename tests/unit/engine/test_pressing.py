"""The press that a caller means, and who may make it."""

from __future__ import annotations

import pytest

from tests import build
from tests.build import replace
from tests.harness.play import new_job
from waystation.engine.pressing import (
    account_of,
    check_mask,
    mode_needed,
)
from waystation.errors import InvalidRequest, NotFound
from waystation.jobs import Button, JobStatus
from waystation.ports import Fetched
from waystation.wire.message import Attachment

PARENT = replace(
    new_job("parent", "imagine"),
    status=JobStatus.COMPLETED,
    message_id="900",
    flags=64,
    buttons=(Button("U1", "MJ::1"), Button("Custom Zoom", "MJ::2"), Button("V1", "MJ::3")),
)


def test_only_the_parents_discord_user_in_its_channel_may_press() -> None:
    account = build.account(1)
    parent = replace(PARENT, channel=account.channel, discord_user_id=account.discord_user_id)
    assert account_of(parent, [build.account(2), account]) is account
    assert account_of(replace(parent, discord_user_id=None), [account]) is account
    with pytest.raises(NotFound, match="Configuration not found for provided channel"):
        account_of(replace(parent, discord_user_id="another"), [account])
    with pytest.raises(NotFound):
        account_of(parent, [])


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


@pytest.mark.parametrize(
    ("mode", "params", "remixes", "needed"),
    [
        ("fast", {}, False, "fast"),
        (None, {}, False, None),
        ("fast", {"button": "U1"}, False, None),
        (None, {"button": "U1", "mode": "relax"}, False, "relax"),
        (None, {"button": "V1", "mode": "relax"}, False, "relax"),
        (None, {"button": "V1", "mode": "relax"}, True, None),
        (None, {"button": "Custom Zoom", "mode": "relax"}, False, None),
    ],
)
def test_a_mode_is_needed_where_no_form_can_say_it(
    mode: str | None, params: dict[str, object], *, remixes: bool, needed: str | None
) -> None:
    assert mode_needed(mode, params, remixes=remixes) == needed
