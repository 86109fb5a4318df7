from __future__ import annotations

import re
import struct
from collections.abc import Callable
from fractions import Fraction
from importlib import resources
from io import BytesIO
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageChops, ImageStat

from tests.pictures import (
    PROOFS,
    Proof,
    animated_gif,
    big_picture,
    blue_twin,
    bomb,
    crimson_twin,
    encoded,
    landscape_twin,
    not_a_picture,
    portrait_twin,
    reencoded,
    rotated_jpeg,
    stripes,
    transparent_png,
    truncated_picture,
    webp,
)
from waystation.samples.draw import SIZE, lighthouse
from waystation.simulator.drawing import pictures
from waystation.simulator.drawing.colours import COLOURS
from waystation.simulator.drawing.pictures import (
    FORMATS,
    LIGHTS,
    Look,
    UnreadablePicture,
    describe,
    look,
)

SEEDS = range(25)


def file_name(proof: Proof) -> str:
    return proof.filename


every_proof = pytest.mark.parametrize("proof", PROOFS, ids=file_name)


def flat(*channels: int) -> Image.Image:
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[len(channels)]
    return Image.new(mode, (90, 60), channels if len(channels) > 1 else channels[0])


def assert_read_or_refused(data: bytes) -> None:
    """Any error but the one that is promised comes through and fails the test."""
    try:
        seen = look(data)
    except UnreadablePicture:
        return
    assert seen.width > 0 and seen.height > 0 and seen.colours


def words(prompt: str) -> list[str]:
    return re.findall(r"[\w:-]+", prompt)


def colour_words(prompt: str) -> list[str]:
    return [word for word in words(prompt) if word in COLOURS]


def listed(colours: tuple[str, ...]) -> str:
    return " and ".join([", ".join(colours[:-1]), colours[-1]]) if colours[1:] else colours[0]


# --- what is seen


@every_proof
def test_look_sees_what_was_painted(proof: Proof) -> None:
    seen = look(proof.build())
    assert seen == Look(
        format=proof.content_type.removeprefix("image/").upper(),
        width=proof.width,
        height=proof.height,
        colours=proof.colours,
        light=proof.light,
        transparent=proof.transparent,
        frames=proof.frames,
    )
    assert (seen.ratio, seen.orientation) == (proof.ratio, proof.orientation)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_turns_the_size_upright(orientation: int, format: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    seen = look(encoded(flat(200, 30, 30), format, exif=exif))
    assert (seen.width, seen.height) == ((90, 60) if orientation < 5 else (60, 90))


@pytest.mark.parametrize(
    ("kind", "count", "value"),
    [
        (3, 1, 0),
        (3, 1, 9),
        (2, 4, 0x00656469),
        (7, 4, 6),
        (99, 1, 6),
        (3, 0, 6),
    ],
    ids=["zero", "nine", "text", "bytes", "unknown kind", "no number"],
)
def test_nonsense_for_an_orientation_leaves_the_picture_as_stored(
    kind: int, count: int, value: int
) -> None:
    tag = struct.pack("<HHII", ExifTags.Base.Orientation, kind, count, value)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + tag + bytes(4)
    seen = look(encoded(flat(200, 30, 30), "JPEG", exif=exif))
    assert (seen.width, seen.height) == (90, 60)


def test_broken_exif_leaves_the_picture_as_stored() -> None:
    assert look(encoded(flat(9, 9, 9), "JPEG", exif=b"Exif\0\0II*\0\xff\xff")).width == 90


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        ((1, 1), "1:1"),
        ((1920, 1080), "16:9"),
        ((1080, 1920), "9:16"),
        ((3000, 2000), "3:2"),
        ((128, 127), "128:127"),
        ((129, 128), "128:127"),
        ((1000, 999), "1:1"),
        ((1000, 667), "3:2"),
        ((1179, 2556), "6:13"),
        ((10_000, 1), "128:1"),
        ((1, 10_000), "1:128"),
    ],
)
def test_ratio_is_exact_when_short_and_else_the_nearest_short_one(
    size: tuple[int, int], ratio: str
) -> None:
    assert Look("PNG", *size, ("red",), "flat light").ratio == ratio


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_ratio_stays_within_its_stated_bound(width: int, height: int) -> None:
    w, h = map(int, Look("PNG", width, height, ("red",), "flat light").ratio.split(":"))
    assert 1 <= w <= 128 and 1 <= h <= 128
    short, long = sorted((width, height))
    if long <= 128 * short:
        assert abs(Fraction(short, long) - Fraction(min(w, h), max(w, h))) <= Fraction(1, 256)
    assert (w < h) <= (width < height) and (w > h) <= (width > height)


@pytest.mark.parametrize("name", COLOURS)
def test_every_colour_of_the_table_is_called_by_its_own_name(name: str) -> None:
    assert look(encoded(flat(*COLOURS[name]), "PNG")).colours == (name,)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((255, 0, 0), "red"),
        ((0, 0, 255), "blue"),
        ((120, 120, 120), "grey"),
        ((255, 255, 0), "yellow"),
        ((255, 0, 255), "magenta"),
        ((10, 20, 70), "navy"),
    ],
)
def test_a_shade_off_the_table_gets_the_name_that_looks_most_alike(
    rgb: tuple[int, int, int], name: str
) -> None:
    assert look(encoded(flat(*rgb), "PNG")).colours == (name,)


def test_at_most_three_colours_are_named_and_slivers_are_not() -> None:
    four = stripes((600, 60), COLOURS["red"], COLOURS["navy"], COLOURS["mint"], COLOURS["gold"])
    assert look(encoded(four, "PNG")).colours[0] == "red"
    assert len(look(encoded(four, "PNG")).colours) == 3
    sliver = flat(*COLOURS["red"])
    sliver.paste(COLOURS["navy"], (0, 0, 5, 60))
    assert look(encoded(sliver, "PNG")).colours == ("red",)


def test_each_light_of_the_table_is_seen_in_some_picture() -> None:
    halves = flat(0)
    halves.paste(255, (0, 0, 45, 60))
    shades = Image.linear_gradient("L").point([60 + value * 120 // 255 for value in range(256)])
    seen = [
        look(encoded(picture, "PNG")).light
        for picture in (halves, flat(20), flat(240), flat(120), shades)
    ]
    assert seen == [row.name for row in LIGHTS]


def test_nothing_hidden_behind_full_transparency_is_named() -> None:
    assert look(transparent_png()).colours == ("violet",)


def test_a_picture_of_nothing_but_transparency_still_gets_a_colour() -> None:
    seen = look(encoded(flat(*COLOURS["teal"], 0), "PNG"))
    assert seen.transparent and len(seen.colours) == 1


def test_an_alpha_channel_that_hides_nothing_is_not_transparency() -> None:
    assert not look(encoded(flat(90, 90, 90, 255), "PNG")).transparent


def test_only_the_first_frame_counts_for_colours() -> None:
    first = look(reencoded(animated_gif(), "GIF"))
    assert (first.frames, first.colours) == (1, look(animated_gif()).colours)


def test_animations_of_every_moving_format_are_counted() -> None:
    frames = [flat(*COLOURS[name]) for name in ("red", "blue")]
    for format in ("GIF", "WEBP", "PNG", "AVIF"):
        data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
        assert (look(data).frames, look(data).colours) == (2, ("red",)), format


def test_a_camera_file_with_two_views_is_the_jpeg_it_starts_with() -> None:
    view = flat(*COLOURS["red"])
    seen = look(encoded(view, "MPO", save_all=True, append_images=[view]))
    assert (seen.format, seen.frames) == ("JPEG", 1)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_pixel_layout_of_png_is_readable(mode: str) -> None:
    light_grey = Image.new("L", (90, 60), 250)
    if mode == "I;16":
        picture = light_grey.convert("I").point(lambda value: value * 256).convert("I;16")
    else:
        picture = light_grey.convert(mode)
    assert look(encoded(picture, "PNG")).colours == ("white",)


def test_sixteen_bit_grey_is_scaled_and_not_cut_off() -> None:
    assert look(encoded(Image.new("I;16", (90, 60), 128 * 256), "PNG")).colours == ("grey",)


def test_a_print_jpeg_in_four_inks_is_readable() -> None:
    inks = Image.new("CMYK", (90, 60), (0, 255, 255, 0))
    assert look(encoded(inks, "JPEG")).colours == ("red",)


# --- what is refused


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", not_a_picture(), b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM"],
)
def test_bytes_that_are_no_picture_are_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadablePicture):
        look(data)


def test_a_format_outside_the_list_is_unreadable() -> None:
    with pytest.raises(UnreadablePicture):
        look(encoded(flat(9, 9, 9), "TIFF"))


def test_a_picture_cut_short_is_unreadable() -> None:
    with pytest.raises(UnreadablePicture):
        look(truncated_picture())


@pytest.mark.parametrize("proof", [row for row in PROOFS if row.frames == 1], ids=file_name)
def test_a_proof_picture_without_its_second_half_is_unreadable(proof: Proof) -> None:
    data = proof.build()
    with pytest.raises(UnreadablePicture):
        look(data[: len(data) // 2])


@pytest.mark.parametrize("size", [(60_000, 60_000), (10_000, 9_500), (10_000, 5_001)])
def test_a_header_that_promises_too_many_pixels_is_refused_before_decoding(
    size: tuple[int, int],
) -> None:
    with pytest.raises(UnreadablePicture, match="pixels"):
        look(bomb(*size))


def test_the_pixel_limit_itself_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_PIXELS", 90 * 60)
    assert look(encoded(flat(9, 9, 9), "PNG")).width == 90
    with pytest.raises(UnreadablePicture, match="90x61 is more than 5400 pixels"):
        look(encoded(Image.new("RGB", (90, 61)), "PNG"))


def test_bytes_after_the_end_of_a_picture_do_no_harm() -> None:
    assert len(big_picture(100_000)) == 100_000
    assert look(big_picture(100_000)) == look(crimson_twin())


@pytest.mark.parametrize("format", FORMATS)
def test_a_picture_with_a_damaged_middle_is_read_or_refused(format: str) -> None:
    whole = encoded(stripes((90, 60), COLOURS["red"], COLOURS["navy"]), format)
    for start in range(12, len(whole) - 8, max(1, len(whole) // 150)):
        assert_read_or_refused(whole[:start] + b"\xff" * 8 + whole[start + 8 :])


@settings(deadline=None)  # how long a picture takes depends on how busy the machine is
@given(st.sampled_from(PROOFS), st.data())
def test_damaged_pictures_are_read_or_refused_but_never_break_anything(
    proof: Proof, data: st.DataObject
) -> None:
    broken = bytearray(proof.build())
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    assert_read_or_refused(bytes(broken))


# --- what is said


@every_proof
def test_each_of_four_different_prompts_names_what_is_there_and_nothing_else(proof: Proof) -> None:
    seen = look(proof.build())
    assert all(len(set(describe(seen, seed))) == 4 for seed in SEEDS)
    for prompt in (prompt for seed in SEEDS for prompt in describe(seen, seed)):
        assert colour_words(prompt) == list(proof.colours)
        assert [row.name for row in LIGHTS if row.name in prompt] == [proof.light]
        orientations = {"portrait", "landscape", "square"} & set(words(prompt))
        assert orientations == {proof.orientation}
        assert ("transparent" in prompt) == proof.transparent
        assert prompt.endswith(f" --ar {proof.ratio}")
        assert prompt.count("--") == 1 and "\n" not in prompt


def test_the_same_look_and_seed_give_the_same_prompts_and_another_seed_others() -> None:
    seen = look(webp())
    assert describe(seen, 7) == describe(look(webp()), 7)
    assert len({describe(seen, seed) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_prompts_of_colour_twins_differ_in_colour_words_only(seed: int) -> None:
    crimson, blue = (describe(look(data), seed) for data in (crimson_twin(), blue_twin()))
    assert crimson != blue
    assert tuple(prompt.replace("crimson", "blue") for prompt in crimson) == blue


@pytest.mark.parametrize("seed", SEEDS)
def test_prompts_of_turned_twins_differ_in_orientation_and_ratio_only(seed: int) -> None:
    wide, tall = (describe(look(data), seed) for data in (landscape_twin(), portrait_twin()))
    assert wide != tall
    turned = tuple(
        prompt.replace("landscape", "portrait").replace("--ar 3:2", "--ar 2:3") for prompt in wide
    )
    assert turned == tall


@pytest.mark.parametrize(("proof", "other"), list(permutations(PROOFS, 2)), ids=file_name)
def test_prompts_of_two_proof_pictures_differ_exactly_as_the_pictures_do(
    proof: Proof, other: Proof
) -> None:
    def in_words_of_other(prompt: str) -> str:
        prompt = prompt.replace(listed(proof.colours), listed(other.colours))
        prompt = prompt.replace(proof.light, other.light)
        prompt = prompt.replace(proof.orientation, other.orientation)
        if proof.transparent != other.transparent:
            ground = ", transparent ground"
            had, has = (ground, "") if proof.transparent else ("", ground)
            prompt = prompt.replace(f"{had} --ar", f"{has} --ar")
        return prompt.replace(f"--ar {proof.ratio}", f"--ar {other.ratio}")

    looks = [look(row.build()) for row in (proof, other)]
    for seed in SEEDS:
        mine, theirs = (describe(seen, seed) for seen in looks)
        assert mine != theirs
        assert tuple(map(in_words_of_other, mine)) == theirs


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("PNG", {"compress_level": 0}),
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 60}),
        ("WEBP", {"quality": 70}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {}),
        ("BMP", {}),
        ("GIF", {}),
    ],
)
@pytest.mark.parametrize("build", [webp, crimson_twin, blue_twin, landscape_twin, portrait_twin])
def test_the_same_picture_in_another_format_keeps_size_and_prompts(
    build: Callable[[], bytes], format: str, options: dict[str, object]
) -> None:
    data = build()
    again = reencoded(data, format, **options)
    before, after = look(data), look(again)
    assert (after.format, after.width, after.height) == (format, before.width, before.height)
    assert describe(after, 3) == describe(before, 3)


def test_a_transparent_picture_in_another_transparent_format_keeps_its_prompts() -> None:
    for format in ("WEBP", "AVIF", "GIF"):
        again = look(reencoded(transparent_png(), format))
        assert describe(again, 3) == describe(look(transparent_png()), 3), format


def test_a_rotated_picture_and_its_upright_copy_get_the_same_prompts() -> None:
    with Image.open(BytesIO(rotated_jpeg())) as stored:
        upright = encoded(stored.transpose(Image.Transpose.ROTATE_270), "PNG")
    assert describe(look(upright), 3) == describe(look(rotated_jpeg()), 3)


# --- the picture that is shipped


def shipped() -> bytes:
    return resources.files("waystation.samples").joinpath("lighthouse.webp").read_bytes()


def test_the_shipped_picture_is_the_one_that_is_drawn() -> None:
    with Image.open(BytesIO(shipped())) as picture:
        apart = ImageChops.difference(picture.convert("RGB"), lighthouse())
    # WebP keeps a picture nearly, not exactly; another drawing would be far above this.
    assert max(ImageStat.Stat(apart).mean) < 3


def test_the_shipped_picture_is_small_and_shows_dusk() -> None:
    seen = look(shipped())
    assert (seen.format, seen.width, seen.height) == ("WEBP", *SIZE)
    assert (seen.ratio, seen.colours) == ("3:2", ("navy", "plum", "indigo"))
    assert len(shipped()) < 60_000
