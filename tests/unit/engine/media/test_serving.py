"""Files of jobs: who may read them, and what is read of them (R42, R43, R47)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.build import replace
from tests.harness.face import JOB, USER
from tests.harness.media import FILE, LINK, STRANGER, WISH, Desk
from waystation.engine.media.serving import CUT_BYTES, PLACE_WAIT_S
from waystation.errors import (
    InvalidRequest,
    MediaFailed,
    MediaGone,
    MediaLate,
    NotFound,
    RangeNotSatisfiable,
    SubscriptionExpired,
    Throttled,
    Unauthorized,
    WaystationError,
)
from waystation.media.byte_ranges import ByteRange
from waystation.media.files import MP4, PNG, WEBP, Wish
from waystation.media.links import KEPT
from waystation.ports import User
from waystation.wire.message import Attachment

TOO_MANY = "Too many files are being read; try again"


# ── what there is ──


@pytest.mark.parametrize("user", [STRANGER, replace(USER, user_id=3)])
async def test_a_foreign_job_is_as_an_absent_one(user: User) -> None:
    desk = Desk()
    errors = []
    for jobid in (desk.job.jobid, desk.job.jobid.replace("2026", "2025")):
        with pytest.raises(NotFound) as refused:
            await desk.media.find(user, Wish(jobid, 0))
        errors.append(refused.value.message.replace(jobid, "<id>"))
    assert errors == ["Unable to locate job <id>"] * 2


async def test_a_number_without_an_attachment_is_not_found() -> None:
    desk = Desk()
    with pytest.raises(NotFound, match=r"Job .+ has no file 1"):
        await desk.found(Wish(JOB.jobid, 1))
    desk.job = replace(desk.job, attachments=(Attachment("77"),))
    with pytest.raises(NotFound, match=r"Job .+ has no file 0"):
        await desk.found()


async def test_a_tile_needs_a_grid() -> None:
    desk = Desk()
    assert (await desk.found(replace(WISH, tile=2))).wish.tile == 2
    desk.job = replace(desk.job, buttons=())
    with pytest.raises(InvalidRequest, match="The picture is no grid of four; leave tile out"):
        await desk.found(replace(WISH, tile=2))


# ── reading ──


async def test_a_file_is_read_as_it_came() -> None:
    desk = Desk()
    assert await desk.read() == (PNG, 100, None, FILE)
    assert desk.source.asked == [(LINK, 0, None)]
    assert desk.source.open_files == 0


@pytest.mark.parametrize("takes_ranges", [True, False])
@pytest.mark.parametrize(
    ("part", "span"),
    [
        (ByteRange(0, 1), (0, 1)),
        (ByteRange(40), (40, 99)),
        (ByteRange(33, 41), (33, 41)),
        (ByteRange(suffix=5), (95, 99)),
    ],
)
async def test_a_part_is_read_and_its_kind_told_from_the_head(
    part: ByteRange, span: tuple[int, int], takes_ranges: bool
) -> None:
    desk = Desk()
    desk.source.takes_ranges = takes_ranges
    assert await desk.read(part=part) == (PNG, 100, span, FILE[span[0] : span[1] + 1])
    assert desk.source.asked == [(LINK, 0, 15), (LINK, *span)]
    assert desk.source.open_files == 0


async def test_a_part_behind_the_end_cannot_be_had() -> None:
    desk = Desk()
    for wish in (WISH, replace(WISH, size=320)):
        with pytest.raises(RangeNotSatisfiable):
            await desk.read(wish, ByteRange(100))


async def test_a_part_of_a_file_of_unknown_length_is_the_whole_one() -> None:
    desk = Desk(size=None)
    desk.source.lengths = False
    assert await desk.read(part=ByteRange(40)) == (PNG, None, None, FILE)


async def test_a_part_of_a_file_of_another_length_is_no_part_of_it() -> None:
    desk = Desk(size=99)
    with pytest.raises(MediaFailed):
        await desk.read(part=ByteRange(40))


async def test_a_file_that_ends_before_its_part_does_is_broken() -> None:
    desk = Desk()
    desk.source.lengths = False
    desk.source.files[LINK] = FILE[:60]
    with pytest.raises(MediaFailed):
        await desk.read(part=ByteRange(40))


async def test_a_clip_is_read_as_it_came() -> None:
    desk = Desk()
    desk.source.files[LINK] = b"\x00\x00\x00\x20ftypisom" + FILE
    assert (await desk.read())[0] is MP4


@pytest.mark.parametrize("data", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b""])
@pytest.mark.parametrize("part", [None, ByteRange(4)])
async def test_files_of_other_kinds_are_never_passed_on(
    data: bytes, part: ByteRange | None
) -> None:
    desk = Desk(size=len(data) or 9)
    desk.source.files[LINK] = data
    with pytest.raises(MediaFailed, match="This file cannot be shown"):
        await desk.read(part=part)


@pytest.mark.parametrize("error", [MediaGone(), MediaFailed(), MediaLate()])
async def test_an_answer_of_discord_is_told_as_it_was(error: WaystationError) -> None:
    desk = Desk()
    desk.source.fails = error
    with pytest.raises(type(error)):
        await desk.read()


async def test_a_file_that_breaks_off_is_told_while_it_is_read() -> None:
    desk = Desk()
    desk.source.breaks_after = 50
    with pytest.raises(MediaFailed):
        await desk.read()
    assert desk.source.open_files == 0


async def test_a_link_that_is_not_renewed_is_told() -> None:
    desk = Desk()
    desk.renews = False
    with pytest.raises(MediaFailed, match="Discord did not renew the link of the file"):
        await desk.read()
    assert desk.source.asked == []


# ── cutting ──


async def test_a_cut_picture_is_made_of_the_whole_file_and_has_parts() -> None:
    desk = Desk()
    wish = replace(WISH, tile=2)
    assert await desk.read(wish) == (WEBP, 9, None, b"cut 2 100")
    assert await desk.read(wish, ByteRange(4, 6)) == (WEBP, 9, (4, 6), b"2 1")
    assert desk.source.open_files == 0


@pytest.mark.parametrize("size", [99, None])
async def test_no_more_of_a_file_is_held_than_it_said(size: int | None) -> None:
    desk = Desk(size=size)
    desk.source.chunk_bytes = 1 << 20
    if size is None:
        desk.source.files[LINK] = FILE + bytes(CUT_BYTES)
    with pytest.raises(MediaFailed, match="This file cannot be shown"):
        await desk.read(replace(WISH, tile=2))


# ── places ──


async def test_a_user_reads_few_files_at_once_and_links_have_places_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("waystation.engine.media.serving.PLACE_WAIT_S", 0.01)
    desk = Desk(places=(2, 8))
    found = await desk.found()
    async with asyncio.timeout(5):
        for signed in (False, True):
            async with (
                desk.media.opened(found, None, signed=signed),
                desk.media.opened(found, None, signed=signed),
            ):
                with pytest.raises(Throttled, match="Too many files are being read; try again"):
                    await desk.read(signed=signed)
                # the other places are free
                await desk.read(signed=not signed)
            await desk.read(signed=signed)
    assert PLACE_WAIT_S > 1


async def test_all_users_together_read_so_many_files_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("waystation.engine.media.serving.PLACE_WAIT_S", 0.01)
    desk = Desk(places=(2, 2))
    found = await desk.found()
    async with asyncio.timeout(5):
        async with (
            desk.media.opened(found, None, signed=False),
            desk.media.opened(found, None, signed=True),
        ):
            with pytest.raises(Throttled):
                await desk.read()
        await desk.read()


# ── links ──


async def test_a_signature_names_its_user() -> None:
    desk = Desk()
    assert await desk.media.user_of(WISH, KEPT, await desk.signed()) == USER


async def test_a_signature_of_no_key_names_nobody() -> None:
    desk = Desk()
    with pytest.raises(Unauthorized):  # no key yet
        await desk.media.user_of(WISH, KEPT, "x")
    given = await desk.signed()
    absent = replace(WISH, jobid=WISH.jobid.replace("user:1", "user:9"))
    for wish in (replace(WISH, tile=1), absent, replace(WISH, jobid="job:1")):
        with pytest.raises(Unauthorized, match="The link's signature is not valid"):
            await desk.media.user_of(wish, KEPT, given)
    await desk.media.rotate_key(USER)
    with pytest.raises(Unauthorized, match="The link's signature is not valid"):
        await desk.media.user_of(WISH, KEPT, given)


async def test_a_link_ends_with_the_users_token_and_the_subscription() -> None:
    desk = Desk()
    given = await desk.signed()
    desk.users[1] = replace(USER, revoked_at=desk.clock.now())
    with pytest.raises(Unauthorized):
        await desk.media.user_of(WISH, KEPT, given)
    desk.users[1] = replace(USER, expires_at=desk.clock.wall())
    with pytest.raises(SubscriptionExpired):
        await desk.media.user_of(WISH, KEPT, given)


async def test_a_shared_link_works_until_its_end() -> None:
    desk = Desk()
    wish = replace(WISH, tile=3, format="webp")
    path, ends = await desk.media.share(USER, wish, timedelta(days=2))
    assert ends == (desk.clock.wall() + timedelta(days=2)).replace(microsecond=0)
    query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    assert query["expires"] == str(int(ends.timestamp()))
    assert await desk.media.user_of(wish, query["expires"], query["signature"]) == USER
    desk.clock.advance(2 * 86_400 + 1)
    with pytest.raises(MediaGone, match="The link has ended"):
        await desk.media.user_of(wish, query["expires"], query["signature"])


async def test_a_link_is_made_for_files_of_the_caller_alone() -> None:
    desk = Desk()
    with pytest.raises(NotFound):
        await desk.media.share(STRANGER, WISH, timedelta(days=1))
    assert desk.kept.keys == {}
