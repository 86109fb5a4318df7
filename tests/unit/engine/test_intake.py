"""What comes with a request: fetched, looked at, refused in the verb's own words."""

from __future__ import annotations

import asyncio

import pytest

from waystation.engine.intake import FilePart, Intake
from waystation.errors import InvalidRequest, PreconditionFailed, Unavailable
from waystation.midjourney.commands import COMMANDS
from waystation.ports import Fetched

PICTURE = Fetched(b"picture", "image/png", "png", (8, 8))
TURNED = Fetched(b"turned", "image/png", "png", (8, 8))


class Fetcher:
    """A `ports.Fetcher` that fetches whatever it is told to, or hangs."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.hangs = False

    async def fetch(self, url: str, user_id: int) -> Fetched:
        self.asked.append(url)
        if self.hangs:
            await asyncio.Event().wait()
        return PICTURE

    def inspect(self, data: bytes, name: str) -> Fetched:
        self.asked.append(name)
        if data == b"broken":
            raise PreconditionFailed(f"{name} unknown mime type")
        return PICTURE

    def mask(self, data: bytes, name: str) -> Fetched:
        self.inspect(data, name)
        return TURNED


async def test_urls_come_before_files() -> None:
    fetcher = Fetcher()
    files = {"blendFile_1": FilePart("a.png", b"a")}
    taken = await Intake(fetcher).take(1, COMMANDS["blend"], {"blendUrls": ["b", "c"]}, files)
    assert fetcher.asked == ["b", "c", "a.png"]
    assert taken == [PICTURE] * 3


async def test_a_mask_is_taken_in_the_colours_of_midjourney() -> None:
    files = {"mask": FilePart("mask", b"mask")}
    assert await Intake(Fetcher()).take(1, COMMANDS["button"], {}, files) == [TURNED]


@pytest.mark.parametrize(
    ("verb", "field", "kind"),
    [
        ("describe", "describeUrl", PreconditionFailed),
        ("blend", "blendFile_1", InvalidRequest),
        ("button", "mask", InvalidRequest),
    ],
)
async def test_a_broken_picture_is_refused_with_the_verbs_own_status(
    verb: str, field: str, kind: type[InvalidRequest]
) -> None:
    files = {field: FilePart("", b"broken")}
    with pytest.raises(InvalidRequest, match="unknown mime type") as refused:
        await Intake(Fetcher()).take(1, COMMANDS[verb], {}, files)
    assert type(refused.value) is kind


async def test_a_stop_gives_up_what_is_being_fetched() -> None:
    fetcher = Fetcher()
    fetcher.hangs = True
    intake = Intake(fetcher)
    taking = asyncio.create_task(intake.take(1, COMMANDS["describe"], {"describeUrl": "a"}, {}))
    while not fetcher.asked:
        await asyncio.sleep(0)
    intake.close()
    with pytest.raises(Unavailable):
        await taking
