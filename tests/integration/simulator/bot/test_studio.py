"""The work of each command and button: a recipe, a prompt, and words around it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.build import replace
from tests.integration.simulator.scene import UUID, Setting
from tests.pictures import not_a_picture, webp
from waystation.simulator import drawing
from waystation.simulator.bot import studio
from waystation.simulator.bot.buttons import BUTTONS, Button, grid_rows
from waystation.simulator.bot.job import Job, Press
from waystation.simulator.bot.prompts import short_link
from waystation.simulator.bot.studio import Declined, Made
from waystation.simulator.bot.works import Medium, Work
from waystation.simulator.discord.files import picture_of
from waystation.simulator.payload import Payload

SOURCE = "fedcba98-7654-4210-8edc-ba9876543210"
GRID = drawing.imagine("a red fox", 1, (3, 2))
SINGLE = drawing.pick(GRID, 2)
SEED = 5
"""Of every job of `Setting`."""


def _button(label: str, deed: str = "") -> Button:
    return next(b for b in BUTTONS if b.label == label and deed in ("", b.deed))


def _message() -> Payload:
    attachments = [{"url": "http://127.0.0.1:1/first.webp"}]
    components = list(grid_rows(SOURCE))
    return {"id": "9", "components": components, "attachments": attachments, "embeds": []}


def _pressing(
    setting: Setting, button: Button, canvas: drawing.Canvas, medium: Medium, **press: object
) -> Job:
    work = Work(SOURCE, setting.account.user_id, medium, canvas, "a red fox --ar 3:2", "7", 1)
    setting.works.add(work)
    held = Press(_message(), button, button.label, button.custom_id, **press)  # type: ignore[arg-type]
    return setting.job("button", press=held)


def _made(
    make: studio.Make,
    label: str,
    canvas: drawing.Canvas = SINGLE,
    medium: Medium = Medium.SINGLE,
    deed: str = "",
    **press: object,
) -> Made:
    setting = Setting()
    made = make(_pressing(setting, _button(label, deed), canvas, medium, **press), setting.works)
    assert (made.work.uuid, made.work.parent) == (UUID, SOURCE)
    return made


def _imagined(prompt: str, change: Callable[[Setting], None] | None = None) -> Made:
    setting = Setting()
    if change is not None:
        change(setting)
    return studio.imagine(setting.job("imagine", options={"prompt": prompt}), setting.works)


def test_imagine_draws_the_words_in_the_shape_asked_for() -> None:
    made = _imagined("a red fox --ar 3:2 --v 6 --turbo")
    assert made.work.canvas == drawing.imagine("a red fox", SEED, (3, 2))
    assert (made.work.prompt, made.work.version) == ("a red fox --ar 3:2 --v 6 --turbo", "6")
    assert (made.work.medium, made.work.seed, made.mode) == (Medium.GRID, SEED, "Turbo")


def test_a_seed_in_the_prompt_is_the_jobs_seed() -> None:
    made = _imagined("fox --seed 77")
    assert made.work.seed == made.work.canvas.seed == 77


def test_the_suffix_stands_behind_every_prompt() -> None:
    made = _imagined("fox", lambda setting: setattr(setting.account.standing, "suffix", "--v 5.2"))
    assert (made.work.prompt, made.work.version) == ("fox --v 5.2", "5.2")


def test_the_usual_model_is_the_accounts() -> None:
    made = _imagined("fox", lambda setting: setattr(setting.account.standing, "version", "8.1"))
    assert made.work.version == "8.1"


@pytest.mark.parametrize(("value", "version"), [("8", "8.1"), ("5", "5.2"), ("7.0", "7")])
def test_models_have_other_names(value: str, version: str) -> None:
    assert _imagined(f"fox --v {value}").work.version == version


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("", "Empty prompt"),
        ("fox --v 2", "Invalid parameter"),
        ("fox --ar 1:99", "Invalid parameter"),
    ],
)
def test_a_prompt_can_be_declined(prompt: str, title: str) -> None:
    with pytest.raises(Declined) as declined:
        _imagined(prompt)
    assert declined.value.title.title == title


def test_a_video_may_be_imagined() -> None:
    url = "http://127.0.0.1:1/cat.png"
    made = _imagined(f"{url} runs --video 1 --ar 3:2 --motion high")
    assert made.work.canvas.moving and made.work.medium is Medium.VIDEO
    assert made.work.prompt == (
        f"{short_link(url)} runs --video 1 --ar 3:2 --motion high --aspect 3:2"
    )
    assert made.caption.is_video


def _blended(*pictures: bytes, **options: str) -> Made:
    setting = Setting()
    kept = tuple(picture_of("p", data, "image/webp") for data in pictures)
    return studio.blend(setting.job("blend", pictures=kept, options=options), setting.works)


def test_a_blend_mixes_its_pictures_and_says_nothing_but_links() -> None:
    first, second = webp(), webp()[:-1] + b"\1"
    made = _blended(first, second, dimensions="--ar 2:3")
    assert made.work.canvas == drawing.blend([first, second], (2, 3), SEED)
    one, other, *flags = made.work.prompt.split()
    assert one != other and one.startswith("<https://s.mj.run/") and flags == ["--ar", "2:3"]


@pytest.mark.parametrize(
    ("pictures", "options", "title"),
    [
        ((webp(), webp()), {}, "Duplicate images detected"),
        ((webp(), not_a_picture()), {}, "Invalid link"),
        ((webp(), not_a_picture()), {"dimensions": "--ar 7:1"}, "Invalid parameter"),
    ],
)
def test_a_blend_can_be_declined(
    pictures: tuple[bytes, ...], options: dict[str, str], title: str
) -> None:
    with pytest.raises(Declined) as declined:
        _blended(*pictures, **options)
    assert declined.value.title.title == title


def test_a_tile_is_that_tile_and_no_other() -> None:
    made = _made(studio.tile, "U3", GRID, Medium.GRID, "tile")
    assert made.work.canvas == drawing.pick(GRID, 3)
    assert (made.work.medium, made.work.tile, made.work.seed) == (Medium.SINGLE, 3, 1)
    assert made.caption.final == "Image #3"
    assert not made.caption.names_mode


def test_the_same_tile_twice_is_too_fast() -> None:
    setting = Setting()
    job = _pressing(setting, _button("U3", "tile"), GRID, Medium.GRID)
    setting.works.add(studio.tile(job, setting.works).work)
    with pytest.raises(Declined, match="Slow Down!"):
        studio.tile(job, setting.works)


def test_a_variation_follows_the_accounts_variability() -> None:
    strong = _made(studio.variation, "V2", GRID, Medium.GRID)
    assert strong.work.canvas == drawing.variation(GRID, 2, drawing.Strength.STRONG, SEED)
    assert strong.caption.opening == "Making variations for image #2 with prompt "
    assert strong.caption.final == "Variations (Strong) by"
    setting = Setting()
    setting.account.standing.high_variation = False
    job = _pressing(setting, _button("V2"), GRID, Medium.GRID)
    subtle = studio.variation(job, setting.works)
    assert subtle.caption.final == "Variations (Subtle) by"
    assert subtle.work.canvas == drawing.variation(GRID, 2, drawing.Strength.SUBTLE, SEED)


def test_old_models_name_no_strength() -> None:
    setting = Setting()
    job = _pressing(setting, _button("V2"), GRID, Medium.GRID)
    old = setting.works.find(SOURCE)
    assert old is not None
    setting.works.add(replace(old, version="5.2"))
    assert studio.variation(job, setting.works).caption.final == "Variations by"


def test_old_models_vary_and_remaster_a_single_picture() -> None:
    near = drawing.variation(SINGLE, 1, drawing.Strength.SUBTLE, SEED)
    remastered = _made(studio.remaster, "Remaster")
    assert (remastered.work.canvas, remastered.work.medium) == (near, Medium.GRID)
    assert remastered.caption.running == remastered.caption.final == "Remaster by"
    varied = _made(studio.variation, "Make Variations")
    strong = drawing.variation(SINGLE, 1, drawing.Strength.STRONG, SEED)
    assert (varied.work.canvas, varied.work.medium) == (strong, Medium.GRID)


def test_a_remix_has_the_new_prompt() -> None:
    made = _made(studio.variation, "V2", GRID, Medium.GRID, text="a blue fox")
    assert (made.work.prompt, made.caption.final) == ("a blue fox", "Remix (Strong) by")


@pytest.mark.parametrize(
    ("make", "label", "canvas", "words"),
    [
        (
            studio.vary,
            "Vary (Subtle)",
            drawing.variation(SINGLE, 1, drawing.Strength.SUBTLE, SEED),
            "Variations (Subtle) by",
        ),
        (
            studio.vary,
            "Vary (Strong)",
            drawing.variation(SINGLE, 1, drawing.Strength.STRONG, SEED),
            "Variations (Strong) by",
        ),
        (studio.zoom, "Zoom Out 2x", drawing.zoom_out(SINGLE, 2, SEED), "Zoom Out by"),
        (studio.zoom, "Zoom Out 1.5x", drawing.zoom_out(SINGLE, 1.5, SEED), "Zoom Out by"),
        (studio.square, "Make Square", drawing.make_square(SINGLE, SEED), "Zoom Out by"),
        (studio.pan, "⬅️", drawing.pan(SINGLE, drawing.Side.LEFT, SEED), "Pan Left by"),
        (studio.pan, "➡️", drawing.pan(SINGLE, drawing.Side.RIGHT, SEED), "Pan Right by"),
        (studio.pan, "⬆️", drawing.pan(SINGLE, drawing.Side.UP, SEED), "Pan Up by"),
        (studio.pan, "⬇️", drawing.pan(SINGLE, drawing.Side.DOWN, SEED), "Pan Down by"),
    ],
)
def test_a_single_picture_becomes_a_grid(
    make: studio.Make, label: str, canvas: drawing.Canvas, words: str
) -> None:
    made = _made(make, label)
    assert made.work.canvas == canvas
    assert made.work.medium is Medium.GRID
    assert made.caption.running == made.caption.final == words


@pytest.mark.parametrize("detail", ["Subtle", "Creative", "2x", "4x"])
def test_an_upscale_is_one_longer_picture(detail: str) -> None:
    made = _made(studio.upscale, f"Upscale ({detail})")
    assert made.work.canvas == drawing.upscale(SINGLE, detail, SEED)
    assert made.work.medium is Medium.UPSCALED
    assert made.caption.opening == "Upscaling image #1 with "
    assert made.caption.running == f"Upscaling ({detail}) by"
    assert made.caption.final == f"Upscaled ({detail}) by"


def test_a_custom_zoom_takes_factor_and_shape_from_its_text() -> None:
    made = _made(studio.zoom, "Custom Zoom", text="a wide fox --ar 2:1 --zoom 1.2")
    assert made.work.canvas == drawing.zoom_out(SINGLE, 1.2, SEED, (2, 1))
    assert made.work.prompt == "a wide fox --ar 2:1 --zoom 1.2"
    kept = _made(studio.zoom, "Custom Zoom", text="fox --zoom 1.2")
    assert kept.work.canvas == drawing.zoom_out(SINGLE, 1.2, SEED)


@pytest.mark.parametrize("text", ["fox", "fox --zoom 9", "--zoom 2"])
def test_a_custom_zoom_without_a_factor_is_declined(text: str) -> None:
    with pytest.raises(Declined):
        _made(studio.zoom, "Custom Zoom", text=text)


def test_a_reroll_is_the_same_by_another_chance() -> None:
    made = _made(studio.reroll, "🔄", GRID, Medium.GRID, "reroll")
    assert made.work.canvas == drawing.reroll(GRID, SEED)
    assert made.caption.final == ""
    other = _made(studio.reroll, "🔄", GRID, Medium.GRID, "reroll", text="a cat")
    assert other.work.canvas == drawing.imagine("a cat", SEED)


def test_a_region_is_painted_anew_with_its_mask() -> None:
    mask = webp()
    made = _made(studio.region, "Vary (Region)", mask=mask)
    expected = drawing.region(SINGLE, mask, "a red fox --ar 3:2", SEED)
    assert made.work.canvas == expected
    assert made.caption.final == "Variations (Region) by"
    remix = _made(studio.region, "Vary (Region)", mask=mask, text="a hat")
    assert remix.work.canvas == drawing.region(SINGLE, mask, "a hat", SEED)
    assert remix.caption.final == "Remix (Region) by"


def test_a_mask_that_is_no_picture_is_declined() -> None:
    with pytest.raises(Declined, match="Invalid request"):
        _made(studio.region, "Vary (Region)", mask=not_a_picture())


def test_animating_names_the_first_frame_and_the_motion() -> None:
    made = _made(studio.animate, "Animate (High motion)")
    assert made.work.canvas == drawing.animate(SINGLE, drawing.Motion.HIGH, SEED)
    link = short_link("http://127.0.0.1:1/first.webp")
    assert made.work.prompt == f"{link} --motion high --video 1 --aspect 3:2"
    assert made.caption.opening == "Creating video with prompt "
    manual = _made(studio.animate, "Animate (Low motion)", text="it  runs")
    assert manual.work.prompt == f"{link} it runs --motion low --video 1 --aspect 3:2"


FILM = drawing.animate(SINGLE, drawing.Motion.LOW, 3)


def test_a_clip_addresses_nobody_and_can_be_extended() -> None:
    made = _made(studio.clip, "U4", FILM, Medium.VIDEO, "clip")
    assert made.work.canvas == drawing.pick(FILM, 4)
    assert (made.work.medium, made.work.tile) == (Medium.CLIP, 4)
    assert not made.caption.names_user
    longer = _made(studio.extend, "Extend (Low motion)", made.work.canvas, Medium.CLIP)
    assert longer.work.canvas == drawing.extend(made.work.canvas, drawing.Motion.LOW, SEED)


def test_another_chance_for_a_video_is_a_video() -> None:
    made = _made(studio.reroll, "🔄", FILM, Medium.VIDEO, "reroll")
    assert (made.work.canvas, made.work.medium) == (drawing.reroll(FILM, SEED), Medium.VIDEO)


def test_a_work_that_is_gone_restricts_the_action() -> None:
    setting = Setting()
    job = _pressing(setting, _button("V1"), GRID, Medium.GRID)
    setting.works.clear()
    with pytest.raises(Declined, match="Job action restricted"):
        studio.variation(job, setting.works)


def test_show_finds_a_users_own_work_only() -> None:
    setting = Setting()
    job = _pressing(setting, _button("V1"), GRID, Medium.GRID)
    job.ask = replace(job.ask, options={"job_id": f" {SOURCE.upper()} "})
    assert studio.show(job, setting.works).work == setting.works.find(SOURCE)
    job.ask = replace(job.ask, user=setting.world.foreigner)
    with pytest.raises(Declined) as declined:
        studio.show(job, setting.works)
    assert SOURCE in declined.value.title.description


def test_listed_prompts_are_picked_by_their_number() -> None:
    message = _message() | {
        "embeds": [{"description": "words 1️⃣\n\n**List**\n1️⃣ a cat --ar 1:1\n\n2️⃣ a dog"}]
    }
    assert studio.listed_prompts(message) == ["a cat --ar 1:1", "a dog"]
    button = _button("2️⃣", "shorten_pick")
    setting = Setting()
    job = setting.job("button", press=Press(message, button, "2️⃣", button.custom_id))
    assert studio.described(job, setting.works).work.prompt == "a dog"
    job.ask = replace(job.ask, press=Press(message, button, "2️⃣", "", text="a bird"))
    assert studio.described(job, setting.works).work.prompt == "a bird"
