from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.harness.png import huge_png, png_chunk
from waystation.outbound.pictures import KINDS, brightest, inverted, recognise, sound

BY_NAME = {kind.name: kind for kind in KINDS}


def picture(name: str, size: tuple[int, int] = (7, 5), **options: object) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (200, 30, 90)).save(out, name, **options)
    return out.getvalue()


PICTURES = [
    ("PNG", picture("PNG")),
    ("GIF", picture("GIF")),
    ("JPEG", picture("JPEG")),
    ("JPEG", picture("JPEG", progressive=True)),
    ("JPEG", picture("JPEG", comment=b"x" * 60_000)),
    ("WEBP", picture("WEBP")),
    ("WEBP", picture("WEBP", lossless=True)),
    ("WEBP", picture("WEBP", exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00")),
]


@pytest.mark.parametrize(("name", "data"), PICTURES)
def test_a_picture_is_recognised_by_its_content(name: str, data: bytes) -> None:
    recognised = recognise(data)
    assert recognised is not None
    kind, size = recognised
    assert (kind.name, size) == (name, (7, 5))
    assert sound(data, kind)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html>",
        b"BM" + bytes(60),
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00" + bytes(8),
        b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(30),
        huge_png(0, 5),
    ],
)
def test_anything_else_is_not_recognised(data: bytes) -> None:
    assert recognise(data) is None


@pytest.mark.parametrize(("name", "data"), PICTURES)
def test_a_picture_cut_off_in_its_head_is_never_an_error(name: str, data: bytes) -> None:
    for length in range(min(len(data), 700)):
        recognised = recognise(data[:length])
        assert recognised is None or recognised[0].name == name


def test_a_size_is_read_without_decoding() -> None:
    recognised = recognise(huge_png(60_000, 60_000))
    assert recognised is not None
    assert recognised[1] == (60_000, 60_000)


def test_a_jpeg_of_endless_segments_is_given_up() -> None:
    assert recognise(b"\xff\xd8" + b"\xff\xe0\x00\x02" * 50_000) is None
    assert recognise(b"\xff\xd8\xff" + b"\xff" * 50_000) is None


def test_padding_before_a_jpeg_marker_is_skipped() -> None:
    data = picture("JPEG")
    recognised = recognise(data[:2] + b"\xff\xff" + data[2:])
    assert recognised is not None
    assert recognised[1] == (7, 5)


def test_a_broken_picture_is_not_sound() -> None:
    data = bytearray(picture("PNG", (300, 300)))
    data[-30] ^= 0xFF
    assert not sound(bytes(data), BY_NAME["PNG"])
    assert not sound(picture("PNG", (300, 300))[:60], BY_NAME["PNG"])
    assert not sound(picture("WEBP")[:30], BY_NAME["WEBP"])


@pytest.mark.parametrize(
    ("name", "before", "part"),
    [
        ("GIF", b"\x2c\x00", b"\x21\xfe\x01a\x00"),
        ("JPEG", b"\xff\xda", b"\xff\xe2\x00\x02"),
        ("PNG", b"\x00\x00\x00\x00IEND", png_chunk(b"IDAT", b"")),
    ],
)
def test_a_picture_of_endless_parts_is_given_up(name: str, before: bytes, part: bytes) -> None:
    head, _, tail = picture(name).partition(before)
    few, many = (head + part * count + before + tail for count in (100, 100_000))
    assert sound(few, BY_NAME[name])
    assert not sound(many, BY_NAME[name])


def test_a_decompression_bomb_is_not_sound() -> None:
    assert not sound(huge_png(60_000, 60_000), BY_NAME["PNG"])


@given(st.sampled_from(PICTURES), st.data())
def test_damage_is_never_an_error(case: tuple[str, bytes], data: st.DataObject) -> None:
    name, original = case
    damaged = bytearray(original)
    places = st.integers(12, min(len(damaged), 400) - 1)
    for at in data.draw(st.lists(places, min_size=1, max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    recognised = recognise(bytes(damaged))
    if recognised is not None and recognised[1][0] * recognised[1][1] < 1_000_000:
        assert recognised[0].name == name
        assert sound(bytes(damaged), recognised[0]) in (True, False)


def test_an_inverted_mask_has_black_for_white_and_its_size() -> None:
    out = BytesIO()
    mask = Image.new("L", (6, 4), 0)
    mask.paste(255, (0, 0, 3, 4))
    mask.save(out, "WEBP", lossless=True)
    with Image.open(BytesIO(inverted(out.getvalue()))) as turned:
        assert (turned.format, turned.size) == ("PNG", (6, 4))
        assert [turned.getpixel((0, 0)), turned.getpixel((5, 3))] == [0, 255]


@pytest.mark.parametrize("shade", [0, 90, 255])
def test_the_brightest_spot_of_a_mask_is_found(shade: int) -> None:
    out = BytesIO()
    mask = Image.new("L", (6, 4), 0)
    mask.putpixel((5, 3), shade)
    mask.save(out, "PNG")
    assert brightest(out.getvalue()) == shade


def masked(kind: str = "PNG") -> bytes:
    out = BytesIO()
    Image.new("L", (40, 30), 255).save(out, kind)
    return out.getvalue()


def cut_after_the_pixels(tail: bytes) -> bytes:
    """Return a mask that is sound at its head and has a damaged chunk behind its pixels."""
    end = png_chunk(b"IEND", b"")
    return masked().removesuffix(end) + tail


DAMAGED = [
    cut_after_the_pixels(b"\0\0"),
    cut_after_the_pixels(b"\0\0\0\x10tEXt"),
    cut_after_the_pixels(png_chunk(b"tEXt", b"a\0b")[:-3]),
    cut_after_the_pixels(png_chunk(b"zTXt", b"a\0\0broken") + png_chunk(b"IEND", b"")),
    cut_after_the_pixels(png_chunk(b"eXIf", b"II*\0") + png_chunk(b"IEND", b"")),
    cut_after_the_pixels(b"\0\0\0\1!?!?x\0\0\0\0"),
]


@pytest.mark.parametrize("look", [brightest, inverted])
@pytest.mark.parametrize("data", DAMAGED)
def test_a_mask_damaged_behind_its_pixels_is_a_value_or_an_oserror(
    look: Callable[[bytes], object], data: bytes
) -> None:
    try:
        look(data)
    except OSError:
        pass


@given(
    kind=st.sampled_from(["PNG", "WEBP"]),
    at=st.integers(0, 2000),
    value=st.integers(0, 255),
    length=st.integers(0, 2000),
)
def test_no_damage_to_a_mask_raises_anything_but_an_oserror(
    kind: str, at: int, value: int, length: int
) -> None:
    data = bytearray(masked(kind))
    data[at % len(data)] = value
    for damaged in (bytes(data), bytes(data[: length % len(data)])):
        try:
            brightest(damaged)
        except OSError:
            pass


# ── odd but whole pictures, as editors and hosts write them ──


def with_chunk(chunk: bytes, before: bytes = b"IDAT") -> bytes:
    """Return a small PNG with one more chunk."""
    data = picture("PNG")
    at = data.index(before) - 4
    return data[:at] + chunk + data[at:]


def wrong_check(chunk: bytes) -> bytes:
    return chunk[:-1] + bytes([chunk[-1] ^ 1])


_TEXT = b"Comment\0\0" + zlib.compress(bytes(2 << 20))
_PROFILE = b"profile\0\0" + zlib.compress(bytes(3 << 20))
_UNICODE = b"Comment\0\1\0\0\0" + zlib.compress(bytes(2 << 20))
ODD = {
    "text that inflates to 2 MB": with_chunk(png_chunk(b"zTXt", _TEXT)),
    "unicode text that inflates": with_chunk(png_chunk(b"iTXt", _UNICODE)),
    "profile that inflates": with_chunk(png_chunk(b"iCCP", _PROFILE)),
    "text behind the picture": with_chunk(png_chunk(b"zTXt", _TEXT), before=b"IEND"),
    "wrong check of a text": with_chunk(wrong_check(png_chunk(b"tEXt", b"a\0b"))),
    "wrong check of a date": with_chunk(wrong_check(png_chunk(b"tIME", bytes(7))), b"IEND"),
    "wrong check of the transparency": with_chunk(
        wrong_check(png_chunk(b"tRNS", bytes(6))), before=b"IDAT"
    ),
    "broken physical size": with_chunk(png_chunk(b"pHYs", b"")),
    "broken gamma": with_chunk(png_chunk(b"gAMA", b"\0")),
    "broken exif": with_chunk(png_chunk(b"eXIf", b"II*")),
    "animation of no frames": with_chunk(png_chunk(b"acTL", bytes(8))),
    "unknown private part": with_chunk(png_chunk(b"prVt", b"?")),
    "bytes behind the end": picture("PNG") + b"trailing",
}


@pytest.mark.parametrize("name", ODD)
def test_bytes_beside_a_picture_spoil_it_not(name: str) -> None:
    kind = BY_NAME["PNG"]
    assert recognise(ODD[name]) is not None
    assert sound(ODD[name], kind)
    assert brightest(ODD[name]) > 0


def jpeg_with(marker: int, content: bytes) -> bytes:
    whole = picture("JPEG")
    return (
        whole[:2]
        + bytes((0xFF, marker))
        + struct.pack(">H", 2 + len(content))
        + content
        + whole[2:]
    )


ODD_JPEG = {
    "short head": jpeg_with(0xE0, b"JFIF\0"),
    "broken exif": jpeg_with(0xE1, b"Exif\0\0XX*\0" + b"\xff" * 4),
    "broken profile": jpeg_with(0xE2, b"ICC_PROFILE\0\x05\x01zz"),
    "broken list of pictures": jpeg_with(0xE2, b"MPF\0XXXX"),
    "broken settings of an editor": jpeg_with(0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04"),
    "empty comment": jpeg_with(0xFE, b""),
    "padding": picture("JPEG")[:2] + b"\xff\xff" + picture("JPEG")[2:],
}


@pytest.mark.parametrize("name", ODD_JPEG)
def test_bytes_beside_a_jpeg_spoil_it_not(name: str) -> None:
    assert recognise(ODD_JPEG[name]) is not None
    assert sound(ODD_JPEG[name], BY_NAME["JPEG"])
    assert brightest(ODD_JPEG[name]) > 0


@given(st.binary(max_size=40), st.integers(0xC0, 0xFE))
def test_any_part_before_a_jpeg_is_judged_without_an_error(content: bytes, marker: int) -> None:
    sound(jpeg_with(marker, content), BY_NAME["JPEG"])


@pytest.mark.parametrize("kind", [b"IDAT", b"IHDR"])
def test_a_wrong_check_of_the_picture_itself_is_no_picture(kind: bytes) -> None:
    data = bytearray(picture("PNG"))
    at = data.index(kind)
    (length,) = struct.unpack_from(">I", data, at - 4)
    data[at + 4 + length] ^= 1
    assert not sound(bytes(data), BY_NAME["PNG"])


def test_a_transparent_palette_stays_what_it_is() -> None:
    out = BytesIO()
    image = Image.new("P", (2, 1))
    image.putpalette([255, 255, 255, 0, 0, 0])
    image.putpixel((0, 0), 1)
    image.putpixel((1, 0), 1)
    image.save(out, "PNG", transparency=0)
    assert sound(out.getvalue(), BY_NAME["PNG"])
    assert brightest(out.getvalue()) == 0


def test_a_large_picture_is_copied_once() -> None:
    whole = picture("JPEG") + bytes(8_000_000)
    tracemalloc.start()
    try:
        assert sound(whole, BY_NAME["JPEG"])
        assert tracemalloc.get_traced_memory()[1] < 1.5 * len(whole)
    finally:
        tracemalloc.stop()
