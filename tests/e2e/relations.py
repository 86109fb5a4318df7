"""The relation of a result to the picture that it was made from, measured on the files handed out.

One function per relation: it takes the two jobs with their pictures and fails when the child is
not what its button promises. Nothing is known here of how a picture was drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from tests import measure
from tests.measure import DIFFERENT, KIN, SAME, SURE

__all__ = [
    "TILES",
    "Relation",
    "Seen",
    "animates",
    "describes_again",
    "extends",
    "goes_on",
    "has_four",
    "holds",
    "imagines",
    "imagines_all",
    "is_made_of",
    "mask_of",
    "rates",
    "repaints",
    "rerolls",
    "shows_clip",
    "shows_tile",
    "squares",
    "upscales",
    "varies",
    "varies_tile",
    "weighs",
]

TILES = (1, 2, 3, 4)


@dataclass(frozen=True)
class Seen:
    """A completed job, and the files behind its attachments."""

    job: dict[str, Any]
    pictures: Sequence[bytes] = ()

    @property
    def picture(self) -> bytes:
        """The first and mostly only one."""
        return self.pictures[0]

    @property
    def size(self) -> tuple[int, int]:
        return measure.size(self.picture)

    def tile(self, n: int) -> bytes:
        return measure.tile_of(self.picture, n)

    @property
    def prompts(self) -> list[str]:
        """The numbered prompts of what was described or shortened."""
        found = re.findall(r"^[1-5]️⃣ (.+)$", self.job["embeds"][0]["description"], re.MULTILINE)
        return [text.strip() for text in found]


Relation = Callable[[Seen, Seen], None]
"""Takes parent and child."""


def is_made_of(whole: Seen, singles: Sequence[bytes]) -> None:
    """Tell that these are the pictures or clips of each grid, or the only one there is."""
    each = 4 if "U1" in whole.job.get("buttons", ["U1"]) else 1
    assert len(singles) == each * len(whole.pictures)
    for n, single in enumerate(singles):
        grid = whole.pictures[n // each]
        assert ("videoUx" in whole.job) is (measure.frames(grid) > 1)
        assert measure.frames(single) == measure.frames(grid)
        if each == 4:
            assert measure.which_tile(grid, single)[0] == n % 4 + 1
        else:
            assert measure.distance(grid, single) < SAME


# --- one of four


def shows_tile(n: int) -> Relation:
    """It is tile `n` at full size and no other tile."""

    def check(parent: Seen, child: Seen) -> None:
        tile, sure = measure.which_tile(parent.picture, child.picture)
        assert (tile, sure > SURE) == (n, True)
        assert child.size == (parent.size[0] // 2, parent.size[1] // 2)

    return check


def shows_clip(n: int) -> Relation:
    """It is clip `n` of a film, from its first frame to its last."""

    def check(parent: Seen, child: Seen) -> None:
        assert measure.which_tile(parent.picture, child.picture)[0] == n
        assert measure.frames(child.picture) == measure.frames(parent.picture) > 1
        first = measure.first_frame(child.picture)
        assert measure.distance(first, measure.clip_of(parent.picture, n, frame=0)) < SAME

    return check


# --- four of one


def varies_tile(n: int) -> Relation:
    """Four pictures in the colours of tile `n`, near it and not it."""

    def check(parent: Seen, child: Seen) -> None:
        tile, sure = measure.varied_tile(parent.picture, child.picture)
        assert (tile, sure > SURE) == (n, True)
        _four_others(parent.tile(n), child)

    return check


def varies(fewest: int, most: int) -> Relation:
    """Four pictures in the colours of a single one, changed in so many cells of 256."""

    def check(parent: Seen, child: Seen) -> None:
        _four_others(parent.picture, child)
        for n in TILES:
            assert measure.palette_distance(parent.picture, child.tile(n)) < KIN
        changed = [len(measure.changed_cells(parent.picture, child.tile(n))) for n in TILES]
        assert fewest <= sum(changed) / 4 <= most, changed

    return check


def _four_others(picture: bytes, child: Seen) -> None:
    """Tell that each of four is another picture than this one, and in its shape."""
    assert measure.has_shape(child.picture, *measure.size(picture))
    for n in TILES:
        assert measure.changed_cells(picture, child.tile(n)), n
    has_four(child)


def has_four(grid: Seen) -> None:
    """Tell that the four pictures of a grid are four."""
    for n in TILES:
        for other in set(TILES) - {n}:
            assert measure.changed_cells(grid.tile(n), grid.tile(other)), (n, other)


def rerolls(parent: Seen, child: Seen) -> None:
    """Other pictures, in the same shape and number."""
    assert child.size == parent.size
    assert measure.frames(child.picture) == measure.frames(parent.picture)
    if measure.frames(child.picture) > 1:
        for n in TILES:
            first, again = (measure.clip_of(film.picture, n, frame=0) for film in (parent, child))
            assert measure.distance(first, again) < SAME
            ends = [measure.clip_of(film.picture, n) for film in (parent, child)]
            assert measure.changed_cells(*ends)
        return
    for n in TILES:
        for old in TILES:
            assert measure.distance(parent.tile(old), child.tile(n)) > DIFFERENT


# --- the same picture, more of it


def upscales(factor: int, *, invents: bool = False) -> Relation:
    """The same picture with sides so many times as long; a creative one has new detail."""

    def check(parent: Seen, child: Seen) -> None:
        assert child.size == (factor * parent.size[0], factor * parent.size[1])
        changed = measure.changed_cells(parent.picture, child.picture)
        assert measure.distance(parent.picture, child.picture) < DIFFERENT + 3
        assert (len(changed) > 2) is invents, len(changed)

    return check


def holds(factor: float, shape: tuple[int, int] | None = None) -> Relation:
    """The old picture lies in the middle of each new one, as much smaller as that."""

    def check(parent: Seen, child: Seen) -> None:
        assert measure.has_shape(child.picture, *(shape or parent.size))
        for n in TILES:
            seen, sure = measure.held_in_middle(parent.picture, child.tile(n))
            assert abs(seen - factor) < 0.11, seen
            assert sure > SURE / 2

    return check


def squares(parent: Seen, child: Seen) -> None:
    """Square, with the whole old picture in the middle."""
    assert not measure.has_shape(parent.picture, 1, 1)
    assert measure.has_shape(child.picture, 1, 1)
    for n in TILES:
        side, sure = measure.extended_side(parent.picture, child.tile(n))
        assert (side, sure > 0.1) == ("both", True)


def extends(side: str) -> Relation:
    """Half as much again on the named side, and the old picture on the rest."""

    def check(parent: Seen, child: Seen) -> None:
        width, height = parent.size
        longer, shorter = (3, 2) if side in ("left", "right") else (2, 3)
        assert measure.has_shape(child.picture, width * longer, height * shorter)
        for n in TILES:
            answer, sure = measure.extended_side(parent.picture, child.tile(n))
            assert (answer, sure > SURE / 2) == (side, True)

    return check


def mask_of(picture: Seen, format_: str = "PNG") -> bytes:
    """Draw a mask of a picture's size: white in its left half."""
    width, height = picture.size
    image = Image.new("RGB", (width, height))
    image.paste((255, 255, 255), (0, 0, width // 2, height))
    file = BytesIO()
    image.save(file, format_, lossless=True)
    return file.getvalue()


def repaints(parent: Seen, child: Seen) -> None:
    """Only what was white in the mask is painted anew."""
    for n in TILES:
        seen = measure.repaint(parent.picture, child.tile(n), mask_of(parent))
        assert seen.inside > 0.7, seen
        assert seen.outside < 0.06, seen


# --- what moves


def animates(*, far: bool) -> Relation:
    """Four clips that begin with the picture and go far or not so far from it."""

    def check(parent: Seen, child: Seen) -> None:
        assert measure.has_shape(child.picture, *parent.size)
        assert measure.frames(child.picture) > 1
        for n in TILES:
            first = measure.clip_of(child.picture, n, frame=0)
            assert measure.distance(parent.picture, first) < SAME
            _goes(measure.clip_of(child.picture, n), far)

    return check


def goes_on(*, far: bool) -> Relation:
    """Four clips, each of which is the old one and then its own way onward."""

    def check(parent: Seen, child: Seen) -> None:
        assert measure.frames(child.picture) == 2 * measure.frames(parent.picture)
        for n in TILES:
            clip = measure.clip_of(child.picture, n)
            assert measure.begins_with(clip, parent.picture)
            assert measure.changed_cells(clip, parent.picture)
            _goes(clip, far)

    return check


def _goes(clip: bytes, far: bool) -> None:
    share = measure.seen_at_end(clip)
    assert (share < 0.73) is far, share
    assert share < 0.95


# --- from words


def imagines(n: int) -> Relation:
    """A grid of prompt `n`, in the shape that it asks for."""

    def check(parent: Seen, child: Seen) -> None:
        prompt = parent.prompts[n - 1]
        assert child.job["content"].startswith(f"**{prompt}** - <@")
        has_four(child)
        shape = re.search(r"--ar (\d+):(\d+)", prompt)
        width, height = (int(shape[1]), int(shape[2])) if shape else (1, 1)
        assert measure.has_shape(child.picture, width, height)

    return check


def imagines_all(parent: Seen, child: Seen) -> None:
    """A grid of each prompt, in the shape that it asks for; files are named after prompts."""
    width, height = map(int, parent.prompts[0].rpartition("--ar ")[2].split(":"))
    names = [attachment["filename"] for attachment in child.job["attachments"]]
    for prompt in parent.prompts:
        words = re.sub(r"\W+", "_", prompt)[:40]
        assert sum(words in name for name in names) == 1, (words, names)
    assert len(set(child.pictures)) == len(parent.prompts) == 4
    for picture in child.pictures:
        assert measure.has_shape(picture, width, height)
        has_four(Seen(child.job, [picture]))


def describes_again(parent: Seen, child: Seen) -> None:
    """Four other prompts of the same picture, each in its shape."""
    first, again = (seen.job["embeds"][0] for seen in (parent, child))
    assert first["image"] == again["image"]
    assert not set(parent.prompts) & set(child.prompts)
    assert len(child.prompts) == 4
    assert {prompt.rpartition("--ar ")[2] for prompt in (*parent.prompts, *child.prompts)} == {
        parent.prompts[0].rpartition("--ar ")[2]
    }


def rates(parent: Seen, child: Seen) -> None:
    """A sentence that names the picture, and no other."""
    assert f"/{parent.job['messageId']}) with the heart-eyes emoji" in child.job["content"]
    assert not child.pictures


def weighs(parent: Seen, child: Seen) -> None:
    """The same suggestions, and what each word of the prompt weighs."""
    assert child.prompts[: len(parent.prompts)] == parent.prompts
    description = child.job["embeds"][0]["description"]
    for word in parent.job["prompt"].split():
        assert re.search(rf"^{re.escape(word)} \([01]\.\d\d\)$", description, re.MULTILINE), word
