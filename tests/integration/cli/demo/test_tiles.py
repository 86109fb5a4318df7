"""The tile of a grid that a picture shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from waystation.cli.demo.tiles import tile_of

COLOURS = ("red", "green", "blue", "white")


def grid(path: Path) -> Path:
    """A grid of four colours, line by line."""
    image = Image.new("RGB", (120, 80))
    for number, colour in enumerate(COLOURS):
        x, y = number % 2 * 60, number // 2 * 40
        image.paste(colour, (x, y, x + 60, y + 40))
    image.save(path)
    return path


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_tile_that_is_shown_is_found_at_any_size(tmp_path: Path, number: int) -> None:
    single = tmp_path / "single.webp"
    Image.new("RGB", (300, 200), COLOURS[number - 1]).save(single)
    assert tile_of(grid(tmp_path / "grid.png"), single) == number


def test_bytes_that_are_no_picture_show_no_tile(tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("<html>")
    assert tile_of(grid(tmp_path / "grid.png"), text) == 0
    assert tile_of(text, tmp_path / "absent.png") == 0
