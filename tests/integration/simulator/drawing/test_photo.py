from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from tests.pictures import (
    PROOFS,
    Proof,
    bomb,
    encoded,
    not_a_picture,
    rotated_jpeg,
    truncated_picture,
)
from waystation.simulator.drawing.photo import (
    KEPT_SIDE,
    kept_mask,
    kept_photo,
    mask,
    photo,
    widespread,
)
from waystation.simulator.drawing.pictures import UnreadablePicture


def file_name(proof: Proof) -> str:
    return proof.filename


def colour(data: bytes) -> tuple[int, ...]:
    pixel = photo(kept_photo(data)).getpixel((5, 5))
    assert isinstance(pixel, tuple)
    return pixel


@pytest.mark.parametrize("proof", PROOFS, ids=file_name)
def test_every_kind_of_picture_is_kept_in_its_shape(proof: Proof) -> None:
    kept = photo(kept_photo(proof.build()))
    assert max(kept.size) <= KEPT_SIDE
    assert kept.width / kept.height == pytest.approx(proof.width / proof.height, rel=0.02)


def test_a_turned_camera_picture_is_kept_upright() -> None:
    kept = photo(kept_photo(rotated_jpeg()))
    with Image.open(BytesIO(rotated_jpeg())) as stored:
        assert (kept.width > kept.height) != (stored.width > stored.height)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_pixel_layout_of_png_is_readable(mode: str) -> None:
    grey = Image.new("L", (40, 40), 255)
    if mode == "I;16":
        image = grey.convert("I").point(lambda value: value * 256).convert("I;16")
    else:
        image = grey.convert(mode)
    assert min(colour(encoded(image, "PNG"))) > 245


def test_transparent_pixels_are_kept_as_black() -> None:
    assert max(colour(encoded(Image.new("RGBA", (40, 40), (255, 255, 255, 0)), "PNG"))) < 10


@pytest.mark.parametrize("data", [b"", not_a_picture(), truncated_picture(), bomb(60_000, 60_000)])
def test_an_unreadable_value_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadablePicture):
        kept_photo(data)
    with pytest.raises(UnreadablePicture):
        kept_mask(data)


def test_a_mask_is_black_and_white_however_it_is_stretched() -> None:
    stripes = Image.linear_gradient("L")
    kept = mask(kept_mask(encoded(stripes, "PNG")), (333, 77))
    assert kept.size == (333, 77)
    assert {value for _, value in kept.getcolors() or []} == {0, 255}
    assert abs(sum(value == 255 for value in kept.tobytes()) / len(kept.tobytes()) - 0.5) < 0.05


@pytest.mark.parametrize(("value", "white"), [(0, False), (127, False), (128, True), (255, True)])
def test_grey_counts_as_white_from_the_middle_on(value: int, white: bool) -> None:
    kept = mask(kept_mask(encoded(Image.new("L", (20, 20), value), "PNG")), (8, 8))
    assert kept.getextrema() == ((255, 255) if white else (0, 0))


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_a_transparent_part_of_a_mask_is_not_to_be_painted(format: str) -> None:
    image = Image.new("RGBA", (40, 40), (255, 255, 255, 255))
    image.paste((255, 255, 255, 0), (0, 0, 20, 40))
    kept = mask(kept_mask(encoded(image, format, lossless=True)), (40, 40))
    assert (kept.getpixel((5, 20)), kept.getpixel((35, 20))) == (0, 255)


def test_a_large_mask_is_kept_small() -> None:
    assert len(kept_mask(encoded(Image.new("L", (2000, 1500), 255), "PNG"))) < 2_000


def test_the_most_widespread_colour_of_a_photo_comes_first() -> None:
    image = Image.new("RGB", (90, 60), "red")
    image.paste((0, 0, 255), (0, 0, 20, 60))
    first, *others = widespread(kept_photo(encoded(image, "PNG")))
    assert first[0] > 200 > 60 > first[2]
    assert any(colour[2] > 150 > colour[0] for colour in others)
