"""Pictures that come with a request: fetched, looked at, refused in the verb's own words."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from tests.fakes import START
from waystation.engine.intake import MOST_URLS, FilePart, Intake, Patience
from waystation.errors import InvalidRequest, PreconditionFailed, Throttled, Unavailable
from waystation.midjourney.commands import COMMANDS
from waystation.ports import Fetched, User
from waystation.shares import Shares

PICTURE = Fetched(b"picture", "image/png", "png", (8, 8))
TURNED = Fetched(b"turned", "image/png", "png", (8, 8))


class Fetcher:
    """A `ports.Fetcher` that fetches whatever it is told to, or hangs."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.frank: list[bool] = []
        self.hangs = False

    async def fetch(self, url: str, frank: bool) -> Fetched:
        self.asked.append(url)
        self.frank.append(frank)
        if self.hangs:
            await asyncio.Event().wait()
        return PICTURE

    async def inspect(self, data: bytes, name: str) -> Fetched:
        self.asked.append(name)
        if data == b"broken":
            raise PreconditionFailed(f"{name} unknown mime type")
        return PICTURE

    async def mask(self, data: bytes, name: str, fits: Callable[[Fetched], None]) -> Fetched:
        fits(await self.inspect(data, name))
        self.asked.append("decoded")
        return TURNED


LARGEST = 10


def intake_of(
    fetcher: Fetcher,
    places: Shares | None = None,
    wait_s: float = 5.0,
    fetched: Shares | None = None,
) -> Intake:
    fetched = fetched or Shares(4 * LARGEST, 16 * LARGEST)
    return Intake(cast(Any, fetcher), places or Shares(4, 16), fetched, LARGEST, wait_s)


def user(user_id: int, *, is_admin: bool = False) -> User:
    return User(user_id, f"{user_id}@example.org", START, b"", is_admin=is_admin)


async def take(intake: Intake, *what: Any) -> Sequence[Fetched]:
    """Take in the pictures of a request that is answered at once."""
    user_id, command, params, files, *fits = what
    async with AsyncExitStack() as held:
        return await intake.take(user(user_id), command, params, files, held, *fits)


async def test_urls_come_before_files() -> None:
    fetcher = Fetcher()
    files = {"blendFile_1": FilePart("a.png", b"a")}
    taken = await take(intake_of(fetcher), 1, COMMANDS["blend"], {"blendUrls": ["b", "c"]}, files)
    assert fetcher.asked == ["b", "c", "a.png"]
    assert taken == [PICTURE] * 3


async def test_a_mask_is_taken_in_the_colours_of_midjourney() -> None:
    files = {"mask": FilePart("mask", b"mask")}
    assert await take(intake_of(Fetcher()), 1, COMMANDS["button"], {}, files) == [TURNED]


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
        await take(intake_of(Fetcher()), 1, COMMANDS[verb], {}, files)
    assert type(refused.value) is kind


async def test_a_stop_gives_up_what_is_being_fetched() -> None:
    fetcher = Fetcher()
    fetcher.hangs = True
    intake = intake_of(fetcher)
    taking = asyncio.create_task(take(intake, 1, COMMANDS["describe"], {"describeUrl": "a"}, {}))
    while not fetcher.asked:
        await asyncio.sleep(0)
    intake.close()
    with pytest.raises(Unavailable):
        await taking


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("verb", "params"),
    [("describe", {"describeUrl": "a"}), ("blend", {"blendUrls": ["a"]})],
)
async def test_one_user_takes_in_four_pictures_at_once_and_another_is_not_held_up(
    verb: str, params: dict[str, object]
) -> None:
    """R43."""
    fetcher, places = Fetcher(), Shares(4, 16)
    fetcher.hangs = True
    intake = intake_of(fetcher, places)
    first = [asyncio.ensure_future(take(intake, 1, COMMANDS[verb], params, {})) for _ in range(60)]
    await settle()
    assert (len(fetcher.asked), places.held) == (4, 4)
    second = asyncio.ensure_future(take(intake, 2, COMMANDS[verb], params, {}))
    await settle()
    assert len(fetcher.asked) == 5
    intake.close()
    await asyncio.gather(*first, second, return_exceptions=True)
    assert places.held == 0


async def test_files_and_masks_take_the_same_places() -> None:
    fetcher, places = Fetcher(), Shares(1, 1)
    intake = intake_of(fetcher, places, wait_s=0.01)
    async with places.hold(1, 1, 0):
        for verb, name in (("button", "mask"), ("describe", "describeFile")):
            with pytest.raises(
                Throttled, match="Too many requests with pictures at once; try again"
            ):
                await take(intake, 1, COMMANDS[verb], {}, {name: FilePart("", b"x")})
    assert fetcher.asked == []


async def test_a_request_without_pictures_takes_no_place() -> None:
    intake = intake_of(Fetcher(), Shares(0, 0), wait_s=0.01)
    assert await take(intake, 1, COMMANDS["info"], {}, {}) == ()


async def test_a_mask_that_does_not_fit_is_refused_before_it_is_decoded() -> None:
    fetcher = Fetcher()

    def fits(mask: Fetched | None) -> None:
        raise InvalidRequest("mask must have the size of the picture")

    with pytest.raises(InvalidRequest, match="must have the size"):
        await take(
            intake_of(fetcher), 1, COMMANDS["button"], {}, {"mask": FilePart("mask", b"mask")}, fits
        )
    assert "decoded" not in fetcher.asked


async def test_fetched_bytes_count_until_the_request_is_answered() -> None:
    fetched = Shares(4 * LARGEST, 16 * LARGEST)
    intake = intake_of(Fetcher(), fetched=fetched, wait_s=0.01)
    describe = COMMANDS["describe"]
    async with AsyncExitStack() as held:
        for _ in range(5):
            await intake.take(user(1), describe, {"describeUrl": "a"}, {}, held)
        assert fetched.held == 5 * len(PICTURE.data)
        with pytest.raises(Throttled, match="Too many requests with pictures at once"):
            await intake.take(user(1), describe, {"describeUrl": "a"}, {}, held)
        await intake.take(user(2), describe, {"describeUrl": "a"}, {}, held)
    assert fetched.held == 0


async def test_fetched_bytes_of_all_users_together_are_bounded() -> None:
    fetched = Shares(LARGEST, 2 * LARGEST)
    intake = intake_of(Fetcher(), fetched=fetched, wait_s=0.01)
    describe, asked = COMMANDS["describe"], {"describeUrl": "a"}
    async with AsyncExitStack() as held:
        for user_id in (1, 2):
            await intake.take(user(user_id), describe, asked, {}, held)
        with pytest.raises(Throttled, match="Too many requests with pictures at once"):
            await intake.take(user(3), describe, asked, {}, held)
    assert fetched.held == 0


BLEND = {"blendUrls": ["a", "b", "c", "d", "e"]}


async def test_a_slow_answer_turns_no_later_request_away() -> None:
    """A fetched picture counts with its own bytes, not with the most that it could have had."""
    largest = 1000
    fetched = Shares(MOST_URLS * largest, 16 * largest)
    intake = Intake(cast(Any, Fetcher()), Shares(4, 16), fetched, largest, wait_s=0)
    async with AsyncExitStack() as slow:
        await intake.take(user(1), COMMANDS["describe"], {"describeUrl": "a"}, {}, slow)
        async with AsyncExitStack() as held:
            taking = (intake.take(user(1), COMMANDS["blend"], BLEND, {}, held) for _ in range(4))
            assert await asyncio.gather(*taking) == [[PICTURE] * 5] * 4
            assert fetched.held == 21 * len(PICTURE.data)


class Heavy(Fetcher):
    """Fetches pictures of six tenths of the largest, and lets others run meanwhile."""

    async def fetch(self, url: str, frank: bool) -> Fetched:
        self.asked.append(url)
        await asyncio.sleep(0)
        return Fetched(bytes(LARGEST * 6 // 10), "image/png", "png", (8, 8))


def default_bytes() -> Shares:
    return Shares(MOST_URLS * LARGEST, 16 * LARGEST)


@pytest.mark.parametrize("requests", [2, 3, 8])
@pytest.mark.parametrize("urls", [2, MOST_URLS])
async def test_no_requests_of_one_user_wait_for_each_other(requests: int, urls: int) -> None:
    """Each would hold its first pictures and wait for room that the others hold."""
    fetched = default_bytes()
    intake = intake_of(Heavy(), fetched=fetched)
    blend = {"blendUrls": BLEND["blendUrls"][:urls]}
    taking = (take(intake, 1, COMMANDS["blend"], blend, {}) for _ in range(requests))
    assert [len(taken) for taken in await asyncio.gather(*taking)] == [urls] * requests
    assert fetched.held == 0


class Largest(Heavy):
    """Fetches the largest pictures."""

    async def fetch(self, url: str, frank: bool) -> Fetched:
        self.asked.append(url)
        await asyncio.sleep(0)
        return Fetched(bytes(LARGEST), "image/png", "png", (8, 8))


@pytest.mark.parametrize("users", [3, 4, 5, 8, 16, 40])
@pytest.mark.parametrize("kind", [Heavy, Largest])
async def test_no_users_wait_for_each_others_pictures_in_a_circle(
    kind: type[Fetcher], users: int
) -> None:
    """Each holds its first pictures and waits for room that the others hold."""
    fetched = default_bytes()
    intake = intake_of(kind(), Shares(4, 16), fetched=fetched)
    taking = (take(intake, user_id, COMMANDS["blend"], BLEND, {}) for user_id in range(users))
    assert [len(taken) for taken in await asyncio.gather(*taking)] == [MOST_URLS] * users
    assert fetched.held == 0


async def test_users_whose_hosts_are_slow_hold_up_nobody_else() -> None:
    """Eleven users with several pictures each, as many as leave room for one to end."""
    fetched, blend = default_bytes(), COMMANDS["blend"]

    class Slow(Largest):
        async def fetch(self, url: str, frank: bool) -> Fetched:
            if url == "slow":
                await asyncio.Event().wait()
            return await super().fetch(url, frank)

    intake = intake_of(Slow(), Shares(4, 40), fetched=fetched, wait_s=0)
    slow = [
        asyncio.ensure_future(take(intake, user_id, blend, {"blendUrls": ["slow"] * 5}, {}))
        for user_id in range(11)
    ]
    await settle()
    assert fetched.held == 11 * LARGEST
    for user_id in (11, 12):
        assert len(await take(intake, user_id, blend, BLEND, {})) == MOST_URLS
        one = await take(intake, user_id, COMMANDS["describe"], {"describeUrl": "a"}, {})
        assert len(one) == 1
    intake.close()
    await asyncio.gather(*slow, return_exceptions=True)
    assert fetched.held == 0


async def test_a_request_goes_on_when_one_before_it_is_answered() -> None:
    fetched = default_bytes()
    intake = intake_of(Heavy(), fetched=fetched)
    async with AsyncExitStack() as first:
        await intake.take(user(1), COMMANDS["blend"], BLEND, {}, first)
        second = asyncio.ensure_future(take(intake, 1, COMMANDS["blend"], BLEND, {}))
        third = asyncio.ensure_future(take(intake, 1, COMMANDS["blend"], BLEND, {}))
        await settle()
        assert not second.done()
        assert fetched.held == 7 * 6, "the first has five pictures, the second two, the third none"
    assert [len(taken) for taken in await asyncio.gather(second, third)] == [5, 5]
    assert fetched.held == 0


async def test_one_picture_waits_for_no_request_with_several() -> None:
    fetcher = Fetcher()
    fetcher.hangs = True
    intake = intake_of(fetcher)
    blend = COMMANDS["blend"]
    several = [asyncio.ensure_future(take(intake, 1, blend, BLEND, {})) for _ in range(2)]
    await settle()
    assert fetcher.asked == ["a"], "of one user one request with several at a time"
    fetcher.hangs = False
    assert await take(intake, 1, COMMANDS["describe"], {"describeUrl": "b"}, {}) == [PICTURE]
    assert len(await take(intake, 2, blend, BLEND, {})) == 5
    assert not any(one.done() for one in several)
    intake.close()
    await asyncio.gather(*several, return_exceptions=True)


async def test_a_file_waits_for_nobody_who_waits_for_bytes() -> None:
    fetched = Shares(LARGEST, LARGEST)
    intake = intake_of(Fetcher(), Shares(1, 1), fetched=fetched)
    async with fetched.hold(1, LARGEST, 0):
        waiting = asyncio.ensure_future(take(intake, 1, COMMANDS["blend"], BLEND, {}))
        await settle()
        files = {"describeFile": FilePart("a.png", b"a")}
        assert await take(intake, 1, COMMANDS["describe"], {}, files) == [PICTURE]
        intake.close()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_the_largest_pictures_of_a_request_hold_no_more_than_the_share() -> None:
    most = 0

    class Watched(Fetcher):
        async def fetch(self, url: str, frank: bool) -> Fetched:
            nonlocal most
            most = max(most, fetched.held)
            return Fetched(bytes(LARGEST), "image/png", "png", (8, 8))

    fetched = Shares(MOST_URLS * LARGEST, 2 * MOST_URLS * LARGEST)
    intake = intake_of(Watched(), fetched=fetched, wait_s=0)
    async with AsyncExitStack() as held:
        assert len(await intake.take(user(1), COMMANDS["blend"], BLEND, {}, held)) == 5
        assert most == fetched.held == MOST_URLS * LARGEST


async def test_a_request_waits_so_long_in_all() -> None:
    patience = Patience(60.0)
    async with AsyncExitStack() as held:
        await patience.wait_for(held, Shares(1, 1), 1, 1)
    patience.left_s = 0
    places = Shares(1, 1)
    async with places.hold(1, 1, 0), AsyncExitStack() as held:
        with pytest.raises(Throttled):
            await patience.wait_for(held, places, 1, 1)
    assert places.held == 0


class Large:
    """Stands for the bytes of a picture."""


async def test_a_refused_picture_is_let_go_at_once() -> None:
    kept: list[weakref.ref[Large]] = []

    class Refusing(Fetcher):
        async def fetch(self, url: str, frank: bool) -> Fetched:
            picture = Large()
            kept.append(weakref.ref(picture))
            raise PreconditionFailed("unknown mime type")

    intake = intake_of(Refusing())
    gc.disable()
    try:
        for verb, params in (("describe", {"describeUrl": "a"}), ("blend", {"blendUrls": ["a"]})):
            with contextlib.suppress(InvalidRequest):
                await take(intake, 1, COMMANDS[verb], params, {})
        await asyncio.sleep(0)
        assert [one() for one in kept] == [None, None]
    finally:
        gc.enable()


async def test_only_an_admin_is_told_frankly_why_a_picture_cannot_be_fetched() -> None:
    fetcher = Fetcher()
    intake = intake_of(fetcher)
    for is_admin in (True, False):
        async with AsyncExitStack() as held:
            asked = {"describeUrl": "a"}
            caller = user(1, is_admin=is_admin)
            await intake.take(caller, COMMANDS["describe"], asked, {}, held)
    assert fetcher.frank == [True, False]


async def test_a_job_has_so_many_bytes_of_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waystation.engine.intake.MOST_BYTES", 2 * len(PICTURE.data) - 1)
    blend, intake = COMMANDS["blend"], intake_of(Fetcher())
    assert len(await take(intake, 1, blend, {"blendUrls": ["a"]}, {})) == 1
    with pytest.raises(
        InvalidRequest, match="The pictures of a job have more than 0 MiB together"
    ) as refused:
        await take(intake, 1, blend, {"blendUrls": ["a", "b"]}, {})
    assert type(refused.value) is InvalidRequest
