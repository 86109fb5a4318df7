"""The studio: what each command and button would make, or why the bot declines.

One function per deed: it takes the job and the works made so far and returns the work that will
come of it, with the words around its prompt. Nothing is drawn here; pictures that a caller sent are
decoded, so that scripts which read some are prepared in a thread (`scripts.Script.reads_pictures`).

Source: wire notes 4.1 (words), 4.4 (what each button gives), 4.5 (blend).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from waystation.simulator import drawing
from waystation.simulator.bot import models, prompts
from waystation.simulator.bot.buttons import MODELS, uuid_in
from waystation.simulator.bot.job import Caption, Job, Press
from waystation.simulator.bot.titles import BY_NAME, UNKNOWN_JOB, Title
from waystation.simulator.bot.works import Medium, Work, Works
from waystation.simulator.drawing.pictures import UnreadablePicture
from waystation.simulator.payload import Payload

__all__ = [
    "Declined",
    "Made",
    "Make",
    "animate",
    "blend",
    "clip",
    "described",
    "extend",
    "imagine",
    "pan",
    "recall",
    "region",
    "remaster",
    "reroll",
    "show",
    "square",
    "tile",
    "typed",
    "upscale",
    "variation",
    "vary",
    "zoom",
]

_OTHER_NAMES = {"5": "5.2", "6.0": "6", "7.0": "7", "8": "8.1"}
"""Other values of `--v`."""
_USUAL_ZOOM = "2"
_PLAIN = Caption()
_VIDEO = Caption(opening="Creating video with prompt ", is_video=True)


class Declined(Exception):
    """The bot will not do it, and says why."""

    def __init__(self, title: Title) -> None:
        super().__init__(title.title)
        self.title = title


@dataclass(frozen=True, slots=True)
class Made:
    """A work before it is drawn, and the words around its prompt."""

    work: Work
    caption: Caption = _PLAIN
    mode: str | None = None
    """Asked for in the prompt; None takes the account's."""


Make = Callable[[Job, Works], Made]
"""Raises: Declined"""


def imagine(job: Job, works: Works) -> Made:
    """Make what `/imagine` asks for."""
    return _imagined(job, job.ask.options.get("prompt", ""))


def typed(job: Job, works: Works) -> Made:
    """Make what somebody wrote into a form that asked for a whole prompt."""
    return _imagined(job, _press(job).text or "")


def described(job: Job, works: Works) -> Made:
    """Make one of the prompts of a described or shortened message, as it stands there."""
    press = _press(job)
    return _imagined(job, press.text or listed_prompts(press.message)[press.button.tile - 1])


def listed_prompts(message: Payload) -> list[str]:
    """Return the numbered prompts of a message's embed."""
    lines = message["embeds"][0]["description"].splitlines()
    return [line.partition(" ")[2] for line in lines if "\ufe0f\u20e3 " in line]


def _imagined(job: Job, asked: str) -> Made:
    account = job.ask.account
    suffix = account.standing.suffix if account is not None else ""
    said = f"{asked} {suffix}".strip()
    asks = _read(said)
    version = _version(job, asks)
    seed = job.seed if asks.seed is None else asks.seed
    canvas = _edited(job, asks, seed) or drawing.imagine(asks.words, seed, asks.ratio)
    work = Work(job.uuid, job.ask.user.id, Medium.GRID, canvas, said, version, seed)
    work = replace(work, remixes=not asks.edits)
    if not asks.is_video:
        return Made(work, mode=asks.mode)
    moving = drawing.animate(drawing.pick(canvas, 1), _motion(asks.motion), seed)
    said = f"{prompts.with_short_links(said)} --aspect {_shape(canvas)}"
    return Made(replace(work, medium=Medium.VIDEO, canvas=moving, prompt=said), _VIDEO, asks.mode)


def _edited(job: Job, asks: prompts.Parameters, seed: int) -> drawing.Canvas | None:
    """Paint words over the pictures of `--edit`; the first gives the shape."""
    if not asks.edits:
        return None
    if None in job.edited:
        raise Declined(BY_NAME["invalid_link"])
    try:
        return drawing.edit([one.data for one in job.edited if one], asks.words, seed)
    except UnreadablePicture:
        raise Declined(BY_NAME["invalid_link"]) from None


def blend(job: Job, works: Works) -> Made:
    """Mix the pictures of `/blend`; its prompt is nothing but links."""
    pictures = job.ask.pictures
    if len({picture.digest for picture in pictures}) < len(pictures):
        raise Declined(BY_NAME["duplicate_images"])
    dimensions = job.ask.options.get("dimensions", "--ar 1:1")
    try:
        shape = drawing.DIMENSIONS[dimensions]
        canvas = drawing.blend([picture.data for picture in pictures], shape, job.seed)
    except KeyError:
        raise Declined(_invalid(f"Invalid value: {dimensions}")) from None
    except UnreadablePicture:
        raise Declined(BY_NAME["invalid_link"]) from None
    links = (prompts.short_link(f"{picture.digest}{job.number}") for picture in pictures)
    said = f"{' '.join(links)} {dimensions}"
    version = _version(job, prompts.Parameters(""))
    return Made(Work(job.uuid, job.ask.user.id, Medium.GRID, canvas, said, version, job.seed))


def tile(job: Job, works: Works) -> Made:
    """Take one picture of a grid; the same twice is refused."""
    source, press = _source(job, works), _press(job)
    number = press.button.tile
    if works.is_taken(source.uuid, number, job.ask.user.id):
        raise Declined(BY_NAME["slow_down"])
    work = replace(
        _child(job, source, drawing.pick(source.canvas, number), Medium.SINGLE),
        tile=number,
        remixes=source.remixes,
    )
    return Made(work, Caption(final=f"Image #{number}", names_mode=False))


def clip(job: Job, works: Works) -> Made:
    """Take one clip of four; its text addresses nobody (capture of 2026, wire notes 4.4)."""
    source, number = _source(job, works), _press(job).button.tile
    canvas = drawing.pick(source.canvas, number)
    work = replace(_child(job, source, canvas, Medium.CLIP), tile=number)
    caption = Caption(final=f"Image #{number}", names_mode=False, names_user=False)
    return Made(work, caption)


def variation(job: Job, works: Works) -> Made:
    """Vary one picture of a grid, as strongly as the account's variability says."""
    account = job.ask.account
    is_high = account is None or account.standing.high_variation
    return _varied(job, works, "Strong" if is_high else "Subtle")


def vary(job: Job, works: Works) -> Made:
    """Vary a single picture, as strongly as the button says."""
    return _varied(job, works, _press(job).button.detail)


def remaster(job: Job, works: Works) -> Made:
    """Draw a picture of an old model anew, close to it: what the bot gives is our reading."""
    source = _source(job, works)
    canvas = drawing.variation(source.canvas, 1, drawing.Strength.SUBTLE, job.seed)
    return Made(_child(job, source, canvas), _same("Remaster by"))


def _varied(job: Job, works: Works, strength: str) -> Made:
    source, number = _source(job, works), _press(job).button.tile
    how = drawing.Strength(strength.lower())
    canvas = drawing.variation(source.canvas, number, how, job.seed)
    named = f" ({strength})" if MODELS[source.version].names_strength else ""
    words = f"{_kind(job)}{named} by"
    opening = f"Making variations for image #{number} with prompt "
    return Made(_child(job, source, canvas), Caption(opening, words, words))


def reroll(job: Job, works: Works) -> Made:
    """Make the same again, or another prompt in its place."""
    source, text = _source(job, works), _press(job).text
    if text is not None and source.medium is Medium.GRID:
        made = _imagined(job, text)
        return replace(made, work=replace(made.work, parent=source.uuid))
    canvas = drawing.reroll(source.canvas, job.seed)
    caption = _VIDEO if source.medium is Medium.VIDEO else _PLAIN
    return Made(_child(job, source, canvas, source.medium), caption)


def upscale(job: Job, works: Works) -> Made:
    """Lengthen the sides of a single picture."""
    source, detail = _source(job, works), _press(job).button.detail
    canvas = drawing.upscale(source.canvas, detail, job.seed)
    caption = Caption(
        "Upscaling image #1 with ", f"Upscaling ({detail}) by", f"Upscaled ({detail}) by"
    )
    return Made(_child(job, source, canvas, Medium.UPSCALED), caption)


def zoom(job: Job, works: Works) -> Made:
    """Show more around a picture; a form's text says by how much with `--zoom`."""
    source, press = _source(job, works), _press(job)
    factor, ratio = press.button.detail or _USUAL_ZOOM, None
    if press.text is not None:
        asks = _read(press.text)
        if asks.zoom is None:
            raise Declined(_invalid("Missing argument --zoom"))
        factor, ratio = str(asks.zoom), (asks.ratio if "--ar" in press.text else None)
    canvas = drawing.zoom_out(source.canvas, float(factor), job.seed, ratio)
    return Made(_child(job, source, canvas), _same("Zoom Out by"))


def square(job: Job, works: Works) -> Made:
    """Add to the short sides of a picture."""
    source = _source(job, works)
    canvas = drawing.make_square(source.canvas, job.seed)
    return Made(_child(job, source, canvas), _same("Zoom Out by"))


def pan(job: Job, works: Works) -> Made:
    """Add to one side of a picture."""
    source, side = _source(job, works), _press(job).button.detail
    canvas = drawing.pan(source.canvas, drawing.Side(side), job.seed)
    return Made(_child(job, source, canvas), _same(f"Pan {side.capitalize()} by"))


def region(job: Job, works: Works) -> Made:
    """Paint anew what the mask of Vary (Region) names."""
    source, press = _source(job, works), _press(job)
    assert press.mask is not None, "the iframe was sent with a mask"
    prompt = press.text or source.prompt
    try:
        canvas = drawing.region(source.canvas, press.mask, prompt, job.seed)
    except UnreadablePicture:
        raise Declined(BY_NAME["invalid_request"]) from None
    return Made(_child(job, source, canvas), _same(f"{_kind(job)} (Region) by"))


def animate(job: Job, works: Works) -> Made:
    """Make four clips of a picture."""
    source, motion = _source(job, works), _press(job).button.detail
    canvas = drawing.animate(source.canvas, _motion(motion), job.seed)
    work = _child(job, source, canvas, Medium.VIDEO)
    return Made(replace(work, prompt=_film(job, source)), _VIDEO)


def extend(job: Job, works: Works) -> Made:
    """Make four longer clips of a clip."""
    source, motion = _source(job, works), _press(job).button.detail
    canvas = drawing.extend(source.canvas, _motion(motion), job.seed)
    work = _child(job, source, canvas, Medium.VIDEO)
    return Made(replace(work, prompt=_film(job, source)), _VIDEO)


def show(job: Job, works: Works) -> Made:
    """Find an earlier result of the same user by its uuid."""
    wanted = job.ask.options.get("job_id", "").strip().lower()
    work = works.find(wanted)
    if work is None or work.owner != job.ask.user.id:
        details = UNKNOWN_JOB.description.format(job_id=wanted)
        raise Declined(replace(UNKNOWN_JOB, description=details))
    return Made(work)


def recall(job: Job, works: Works) -> Made:
    """Find the work that the pressed message shows."""
    return Made(_source(job, works))


# Parts.


def _press(job: Job) -> Press:
    assert job.ask.press is not None, "a button was pressed"
    return job.ask.press


def _source(job: Job, works: Works) -> Work:
    uuid = uuid_in(_press(job).message)
    work = works.find(uuid) if uuid is not None else None
    if work is None:
        raise Declined(BY_NAME["job_action_restricted"])
    return work


def _child(job: Job, source: Work, canvas: drawing.Canvas, medium: Medium = Medium.GRID) -> Work:
    """Return what a button makes of a work: its own uuid, the parent's prompt or a new one."""
    press = _press(job)
    seed = source.seed if medium is Medium.SINGLE else job.seed
    prompt = source.prompt if press.text is None else press.text
    return Work(
        job.uuid,
        job.ask.user.id,
        medium,
        canvas,
        prompt,
        source.version,
        seed,
        parent=source.uuid,
    )


def _kind(job: Job) -> str:
    return "Variations" if _press(job).text is None else "Remix"


def _same(words: str) -> Caption:
    return Caption(running=words, final=words)


def _motion(word: str) -> drawing.Motion:
    return drawing.Motion.HIGH if word == "high" else drawing.Motion.LOW


def _shape(canvas: drawing.Canvas) -> str:
    return "{}:{}".format(*canvas.ratio)


def _film(job: Job, source: Work) -> str:
    """Return the prompt of a video: its first frame, and what was asked for."""
    press = _press(job)
    link = prompts.short_link(press.message["attachments"][0]["url"])
    words = "" if press.text is None else f" {prompts.collapsed(press.text)}"
    shape = _shape(source.canvas)
    return f"{link}{words} --motion {press.button.detail} --video 1 --aspect {shape}"


def _read(prompt: str) -> prompts.Parameters:
    try:
        return prompts.read_parameters(prompt)
    except prompts.BadPrompt as bad:
        raise Declined(replace(BY_NAME[bad.title], description=bad.details)) from None


def _version(job: Job, asks: prompts.Parameters) -> str:
    account = job.ask.account
    usual = account.standing.version if account is not None else job.model
    wanted = asks.version or usual
    version = _OTHER_NAMES.get(wanted, wanted)
    if version not in MODELS:
        raise Declined(_invalid(f"Invalid value provided for argument --version: {wanted}"))
    try:
        models.check(asks, version)
    except prompts.BadPrompt as bad:
        raise Declined(_invalid(bad.args[0])) from None
    return version


def _invalid(details: str) -> Title:
    return replace(BY_NAME["invalid_parameter"], description=details)
