"""BUTTONS: what can be pressed, one row each, and which of them a message carries.

A row says what a button is called, which custom_id it has (`{uuid}` stands for the job of its
message) and which row of `scripts.PRESSES` answers it. Source of labels and ids: wire notes 3.4;
the sets of each model: the same, with the captures of 2026 for V7 and V8.1.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from waystation.simulator.payload import Payload
from waystation.wire.message import ComponentType

__all__ = [
    "BUTTONS",
    "CANCEL",
    "DIGITS",
    "MODELS",
    "Button",
    "Model",
    "Opens",
    "button_of",
    "clip_rows",
    "component_of",
    "described_rows",
    "grid_rows",
    "label_of",
    "pressed",
    "row",
    "shortened_rows",
    "single_rows",
    "upscaled_rows",
    "uuid_in",
    "video_rows",
    "web_link",
]

DIGITS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLAIN, _PRESSED, _LINK = 2, 1, 5
"""Styles of buttons. Source: wire notes 3.4."""


class Opens(Enum):
    """When a press opens a form instead of starting at once."""

    NEVER = "never"
    ALWAYS = "always"
    IN_REMIX = "in remix mode"


@dataclass(frozen=True, slots=True)
class Button:
    """One row."""

    label: str
    custom_id: str
    deed: str
    """The row of `scripts.PRESSES`."""
    tile: int = 1
    detail: str = ""
    """The difference between buttons of one deed: a strength, direction, factor or motion."""
    form: str = ""
    """The row of `forms.FORMS` that it opens."""
    opens: Opens = Opens.NEVER

    def component(self, uuid: str = "") -> Payload:
        """Write the button for the message of a job; what is no ASCII goes in as an emoji."""
        custom_id = self.custom_id.replace("{uuid}", uuid)
        body: Payload = {"type": int(ComponentType.BUTTON), "style": _PLAIN, "custom_id": custom_id}
        if self.label.isascii() or " " in self.label:
            return body | {"label": self.label}
        return body | {"emoji": {"name": self.label}}


def _tiles(label: str, custom_id: str, deed: str, form: str = "") -> tuple[Button, ...]:
    opens = Opens.IN_REMIX if form else Opens.NEVER
    return tuple(
        Button(f"{label}{n}", custom_id.replace("{n}", str(n)), deed, n, form=form, opens=opens)
        for n in (1, 2, 3, 4)
    )


def _upscale(detail: str, name: str) -> Button:
    custom_id = f"MJ::JOB::upsample_{name}::1::{{uuid}}::SOLO"
    return Button(f"Upscale ({detail})", custom_id, "upscale", detail=detail)


def _vary(detail: str, name: str) -> Button:
    custom_id = f"MJ::JOB::{name}_variation::1::{{uuid}}::SOLO"
    label = f"Vary ({detail})"
    return Button(label, custom_id, "vary", 1, detail, "remix", Opens.IN_REMIX)


def _pan(emoji: str, side: str) -> Button:
    custom_id = f"MJ::JOB::pan_{side}::1::{{uuid}}::SOLO"
    return Button(emoji, custom_id, "pan", 1, side, "pan", Opens.IN_REMIX)


def _motion(word: str, deed: str, custom_id: str, tile: int = 1) -> Button:
    label = f"{deed.capitalize()} ({word.capitalize()} motion)"
    return Button(label, custom_id, deed, tile, word, "animate", Opens.IN_REMIX)


def _extends(tile: int) -> tuple[Button, ...]:
    return tuple(
        _motion(word, "extend", f"MJ::JOB::animate_{word}_extend::{tile}::{{uuid}}", tile)
        for word in ("high", "low")
    )


_U = _tiles("U", "MJ::JOB::upsample::{n}::{uuid}", "tile")
_V = _tiles("V", "MJ::JOB::variation::{n}::{uuid}", "variation", "remix")
_REROLL = Button(
    "🔄", "MJ::JOB::reroll::0::{uuid}::SOLO", "reroll", form="imagine", opens=Opens.IN_REMIX
)
_VARY = (_vary("Subtle", "low"), _vary("Strong", "high"))
_REGION = Button(
    "Vary (Region)",
    "MJ::Inpaint::1::{uuid}::SOLO",
    "region",
    detail="Region",
    form="region",
    opens=Opens.ALWAYS,
)
_MORE = Button("Make Variations", "MJ::JOB::variation::1::{uuid}::SOLO", "variation")
_REMASTER = Button("Remaster", "MJ::JOB::remaster::1::{uuid}::SOLO", "remaster")
"""Labels: v2 notes 12, old models. No source has the two ids: they are ours."""
_ZOOMS = (
    Button("Zoom Out 2x", "MJ::Outpaint::50::1::{uuid}::SOLO", "zoom", detail="2"),
    Button("Zoom Out 1.5x", "MJ::Outpaint::75::1::{uuid}::SOLO", "zoom", detail="1.5"),
    Button("Custom Zoom", "MJ::CustomZoom::{uuid}", "zoom", form="custom_zoom", opens=Opens.ALWAYS),
)
_SQUARE = Button("Make Square", "MJ::Outpaint::100::1::{uuid}::SOLO", "square")
_PANS = (_pan("⬅️", "left"), _pan("➡️", "right"), _pan("⬆️", "up"), _pan("⬇️", "down"))
_ANIMATE = tuple(
    _motion(word, "animate", f"MJ::JOB::animate_{word}::1::{{uuid}}::SOLO")
    for word in ("high", "low")
)
_RATE = Button("❤️", "MJ::BOOKMARK::{uuid}", "rate")
_VIDEO_U = _tiles("U", "MJ::JOB::video_virtual_upscale::{n}::{uuid}", "clip")
CANCEL = Button("Cancel Job", "MJ::CancelJob::ByJobid::{uuid}", "cancel")
_V5 = (_upscale("2x", "v5_2x"), _upscale("4x", "v5_4x"))
_V6 = (_upscale("Subtle", "v6_2x_subtle"), _upscale("Creative", "v6_2x_creative"))
_V61 = (_upscale("Subtle", "v6r1_2x_subtle"), _upscale("Creative", "v6r1_2x_creative"))
_V7 = (_upscale("Subtle", "v7_2x_subtle"), _upscale("Creative", "v7_2x_creative"))
_V8 = (_upscale("Subtle", "v8_2x_subtle"), _upscale("Creative", "v8_2x_creative"))
"""Not captured: upscales came back to V8 in August 2026, under ids that no source has."""
_DESCRIBED = tuple(
    Button(
        digit,
        f"MJ::Job::PicReader::{n}",
        "describe_pick",
        n,
        form="describe",
        opens=Opens.ALWAYS,
    )
    for n, digit in enumerate(DIGITS[:4], start=1)
)
_AGAIN = Button("🔄", "MJ::Picread::Retry", "describe_again")
_EVERY = Button("Imagine all 🎉", "MJ::Job::PicReader::all", "describe_all")
_SHORTENED = tuple(
    Button(
        digit,
        f"MJ::Job::PromptAnalyzer::{n}",
        "shorten_pick",
        n,
        form="imagine",
        opens=Opens.ALWAYS,
    )
    for n, digit in enumerate(DIGITS, start=1)
)
_DETAILS = Button("Show Details", "MJ::Job::PromptAnalyzerExtended", "shorten_details")

BUTTONS: tuple[Button, ...] = (
    *_U,
    *_V,
    _REROLL,
    *_V5,
    *_V6,
    *_V61,
    *_V7,
    *_V8,
    *_VARY,
    _REGION,
    _MORE,
    _REMASTER,
    *_ZOOMS,
    _SQUARE,
    *_PANS,
    *_ANIMATE,
    *_VIDEO_U,
    *(button for tile in (1, 2, 3, 4) for button in _extends(tile)),
    _RATE,
    CANCEL,
    *_DESCRIBED,
    _AGAIN,
    _EVERY,
    *_SHORTENED,
    _DETAILS,
)
"""Every button but those of /settings, which `preferences` has."""

_BY_CUSTOM_ID: Mapping[str, Button] = {button.custom_id: button for button in BUTTONS}


@dataclass(frozen=True, slots=True)
class Model:
    """One version of the image model: what it offers after a single picture."""

    version: str
    upscales: tuple[Button, ...]
    varies: tuple[Button, ...] = (*_VARY, _REGION)
    outpaints: bool = True
    """True when it zooms and pans."""
    animates: bool = False
    extension: str = "webp"
    """Files were PNG until the end of 2025. Source: wire notes 4.2."""
    links: bool = False
    """Final texts hold "Open on website". Source: wire notes 4.1, V8 and video."""
    names_strength: bool = True
    """Texts of variations say (Strong) or (Subtle); before V6 they did not."""

    @property
    def title(self) -> str:
        """The name in the menu of /settings."""
        niji, _, number = self.version.rpartition(" ")
        return f"Niji Model V{number}" if niji else f"Midjourney Model V{number}"


def _old(version: str, *varies: Button) -> Model:
    return Model(version, (), varies, outpaints=False, extension="png", names_strength=False)


MODELS: Mapping[str, Model] = {
    model.version: model
    for model in (
        _old("3", _MORE, _REMASTER),
        _old("4", _MORE),
        Model("5.2", _V5, extension="png", names_strength=False),
        Model("6", _V6, extension="png"),
        Model("6.1", _V61),
        Model("7", _V7, animates=True),
        Model("8.1", (), _VARY, animates=True, links=True),
        Model("8.2", _V8, _VARY, animates=True, links=True),
        Model("niji 6", _V6, extension="png"),
        Model("niji 7", _V7, animates=True),
    )
}
"""By the value of `--v`, or of `--niji` behind `niji`. V8.1 has no upscales (live capture, notes
3.4). The buttons of V8.2 and of Niji were not captured: V8.2's are those of V8.1 with upscales,
Niji's those of V6 and V7. Which of the old models has which of its two buttons is ours."""


def button_of(custom_id: str) -> Button | None:
    """Return the row of a custom_id, whatever job it names."""
    return _BY_CUSTOM_ID.get(_UUID.sub("{uuid}", custom_id))


def uuid_in(message: Payload) -> str | None:
    """Return the job that a message's buttons name."""
    for component in _components(message["components"]):
        found = _UUID.search(component.get("custom_id") or "")
        if found:
            return found[0]
    return None


def component_of(message: Payload, custom_id: str) -> Payload | None:
    """Return the button or menu of a message that has this custom_id."""
    for component in _components(message["components"]):
        if component.get("custom_id") == custom_id:
            return component
    return None


def label_of(component: Payload) -> str:
    """Return what a button is called: its label, or its emoji."""
    name: str = component.get("label") or component.get("emoji", {}).get("name", "")
    return name


def pressed(rows: Sequence[Payload], custom_id: str) -> tuple[Payload, ...]:
    """Return rows in which one button has the colour of being pressed."""
    return tuple(
        line
        | {
            "components": [
                one | ({"style": _PRESSED} if one.get("custom_id") == custom_id else {})
                for one in line["components"]
            ]
        }
        for line in rows
    )


def _components(rows: Sequence[Payload]) -> Iterator[Payload]:
    for line in rows:
        yield from line.get("components", ())


# Rows of messages.


def row(*components: Payload) -> Payload:
    """Write a row of at most five components."""
    return {"type": int(ComponentType.ACTION_ROW), "components": list(components)}


def _rows(uuid: str, *lines: Sequence[Button | Payload]) -> tuple[Payload, ...]:
    return tuple(
        row(*(one.component(uuid) if isinstance(one, Button) else one for one in line))
        for line in lines
        if line
    )


def web_link(uuid: str) -> Payload:
    """Return the button that leads to a job at Midjourney; nothing can be pressed there."""
    url = f"https://www.midjourney.com/jobs/{uuid}"
    return {"type": int(ComponentType.BUTTON), "style": _LINK, "label": "Web", "url": url}


def grid_rows(uuid: str) -> tuple[Payload, ...]:
    """Write the rows under four pictures."""
    return _rows(uuid, (*_U, _REROLL), (*_V, web_link(uuid)))


def single_rows(uuid: str, model: Model, *, is_square: bool) -> tuple[Payload, ...]:
    """Write the rows under a single picture; what is square cannot be made so."""
    return _rows(
        uuid,
        model.upscales,
        model.varies,
        (*_ZOOMS, *(() if is_square else (_SQUARE,))) if model.outpaints else (),
        (*(_PANS if model.outpaints else ()), _RATE),
        (*(_ANIMATE if model.animates else ()), web_link(uuid)),
    )


def upscaled_rows(uuid: str, model: Model) -> tuple[Payload, ...]:
    """Write the rows under a picture that was upscaled already."""
    redo = tuple(replace(button, label=f"Redo {button.label}") for button in model.upscales)
    return _rows(uuid, redo, _VARY, (_RATE, web_link(uuid)))


def video_rows(uuid: str) -> tuple[Payload, ...]:
    """Write the rows under four clips."""
    return _rows(uuid, (*_VIDEO_U, _REROLL), (web_link(uuid),))


def clip_rows(uuid: str, tile: int) -> tuple[Payload, ...]:
    """Write the rows under a single clip."""
    return _rows(uuid, _extends(tile), (_RATE, web_link(uuid)))


def described_rows() -> tuple[Payload, ...]:
    """Write the rows under the prompts of a picture."""
    return _rows("", (*_DESCRIBED, _AGAIN), (_EVERY,))


def shortened_rows(count: int) -> tuple[Payload, ...]:
    """Write the rows under shortened prompts."""
    return _rows("", _SHORTENED[:count], (_DETAILS,))
