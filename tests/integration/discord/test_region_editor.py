from __future__ import annotations

import socket

import pytest

from tests.integration.discord.conftest import Reply, StandIn
from waystation.actions import Accepted, Paint, Refused, Unknown
from waystation.discord.region_editor import paint
from waystation.discord.site import Site
from waystation.errors import Unreachable

PAINT = Paint("token", b"mask", "a fox")
NEWER, OLDER = "/.proxy/inpaint/api/submit-job/token", "/inpaint/api/submit-job"


def deadline(site: Site) -> float:
    return site.clock.monotonic() + 5.0


async def test_a_mask_goes_to_the_activity_without_the_token_and_to_the_older_path_if_need_be(
    site: Site, discord: StandIn
) -> None:
    site.activity_url = str(site.origin)
    discord.on(f"POST {NEWER}", Reply(200, body={"success": True}))
    assert await paint(site, PAINT, deadline(site)) == Accepted()
    [seen] = discord.asked(f"POST {NEWER}")
    assert seen.json == {"mask": "bWFzaw==", "prompt": "a fox"}
    assert "Authorization" not in seen.headers
    discord.on(f"POST {NEWER}", Reply(404))
    discord.on(f"POST {OLDER}", Reply(200))
    assert await paint(site, PAINT, deadline(site)) == Accepted()
    [older] = discord.asked(f"POST {OLDER}")
    assert older.json["customId"] == "token"


@pytest.mark.parametrize(("status", "outcome"), [(401, Refused), (403, Refused), (502, Unknown)])
async def test_a_refusal_of_the_activity_says_nothing_about_the_account(
    site: Site, discord: StandIn, status: int, outcome: type
) -> None:
    site.activity_url = str(site.origin)
    discord.on(f"POST {NEWER}", Reply(status))
    ended = await paint(site, PAINT, deadline(site))
    assert isinstance(ended, outcome)
    if isinstance(ended, Refused):
        assert ended.kind == "invalid"
    assert site.stopped_s == 0


async def test_without_time_left_nothing_is_sent(site: Site, discord: StandIn) -> None:
    site.activity_url = str(site.origin)
    with pytest.raises(Unreachable, match="No time was left"):
        await paint(site, PAINT, site.clock.monotonic())
    assert discord.asked(f"POST {NEWER}") == []


async def test_an_activity_that_cannot_be_reached_was_sent_nothing(site: Site) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        site.activity_url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(Unreachable):
            await paint(site, PAINT, deadline(site))
