"""The relations between pictures, measured on nothing but their bytes.

Each relation is shown both ways over fifty jobs in five shapes, as lossy WebP of 64-pixel tiles:
the right pictures have it, wrong ones do not, and there is room between the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from tests.measure import (
    DIFFERENT,
    KIN,
    SAME,
    SURE,
    begins_with,
    changed_cells,
    clip_of,
    distance,
    extended_side,
    first_frame,
    frames,
    has_shape,
    held_in_middle,
    last_frame,
    mix,
    moves,
    palette_distance,
    repaint,
    seen_at_end,
    size,
    tile_of,
    varied_tile,
    which_tile,
)
from waystation.simulator.drawing import (
    UPSCALES,
    Canvas,
    Motion,
    Side,
    Strength,
    animate,
    blend,
    clip,
    extend,
    finished,
    grid,
    imagine,
    make_square,
    pan,
    pick,
    preview,
    region,
    reroll,
    tile,
    upscale,
    variation,
    video_grid,
    zoom_out,
)

PROMPT = "a lighthouse at dusk"
SIZE = 128
SEEDS = range(50)
FEW = range(15)
SHAPES = ((1, 1), (16, 9), (2, 3), (5, 2), (4, 5))
FACTORS = (1.5, 2.0)


def job(seed: int) -> Canvas:
    return imagine(PROMPT, seed, SHAPES[seed % len(SHAPES)])


def number(seed: int) -> int:
    return seed // len(SHAPES) % 4 + 1


def single(seed: int) -> Canvas:
    return pick(job(seed), number(seed))


@cache
def drawn(canvas: Canvas) -> bytes:
    return finished(canvas, SIZE)


def stranger(seed: int) -> int:
    """Name another job of the same shape."""
    return seed + len(SHAPES)


def other(seed: int) -> bytes:
    """Draw another tile of the same job."""
    return drawn(pick(job(seed), number(seed) % 4 + 1))


def some_tile(seed: int, canvas: Canvas) -> bytes:
    """Cut a tile out of a grid, another one for each seed."""
    return tile_of(drawn(canvas), seed % 4 + 1)


def mask(*boxes: tuple[int, int, int, int]) -> bytes:
    """Draw a mask of 100 x 100, white in the boxes."""
    image = Image.new("L", (100, 100))
    for box in boxes:
        ImageDraw.Draw(image).rectangle(box, fill=255)
    data = BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def assert_far_apart(right: Iterable[float], wrong: Iterable[float], times: float) -> None:
    """State that the best of the wrong is `times` as far away as the worst of the right."""
    assert max(right) * times < min(wrong)


# --- imagine and U1-U4


def test_each_tile_at_full_size_is_that_tile_and_no_other() -> None:
    right: list[float] = []
    wrong: list[float] = []
    for seed in SEEDS:
        for n in range(1, 5):
            picture = drawn(pick(job(seed), n))
            answer, confidence = which_tile(drawn(job(seed)), picture)
            assert (answer, confidence > SURE) == (n, True)
            tiles = {each: tile_of(drawn(job(seed)), each) for each in range(1, 5)}
            assert not changed_cells(tiles[n], picture)
            right.append(distance(tiles.pop(n), picture))
            wrong.extend(distance(each, picture) for each in tiles.values())
    assert max(right) < SAME < DIFFERENT < min(wrong)
    assert_far_apart(right, wrong, 8)


def test_a_picture_of_another_job_is_no_tile_of_this_grid() -> None:
    for seed in SEEDS:
        assert which_tile(drawn(job(seed)), drawn(single(stranger(seed))))[1] == 0


@pytest.mark.parametrize("format", ["WEBP", "PNG"])
def test_tiles_are_told_apart_in_every_format_and_at_every_size(format: str) -> None:
    for side in (128, 200, 1024):
        whole = grid(job(3), side, "PNG" if format == "PNG" else "WEBP")
        for n in range(1, 5):
            answer, confidence = which_tile(whole, tile(job(3), n, 300))
            assert (answer, confidence > SURE) == (n, True)


def test_another_seed_or_another_prompt_is_another_picture() -> None:
    for seed in FEW:
        one, two = drawn(job(seed)), drawn(job(stranger(seed)))
        three = drawn(imagine("a fox in snow", seed, SHAPES[seed % len(SHAPES)]))
        assert min(distance(one, two), distance(one, three)) > DIFFERENT
        assert min(palette_distance(one, two), palette_distance(one, three)) > KIN


def test_a_canvas_is_drawn_the_same_every_time_and_at_every_size() -> None:
    for seed in FEW:
        assert grid(job(seed), SIZE) == drawn(job(seed))
        assert distance(grid(job(seed), 4 * SIZE), drawn(job(seed))) < SAME


@pytest.mark.parametrize("shape", [*SHAPES, (9, 16), (3, 1), (1, 2), (61, 47)])
def test_every_file_has_the_shape_that_was_asked_for(shape: tuple[int, int]) -> None:
    canvas = imagine(PROMPT, 1, shape)
    movie = animate(pick(canvas, 1), Motion.LOW)
    for side in (128, 512):
        for each in (canvas, pick(canvas, 2), movie, pick(movie, 2)):
            assert has_shape(finished(each, side), *shape)
        assert has_shape(preview(canvas, 50, 4 * side), *shape)
        assert not has_shape(finished(canvas, side), shape[1] * 2, shape[0])


def test_a_reroll_is_the_same_question_with_another_answer() -> None:
    for seed in FEW:
        again = reroll(job(seed), seed + 1000)
        assert distance(drawn(again), drawn(job(seed))) > DIFFERENT
        zoomed = zoom_out(single(seed), 2, 1)
        assert held_in_middle(drawn(single(seed)), some_tile(seed, reroll(zoomed, 2)))[1] > SURE / 2
        assert drawn(reroll(zoomed, 2)) != drawn(zoomed)


# --- variations


@pytest.mark.parametrize("strength", Strength)
def test_a_variation_is_of_its_own_tile_and_keeps_the_colours(strength: Strength) -> None:
    right: list[float] = []
    wrong: list[float] = []
    for seed in SEEDS:
        varied = drawn(variation(job(seed), number(seed), strength, seed))
        answer, confidence = varied_tile(drawn(job(seed)), varied)
        assert (answer, confidence > SURE) == (number(seed), True)
        assert varied_tile(drawn(job(stranger(seed))), varied)[1] == 0
        right.append(palette_distance(drawn(single(seed)), varied))
        wrong.append(palette_distance(drawn(single(stranger(seed))), varied))
    assert max(right) < KIN < min(wrong)
    assert_far_apart(right, wrong, 2)


def test_a_strong_variation_changes_more_than_a_subtle_one_and_both_change_something() -> None:
    for seed in FEW:
        changed = {
            strength: sum(
                len(changed_cells(drawn(single(seed)), tile_of(drawn(varied), n)))
                for varied in [variation(single(seed), 1, strength, seed)]
                for n in range(1, 5)
            )
            for strength in Strength
        }
        assert changed[Strength.STRONG] > 1.5 * changed[Strength.SUBTLE] > 20


# --- zoom, pan, square


@pytest.mark.parametrize("factor", FACTORS)
def test_zooming_out_holds_the_old_picture_in_the_middle(factor: float) -> None:
    for seed in SEEDS:
        zoomed = some_tile(seed, zoom_out(single(seed), factor, seed))
        answer, confidence = held_in_middle(drawn(single(seed)), zoomed)
        assert answer == pytest.approx(factor, abs=0.11)
        assert confidence > SURE / 2
        assert held_in_middle(other(seed), zoomed)[1] == 0
        assert held_in_middle(drawn(single(stranger(seed))), zoomed)[1] == 0
        assert palette_distance(drawn(single(seed)), zoomed) < KIN


def test_a_picture_that_was_not_zoomed_is_held_at_its_own_size() -> None:
    for seed in FEW:
        assert held_in_middle(drawn(single(seed)), drawn(single(seed)))[0] == 1


@pytest.mark.parametrize("side", Side)
def test_a_pan_extends_the_named_side_and_keeps_the_rest(side: Side) -> None:
    for seed in SEEDS:
        panned = some_tile(seed, pan(single(seed), side, seed))
        answer, confidence = extended_side(drawn(single(seed)), panned)
        assert (answer, confidence > SURE / 2) == (side, True)
        assert extended_side(other(seed), panned)[1] == 0
        assert extended_side(drawn(single(stranger(seed))), panned)[1] == 0
        longer, shorter = (3, 2) if side in (Side.LEFT, Side.RIGHT) else (2, 3)
        width, height = SHAPES[seed % len(SHAPES)]
        assert has_shape(panned, width * longer, height * shorter)


def test_making_it_square_extends_both_short_sides() -> None:
    for seed in FEW:
        squared = some_tile(seed, make_square(single(seed), seed))
        answer, confidence = extended_side(drawn(single(seed)), squared)
        assert has_shape(squared, 1, 1)
        if SHAPES[seed % len(SHAPES)] == (1, 1):
            assert confidence == 0
        else:
            assert (answer, confidence > 0.1) == ("both", True)


def test_a_custom_zoom_may_change_the_shape() -> None:
    for seed in FEW:
        zoomed = some_tile(seed, zoom_out(single(seed), 1.2, seed, (1, 1)))
        assert has_shape(zoomed, 1, 1)
        assert held_in_middle(drawn(single(seed)), zoomed)[0] == pytest.approx(1.2, abs=0.11)


# --- region


MASKS = {
    "middle": mask((30, 30, 69, 79)),
    "corner": mask((0, 0, 49, 49)),
    "two places": mask((0, 75, 99, 99), (70, 0, 99, 30)),
}


@pytest.mark.parametrize("name", MASKS)
def test_only_the_masked_region_changes(name: str) -> None:
    for seed in SEEDS:
        repainted = region(single(seed), MASKS[name], "a hat", seed)
        for n in (1, 2, 3, 4):
            change = repaint(drawn(single(seed)), tile_of(drawn(repainted), n), MASKS[name])
            assert change.inside > 0.9
            assert change.outside < 0.06


def test_another_mask_disagrees_with_what_changed() -> None:
    for seed in FEW:
        after = some_tile(seed, region(single(seed), MASKS["middle"], "a hat", seed))
        change = repaint(drawn(single(seed)), after, MASKS["two places"])
        assert change.inside < 0.5
        assert change.outside > 0.2


def test_a_black_mask_changes_nothing_and_a_white_one_everything() -> None:
    black, white = mask(), mask((0, 0, 99, 99))
    for seed in FEW:
        kept = some_tile(seed, region(single(seed), black, "a hat", seed))
        assert not changed_cells(drawn(single(seed)), kept)
        new = some_tile(seed, region(single(seed), white, "a hat", seed))
        assert len(changed_cells(drawn(single(seed)), new)) > 240


# --- blend


def test_a_blend_holds_all_its_pictures_and_no_others() -> None:
    for seed in SEEDS:
        photos = [drawn(single(seed)), drawn(single(seed + 1)), drawn(single(seed + 2))]
        mixed = some_tile(seed, blend(photos[:2], SHAPES[(seed + 1) % len(SHAPES)], seed))
        first, second, absent = mix(mixed, photos)
        assert min(first, second) > 0.2
        assert abs(absent) < 0.17
        assert first + second == pytest.approx(1, abs=0.2)


def test_a_blend_of_five_holds_all_five() -> None:
    for seed in FEW[:10]:
        photos = [drawn(single(seed + more)) for more in range(6)]
        *shares, absent = mix(some_tile(seed, blend(photos[:5], (1, 1), seed)), photos)
        assert min(shares) > abs(absent)
        assert sum(shares) == pytest.approx(1, abs=0.2)


def test_the_shares_of_a_mixture_made_by_hand_are_found_again() -> None:
    pictures = [Image.open(BytesIO(drawn(single(seed)))).convert("RGB") for seed in (0, 5, 10)]
    data = BytesIO()
    Image.blend(pictures[0], pictures[1], 0.3).save(data, "PNG")
    photos = [drawn(single(seed)) for seed in (0, 5, 10)]
    assert mix(data.getvalue(), photos) == pytest.approx((0.7, 0.3, 0.0), abs=0.02)


# --- upscale


@pytest.mark.parametrize("kind", UPSCALES)
def test_an_upscale_is_the_same_picture_two_or_four_times_as_long(kind: str) -> None:
    for seed in SEEDS:
        before, after = drawn(single(seed)), drawn(upscale(single(seed), kind, seed))
        factor = 4 if kind == "4x" else 2
        assert size(after) == (factor * size(before)[0], factor * size(before)[1])
        assert which_tile(drawn(job(seed)), after)[0] == number(seed)
        assert distance(before, after) < (DIFFERENT + 3 if kind == "Creative" else SAME)
        assert distance(other(seed), after) > 1.5 * DIFFERENT


def test_a_creative_upscale_invents_detail_and_a_subtle_one_does_not() -> None:
    for seed in SEEDS:
        subtle, creative = (
            changed_cells(drawn(single(seed)), drawn(upscale(single(seed), kind, seed)))
            for kind in ("Subtle", "Creative")
        )
        assert len(subtle) <= 2 < len(creative)


# --- what is made of what was made


def test_pictures_far_down_a_chain_still_prove_their_parents() -> None:
    for seed in FEW[:4]:
        panned = pan(single(seed), Side.LEFT, 1)
        chosen = pick(panned, 2)
        varied = variation(upscale(chosen, "2x", 2), 1, Strength.SUBTLE, 3)
        last = zoom_out(pick(varied, 3), 1.5, 4)
        assert extended_side(drawn(single(seed)), drawn(chosen))[0] == "left"
        assert which_tile(drawn(panned), drawn(upscale(chosen, "2x", 2)))[0] == 2
        assert palette_distance(drawn(chosen), drawn(varied)) < KIN
        assert which_tile(drawn(varied), drawn(pick(varied, 3)))[0] == 3
        held = held_in_middle(drawn(pick(varied, 3)), drawn(pick(last, 1)))[0]
        assert held == pytest.approx(1.5, abs=0.11)


def test_the_four_tiles_of_every_kind_of_grid_differ() -> None:
    for seed in FEW[:10]:
        whole = single(seed)
        for made in (
            variation(whole, 1, Strength.SUBTLE, seed),
            variation(whole, 1, Strength.STRONG, seed),
            zoom_out(whole, 1.5, seed),
            pan(whole, Side.UP, seed),
            region(whole, MASKS["middle"], "a hat", seed),
            blend([drawn(whole), drawn(single(stranger(seed)))], (3, 2), seed),
        ):
            for n in range(1, 5):
                assert which_tile(drawn(made), drawn(pick(made, n)))[0] == n
                assert which_tile(drawn(made), drawn(pick(made, n)))[1] > 0.4


# --- previews


def test_a_preview_is_a_smaller_picture_that_grows_into_the_end() -> None:
    for seed in FEW:
        early, late = (preview(job(seed), pct, 4 * SIZE) for pct in (10, 90))
        assert max(size(late)) < max(size(drawn(job(seed)))) * 1.1
        assert size(early) == size(late) < size(grid(job(seed), 4 * SIZE))
        assert distance(late, drawn(job(seed))) < distance(early, drawn(job(seed)))
        for shown in (early, late):
            own, strange = drawn(job(seed)), drawn(job(stranger(seed)))
            assert distance(shown, own) * 1.5 < distance(shown, strange)


# --- clips


def test_each_clip_is_its_own_part_of_the_video_grid() -> None:
    for seed in FEW[:4]:
        movie = animate(single(seed), Motion.HIGH, seed)
        assert frames(drawn(movie)) == frames(clip(movie, 1, SIZE)) > 1
        for n in range(1, 5):
            whole, alone = video_grid(movie, SIZE), clip(movie, n, SIZE)
            answer, confidence = which_tile(whole, alone)
            assert (answer, confidence > 0.4) == (n, True)
            cut = clip_of(whole, n)
            assert frames(cut) == frames(alone)
            assert distance(cut, alone) < SAME
            assert distance(clip_of(whole, n, frame=0), first_frame(alone)) < SAME


def test_a_clip_begins_with_the_picture_and_ends_elsewhere() -> None:
    for seed in FEW[:4]:
        movie = clip(animate(single(seed), Motion.LOW, seed), 1 + seed % 4, SIZE)
        assert distance(first_frame(movie), drawn(single(seed))) < SAME
        assert distance(first_frame(movie), other(seed)) > DIFFERENT
        assert distance(last_frame(movie), drawn(single(seed))) > SAME


def test_high_motion_goes_further_than_low_motion() -> None:
    for seed in FEW[:4]:
        low, high = (clip(animate(single(seed), each, seed), 1, SIZE) for each in Motion)
        assert seen_at_end(high) < 0.73 < seen_at_end(low) < 0.95
        assert moves(high) > 1.5 * moves(low) > 0
    assert moves(drawn(job(0))) == 0


def test_an_extended_clip_begins_with_the_clip_and_goes_on() -> None:
    for seed in FEW[:4]:
        movie = animate(single(seed), Motion.LOW, seed)
        longer = extend(pick(movie, 2), Motion.HIGH, seed)
        for n in range(1, 5):
            whole = clip(longer, n, SIZE)
            assert frames(whole) == 2 * frames(clip(movie, 2, SIZE))
            assert begins_with(whole, clip(movie, 2, SIZE))
            assert not begins_with(whole, clip(movie, 3, SIZE))
            assert which_tile(drawn(longer), whole)[0] == n


def test_a_clip_extended_twice_is_three_times_as_long() -> None:
    once = extend(pick(animate(single(1), Motion.LOW, 1), 2), Motion.LOW, 2)
    twice = extend(pick(once, 3), Motion.HIGH, 3)
    assert frames(drawn(twice)) == 24
    assert begins_with(clip(twice, 4, SIZE), clip(once, 3, SIZE))
