from __future__ import annotations

import pytest

from tests.build import replace
from tests.harness.face import JOB
from waystation.jobs import Button
from waystation.media.files import (
    FORMATS,
    GIF,
    HEAD_BYTES,
    JPEG,
    MP4,
    PNG,
    SIZES,
    TILES,
    WEBP,
    MediaKind,
    Wish,
    digits_of,
    etag,
    file_name,
    is_grid,
    kind_of,
    owner_of,
)

JOBID = "job:20261128062307275-user:12-channel:7-bot:midjourney"
WISH = Wish(JOBID, 3)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(8), PNG),
        (b"\xff\xd8\xff\xe0" + bytes(12), JPEG),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", WEBP),
        (b"GIF89a" + bytes(10), GIF),
        (b"\x00\x00\x00\x20ftypisom" + bytes(4), MP4),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"\x00\x00\x00\x20ftypavif" + bytes(4), None),
        (b"<svg xmlns='http", None),
        (b"<!DOCTYPE html>", None),
        (b"%PDF-1.7", None),
        (b"", None),
    ],
)
def test_a_kind_is_told_from_the_first_bytes(head: bytes, kind: MediaKind | None) -> None:
    assert len(head) <= HEAD_BYTES
    assert kind_of(head) is kind


def test_svg_and_html_are_no_kind() -> None:
    types = {kind.content_type for kind in (*FORMATS, GIF, MP4)}
    assert not types & {"image/svg+xml", "text/html", "application/xhtml+xml"}
    assert all(kind.is_picture for kind in FORMATS)


def test_a_picture_with_a_fourth_button_is_a_grid() -> None:
    assert not is_grid(JOB)
    assert is_grid(replace(JOB, buttons=(Button("U4", "MJ::JOB::upsample::4::x"),)))


@pytest.mark.parametrize(
    ("jobid", "owner", "digits"),
    [
        (JOBID, 12, "20261128062307275"),
        ("job:1", None, ""),
        (JOBID.replace("12", "x"), None, ""),
        (JOBID.replace("user:12", "user:" + "9" * 19), None, ""),
    ],
)
def test_a_jobid_names_its_user_and_its_date(jobid: str, owner: int | None, digits: str) -> None:
    assert owner_of(jobid) == owner
    assert digits_of(jobid) == digits


def test_a_name_is_made_of_digits_alone() -> None:
    assert file_name(WISH, PNG) == "20261128062307275-3.png"
    cut = Wish(JOBID, 0, tile=2, size=640, format="jpeg")
    assert file_name(cut, JPEG) == "20261128062307275-0-2-640px.jpg"
    assert file_name(Wish('job:"\r\n', 1), PNG) == "-1.png"


def test_each_wish_has_an_entity_tag_of_its_own_and_a_cut_one_a_weak_one() -> None:
    wishes = [
        WISH,
        *(replace(WISH, tile=tile) for tile in TILES),
        *(replace(WISH, size=size) for size in SIZES),
        *(replace(WISH, format=kind.name) for kind in FORMATS),
    ]
    tags = [etag(wish, "77") for wish in wishes]
    assert len({tag.removeprefix("W/") for tag in tags}) == len(wishes)
    assert [tag.startswith("W/") for tag in tags] == [not wish.is_original for wish in wishes]
    assert etag(WISH, "78") != etag(WISH, "77") == tags[0]
